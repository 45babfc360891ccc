"""Many rows that differ in nothing that matters, kept on disk instead of in memory.

A heavy user may have a hundred thousand letters, orders or log lines. Whose a row is follows from
what it shows and what it refers to: of rows that are alike in that, and that nothing refers to, one
stands for all. The others go to an unnamed file that vanishes with the search, whatever happens,
encrypted under a key that only this process has.
"""

import heapq
import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import overload

from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from mailbot.config_until import parse_until
from mailbot.datamap import DataMap, Keep
from mailbot.record import Certainty, Finding, Row, Typed, Value, as_json, canonical
from mailbot.sources.facts import Fact, Values
from mailbot.sources.mapping import Entry, Link, Mapped, Place
from mailbot.sources.matching import Traits

MOST_IN_MEMORY = 1_000  # rows alike, of one query; what comes after them is piled
_RUN = 4_000  # rows that are sorted in memory before they are written
_PAGE = 50  # rows that are read back at a time
Signature = tuple[Traits, tuple[tuple[Link, Values], ...]]


def pileable(mapped: Mapped, datamap: DataMap) -> frozenset[Place]:
    """The tables whose rows may be piled: nothing refers to their rows, no rule of retention asks
    for them, one entry speaks of them, and they tell of no other keys and hold no free text."""
    asked = {link.parent for entry in mapped.entries for link in entry.links}
    for database in datamap.database:
        for spec in database.table:
            asked |= {_place(join.table, database.name) for join in spec.join}
            asked |= {_place(table, database.name) for table in _kept(spec.keep)}
    return frozenset(
        entry.place
        for entry in mapped.entries
        if entry.place not in asked
        and entry.spec.is_ == "about"
        and entry.shape.key
        and not entry.read
        and not entry.teaches
        and len(mapped.of(entry.place[1])) == 1
    )


def _kept(keep: Keep | None) -> tuple[str, ...]:
    try:
        return parse_until(keep.until).kept if keep else ()
    except ValueError:
        return ()  # `check` names it


def _place(table: str, system: str) -> Place:
    other, colon, name = table.partition(":")
    return (other.strip(), name.strip()) if colon else (system, table)


class Spill:
    """An unnamed file of encrypted pages. Raises OSError where the disk is full."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(buffering=0, prefix="mailbot-")  # noqa: SIM115 (lives as long as this)
        self._cipher = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())
        self._end = 0

    def write(self, rows: Sequence[Sequence[Value]]) -> tuple[int, int]:
        """A page; where it begins and how long it is."""
        text = json.dumps([[as_json(value) for value in row] for row in rows])
        # Where a page begins is used once only, as a nonce must be.
        page = self._cipher.encrypt(self._end.to_bytes(12, "big"), text.encode(), None)
        begun = self._end
        while page:
            written = os.pwrite(self._file.fileno(), page, self._end)
            page, self._end = page[written:], self._end + written
        return begun, self._end - begun

    def read(self, place: tuple[int, int]) -> list[list[Value]]:
        """The rows of a page."""
        begun, length = place
        page = os.pread(self._file.fileno(), length, begun)
        text = self._cipher.decrypt(begun.to_bytes(12, "big"), page, None)
        return [[_value(part) for part in row] for row in json.loads(text)]


def _value(part: object) -> Value:
    if isinstance(part, dict):
        ((kind, text),) = part.items()
        return Typed(kind, text)
    return part  # type: ignore[return-value] # what as_json made of a Value


@dataclass(slots=True)
class Pile:
    """Rows alike; `first` stands for them among the rows in memory. `add` and reading them take
    turns: a search reads when all is collected."""

    first: Fact
    spill: Spill
    _buffer: list[tuple[bytes, list[Value]]] = field(default_factory=list)
    _runs: list[list[tuple[int, int]]] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """One more row."""
        columns = self.first.entry.shape.columns
        self._buffer.append((_identity(self.first.entry, row), [row[name] for name in columns]))
        if len(self._buffer) < _RUN:
            return
        self._buffer.sort(key=_BY_KEY)
        rows = [values for _, values in self._buffer]
        self._buffer.clear()
        starts = range(0, len(rows), _PAGE)
        self._runs.append([self.spill.write(rows[start : start + _PAGE]) for start in starts])

    def facts(self) -> Iterator[Fact]:
        """The rows, in the order of their keys; some perhaps twice."""
        entry, traits = self.first.entry, self.first.traits
        runs = [self._read(run) for run in self._runs]
        for _, values in heapq.merge(*runs, sorted(self._buffer, key=_BY_KEY), key=_BY_KEY):
            row = dict(zip(entry.shape.columns, values, strict=True))
            yield Fact(entry, entry.shape.key_of(row), row, traits)

    def _read(self, run: Iterable[tuple[int, int]]) -> Iterator[tuple[bytes, list[Value]]]:
        entry = self.first.entry
        for page in run:
            for values in self.spill.read(page):
                row = dict(zip(entry.shape.columns, values, strict=True))
                yield _identity(entry, row), values


_BY_KEY = itemgetter(0)


def _identity(entry: Entry, row: Row) -> bytes:
    key = entry.shape.key_of(row)
    return canonical({name: as_json(value) for name, value in key.items()})


@dataclass(slots=True)
class Piler:
    """Sorts the rows of one query into those that stay in memory and piles."""

    facts: list[Fact] = field(default_factory=list)
    piles: dict[Signature, Pile] = field(default_factory=dict)
    _alike: dict[Signature, tuple[Traits, int]] = field(default_factory=dict)
    _spill: Spill | None = None

    def add(self, fact: Fact, may_pile: bool) -> None:
        """Take a row in."""
        if not may_pile:
            self.facts.append(fact)
            return
        signature = (fact.traits, tuple(fact.upward()))
        pile = self.piles.get(signature)
        if pile is not None:
            pile.add(fact.row)
            return
        traits, count = self._alike.get(signature, (fact.traits, 0))
        self._alike[signature] = traits, count + 1
        fact.traits = traits  # one object for all
        self.facts.append(fact)
        if count >= MOST_IN_MEMORY:
            self._spill = self._spill or Spill()
            self.piles[signature] = Pile(fact, self._spill)


class Findings(Sequence[Finding]):
    """Findings that are made anew each time they are gone through, and never all in memory."""

    def __init__(self, made: Callable[[], Iterator[Finding]]) -> None:
        self._made = made
        self._count: int | None = None

    def __iter__(self) -> Iterator[Finding]:
        """In their order."""
        return self._made()

    def __len__(self) -> int:
        """Counted once."""
        if self._count is None:
            self._count = sum(1 for _ in self._made())
        return self._count

    @overload
    def __getitem__(self, place: int) -> Finding: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Finding, ...]: ...

    def __getitem__(self, place: int | slice) -> Finding | tuple[Finding, ...]:
        """One of them, or some; all are made for it."""
        return tuple(self)[place]


def in_order(*sorted_ones: Iterable[Finding]) -> Iterator[Finding]:
    """Findings of several sequences as one, each record once: as the first sequence has it, or
    whichever is certain of it."""
    placed = (_placed(findings) for findings in sorted_ones)
    last: tuple[tuple[str, int, str, str], Finding] | None = None
    for place, finding in heapq.merge(*placed, key=_BY_KEY):
        if last is not None and last[0] == place:
            if finding.certainty is Certainty.CERTAIN:
                last = place, last[1] if last[1].certainty is Certainty.CERTAIN else finding
            continue
        if last is not None:
            yield last[1]
        last = place, finding
    if last is not None:
        yield last[1]


def _placed(
    findings: Iterable[Finding],
) -> Iterator[tuple[tuple[str, int, str, str], Finding]]:
    return ((place_of(finding), finding) for finding in findings)


def place_of(finding: Finding) -> tuple[str, int, str, str]:
    """By what findings are ordered: children before their parents."""
    return finding.system, finding.order, finding.table, finding.identity
