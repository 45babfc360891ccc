"""The folders of an IMAP account, and which of them a name in the configuration means."""

from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from mailbot.errors import Permanent, Transient
from mailbot.mailboxes import folders, imap_search
from mailbot.mailboxes.imap_connection import Client
from mailbot.ports import MailRef

_CLOSED = frozenset({"\\noselect", "\\nonexistent"})
_VIEWS = frozenset({"\\all", "\\flagged", "\\important"})  # mail that lies elsewhere, shown again


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder by its name on the server, with its attributes in lower case."""

    name: str
    attributes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Directory:
    """All folders of the account itself; those of other people are left out.

    Whoever may sign in may see shared and other users' folders too; searching and erasing there
    needs a decision of its own.
    """

    folders: tuple[Folder, ...]
    separator: str
    prefix: str  # of the personal namespace: "INBOX." on some servers
    labels: bool  # Gmail: a mail lies in one archive and shows under many labels

    def find(self, name: str) -> str | None:
        """The server's name for a well-known name or a path with "/"; None if there is none."""
        if name.casefold() == folders.INBOX:
            return "INBOX"
        names = [folder.name for folder in self.folders]
        if name in folders.SPECIAL_USE:
            flag = folders.SPECIAL_USE[name]
            flagged = (folder.name for folder in self.folders if flag in folder.attributes)
            return next(flagged, None) or folders.by_name(name, names, self.separator)
        path = name.replace("/", self.separator)
        return next((one for one in (name, path, self.prefix + path) if one in names), None)

    def new_name(self, name: str) -> str:
        """What to call a folder that is to be made."""
        usual = {folders.TRASH: "Trash", folders.JUNK: "Junk", "sentitems": "Sent"}
        path = usual.get(name, name).replace("/", self.separator)
        return path if path.startswith(self.prefix) else self.prefix + path

    def searchable(self) -> Sequence[str]:
        """Every folder in which a mail really lies, each mail in one of them."""
        if self.labels:
            archive = {"\\all", "\\junk", "\\trash"}
            found = [one.name for one in self.folders if one.attributes & archive]
            if any("\\all" in one.attributes for one in self.folders):
                return found
        return [one.name for one in self.folders if not one.attributes & _VIEWS]

    def for_marks(self, watch: Sequence[str], everywhere: bool) -> Mapping[str, str]:
        """Folders to look for marks in, each with the name that it is fetched by."""
        found = {server: name for name in watch if (server := self.find(name)) is not None}
        if everywhere:
            passed = {self.find(name) for name in folders.NOT_FOR_MARKS}
            for name in self.searchable():
                if name not in passed:
                    found.setdefault(name, name)
        return found


class Folders:
    """Finds and opens the folders of one mailbox; its list is read anew when a name is unknown."""

    def __init__(self, mailbox: str) -> None:
        self._mailbox = mailbox
        self._directory: Directory | None = None
        # Which folder each connection has open: opening it again can cost a server a second.
        self._open: MutableMapping[Client, tuple[str, int]] = WeakKeyDictionary()

    def read(self, client: Client) -> Directory:
        """Ask the server for its folders."""
        self._directory = read_directory(client)
        return self._directory

    def find(self, client: Client, folder: str) -> str | None:
        """The server's name of a folder, None if there is none."""
        found = self._directory.find(folder) if self._directory else None
        return found or self.read(client).find(folder)

    def make(self, client: Client, folder: str) -> str:
        """Make a folder; its name on the server."""
        name = (self._directory or self.read(client)).new_name(folder)
        client.create_folder(name)
        self._directory = None
        return name

    def opened(
        self, client: Client, folder: str, readonly: bool = True
    ) -> Mapping[bytes, object] | None:
        """Open a folder; None for a junk or sent folder that does not exist. Raises Permanent
        otherwise."""
        name = self.find(client, folder)
        if name is not None:
            self._open.pop(client, None)
            selected = client.select_folder(name, readonly)
            uidvalidity = selected.get(b"UIDVALIDITY")
            if isinstance(uidvalidity, int):
                self._open[client] = (name, uidvalidity)
            return selected
        if folder in folders.MAY_BE_MISSING:
            return None
        raise Permanent(
            f"mailbox {self._mailbox}: there is no folder {folder!r}; correct mailbox.watch, or "
            "make the folder"
        )

    def reopen(self, client: Client, folder: str, uidvalidity: int) -> None:
        """Make sure that a folder is open and that its mails still bear the same numbers."""
        if self._open.get(client) == (self.find(client, folder), uidvalidity):
            return
        selected = self.opened(client, folder)
        if selected is None or selected.get(b"UIDVALIDITY") != uidvalidity:
            raise Transient(f"mailbox {self._mailbox}: {folder} was renumbered while it was read")


def read_directory(client: Client) -> Directory:
    """Ask the server for its folders."""
    personal, foreign = _namespaces(client)
    listed = []
    separator = "/"
    for attributes, delimiter, name in client.list_folders():
        flags = frozenset(flag.decode("ascii", "replace").lower() for flag in attributes)
        separator = delimiter.decode("ascii", "replace") if delimiter else separator
        if not flags & _CLOSED and not any(name.startswith(prefix) for prefix in foreign):
            listed.append(Folder("INBOX" if name.upper() == "INBOX" else name, flags))
    listed.sort(key=lambda folder: (folder.name != "INBOX", folder.name))
    labels = client.has_capability("X-GM-EXT-1")
    return Directory(tuple(listed), separator, personal, labels)


def _namespaces(client: Client) -> tuple[str, tuple[str, ...]]:
    """The prefix of our own folders, and those of everybody else's (RFC 2342)."""
    if not client.has_capability("NAMESPACE"):
        return "", ()
    own, *others = client.namespace()
    personal = own[0][0] if own else ""
    foreign = tuple(prefix for group in others if group for prefix, _separator in group if prefix)
    return personal, foreign


def numbers(selected: Mapping[bytes, object], client: Client) -> tuple[int, int]:
    """UIDVALIDITY and UIDNEXT of the open folder; a few servers leave out the second."""
    uidvalidity, uidnext = selected.get(b"UIDVALIDITY"), selected.get(b"UIDNEXT")
    if not isinstance(uidvalidity, int):
        raise Permanent("the server numbers its mail anew at each sign-in (no UIDVALIDITY)")
    if not isinstance(uidnext, int):
        uidnext = max(imap_search.uids(client, exists(selected), b"ALL"), default=0) + 1
    return uidvalidity, uidnext


def exists(selected: Mapping[bytes, object]) -> int:
    """How many mails the open folder holds."""
    count = selected.get(b"EXISTS", 0)
    return count if isinstance(count, int) else 0


def uid_in(ref: MailRef, selected: Mapping[bytes, object] | None) -> int | None:
    """The UID of a mail, if the open folder still bears the numbers under which it was seen."""
    uidvalidity, _slash, uid = ref.id.partition("/")
    if selected is None or str(selected.get(b"UIDVALIDITY")) != uidvalidity or not uid.isdigit():
        return None
    return int(uid)
