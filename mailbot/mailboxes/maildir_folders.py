"""Where mail lies in a Maildir++: folders, file names, and how a file is put there safely.

A file is named UNIQUE or UNIQUE:2,FLAGS and lies in new/ or cur/; other programs move it from
new/ to cur/ and change its flags at any time. Only UNIQUE names the mail.
"""

import base64
import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.mailboxes import folders

_PARTS = ("new", "cur")


@dataclass(frozen=True, slots=True)
class Entry:
    """One mail in a folder; `path` was right when it was listed."""

    unique: str
    path: Path


class Folders:
    """The folders of one Maildir: the root is the inbox, `.A.B` is the folder A/B."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def listed(self) -> dict[str, Path]:
        """Every folder by its path from the inbox, the inbox first."""
        inside = sorted(
            (_decoded(entry.name), Path(entry.path))
            for entry in os.scandir(self.root)
            if entry.name.startswith(".") and _is_maildir(Path(entry.path))
        )
        return {folders.INBOX: self.root, **dict(inside)}

    def find(self, name: str) -> Path | None:
        """The place of a folder by well-known name or path; None if there is none."""
        if name.casefold() == folders.INBOX:
            return self.root if _is_maildir(self.root) else None
        if not self.root.is_dir():
            return None
        known = self.listed()
        if name in folders.WELL_KNOWN:
            return known.get(folders.by_name(name, known) or "")
        return known.get(name)

    def make(self, name: str) -> Path:
        """The place of a folder, made if there is none."""
        found = self.find(name)
        if found is not None:
            return found
        usual = {folders.TRASH: "Trash", folders.JUNK: "Junk", "sentitems": "Sent"}
        path = self.root / encoded(usual.get(name, name))
        make_maildir(path)
        (path / "maildirfolder").touch()  # by this, delivery programs know a subfolder
        return path


def make_maildir(path: Path) -> None:
    """An empty Maildir, readable by its owner alone; one that exists is left as it is."""
    for part in ("cur", "new", "tmp"):
        (path / part).mkdir(mode=0o700, parents=True, exist_ok=True)


def entries(folder: Path) -> dict[str, Entry]:
    """Every mail of a folder by its unique name.

    new/ is listed before cur/: a mail that another program moves meanwhile is then seen in both,
    never in neither.
    """
    found: dict[str, Entry] = {}
    for part in _PARTS:
        with os.scandir(folder / part) as listed:
            for entry in listed:
                if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                    unique = entry.name.partition(":")[0]
                    found[unique] = Entry(unique, Path(entry.path))
    return found


def locate(folder: Path, unique: str) -> Path | None:
    """The file of a mail as it is named now."""
    if not unique or "/" in unique or unique.startswith("."):
        return None
    entry = entries(folder).get(unique)
    return entry.path if entry else None


def read(path: Path, most: int = -1) -> bytes:
    """The octets of a file, at most so many."""
    with path.open("rb") as file:
        return file.read(most)


def move(source: Path, folder: Path) -> None:
    """Move a mail to another folder, keeping its flags and whether it has been seen."""
    part = "new" if source.parent.name == "new" else "cur"
    source.rename(folder / part / source.name)


def write_durably(path: Path, octets: bytes, append: bool = False) -> None:
    """Write a file so that it is whole after a power cut."""
    with path.open("ab" if append else "wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def appear(folder: Path, name: str) -> None:
    """Let a file that was written to tmp/ appear in new/, durably."""
    (folder / "tmp" / name).rename(folder / "new" / name)
    for part in ("new", "tmp"):
        handle = os.open(folder / part, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Failures of the file system as Transient or Permanent; `what` names the mailbox."""
    try:
        yield
    except OSError as error:
        raise translate(what, error) from error


def translate(what: str, error: OSError) -> MailbotError:
    """A person can grant a permission; a full disk or an absent mount may pass."""
    if isinstance(error, PermissionError):
        return Permanent(f"{what}: no permission; let mailbot's user read and write the Maildir")
    return Transient(f"{what}: {error.strerror or type(error).__name__}")


def encoded(name: str) -> str:
    """A folder's name as a directory: dots between levels, modified UTF-7 (RFC 3501 § 5.1.3).

    Raises Permanent for a name that is no folder below the inbox.
    """
    levels = name.split("/")
    if any(not level or "." in level or "\0" in level for level in levels):
        raise Permanent("a Maildir folder's name needs signs between slashes, and no dots")
    return "." + ".".join(_to_utf7(level) for level in levels)


def _decoded(directory: str) -> str:
    return "/".join(_from_utf7(level) for level in directory[1:].split("."))


def _to_utf7(text: str) -> str:
    def shifted(found: re.Match[str]) -> str:
        octets = base64.b64encode(found[0].encode("utf-16-be")).decode("ascii")
        return "&" + octets.rstrip("=").replace("/", ",") + "-"

    return re.sub(r"[^\x20-\x7e]+", shifted, text.replace("&", "&-"))


def _from_utf7(text: str) -> str:
    def shifted(found: re.Match[str]) -> str:
        if not found[1]:
            return "&"
        octets = found[1].replace(",", "/")
        try:
            return base64.b64decode(octets + "=" * (-len(octets) % 4)).decode("utf-16-be")
        except ValueError:
            return found[0]

    return re.sub(r"&([A-Za-z0-9+,]*)-", shifted, text)


def _is_maildir(path: Path) -> bool:
    return all((path / part).is_dir() for part in _PARTS)
