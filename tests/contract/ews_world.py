"""An Exchange mailbox on a server of ours, with the hands of a colleague who uses Outlook."""

from collections.abc import Sequence
from datetime import UTC, datetime

from mailbot.clients.ews import EwsClient
from mailbot.mailboxes.ews import EwsMailbox
from mailbot.ports import Mailbox
from tests.servers.ews import PASSWORD, USER, Ews
from tests.servers.ews_store import Folder


def client(server: Ews, address: str, **options: object) -> EwsClient:
    """A client for one mailbox, as the daemon would open it."""
    known: dict[str, object] = {
        "name": "support",
        "address": address,
        "endpoint": server.endpoint,
        "user": USER,
        "password": lambda: PASSWORD,
        "ca_file": server.ca_file,
        "timeout": 10.0,
        **options,
    }
    return EwsClient(**known)  # type: ignore[arg-type] # options are checked by the tests that give them


class EwsWorld:
    """A mailbox on the server."""

    kind = "ews"

    def __init__(self, server: Ews, user: str) -> None:
        self.server = server
        self.user = user
        self.box = server.store.box(user)

    def open(self, **options: object) -> Mailbox:
        """The mailbox under test, as after a restart."""
        known: dict[str, object] = {"mark": "Personvern", "poll": 0.2, **options}
        return EwsMailbox(name="support", client=client(self.server, self.user), **known)  # type: ignore[arg-type] # options are checked by the tests that give them

    def _folder(self, name: str) -> Folder:
        here = None
        for part in name.split("/"):
            here = self.box.path(part)
        assert here is not None
        return here

    def make_folder(self, folder: str) -> None:
        """Make a folder."""
        parent = ""
        for part in folder.split("/"):
            if part in ("Sent", "Trash", "Junk"):
                return  # every mailbox has them
            names = [one for one in self.box.folders.values() if one.name == part]
            parent = (names[0] if names else self.box.make(part, parent)).id

    def deliver(self, raw: bytes, folder: str = "INBOX", at: float | None = None) -> None:
        """A mail arrives (now, or at a Unix time) unchanged."""
        moment = None if at is None else datetime.fromtimestamp(at, UTC)
        with self.server.store.lock:
            self.box.put(self._folder(folder).id, raw, moment)

    def flags(self, folder: str = "INBOX") -> list[tuple[str, str]]:
        """Id, read flag and categories of each mail."""
        return sorted(
            (item.id, f"{item.read} {item.categories}")
            for item in self.box.of(self._folder(folder).id)
        )

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The raw mails of a folder."""
        return [item.raw for item in self.box.of(self._folder(folder).id)]

    def read_all(self, folder: str = "INBOX") -> None:
        """The colleague reads everything."""
        for item in self.box.of(self._folder(folder).id):
            item.read = True
            self.box.touch(item)

    def remove_first(self, folder: str = "INBOX") -> None:
        """The colleague deletes the oldest mail."""
        self.box.remove(self.box.of(self._folder(folder).id)[0])

    def move_first(self, folder: str, target: str) -> None:
        """The colleague moves the oldest mail."""
        self.box.move(self.box.of(self._folder(folder).id)[0], self._folder(target).id)

    def renumber(self) -> None:
        """The server was restored: it honours no earlier state."""
        self.box.epoch += 1

    def mark_first(self) -> None:
        """The colleague puts the category on the oldest mail."""
        item = self.box.of(self._folder("INBOX").id)[0]
        item.categories.append("Personvern")
        self.box.touch(item)

    def marked(self) -> int:
        """How many mails bear the mark."""
        inbox = self.box.of(self._folder("INBOX").id)
        return sum("Personvern" in item.categories for item in inbox)

    def folders(self) -> Sequence[str]:
        """Names of all folders."""
        return [folder.name for folder in self.box.folders.values()]
