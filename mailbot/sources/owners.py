"""Who stands above a row: the persons to whom it belongs by reference, and the names they lend."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from mailbot.sources.facts import Fact, FactId, Facts
from mailbot.sources.mapping import Place

_DEEPEST = 12  # references climbed from a row to its owner


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of the search itself, beside the rows.

    `unread`: tables, or whole systems (table ""), that could not be read; `resolved`: references
    whose parents were asked for and read.
    """

    unread: frozenset[Place] = frozenset()
    resolved: frozenset[tuple[Place, tuple[str, ...], tuple[str, ...]]] = frozenset()

    def is_unread(self, place: Place) -> bool:
        """Whether a table may hold rows that were not seen."""
        return place in self.unread or (place[0], "") in self.unread


@dataclass(slots=True)
class Owners:
    """Ownership by reference, over all rows read: from parent to child, never through the staff."""

    facts: Facts
    known: Known
    _lent: dict[FactId, tuple[str, ...] | None] = field(default_factory=dict)
    _under: dict[str, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    _by_email: dict[str, list[Fact]] = field(default_factory=dict)
    _by_phone: dict[str, list[Fact]] = field(default_factory=dict)

    def index(self, rows: Sequence[Fact]) -> None:
        """Note who shows which address and number."""
        for fact in rows:
            if fact.kind in ("own", "none"):
                continue
            for address in dict.fromkeys(found for _, found in fact.traits.emails):
                self._by_email.setdefault(address, []).append(fact)
            for number in dict.fromkeys(found for _, found in fact.traits.phones):
                self._by_phone.setdefault(number, []).append(fact)

    def using(self, number: str) -> Iterable[Fact]:
        """Rows whose own columns show a number."""
        return self._by_phone.get(number, ())

    def names_under(self, address: str) -> tuple[tuple[str, ...], ...]:
        """The names on rows with an address, each once. A row that belongs to a record tells
        nothing new."""
        if address not in self._under:
            self._under[address] = tuple(
                dict.fromkeys(
                    fact.traits.names
                    for fact in self._by_email.get(address, ())
                    if fact.traits.names
                    and (
                        fact.kind == "person" or (fact.kind == "about" and not self._belongs(fact))
                    )
                )
            )
        return self._under[address]

    def _belongs(self, fact: Fact) -> bool:
        return any(
            entry.spec.is_ in ("person", "about")
            for link, _ in fact.upward()
            for entry in self.facts.entries(link.parent)
        )

    def names_of(self, fact: Fact) -> tuple[str, ...] | None:
        """A row's names, or those of whoever it belongs to; None: that could not be read."""
        if fact.traits.names:
            return fact.traits.names
        if fact.id not in self._lent:
            above = list(self.persons(fact))
            names = tuple(name for owner in above if owner for name in owner.traits.names)
            self._lent[fact.id] = None if None in above and not names else names
        return self._lent[fact.id]

    def persons(self, fact: Fact, depth: int = 0) -> Iterator[Fact | None]:
        """The persons to whom a row belongs by reference; None for one that could not be read."""
        if fact.kind == "person" or depth > _DEEPEST:
            return
        for link, values, parents in self.facts.parents(fact):
            entries = self.facts.entries(link.parent)
            if entries and all(entry.spec.is_ in ("own", "none") for entry in entries):
                continue
            if not parents:
                read = (link.parent, link.to, values) in self.known.resolved
                if not read or self.known.is_unread(link.parent):
                    yield None
                continue  # an orphan: what it referred to is gone
            for parent in parents:
                if parent.kind == "person":
                    yield parent
                elif parent.kind == "about":
                    yield from self.persons(parent, depth + 1)

    def everybody(self, fact: Fact, depth: int = 0) -> Iterator[Fact | None]:
        """Persons above a row, and rows above it that are somebody's by their own keys."""
        yield from self.persons(fact, depth)
        if depth > _DEEPEST:
            return
        for _, _, parents in self.facts.parents(fact):
            for parent in parents:
                if parent.kind == "about":
                    if parent.traits.emails or parent.traits.phones or parent.traits.ids:
                        yield parent
                    yield from self.everybody(parent, depth + 1)
