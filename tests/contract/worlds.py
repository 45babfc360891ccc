"""The mailbox kinds under contract, each with the hands of a colleague who uses another program."""

import imaplib
import mailbox as stdlib_mailbox
import os
import shutil
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mailbot.clients.microsoft import SignIn
from mailbot.mailboxes.graph import GraphMailbox
from mailbot.mailboxes.imap import ImapMailbox
from mailbot.mailboxes.maildir import MaildirMailbox
from mailbot.mailboxes.maildir_marks import MARKS
from mailbot.ports import Mailbox
from tests.contract.ews_world import EwsWorld
from tests.servers.dovecot import Dovecot
from tests.servers.graph import Graph
from tests.servers.graph_world import client, sign_in

SUPPORT = "support@firma.test"
EXCHANGE = "https://outlook.office365.com/.default"


class MaildirWorld:
    """A Maildir on disk; the colleague's program is the standard library's."""

    kind = "maildir"

    def __init__(self, folder: Path) -> None:
        self.root = folder / "support"
        stdlib_mailbox.Maildir(str(self.root), create=True)
        self.make_folder("Junk")

    def open(self, **options: object) -> Mailbox:
        """The mailbox under test, as after a restart."""
        known: dict[str, object] = {"mark": "Personvern", **options}
        return MaildirMailbox(name="support", address=SUPPORT, path=self.root, **known)  # type: ignore[arg-type] # options are checked by the tests that give them

    def _box(self, folder: str) -> stdlib_mailbox.Maildir:
        root = stdlib_mailbox.Maildir(str(self.root), create=False)
        return root if folder == "INBOX" else root.get_folder(folder.replace("/", "."))

    def make_folder(self, folder: str) -> None:
        """Make a folder."""
        stdlib_mailbox.Maildir(str(self.root)).add_folder(folder.replace("/", "."))

    def deliver(self, raw: bytes, folder: str = "INBOX", at: float | None = None) -> None:
        """A mail arrives, now or at a Unix time. Written as a delivery program does: no octet
        changes."""
        box = Path(self._box(folder)._path)
        name = f"{time.time_ns()}.{os.getpid()}.host"
        (box / "tmp" / name).write_bytes(raw)
        if at is not None:
            os.utime(box / "tmp" / name, (at, at))
        (box / "tmp" / name).rename(box / "new" / name)

    def flags(self, folder: str = "INBOX") -> list[tuple[str, str]]:
        """Name part and flags of each mail, and whether it is new, as other programs see them."""
        box = Path(self._box(folder)._path)
        return sorted(
            (part, path.name) for part in ("new", "cur") for path in (box / part).iterdir()
        )

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The raw mails of a folder."""
        box = self._box(folder)
        return [box.get_bytes(key) for key in sorted(box.keys())]

    def read_all(self, folder: str = "INBOX") -> None:
        """The colleague reads everything: new becomes cur, with flags."""
        box = self._box(folder)
        for key in box.keys():  # noqa: SIM118 (a Maildir is no dict)
            message = box[key]
            message.set_subdir("cur")
            message.add_flag("S")
            box[key] = message

    def remove_first(self, folder: str = "INBOX") -> None:
        """The colleague deletes the oldest mail."""
        box = self._box(folder)
        box.remove(min(box.keys()))

    def move_first(self, folder: str, target: str) -> None:
        """The colleague moves the oldest mail."""
        box = Path(self._box(folder)._path)
        path = min((p for part in ("new", "cur") for p in (box / part).iterdir()), key=str)
        path.rename(Path(self._box(target)._path) / "cur" / path.name)

    def renumber(self) -> None:
        """A restore from backup: same mails, same names, new files."""
        copy = self.root.with_name("restored")
        shutil.copytree(self.root, copy)
        shutil.rmtree(self.root)
        copy.rename(self.root)

    def mark_first(self) -> None:
        """The colleague writes the oldest mail into the file of marks, in letters of their own."""
        unique = min(key for key in self._box("INBOX").keys())  # noqa: SIM118 (a Maildir is no dict)
        with (self.root / MARKS).open("a") as file:
            file.write(f"{unique}\tpersonvern\n")

    def marked(self) -> int:
        """How many mails bear the mark."""
        marks = self.root / MARKS
        return len(marks.read_text().splitlines()) if marks.exists() else 0

    def folders(self) -> Sequence[str]:
        """Names of all folders but the inbox."""
        return stdlib_mailbox.Maildir(str(self.root)).list_folders()


class ImapWorld:
    """A mailbox on a real Dovecot; the colleague's program is the standard library's imaplib."""

    kind = "imap"

    def __init__(self, server: Dovecot, user: str, authority: SignIn | None = None) -> None:
        self.server = server
        self.user = user
        self.by_token = {"authority": authority, "scope": EXCHANGE} if authority else {}

    def open(self, **options: object) -> Mailbox:
        """The mailbox under test, as after a restart."""
        known: dict[str, object] = {
            "host": "localhost",
            "port": self.server.imap_port,
            "security": "tls",
            "user": self.user,
            "password": lambda: self.server.users[self.user],
            "ca_file": self.server.ca_file,
            "timeout": 10.0,
            "mark": "Personvern",
            **self.by_token,
            **options,
        }
        return ImapMailbox(name="support", address=self.user, **known)  # type: ignore[arg-type] # options are checked by the tests that give them

    def _client(self, folder: str | None = None, readonly: bool = False) -> imaplib.IMAP4_SSL:
        client = self.server.login(self.user)
        if folder:
            client.select(f'"{folder}"', readonly=readonly)
        return client

    def make_folder(self, folder: str) -> None:
        """Make a folder."""
        client = self._client()
        client.create(f'"{folder}"')
        client.logout()

    def deliver(self, raw: bytes, folder: str = "INBOX", at: float | None = None) -> None:
        """A mail arrives (now, or at a Unix time) unchanged; LMTP would add lines of its own."""
        client = self._client()
        when = imaplib.Time2Internaldate(at) if at is not None else ""
        assert client.append(f'"{folder}"', "", when, raw)[0] == "OK"
        client.logout()

    def flags(self, folder: str = "INBOX") -> list[tuple[str, str]]:
        """UID and flags of each mail, as other programs see them."""
        client = self._client(folder, readonly=True)
        answer = client.fetch("1:*", "(UID FLAGS)")[1]
        client.logout()
        return [("", line.decode()) for line in answer if isinstance(line, bytes)]

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The raw mails of a folder."""
        return self.server.mailbox_of(self.user, folder)

    def read_all(self, folder: str = "INBOX") -> None:
        """The colleague reads everything."""
        client = self._client(folder)
        client.store("1:*", "+FLAGS", "(\\Seen)")
        client.logout()

    def remove_first(self, folder: str = "INBOX") -> None:
        """The colleague deletes the oldest mail."""
        client = self._client(folder)
        client.store("1", "+FLAGS", "(\\Deleted)")
        client.expunge()
        client.logout()

    def move_first(self, folder: str, target: str) -> None:
        """The colleague moves the oldest mail."""
        client = self._client(folder)
        client._simple_command("MOVE", "1", f'"{target}"')
        client.logout()

    def renumber(self) -> None:
        """The folder is made anew with the same mails: UIDVALIDITY and every UID change."""
        raws = self.mails()
        client = self._client("INBOX")
        client.store("1:*", "+FLAGS", "(\\Deleted)")
        client.expunge()
        client.logout()
        for path in (self.server.folder / "mail" / self.user).glob("dovecot*"):
            path.unlink()
        time.sleep(1.1)  # UIDVALIDITY is a time in seconds
        for raw in raws:
            self.deliver(raw)

    def mark_first(self) -> None:
        """The colleague puts the keyword on the oldest mail, as Thunderbird writes it."""
        client = self._client("INBOX")
        client.store("1", "+FLAGS", "(personvern)")
        client.logout()

    def marked(self) -> int:
        """How many mails bear the mark."""
        client = self._client("INBOX", readonly=True)
        found = client.search(None, "KEYWORD", "Personvern")[1][0]
        client.logout()
        return len(found.split())

    def folders(self) -> Sequence[str]:
        """Names of all folders, as listed."""
        client = self._client()
        listed = client.list()[1]
        client.logout()
        return [line.decode() for line in listed if isinstance(line, bytes)]


class GraphWorld:
    """A mailbox on the Graph-like server; the colleague's hands reach into its store."""

    kind = "graph"

    def __init__(self, server: Graph, user: str) -> None:
        self.server = server
        self.store = server.add(user)
        self.user = user
        self._sign_in = sign_in(server)

    def open(self, **options: object) -> Mailbox:
        """The mailbox under test, as after a restart."""
        known: dict[str, Any] = {"mark": "Personvern", "poll": 0.1, **options}
        opened = client(self.server, self.user, sign_in=self._sign_in)
        return GraphMailbox(name="support", client=opened, **known)

    def _folder(self, folder: str) -> str:
        usual = {"INBOX": "inbox", "Junk": "junkemail", "Trash": "deleteditems",
                 "Sent": "sentitems"}  # fmt: skip
        return self.store.path(usual.get(folder, folder)).id

    def make_folder(self, folder: str) -> None:
        """Make a folder."""
        self._folder(folder)

    def deliver(self, raw: bytes, folder: str = "INBOX", at: float | None = None) -> None:
        """A mail arrives, now or at a Unix time."""
        received = datetime.fromtimestamp(at, UTC) if at is not None else None
        self.store.deliver(raw, self._folder(folder), received)

    def mark_first(self) -> None:
        """The colleague puts the category on the oldest mail, in letters of their own."""
        item = self.store.in_folder(self._folder("INBOX"))[0]
        item.categories = ["personvern"]
        self.store.touch(item)

    def flags(self, folder: str = "INBOX") -> list[tuple[str, str]]:
        """State of each mail, as other programs see it."""
        items = self.store.in_folder(self._folder(folder))
        return [(item.id, f"{item.read} {item.categories} {item.modified}") for item in items]

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The raw mails of a folder."""
        return [item.raw or b"" for item in self.store.in_folder(self._folder(folder))]

    def read_all(self, folder: str = "INBOX") -> None:
        """The colleague reads everything."""
        for item in self.store.in_folder(self._folder(folder)):
            item.read = True
            self.store.touch(item)

    def remove_first(self, folder: str = "INBOX") -> None:
        """The colleague deletes the oldest mail."""
        self.store.remove(self.store.in_folder(self._folder(folder))[0])

    def move_first(self, folder: str, target: str) -> None:
        """The colleague moves the oldest mail."""
        item = self.store.in_folder(self._folder(folder))[0]
        self.store.move(item, self._folder(target))

    def renumber(self) -> None:
        """The server forgets every delta token."""
        self.server.forget_tokens()

    def marked(self) -> int:
        """How many mails bear the mark."""
        return sum("Personvern" in item.categories for item in self.store.items.values())

    def folders(self) -> Sequence[str]:
        """Names of all folders."""
        return [folder.name for folder in self.store.folders.values()]


World = MaildirWorld | ImapWorld | GraphWorld | EwsWorld
