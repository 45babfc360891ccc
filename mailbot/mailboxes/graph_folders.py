"""The folders of a mailbox over Graph: by well-known name, or by path of shown names."""

import threading
from collections.abc import Mapping

from mailbot.clients.graph import Document, GraphClient
from mailbot.clients.graph_faults import Gone
from mailbot.errors import Permanent, Transient
from mailbot.mailboxes import folders

# Names that hold whatever language the mailbox is shown in (mailFolder resource type).
WELL_KNOWN = (*sorted(folders.WELL_KNOWN), "outbox")
RECOVERABLE = "recoverableitemsdeletions"
_SELECT = "id,displayName,parentFolderId,childFolderCount"
_LISTING = "listing folders"


class Folders:
    """Finds folders; what was found is remembered until something is not found."""

    def __init__(self, client: GraphClient) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._ids: dict[str, str] = {}  # well-known name or path -> id
        self._names: dict[str, str] = {}  # id -> well-known name, or path

    def find(self, name: str) -> str | None:
        """The id of a folder, None if there is none."""
        with self._lock:
            known = self._ids.get(self._key(name))
        if known:
            return known
        if self._key(name) in WELL_KNOWN:
            return self._well_known(self._key(name))
        self.read()
        with self._lock:
            return self._ids.get(name)

    def name(self, key: str) -> str:
        """How refs call a folder; its id if it is in no list (a hidden one)."""
        with self._lock:
            return self._names.get(key, key)

    def make(self, path: str) -> str:
        """The id of a folder, made with those above it where they are missing."""
        found = self.find(path)
        if found:
            return found
        above, _slash, name = path.rpartition("/")
        parent = self.make(above) if above else None
        where = f"/mailFolders/{parent}/childFolders" if parent else "/mailFolders"
        try:
            made = self._client.post(
                self._client.url(where), "making a folder", {"displayName": name}
            )
        except Transient:
            self.read()  # somebody else made it at the same moment
            with self._lock:
                key = self._ids.get(path)
            if key is None:
                raise
            return key
        with self._lock:
            key = str(made["id"])
            self._ids[path], self._names[key] = key, path
        return key

    def read(self) -> Mapping[str, str]:
        """Every visible folder, by path, with its id. Well-known ones bear their names."""
        client = self._client
        urls = [client.url(f"/mailFolders/{name}", select="id") for name in WELL_KNOWN]
        found = client.batch(urls, _LISTING)
        known = {
            str(document["id"]): name
            for name, document in zip(WELL_KNOWN, found, strict=True)
            if document
        }
        names: dict[str, str] = dict(known)
        self._walk(client.url("/mailFolders", select=_SELECT, top=250), "", names)
        with self._lock:
            self._names = names
            self._ids = {name: key for key, name in names.items()}
            return dict(self._ids)

    def _walk(self, url: str, above: str, names: dict[str, str]) -> None:
        for page in self._client.pages(url, _LISTING):
            for folder in page:
                key = str(folder["id"])
                names.setdefault(key, f"{above}{folder['displayName']}")
                if _children(folder):
                    below = self._client.url(
                        f"/mailFolders/{key}/childFolders", select=_SELECT, top=250
                    )
                    self._walk(below, f"{names[key]}/", names)

    def _well_known(self, name: str) -> str | None:
        url = self._client.url(f"/mailFolders/{name}", select="id")
        try:
            key = str(self._client.get(url, _LISTING)["id"])
        except Gone:
            return None
        with self._lock:
            self._ids[name], self._names[key] = key, name
        return key

    def _key(self, name: str) -> str:
        return name.casefold() if name.casefold() in WELL_KNOWN else name


def missing(mailbox: str, folder: str) -> Permanent:
    """What to do about a watched folder that is not there."""
    return Permanent(
        f"mailbox {mailbox}: there is no folder {folder!r}; correct mailbox.watch, or make it"
    )


def _children(folder: Document) -> int:
    count = folder.get("childFolderCount", 0)
    return count if isinstance(count, int) else 0
