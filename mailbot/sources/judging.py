"""Whose a row is. Decided afresh from all rows read, so that the order of reading changes nothing.

The norms: an address is the person's unless several people stand behind it; a number only with
the name, or where nobody else uses it; a name alone never. Ownership runs from parent to child,
never through the organisation's own rows and never from one person to another.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mailbot import identifiers
from mailbot.record import Certainty
from mailbot.sources.companies import is_sole_trader
from mailbot.sources.facts import Fact, FactId, Facts
from mailbot.sources.mapping import Link
from mailbot.sources.matching import Likeness, Rules, Wanted
from mailbot.sources.owners import Known, Owners

_WORDS = {"email": "e-mail", "customer_no": "customer number", "user_id": "user id"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How sure we are that a row is the person's, why, and how we came to it."""

    certainty: Certainty
    reason: str
    trail: str


@dataclass(slots=True)
class Judge:
    """Applies the norms to all rows read, until nothing new follows."""

    facts: Facts
    rules: Rules
    stated: Wanted
    known: Known = field(default_factory=Known)
    certain: dict[FactId, Verdict] = field(default_factory=dict)
    learnt: Wanted = field(default_factory=Wanted)
    origin: dict[tuple[str, str], str] = field(default_factory=dict)
    _taught: set[FactId] = field(default_factory=set)
    owners: Owners = field(init=False)
    _own: Wanted = field(default_factory=Wanted)

    def __post_init__(self) -> None:
        self.owners = Owners(self.facts, self.known)

    @property
    def keys(self) -> Wanted:
        """Every key of the person: stated and learnt, without those of the staff."""
        return (self.stated | self.learnt) - self._own

    def decide(self) -> "Judge":
        """Reach the state in which no row and no key follows any more."""
        rows = [fact for _, fact in sorted(self.facts.rows.items())]
        own = _keys_of(fact for fact in rows if fact.kind == "own")
        self._own = Wanted(own.emails, own.phones, frozenset(), own.ids)
        self.owners.index(rows)
        mine = [fact for fact in rows if fact.kind not in ("own", "none")]
        # Strong keys first: names learnt by them decide who else uses a number or an address.
        while any(stage(mine) for stage in (self._strong, self._follow, self._weak, self._by_text)):
            pass
        return self

    def _accept(self, fact: Fact, reason: str, trail: str) -> bool:
        if fact.id in self.certain:
            return False
        self.certain[fact.id] = Verdict(Certainty.CERTAIN, reason, trail)
        self._learn(fact)
        return True

    # Stages. Each says whether it found anything new.

    def _strong(self, rows: Iterable[Fact]) -> bool:
        """Addresses that are one person's, customer numbers, user ids."""
        found = False
        for fact in rows:
            if fact.id in self.certain:
                continue
            for column, kind, key in fact.traits.ids:
                if (kind, key) in self.keys.ids and self._may_own(fact, ()):
                    found |= self._accept(fact, *self._why(fact, column, kind, key))
            for column, address in fact.traits.emails:
                if (
                    address in self.keys.emails
                    and not self.is_shared(address)
                    and self._may_own(fact, (address,))
                ):
                    found |= self._accept(fact, *self._why(fact, column, "email", address))
        return found

    def _follow(self, rows: Iterable[Fact]) -> bool:
        """Rows that belong to a certain row, to the end."""
        found = False
        waiting = [fact for fact in rows if fact.id in self.certain]
        while waiting:
            fact = waiting.pop()
            for link, child in self.facts.offspring(fact):
                if self._flows(link, child) and self._accept(
                    child, "belongs to a record of the person", self._step(fact, link, child)
                ):
                    waiting.append(child)
                    found = True
            for link, _, parents in self.facts.parents(fact):
                for parent in parents if link.kind == "same" else ():
                    if parent.kind not in ("own", "none") and self._accept(
                        parent, "is the same person", f"{self._trail(fact)} → {parent.label}"
                    ):
                        waiting.append(parent)
                        found = True
        return found

    def _weak(self, rows: Iterable[Fact]) -> bool:
        """Shared addresses and telephone numbers: the name on the row decides."""
        found = False
        for fact in rows:
            if fact.id in self.certain or fact.kind == "company":
                continue
            for column, address in fact.traits.emails:
                if address in self.keys.emails and self._bears_name(fact):
                    why, trail = self._why(fact, column, "email", address)
                    found |= self._accept(fact, f"{why}, shared, and the name", trail)
            for column, number in fact.traits.phones:
                if number in self.keys.phones and self._is_number_of(fact, number):
                    found |= self._accept(fact, *self._why(fact, column, "phone", number))
        return found

    def _by_text(self, rows: Iterable[Fact]) -> bool:
        """Text that shows the person, in a row that has no other owner."""
        found = False
        for fact in rows:
            if fact.id in self.certain or fact.kind == "company" or not fact.traits.text:
                continue
            shown = self.shown_in_text(fact)
            if shown and self.other_owner(fact) is False:
                found |= self._accept(fact, f"{shown} in text", fact.label)
        return found

    # Keys.

    def _learn(self, fact: Fact) -> None:
        """A person's own row tells of other keys: second e-mail, phone, customer number."""
        if fact.id in self._taught:
            return
        linked = any(link.kind == "same" for link, _ in fact.upward())
        if not (fact.kind == "person" or linked or self._tells_of_one(fact)):
            return
        new = _keys_of([fact])
        self._taught.add(fact.id)
        for kind, key in _pairs(new):
            self.origin.setdefault((kind, key), fact.label)
        self.learnt |= new

    def _tells_of_one(self, fact: Fact) -> bool:
        """Whether all keys on a row that is no person's register entry are one person's.

        A message has a sender and a receiver, an order may be delivered to somebody else: so it
        has one column for each kind of key, and bears the person's name, or belongs to nobody
        else and shows an address or number that is the person's alone.
        """
        traits, keys = fact.traits, self.keys
        if fact.kind != "about" or any(len(ways) > 1 for ways in fact.entry.identify.values()):
            return False
        if traits.names and keys.names:
            return self.likeness(traits.names) is Likeness.SAME
        proven = any(
            address in keys.emails and not self.is_shared(address) for _, address in traits.emails
        ) or any((kind, key) in keys.ids for _, kind, key in traits.ids)
        return proven and not any(True for _ in self.owners.persons(fact))

    def _why(self, fact: Fact, column: str, kind: str, key: str) -> tuple[str, str]:
        word = _WORDS.get(kind, kind)
        learnt = self.origin.get((kind, key))
        if learnt and not _holds(self.stated, kind, key):
            return f"{column} equals {word} learnt from {learnt}", f"{learnt} → {fact.label}"
        return sys.intern(f"{column} equals {word}"), fact.label  # one text for all such rows

    # Names.

    def likeness(self, names: Iterable[str]) -> Likeness | None:
        """How like the person's any of these names is; None if there are none on either side."""
        found = [self.rules.likeness(name, own) for name in names for own in self.keys.names]
        return max(found) if found else None

    def _bears_name(self, fact: Fact) -> bool:
        """Whether a row bears the person's name, on itself or on whom it belongs to."""
        return self.likeness(self.owners.names_of(fact) or ()) is Likeness.SAME

    def is_shared(self, address: str) -> bool:
        """Several people read this address: by its role, or by the names found under it."""
        return self.rules.is_role(address) or not self._is_one(self.keys.names, address)

    def is_alone(self, address: str) -> bool:
        """Whether all rows under an address bear one person's name, whoever that is."""
        return self._is_one((), address)

    def _is_one(self, people: Iterable[str], address: str) -> bool:
        known = list(people)
        for names in self.owners.names_under(address):
            close = (self.rules.likeness(name, one) for name in names for one in known)
            # A first name that stays and a surname that changes is a marriage, not two people.
            if known and max(close) < Likeness.GIVEN:
                return False
            known = known or list(names)
        return True

    def _is_number_of(self, fact: Fact, number: str) -> bool:
        """A number is the person's with the name, or where no other name uses it anywhere."""
        names, mine = self.owners.names_of(fact), self.keys.names
        if names is None:
            return False  # it belongs to somebody who could not be read
        if names and mine:
            return self.likeness(names) is Likeness.SAME
        if self.known.unread:
            return False  # somebody else may use it where we could not look
        if any(owner and owner.id not in self.certain for owner in self.owners.persons(fact)):
            return False
        return not self._is_used_by_others(number, mine or names)

    def _is_used_by_others(self, number: str, mine: Iterable[str]) -> bool:
        people = list(mine)
        for fact in self.owners.using(number):
            names = () if fact.id in self.certain else self.owners.names_of(fact) or ()
            close = [self.rules.likeness(name, known) for name in names for known in people]
            if close and max(close) < Likeness.ALIKE:
                return True
            people = people or list(names)
        return False

    # Ownership.

    def _flows(self, link: Link, child: Fact) -> bool:
        if child.kind in ("own", "none"):
            return False
        if link.kind == "same" or child.kind == "about":
            return True
        return child.kind == "company" and is_sole_trader(child, (), self.keys.names) is True

    def _may_own(self, fact: Fact, emails: tuple[str, ...]) -> bool:
        if fact.kind != "company":
            return True
        return is_sole_trader(fact, emails, self.keys.names) is True

    def other_owner(self, fact: Fact) -> bool | None:
        """Whether a row is somebody else's: by its own keys, or by what it belongs to.

        None: that could not be read, and so may be.
        """
        traits, keys = fact.traits, self.keys
        if traits.names and (self.likeness(traits.names) or Likeness.OTHER) < Likeness.ALIKE:
            return True
        shown = [address in keys.emails for _, address in traits.emails]
        shown += [number in keys.phones for _, number in traits.phones]
        shown += [(kind, key) in keys.ids for _, kind, key in traits.ids]
        if shown and not any(shown):
            return True
        owners = [
            owner
            for owner in self.owners.everybody(fact)
            if owner is None or owner.id not in self.certain
        ]
        if any(owners):
            return True
        return None if owners else False

    # Text.

    def shown_in_text(self, fact: Fact) -> str:
        """The key by which a text shows the person beyond doubt; "" if none."""
        traits, keys = fact.traits, self.keys
        named = any(identifiers.name_in(traits.text, name) for name in self.keys.names)
        for address in sorted(traits.text_emails & keys.emails):
            if named or not self.is_shared(address):
                return "e-mail"
        for kind, key in sorted(keys.ids):
            if (kind, key) in traits.text_ids or self.rules.shows_id(traits.text, kind, key):
                return _WORDS.get(kind, kind)
        return "name and phone" if named and traits.text_phones & keys.phones else ""

    # Trails.

    def _trail(self, fact: Fact) -> str:
        verdict = self.certain.get(fact.id)
        return verdict.trail if verdict else fact.label

    def _step(self, parent: Fact, link: Link, child: Fact) -> str:
        foreign = parent.entry.place[0] != child.entry.place[0]
        return f"{self._trail(parent)} ← {link.step(foreign)}"


def _keys_of(facts: Iterable[Fact]) -> Wanted:
    rows = list(facts)
    return Wanted(
        frozenset(key for fact in rows for _, key in fact.traits.emails),
        frozenset(key for fact in rows for _, key in fact.traits.phones),
        frozenset(
            " ".join(name.split())
            for fact in rows
            for name in fact.traits.names
            if len(identifiers.name_parts(name)) > 1
        ),
        frozenset((kind, key) for fact in rows for _, kind, key in fact.traits.ids),
    )


def _pairs(keys: Wanted) -> Iterator[tuple[str, str]]:
    yield from (("email", key) for key in sorted(keys.emails))
    yield from (("phone", key) for key in sorted(keys.phones))
    yield from (("name", key) for key in sorted(keys.names))
    yield from sorted(keys.ids)


def _holds(keys: Wanted, kind: str, key: str) -> bool:
    return key in keys.emails or key in keys.phones or key in keys.names or (kind, key) in keys.ids
