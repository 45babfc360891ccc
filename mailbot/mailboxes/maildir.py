"""Mailboxes and an outbox in the file system: Maildir++, the embedded default.

Reading leaves no trace: no file is renamed, so other programs see the same new and read mail as
before. Progress is the set of mails seen, by unique name: file times cannot tell, because a
colleague who moves an old mail into a watched folder brings its old time along.
"""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from mailbot.clients import decode
from mailbot.clients.mime import build
from mailbot.errors import Permanent, Transient
from mailbot.mailboxes import folders, matching
from mailbot.mailboxes import maildir_folders as files
from mailbot.mailboxes.maildir_folders import Entry, Folders
from mailbot.mailboxes.maildir_marks import Marks
from mailbot.message import Outgoing, Sent
from mailbot.ports import Clock, Fetched, MailQuery, MailRef

BATCH_MAILS = 50
BATCH_OCTETS = 20_000_000
POLL_SECONDS = 0.1

_NAME_OCTETS = 8  # of each name's digest in a cursor: 50,000 mails collide once in 10^10 folders
_HEAD_OCTETS = decode.MOST_HEADER_OCTETS
_CLOCK_TICK_NS = 20_000_000  # file times are no finer than this on common kernels


class MaildirMailbox:
    """A Maildir that people work in with their own programs.

    path: its root, the inbox. watch: well-known names or paths like "Kunder/Nye". mark: a word
    that `mark()` writes down for a mail (see maildir_marks).
    """

    def __init__(
        self,
        *,
        name: str,
        address: str,
        path: Path,
        watch: Sequence[str] = (folders.INBOX, folders.JUNK),
        mark: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.address = address
        self._folders = Folders(path)
        self._watch = tuple(watch)
        self._marks = Marks(path, mark)
        self._monotonic = monotonic
        self._bell = threading.Event()
        self._looked: dict[str, tuple[Path, tuple[int, ...] | None]] = {}

    def check(self) -> Sequence[str]:
        """Raises Permanent if the Maildir or a watched folder is missing; junk may be."""
        missing = [name for name in self._watch if self._find(name) is None]
        return [f"{self._what}: there is no {name} folder (yet)" for name in missing]

    def watched(self) -> Sequence[str]:
        """The watched folders, as configured."""
        return self._watch

    def fetch(
        self, folder: str, cursor: str | None, since: datetime
    ) -> Iterator[tuple[Sequence[Fetched], str]]:
        """Mail not seen before, by time of arrival. A damaged cursor starts again from `since`.

        A mail that cannot be read holds up no other: it is tried again each time, and when the
        rest is through, Transient says so.
        """
        with files.translated(self._what):
            path = self._find(folder)
            if path is None:
                self._looked.pop(folder, None)
                return
            self._looked[folder] = (path, _times(path))
            listed = files.entries(path)
            seen = _parse(cursor)
            fresh = [
                entry for unique, entry in listed.items() if _digest(unique) not in (seen or ())
            ]
            timed = _timed(fresh)
            unreadable: list[Entry] = []
            if seen is None:
                old = [entry for arrived, entry in timed if arrived < since]
                timed = [(arrived, entry) for arrived, entry in timed if arrived >= since]
                seen = {_digest(entry.unique) for entry in old}
                if not timed:
                    yield (), _cursor(seen)
            seen = _pruned(seen, path)
            for batch in self._batches(folder, path, timed, unreadable):
                seen |= {_digest(mail.ref.id) for mail in batch}
                yield batch, _cursor(seen)
        if unreadable:
            raise Transient(f"{self._what}: {len(unreadable)} mails in {folder} cannot be read")

    def marked(self, everywhere: bool, known: Callable[[MailRef], bool]) -> Iterator[Fetched]:
        """Mail named in `mailbot-marks`, by mailbot or by hand."""
        with files.translated(self._what):
            wanted = self._marks.names() if self._marks.word else frozenset()
            names = self._folders_for_marks(everywhere) if wanted else {}
            for name, path in names.items():
                for entry in files.entries(path).values():
                    if entry.unique not in wanted or known(self._ref(name, entry)):
                        continue
                    raw = _read_or_note(path, entry, [])
                    if raw is not None:
                        arrived = _arrived_or_now(path, entry)
                        yield Fetched(ref=self._ref(name, entry), raw=raw, arrived=arrived)

    def _folders_for_marks(self, everywhere: bool) -> dict[str, Path]:
        """Folders by the names that they are fetched by, where they are watched."""
        watched = {
            name: path for name in self._watch if (path := self._folders.find(name)) is not None
        }
        if not everywhere:
            return watched
        passed = {self._folders.find(name) for name in folders.NOT_FOR_MARKS}
        passed |= set(watched.values())
        others = self._folders.listed().items()
        return watched | {name: path for name, path in others if path not in passed}

    def wait(self, seconds: float) -> None:
        """Return when a folder changed since it was fetched, on `wake()`, or after `seconds`."""
        until = self._monotonic() + seconds
        while not self._bell.is_set() and not self._changed():
            left = until - self._monotonic()
            if left <= 0:
                return
            self._bell.wait(min(POLL_SECONDS, left))
        self._bell.clear()

    def wake(self) -> None:
        """End a `wait()`, or the next one if nobody waits."""
        self._bell.set()

    def raw(self, ref: MailRef) -> bytes | None:
        """The bytes of a mail, or None if it is gone from its folder."""
        with files.translated(self._what):
            path = self._located(ref)
            if path is None:
                return None
            try:
                return files.read(path)
            except FileNotFoundError:  # renamed between looking and reading: look once more
                path = self._located(ref)
                return files.read(path) if path else None

    def mark(self, ref: MailRef) -> None:
        """Write the mark down beside the mail; nothing in the mail or its name changes."""
        if not self._marks.word:
            return
        with files.translated(self._what):
            if self._located(ref) is not None:
                self._marks.add(ref.id)

    def file(self, ref: MailRef, folder: str) -> None:
        """Move a mail; the folder is made if there is none. It keeps its flags."""
        with files.translated(self._what):
            path = self._located(ref)
            if path is not None:
                files.move(path, self._folders.make(folder))

    def search(self, query: MailQuery) -> Iterator[Fetched]:
        """Every mail in every folder that matches; files are read one at a time."""
        query = matching.usable(query)
        if not (query.addresses or query.phrases or query.header):
            return
        with files.translated(self._what):
            for name, path in self._folders.listed().items():
                for entry in files.entries(path).values():
                    found = self._matching(query, entry, path)
                    if found is not None:
                        raw, arrived = found
                        yield Fetched(ref=self._ref(name, entry), raw=raw, arrived=arrived)

    def delete(self, ref: MailRef, purge: bool) -> None:
        """Move a mail to the bin; with `purge`, or if it lies there already, remove the file."""
        with files.translated(self._what):
            path = self._located(ref)
            if path is None:
                return
            bin_ = None if purge else self._folders.make(folders.TRASH)
            if bin_ is None or path.parent.parent == bin_:
                path.unlink(missing_ok=True)
            else:
                files.move(path, bin_)

    def close(self) -> None:
        """Nothing is held open; a wait ends."""
        self._bell.set()

    @property
    def _what(self) -> str:
        return f"mailbox {self.name}"

    def _find(self, folder: str) -> Path | None:
        path = self._folders.find(folder)
        if path is None and folder not in folders.MAY_BE_MISSING:
            raise Permanent(
                f"{self._what}: there is no folder {folder!r} in its Maildir; "
                "correct mailbox.maildir.path or mailbox.watch"
            )
        return path

    def _located(self, ref: MailRef) -> Path | None:
        folder = self._folders.find(ref.folder)
        return files.locate(folder, ref.id) if folder else None

    def _ref(self, folder: str, entry: Entry) -> MailRef:
        return MailRef(mailbox=self.name, folder=folder, id=entry.unique)

    def _changed(self) -> bool:
        """Whether a folder is not as it was when it was fetched (None: too fresh to tell)."""
        with files.translated(self._what):
            return any(
                times is None or times != _times(path)
                for path, times in tuple(self._looked.values())
            )

    def _batches(
        self,
        folder: str,
        path: Path,
        timed: Sequence[tuple[datetime, Entry]],
        unreadable: list[Entry],
    ) -> Iterator[tuple[Fetched, ...]]:
        batch: list[Fetched] = []
        size = 0
        for arrived, entry in timed:
            raw = _read_or_note(path, entry, unreadable)
            if raw is None:
                continue
            batch.append(Fetched(ref=self._ref(folder, entry), raw=raw, arrived=arrived))
            size += len(raw)
            if len(batch) >= BATCH_MAILS or size >= BATCH_OCTETS:
                yield tuple(batch)
                batch, size = [], 0
        if batch:
            yield tuple(batch)

    def _matching(
        self, query: MailQuery, entry: Entry, folder: Path
    ) -> tuple[bytes, datetime] | None:
        try:
            return _if_matching(query, entry.path)
        except FileNotFoundError:  # renamed since it was listed, or gone
            path = files.locate(folder, entry.unique)
            return _if_matching(query, path) if path else None


class MaildirOutbox:
    """Sends by putting mail into a Maildir, from which another program may take it away.

    What has been sent is written down beside it before it appears, so that a mail that was taken
    away is still known to have been sent.
    """

    _SENT = "mailbot-sent"

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._writing = threading.Lock()

    def certain(self, effect: str) -> bool:
        """True: a mail that is neither there nor written down never left."""
        return True

    def send(self, mail: Outgoing, begun: Callable[[], None]) -> Sent:
        """Write the mail into the outbox, durably. Nothing of it is seen before `begun()`."""
        now = self._clock.now()
        raw = build(mail, now)
        sent = Sent(effect=mail.effect, message_ids=(mail.message_id,), at=now)
        with files.translated("outbox"), self._writing:
            files.make_maildir(self._path)
            begun()
            files.write_durably(self._temporary(mail.effect), raw)
            line = json.dumps([_name(mail.effect), mail.message_id, now.isoformat()]) + "\n"
            files.write_durably(self._path / self._SENT, line.encode(), append=True)
            files.appear(self._path, _name(mail.effect))
        return sent

    def find(self, effect: str) -> Sent | None:
        """The receipt of a mail that left, whether or not it still lies in the outbox."""
        with files.translated("outbox"), self._writing:
            register = self._path / self._SENT
            if not register.exists() or self._temporary(effect).exists():
                return None  # still in tmp/: written down but never seen by anybody
            lines = register.read_text(encoding="utf-8").splitlines()
        for line in lines:
            name, message_id, at = _registered(line)
            if name == _name(effect):
                when = datetime.fromisoformat(at)
                return Sent(effect=effect, message_ids=(message_id,), at=when)
        return None

    def _temporary(self, effect: str) -> Path:
        return self._path / "tmp" / _name(effect)


def _if_matching(query: MailQuery, path: Path) -> tuple[bytes, datetime] | None:
    if not query.phrases:
        beginning = files.read(path, _HEAD_OCTETS)
        if not matching.head_matches(query, decode.head(beginning)):
            return None
    raw = files.read(path)
    return (raw, _arrived(path)) if matching.matches(query, raw) else None


def _arrived(path: Path) -> datetime:
    """When the mail was delivered: moving and flagging keep a file's time."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _arrived_or_now(folder: Path, entry: Entry) -> datetime:
    path = files.locate(folder, entry.unique)
    try:
        return _arrived(path or entry.path)
    except FileNotFoundError:
        return datetime.now(UTC)  # moved away while it was read: it was there just now


def _name(effect: str) -> str:
    return f"mailbot-{hashlib.sha256(effect.encode()).hexdigest()[:40]}"


def _registered(line: str) -> tuple[str, str, str]:
    try:
        name, message_id, at = json.loads(line)
    except ValueError:  # a line cut off by a crash: its mail is still in tmp/
        return "", "", ""
    return str(name), str(message_id), str(at)


def _times(folder: Path) -> tuple[int, ...] | None:
    """When new/ and cur/ changed last; None (never equal) while that is too fresh to be sure.

    File times tick: a mail that comes in the same tick as the look would go unnoticed.
    """
    times = tuple((folder / part).stat().st_mtime_ns for part in ("new", "cur"))
    return None if time.time_ns() - max(times) < _CLOCK_TICK_NS else times


def _timed(listed: Sequence[Entry]) -> list[tuple[datetime, Entry]]:
    """Mails with the time of their arrival, oldest first."""
    timed = []
    for entry in listed:
        try:
            timed.append((_arrived(entry.path), entry))
        except FileNotFoundError:
            continue  # renamed since it was listed: the next look finds it
    timed.sort(key=lambda pair: (pair[0], pair[1].unique))
    return timed


def _read_or_note(folder: Path, entry: Entry, unreadable: list[Entry]) -> bytes | None:
    """The bytes of a mail; None if it is gone, or if it cannot be read, which is noted."""
    try:
        return files.read(entry.path)
    except FileNotFoundError:
        path = files.locate(folder, entry.unique)
        return files.read(path) if path else None
    except OSError:
        unreadable.append(entry)
        return None


def _digest(unique: str) -> bytes:
    return hashlib.sha256(unique.encode("utf-8", "surrogateescape")).digest()[:_NAME_OCTETS]


def _cursor(seen: set[bytes]) -> str:
    joined = base64.b64encode(b"".join(sorted(seen))).decode("ascii")
    return json.dumps({"version": 1, "seen": joined})


def _parse(cursor: str | None) -> set[bytes] | None:
    if cursor is None:
        return None
    try:
        joined = base64.b64decode(json.loads(cursor)["seen"], validate=True)
    except (ValueError, KeyError, TypeError):
        return None
    pieces = range(0, len(joined), _NAME_OCTETS)
    return {joined[start : start + _NAME_OCTETS] for start in pieces}


def _pruned(seen: set[bytes], folder: Path) -> set[bytes]:
    """Names that are long gone are forgotten, rarely and only when two looks agree.

    A mail that is renamed while the folder is listed can be missed by one look; forgetting it
    would bring it again.
    """
    if len(seen) < 2_000:
        return seen
    present = {_digest(unique) for unique in files.entries(folder)}
    if len(seen) < 2 * len(present) + 1_000:
        return seen
    time.sleep(0.05)
    return seen & (present | {_digest(unique) for unique in files.entries(folder)})
