"""What a Graph-like server keeps: mailboxes with folders, mail, drafts, contacts and events.

Received mail is kept as the octets that came; what Graph shows of it as JSON is read from them.
Drafts are JSON; sending one writes its octets, as Exchange does.
"""

import base64
import email
import email.policy
import itertools
import secrets
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses, parsedate_to_datetime
from typing import Any

WELL_KNOWN = {
    "inbox": "Innboks",
    "drafts": "Kladd",
    "sentitems": "Sendte elementer",
    "deleteditems": "Slettede elementer",
    "junkemail": "Søppelpost",
    "archive": "Arkiv",
    "outbox": "Utboks",
}
HIDDEN = {"msgfolderroot": "Topp", "recoverableitemsdeletions": "Deletions"}
INTERNET_HEADERS = "{00020386-0000-0000-c000-000000000046}"

_numbers = itertools.count(1)


def new_id(kind: str = "AAkA") -> str:
    """An id such as Exchange's: long, opaque, case-sensitive."""
    number = next(_numbers)
    return f"{kind}LgA{secrets.token_urlsafe(60)}{number:08d}="


def stamp(moment: datetime) -> str:
    """A moment as Graph writes it: whole seconds, UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Folder:
    """A mail folder or a contact folder."""

    id: str
    name: str
    parent: str
    hidden: bool = False


@dataclass
class Item:
    """A message. `raw` is None while it is a draft; then `draft` holds its properties."""

    id: str
    folder: str
    raw: bytes | None
    received: datetime
    modified: datetime
    draft: dict[str, Any] = field(default_factory=dict)
    files: list[dict[str, Any]] = field(default_factory=list)
    extended: dict[str, str] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    read: bool = False
    is_draft: bool = False
    answers: str = ""  # id of the message that a draft replies to
    shown: dict[str, Any] | None = None  # properties read from `raw`
    words: tuple[str, ...] | None = None  # for searching


class Mailbox:
    """One mailbox. Every change of a folder is numbered, so that a delta can be told."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.lock = threading.RLock()
        self.folders: dict[str, Folder] = {}
        self.items: dict[str, Item] = {}
        self.contact_folders: dict[str, Folder] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.events: dict[str, dict[str, Any]] = {}
        self.calendars: dict[str, dict[str, Any]] = {}
        self.calendar_of: dict[str, str] = {}
        self.denied = ""  # the app has no grant for what begins so ("/contact")
        self.categories: list[dict[str, Any]] = []
        self.changes: dict[str, list[tuple[str, str]]] = {}  # folder -> (item, created|…)
        self.known: dict[str, str] = {}
        root = self._well_known("msgfolderroot", HIDDEN["msgfolderroot"], "")
        for name, shown in {**WELL_KNOWN, **HIDDEN}.items():
            if name != "msgfolderroot":
                self._well_known(name, shown, root)
        self.contact_root = self.add_contact_folder("Kontakter", "")
        self.calendar_root = self.add_calendar("Kalender", address, default=True)

    def _well_known(self, name: str, shown: str, parent: str) -> str:
        folder = Folder(new_id("AAMk"), shown, parent, hidden=name in HIDDEN)
        self.folders[folder.id] = folder
        self.known[name] = folder.id
        return folder.id

    # --- folders

    def folder(self, key: str) -> Folder | None:
        """A folder by id or well-known name."""
        return self.folders.get(self.known.get(key.lower(), key))

    def add_folder(self, name: str, parent: str = "msgfolderroot") -> Folder:
        """A new folder."""
        above = self.folder(parent)
        assert above is not None
        made = Folder(new_id("AAMk"), name, above.id)
        self.folders[made.id] = made
        return made

    def path(self, path: str) -> Folder:
        """A folder by well-known name or path of names; it is made where it is missing."""
        known = self.folder(path)
        if known:
            return known
        at = self.known["msgfolderroot"]
        for name in path.split("/"):
            found = next((f for f in self.children(at) if f.name == name), None)
            at = (found or self.add_folder(name, at)).id
        return self.folders[at]

    def children(self, parent: str) -> list[Folder]:
        """The folders right below one."""
        return [folder for folder in self.folders.values() if folder.parent == parent]

    def add_contact_folder(self, name: str, parent: str) -> str:
        """A new contact folder; its id."""
        made = Folder(new_id("AAMk"), name, parent)
        self.contact_folders[made.id] = made
        return made.id

    def add_contact(self, folder: str = "", **shown: Any) -> str:
        """A new contact, in the default folder or another; its id."""
        key = new_id("AAMk")
        self.contacts[key] = {**shown, "id": key, "parentFolderId": folder or self.contact_root}
        return key

    def add_calendar(self, name: str, owner: str, default: bool = False) -> str:
        """A new calendar; its id."""
        key = new_id("AAMk")
        who = {"name": owner, "address": owner}
        self.calendars[key] = {"id": key, "name": name, "owner": who, "isDefaultCalendar": default}
        return key

    def add_event(self, calendar: str = "", **shown: Any) -> str:
        """A new appointment, in the default calendar or another; its id."""
        key = new_id("AAMk")
        self.events[key] = {**shown, "id": key}
        self.calendar_of[key] = calendar or self.calendar_root
        return key

    # --- mail

    def deliver(
        self,
        raw: bytes,
        folder: str = "inbox",
        received: datetime | None = None,
        shown: dict[str, Any] | None = None,
    ) -> Item:
        """A mail arrives. shown: its properties, where they are known already."""
        with self.lock:
            now = received or datetime.now(UTC)
            target = self.path(folder)
            item = Item(new_id(), target.id, raw, now, now, shown=shown)
            self.items[item.id] = item
            self._changed(target.id, item.id, "created")
            return item

    def add_draft(self, properties: dict[str, Any], answers: str = "") -> Item:
        """A new draft in Drafts."""
        with self.lock:
            now = datetime.now(UTC)
            item = Item(new_id(), self.known["drafts"], None, now, now, is_draft=True)
            item.draft = {"internetMessageId": _message_id(), **properties}
            item.answers = answers
            self.items[item.id] = item
            self._changed(item.folder, item.id, "created")
            return item

    def in_folder(self, folder: str) -> list[Item]:
        """The messages of a folder, in the order in which they came."""
        with self.lock:
            return [item for item in self.items.values() if item.folder == folder]

    def visible(self) -> list[Item]:
        """All messages but those in Recoverable Items."""
        with self.lock:
            hidden = self.known["recoverableitemsdeletions"]
            return [item for item in self.items.values() if item.folder != hidden]

    def move(self, item: Item, folder: str) -> None:
        """To another folder. The immutable id stays."""
        with self.lock:
            self._changed(item.folder, item.id, "deleted")
            item.folder = folder
            # It is the last to have come into its new folder.
            self.items[item.id] = self.items.pop(item.id)
            self._changed(folder, item.id, "created")

    def touch(self, item: Item) -> None:
        """Something of the message changed."""
        with self.lock:
            item.modified = datetime.now(UTC)
            self._changed(item.folder, item.id, "updated")

    def remove(self, item: Item) -> None:
        """For good."""
        with self.lock:
            if self.items.pop(item.id, None):
                self._changed(item.folder, item.id, "deleted")

    def send(self, item: Item, keep_id: bool) -> bytes:
        """Write the draft's octets and file it under Sent Items. keep_id: of its Message-ID."""
        with self.lock:
            if not keep_id:
                item.draft["internetMessageId"] = _message_id()
            item.raw = self._octets(item)
            item.is_draft, item.read, item.shown, item.words = False, True, None, None
            item.received = item.modified = datetime.now(UTC)
            self.move(item, self.known["sentitems"])
            return item.raw

    def _changed(self, folder: str, item: str, how: str) -> None:
        self.changes.setdefault(folder, []).append((item, how))

    def _threading(self, item: Item) -> dict[str, str]:
        """As the answered message has it; else as the draft's extended properties say."""
        parent = self.items.get(item.answers)
        if parent is not None:
            above = properties(parent)
            headers = above["internetMessageHeaders"]
            before = next((h["value"] for h in headers if h["name"].lower() == "references"), "")
            own = str(above["internetMessageId"])
            return {"In-Reply-To": own, "References": "\r\n ".join((*before.split(), own))}
        said = {"In-Reply-To": "string 0x1042", "References": "string 0x1039"}
        return {
            header: "\r\n ".join(item.extended[tag].split())
            for header, tag in said.items()
            if tag in item.extended
        }

    def _octets(self, item: Item) -> bytes:
        draft = item.draft
        made = EmailMessage(policy=email.policy.SMTP)
        sender = draft.get("from") or {"emailAddress": {"address": self.address}}
        made["From"] = _written(sender)
        for header, name in (("To", "toRecipients"), ("Cc", "ccRecipients")):
            if people := draft.get(name):
                made[header] = ", ".join(_written(one) for one in people)
        made["Date"] = format_datetime(datetime.now(UTC))
        threading = self._threading(item)
        for one in draft.get("internetMessageHeaders") or ():
            made[one["name"]] = one["value"]
        body = draft.get("body") or {}
        if str(body.get("contentType", "text")).lower() == "html":
            # Exchange keeps one body and derives the other.
            made.set_content(_plain(body["content"]))
            made.add_alternative(body["content"], subtype="html")
        else:
            made.set_content(body.get("content") or "")
        for file in item.files:
            kind = file.get("contentType") or "application/octet-stream"
            maintype, _slash, subtype = kind.partition("/")
            made.add_attachment(
                base64.b64decode(file["contentBytes"]),
                maintype=maintype,
                subtype=subtype,
                filename=file["name"],
            )
        lines = [_header("Subject", " ".join(str(draft.get("subject") or "").split()))]
        lines += [f"{name}: {value}" for name, value in threading.items()]
        lines.append(f"Message-ID: {draft['internetMessageId']}")
        return "".join(f"{line}\r\n" for line in lines).encode() + made.as_bytes()


def _header(name: str, text: str) -> str:
    from email.header import Header

    plain = text.isascii() and "=?" not in text and len(text) < 60
    written = Header(text, "us-ascii" if plain else "utf-8").encode(linesep="\r\n")
    return f"{name}: {written}"


def properties(item: Item) -> dict[str, Any]:
    """What Graph shows of a message, without folder, state and body."""
    if item.raw is None:
        return {**item.draft, "hasAttachments": bool(item.files)}
    if item.shown is None:
        item.shown = _read(item.raw)
    return item.shown


def _read(raw: bytes) -> dict[str, Any]:
    head = email.message_from_bytes(raw.partition(b"\r\n\r\n")[0], policy=email.policy.compat32)
    values = [(name, _text(value)) for name, value in head.items()]
    first = {name.lower(): value for name, value in reversed(values)}
    sender = _people(values, "from")[:1]
    return {
        "subject": _decoded(first.get("subject", "")),
        "internetMessageId": first.get("message-id") or None,
        "from": sender[0] if sender else None,
        "sender": (_people(values, "sender") or sender or [None])[0],
        "toRecipients": _people(values, "to"),
        "ccRecipients": _people(values, "cc"),
        "bccRecipients": _people(values, "bcc"),
        "replyTo": _people(values, "reply-to"),
        "sentDateTime": _sent(first.get("date", "")),
        "hasAttachments": b"Content-Disposition: attachment" in raw,
        "internetMessageHeaders": [{"name": name, "value": value} for name, value in values],
    }


def body_of(item: Item) -> dict[str, str]:
    """The body as Graph shows it: HTML where there is some."""
    if item.raw is None:
        return dict(item.draft.get("body") or {"contentType": "text", "content": ""})
    parsed = email.message_from_bytes(item.raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    part = parsed.get_body(("html", "plain"))
    if part is None:
        return {"contentType": "text", "content": ""}
    try:
        content = str(part.get_content())
    except (LookupError, ValueError):
        content = ""
    kind = "html" if part.get_content_subtype() == "html" else "text"
    return {"contentType": kind, "content": content}


def text_of(item: Item) -> str:
    """The body as words, for searching."""
    body = body_of(item)
    return _plain(body["content"]) if body["contentType"] == "html" else body["content"]


def files_of(item: Item) -> Iterator[Mapping[str, Any]]:
    """The attachments of a message."""
    if item.raw is None:
        yield from item.files
        return
    parsed = email.message_from_bytes(item.raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    for number, part in enumerate(parsed.iter_attachments()):
        content = part.get_payload(decode=True)
        octets = content if isinstance(content, bytes) else b""
        yield {
            "id": f"{item.id}A{number}",
            "name": part.get_filename() or "attachment",
            "contentType": part.get_content_type(),
            "size": len(octets),
            "isInline": False,
            "contentBytes": base64.b64encode(octets).decode(),
        }


def _plain(html: str) -> str:
    import re
    from html import unescape

    return unescape(re.sub(r"<[^>]*>", "", html))


def _text(value: object) -> str:
    text = str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(text.splitlines()).strip()


def _decoded(value: str) -> str:
    from email.errors import HeaderParseError
    from email.header import decode_header, make_header

    try:
        return str(make_header(decode_header(value)))
    except (LookupError, ValueError, HeaderParseError):
        return value


def _people(values: list[tuple[str, str]], name: str) -> list[dict[str, Any]]:
    found = [value for header, value in values if header.lower() == name]
    people = [(_decoded(shown), address) for shown, address in getaddresses(found)]
    return [
        {"emailAddress": {"name": shown or address, "address": address}}
        for shown, address in people
        if address
    ]


def _sent(value: str) -> str:
    try:
        return stamp(parsedate_to_datetime(value))
    except (ValueError, TypeError):
        return stamp(datetime.now(UTC))


def _written(person: Mapping[str, Any]) -> str:
    from email.utils import formataddr

    one = person["emailAddress"]
    return formataddr((one.get("name") or "", one["address"]))


def _message_id() -> str:
    return f"<{secrets.token_hex(16)}@EURP250MB0001.EURP250.PROD.OUTLOOK.COM>"
