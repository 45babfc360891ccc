"""Rows read so far, and the references between them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailbot.record import Row, as_json, canonical, plain
from mailbot.sources.mapping import Entry, Link, Mapped, Place
from mailbot.sources.matching import Rules, Traits
from mailbot.sources.reading import fits, folded, referred

Values = tuple[str, ...]
FactId = tuple[str, str, bytes]  # system, table, canonical key


@dataclass(slots=True, eq=False)
class Fact:
    """A row that was read, under the entry that speaks of it. `copies`: of a row without a key."""

    entry: Entry
    key: Row
    row: Row
    traits: Traits
    copies: int = 1
    _id: FactId | None = None

    @property
    def id(self) -> FactId:
        """The same row is the same id, whichever statement read it."""
        if self._id is None:
            system, table = self.entry.place
            self._id = (
                system, table, canonical({n: as_json(v) for n, v in self.key.items()}),
            )  # fmt: skip
        return self._id

    @property
    def kind(self) -> str:
        """person | about | own | company | none."""
        return self.entry.spec.is_

    def values(self, columns: Iterable[str]) -> Values | None:
        """Columns as text for comparing references; None if any is empty."""
        found = [referred(self.row.get(column)) for column in columns]
        return None if any(v in (None, "") for v in found) else tuple(v or "" for v in found)

    def upward(self) -> Iterator[tuple[Link, Values]]:
        """The references that this row makes."""
        for link in self.entry.links:
            values = self.values(link.columns)
            if values is not None and fits(self.row, link.where):
                yield link, values

    @property
    def label(self) -> str:
        """The row's place in a trail: "contacts.id = 17"."""
        table = self.entry.place[1]
        if self.entry.shape.is_whole(self.key):
            return f"{table} (no key)"
        shown = (f"{table}.{name} = {plain(value)}" for name, value in self.key.items())
        return ", ".join(shown)


@dataclass(slots=True)
class Facts:
    """All rows read in one search, across systems, indexed by whatever a reference names."""

    rules: Rules
    mapped: dict[str, Mapped] = field(default_factory=dict)
    rows: dict[FactId, Fact] = field(default_factory=dict)
    _index: dict[tuple[Place, Values, bool], dict[Values, list[Fact]]] = field(default_factory=dict)
    _children: dict[Place, list[tuple[Link, Entry]]] = field(default_factory=dict)

    def open(self, mapped: Mapped) -> None:
        """A system that answers: its entries take part from now on."""
        self.mapped[mapped.system] = mapped
        self._children.clear()
        for each in self.mapped.values():
            for entry in each.entries:
                for link in entry.links:
                    self._children.setdefault(link.parent, []).append((link, entry))

    def entries(self, place: Place) -> tuple[Entry, ...]:
        """The entries of a table, none if its system does not answer or has no such table."""
        mapped = self.mapped.get(place[0])
        return mapped.of(place[1]) if mapped else ()

    def children(self, place: Place) -> list[tuple[Link, Entry]]:
        """Who may refer to rows of a table."""
        return self._children.get(place, [])

    def add(self, fact: Fact) -> None:
        """Take a row in; an entry with a condition knows better than one without."""
        known = self.rows.get(fact.id)
        if known is None:
            self.rows[fact.id] = fact
            for (place, columns, folds), index in self._index.items():
                if place == fact.entry.place:
                    _file(index, fact, columns, folds)
        elif fact.entry.spec.where and not known.entry.spec.where:
            known.entry, known.traits = fact.entry, fact.traits
        if known is not None:
            known.copies = max(known.copies, fact.copies)

    def named(
        self, place: Place, columns: Values, values: Values, folds: bool = False
    ) -> list[Fact]:
        """Rows whose columns hold these values. `folds`: whatever their case and accents."""
        index = self._index.get((place, columns, folds))
        if index is None:
            index = self._index[(place, columns, folds)] = {}
            for fact in self.rows.values():
                if fact.entry.place == place:
                    _file(index, fact, columns, folds)
        return index.get(_folded(values) if folds else values, [])

    def parents(self, fact: Fact) -> Iterator[tuple[Link, Values, list[Fact]]]:
        """The rows that a row refers to, as far as they were read."""
        for link, values in fact.upward():
            yield link, values, self.named(link.parent, link.to, values, self._folds(link, fact))

    def offspring(self, fact: Fact) -> Iterator[tuple[Link, Fact]]:
        """The rows read so far that refer to a row."""
        for link, entry in self.children(fact.entry.place):
            values = fact.values(link.to)
            if values is None:
                continue
            folds = entry.shape.folds(link.columns) or fact.entry.shape.folds(link.to)
            for child in self.named(entry.place, link.columns, values, folds):
                if child.entry is entry and fits(child.row, link.where):
                    yield link, child

    def _folds(self, link: Link, child: Fact) -> bool:
        """Whether the databases take a reference for the same in another case (MySQL's usual
        collations do, and their foreign keys with them)."""
        above = self.entries(link.parent)
        return child.entry.shape.folds(link.columns) or any(e.shape.folds(link.to) for e in above)


def _file(index: dict[Values, list[Fact]], fact: Fact, columns: Values, folds: bool) -> None:
    values = fact.values(columns)
    if values is not None:
        index.setdefault(_folded(values) if folds else values, []).append(fact)


def _folded(values: Values) -> Values:
    return tuple(folded(value) for value in values)


def key_of(entry: Entry, row: Row) -> Row:
    """What names a row: its primary key, or all its columns."""
    return entry.shape.key_of(row)
