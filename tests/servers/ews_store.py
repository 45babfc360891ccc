"""The mail of an Exchange Server of ours: mailboxes, folders, items, and what changed when."""

import email
import email.policy
import itertools
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses

DISTINGUISHED = {
    "root": ("", ""),
    "msgfolderroot": ("Top of Information Store", "root"),
    "inbox": ("Innboks", "msgfolderroot"),
    "junkemail": ("Søppelpost", "msgfolderroot"),
    "sentitems": ("Sendte elementer", "msgfolderroot"),
    "drafts": ("Kladd", "msgfolderroot"),
    "deleteditems": ("Slettede elementer", "msgfolderroot"),
    "outbox": ("Utboks", "msgfolderroot"),
    "contacts": ("Kontakter", "msgfolderroot"),
    "calendar": ("Kalender", "msgfolderroot"),
    "recoverableitemsroot": ("Recoverable Items", "root"),
    "recoverableitemsdeletions": ("Deletions", "recoverableitemsroot"),
}
_CLASSES = {"contacts": "IPF.Contact", "calendar": "IPF.Appointment"}


def new_id(kind: str) -> str:
    """An id as opaque as Exchange's."""
    return f"AAMk{kind}{uuid.uuid4().hex}/+{uuid.uuid4().hex[:6]}="


@dataclass(slots=True)
class Folder:
    """A folder; `kind` is its distinguished name, or empty."""

    id: str
    name: str
    parent: str
    folder_class: str = "IPF.Note"
    kind: str = ""


@dataclass(slots=True)
class Item:
    """A mail."""

    id: str
    folder: str
    raw: bytes
    received: datetime
    modified: datetime
    categories: list[str] = field(default_factory=list)
    properties: dict[str, str] = field(default_factory=dict)
    draft: bool = False
    read: bool = False
    corrupt: bool = False  # listed, and never handed over
    kind: str = "Message"  # Contact | CalendarItem | DistributionList, with what it shows:
    shown: dict[str, object] = field(default_factory=dict)

    @property
    def parsed(self) -> EmailMessage:
        """The mail, decoded."""
        return email.message_from_bytes(self.raw, policy=email.policy.default)  # type: ignore[return-value]

    @property
    def headers(self) -> str:
        """The block of headers as it came; what was written here has none."""
        if self.draft or "sent" in self.properties:
            return ""
        return self.raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")

    @property
    def participants(self) -> list[str]:
        """Addresses and names of everybody named in it."""
        found: list[str] = []
        for name in ("from", "sender", "to", "cc", "bcc", "reply-to"):
            values = [str(value) for value in self.parsed.get_all(name, [])]
            for shown, address in getaddresses(values):
                found += [shown, address]
        return [one for one in found if one]

    @property
    def words(self) -> str:
        """Subject and text, decoded."""
        texts = [str(self.parsed["subject"] or "")]
        for part in self.parsed.walk():
            if part.get_content_maintype() == "text":
                try:
                    texts.append(str(part.get_content()))
                except (LookupError, ValueError):
                    texts.append(str(part.get_payload()))
        return "\n".join(texts)


class Box:
    """One mailbox."""

    def __init__(self) -> None:
        self.folders: dict[str, Folder] = {}
        self.items: dict[str, Item] = {}
        self.changes: list[tuple[str, str, str]] = []  # folder, create|update|delete, item
        self.refused = ""  # the folder ("contacts") whose items are kept from the service account
        self.cancellations: list[str] = []  # whom a deleted appointment told
        self.epoch = 1
        for kind, (name, parent) in DISTINGUISHED.items():
            above = self.kind(parent).id if parent else ""
            made = Folder(new_id("F"), name or "Root", above, _CLASSES.get(kind, "IPF.Note"), kind)
            if kind in ("root", "msgfolderroot", "recoverableitemsroot"):
                made.folder_class = "IPF"
            self.folders[made.id] = made

    def kind(self, kind: str) -> Folder:
        """A distinguished folder."""
        return next(one for one in self.folders.values() if one.kind == kind)

    def path(self, name: str) -> Folder:
        """A folder by the names that tests use."""
        usual = {
            "INBOX": "inbox",
            "Junk": "junkemail",
            "Sent": "sentitems",
            "Trash": "deleteditems",
        }
        if name in usual:
            return self.kind(usual[name])
        return next(one for one in self.folders.values() if one.name == name)

    def make(self, name: str, parent: str = "", folder_class: str = "IPF.Note") -> Folder:
        """A new folder below another."""
        made = Folder(new_id("F"), name, parent or self.kind("msgfolderroot").id, folder_class)
        self.folders[made.id] = made
        return made

    def put(self, folder: str, raw: bytes, at: datetime | None = None) -> Item:
        """A mail appears in a folder."""
        now = datetime.now(UTC)
        item = Item(new_id("M"), folder, raw, at or now, now)
        self.items[item.id] = item
        self.changes.append((folder, "create", item.id))
        return item

    def enter(self, kind: str, folder: str = "", **shown: object) -> Item:
        """A contact or an appointment appears, in its usual folder or another."""
        usual = "calendar" if kind == "CalendarItem" else "contacts"
        item = self.put(folder or self.kind(usual).id, b"")
        item.kind, item.shown = kind, shown
        return item

    def move(self, item: Item, folder: str) -> Item:
        """Into another folder: the id changes."""
        self.remove(item)
        item.id, item.folder = new_id("M"), folder
        item.modified = datetime.now(UTC)
        self.items[item.id] = item
        self.changes.append((folder, "create", item.id))
        return item

    def remove(self, item: Item) -> None:
        """Gone from its folder."""
        self.items.pop(item.id, None)
        self.changes.append((item.folder, "delete", item.id))

    def touch(self, item: Item) -> None:
        """Something about a mail changed."""
        item.modified = datetime.now(UTC)
        self.changes.append((item.folder, "update", item.id))

    def of(self, folder: str) -> list[Item]:
        """The mails of a folder, oldest first."""
        return [item for item in self.items.values() if item.folder == folder]

    def below(self, folder: str) -> Iterator[Folder]:
        """Every folder under another."""
        for one in self.folders.values():
            if one.parent == folder:
                yield one
                yield from self.below(one.id)


class Store:
    """All mailboxes of the server."""

    def __init__(self) -> None:
        self.boxes: dict[str, Box] = {}
        self.lock = threading.RLock()
        self._sent = itertools.count(1)

    def box(self, address: str) -> Box:
        """A mailbox, made when it is first named."""
        return self.boxes.setdefault(address.casefold(), Box())

    def submit(self, box: Box, item: Item, keep: str | None) -> None:
        """A draft leaves: its Message-ID is written anew, as Exchange may; a copy is kept."""
        lines = item.raw.split(b"\r\n")
        fresh = f"Message-ID: <{uuid.uuid4().hex}@exchange.test>".encode()
        at = next(
            (n for n, line in enumerate(lines) if line.lower().startswith(b"message-id:")), None
        )
        if at is None:
            lines.insert(0, fresh)
        else:
            lines[at] = fresh
        raw = b"\r\n".join(lines)
        people = [str(v) for name in ("to", "cc") for v in item.parsed.get_all(name, [])]
        box.remove(item)
        if keep is not None:
            copy = box.put(keep, raw)
            copy.read = True
            copy.properties = {**item.properties, "sent": "yes"}
        for _, address in getaddresses(people):
            other = self.box(address)
            other.put(other.kind("inbox").id, raw)
