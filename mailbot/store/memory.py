"""What outlives a case without holding anybody's data: the suppression list, erased records.

Both are kept as keyed hashes: who holds the store but not its key cannot even try addresses.
GDPR art. 21(3) (no marketing again) and art. 17 with art. 5(1)(f) (erased again after a restore).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from mailbot.codec import from_json
from mailbot.ledger import utc_text
from mailbot.memory import Memory, Recalled
from mailbot.record import Row, as_json, canonical, fingerprint
from mailbot.store import schema
from mailbot.store.encryption import seal, unseal
from mailbot.store.keyring import KeyRing
from mailbot.store.rows import clear, decoded, encoded, moment
from mailbot.store.transaction import Writing, writes

_suppression = schema.suppression
_remembered = schema.remembered
_PAGE = 400


class MemoryWrites(Writing):
    """See `ports.Tx`."""

    @writes
    def suppress(self, channel: str, value: str) -> None:
        """Enter an address or a number, as it is compared. Entered before: the first date stays."""
        entry = {
            "entry_index": self.ring.indexes.suppression(channel, value),
            "channel": clear(channel),
            "since": utc_text(self.clock.now()),
        }
        self.connection.execute(
            self.insert_or(_suppression).values(**entry).on_conflict_do_nothing()
        )

    @writes
    def release(self, channel: str, value: str) -> bool:
        """Take an entry off the list; False if it was not there."""
        index = self.ring.indexes.suppression(channel, value)
        done = self.connection.execute(
            delete(_suppression).where(
                _suppression.c.entry_index == index, _suppression.c.channel == channel
            )
        )
        self.forgets = True
        return done.rowcount == 1

    @writes
    def remember(self, memory: Memory) -> None:
        """Note an erased or kept record; a later note about the same record replaces it."""
        index = record_index(self.ring, memory.system, memory.table, memory.key)
        self.connection.execute(
            delete(_remembered).where(
                _remembered.c.system == memory.system, _remembered.c.record_index == index
            )
        )
        self.connection.execute(
            delete(_remembered).where(_remembered.c.expires < utc_text(self.clock.now()))
        )
        note = Recalled(
            table=memory.table,
            do=memory.do,
            after=memory.after,
            content=content_mark(self.ring, memory.row, memory.volatile),
            marks=tuple(
                sorted(self.ring.indexes.mark(kind, value) for kind, value in memory.marks)
            ),
            volatile=memory.volatile,
            rule=memory.rule,
            until=memory.until,
        )
        self.connection.execute(
            insert(_remembered).values(
                system=clear(memory.system),
                record_index=index,
                until=memory.until.isoformat() if memory.until else None,
                expires=utc_text(memory.expires),
                details=seal(self.ring.store_key, encoded(note), "remembered", index, "details"),
            )
        )

    @writes
    def forget(self, system: str, table: str, key: Row) -> None:
        """A record is no longer to be remembered: what was kept has gone."""
        index = record_index(self.ring, system, table, key)
        self.connection.execute(
            delete(_remembered).where(
                _remembered.c.system == system, _remembered.c.record_index == index
            )
        )


class MemoryReading:
    """See `ports.Store`."""

    ring: KeyRing
    reading: Callable[[], AbstractContextManager[Connection]]

    def suppressed(self, channel: str, values: Iterable[str]) -> Mapping[str, datetime]:
        """Those of the given addresses or numbers that are on the list, and since when."""
        indexes = {self.ring.indexes.suppression(channel, value): value for value in values}
        wanted = list(indexes)
        found: dict[str, datetime] = {}
        with self.reading() as connection:
            for start in range(0, len(wanted), _PAGE):
                query = select(_suppression).where(
                    _suppression.c.channel == channel,
                    _suppression.c.entry_index.in_(wanted[start : start + _PAGE]),
                )
                for row in connection.execute(query):
                    found[indexes[row.entry_index]] = moment(row.since)
        return found

    def recall(self, system: str, now: datetime) -> "Recollection":
        """What is remembered of a system's records and has not expired."""
        query = select(_remembered).where(
            _remembered.c.system == system, _remembered.c.expires >= utc_text(now)
        )
        with self.reading() as connection:
            rows = connection.execute(query.order_by(_remembered.c.seq)).all()
        notes: dict[str, Recalled] = {}
        for row in rows:
            place = ("remembered", row.record_index, "details")
            details = decoded(unseal(self.ring.store_key, row.details, *place))
            notes[row.record_index] = from_json(Recalled, details)
        return Recollection(self.ring, system, notes)


class Recollection:
    """Recognises records of one system: see `ports.Recollection`."""

    def __init__(self, ring: KeyRing, system: str, notes: Mapping[str, Recalled]) -> None:
        self._ring = ring
        self._system = system
        self._notes = notes

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of which something is remembered."""
        return tuple(sorted({note.table for note in self._notes.values()}))

    def by_key(self, table: str, key: Row) -> Recalled | None:
        """What is remembered of the record with this key."""
        return self._notes.get(record_index(self._ring, self._system, table, key))

    def is_content(self, note: Recalled, row: Row) -> bool:
        """Whether a record holds exactly what it held when it was noted."""
        return note.content == content_mark(self._ring, row, note.volatile)

    def is_marked(self, note: Recalled, marks: Iterable[tuple[str, str]]) -> bool:
        """Whether a record bears a key of the person of whom it was noted."""
        return any(self._ring.indexes.mark(kind, value) in note.marks for kind, value in marks)


def record_index(ring: KeyRing, system: str, table: str, key: Row) -> str:
    """The keyed hash of a record's place."""
    written = canonical({name: as_json(value) for name, value in key.items()}).decode()
    return ring.indexes.record(system, table, written)


def content_mark(ring: KeyRing, row: Row, volatile: Sequence[str]) -> str:
    """The keyed hash of a record's content, all columns but the volatile ones."""
    return ring.indexes.content(fingerprint(b"content", row, volatile))
