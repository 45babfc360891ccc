"""From judged rows to findings: all that plans, letters and approvers need to know of a record."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mailbot.case import Key
from mailbot.datamap import Disclosure
from mailbot.errors import MailbotError
from mailbot.record import Certainty, Finding, Recipient, Row, Value, display, plain
from mailbot.sources.blanking import stored
from mailbot.sources.doubting import doubt
from mailbot.sources.facts import Fact
from mailbot.sources.judging import Judge, Verdict
from mailbot.sources.keeping import Keeper
from mailbot.sources.mapping import Entry, Mapped, Place
from mailbot.sources.piling import Findings, Pile, in_order, place_of
from mailbot.sources.reading import parse, texts
from mailbot.sources.statements import Unfit

# system, table, column, value → the rows of a lookup table
Lookup = Callable[[str, str, str, Value], Sequence[Row]]

_NOTHING: Mapping[str, Mapping[str, Value]] = {}


@dataclass(slots=True)
class Describer:
    """Describes judged rows in one language."""

    judge: Judge
    keeper: Keeper
    lookup: Lookup
    language: str
    depths: Mapping[Place, int]
    piles: Sequence[Pile] = ()
    _recipients: dict[tuple[Place, str], tuple[Recipient, ...]] = field(default_factory=dict)
    # One object for all rows of an entry, of whom there may be a hundred thousand.
    _personal: dict[tuple[Place, int], Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    _given: dict[tuple[Place, int, bool], tuple[str, ...]] = field(default_factory=dict)

    def findings(self) -> Sequence[Finding]:
        """Every certain and possible row, in a stable order, children before parents."""
        found = [
            self._finding(fact, verdict)
            for name, fact in self.judge.facts.rows.items()
            if (verdict := self.judge.certain.get(name) or self._doubted(fact))
        ]
        found.sort(key=place_of)
        if not self.piles:
            return tuple(found)
        return Findings(lambda: in_order(found, *(self._piled(pile) for pile in self.piles)))

    def _piled(self, pile: Pile) -> Iterator[Finding]:
        """What is said of one row holds for all that are alike, each with its own trail."""
        first = pile.first
        verdict = self.judge.certain.get(first.id) or self._doubted(first)
        if verdict is None:
            return
        start = verdict.trail.removesuffix(first.label)
        own_end = start != verdict.trail
        for fact in pile.facts():
            trail = f"{start}{fact.label}" if own_end else verdict.trail
            yield self._finding(fact, replace(verdict, trail=trail))

    def _doubted(self, fact: Fact) -> Verdict | None:
        if fact.kind in ("own", "none"):
            return None
        reason = doubt(self.judge, fact)
        return Verdict(Certainty.POSSIBLE, reason, fact.label) if reason else None

    def _finding(self, fact: Fact, verdict: Verdict) -> Finding:
        entry, spec = fact.entry, fact.entry.spec
        system, table = entry.place
        name = (entry.place, entry.number)
        if name not in self._personal:
            self._personal[name] = entry.personal
        own_key = " equals " in verdict.reason
        if (*name, own_key) not in self._given:
            self._given[(*name, own_key)] = _provided(entry, own_key)
        return Finding(
            system=system,
            table=table,
            key=fact.key,
            certainty=verdict.certainty,
            reason=verdict.reason,
            trail=verdict.trail,
            row=fact.row,
            personal=self._personal[name],
            provided=self._given[(*name, own_key)],
            volatile=spec.volatile,
            treatment=self.keeper.treatment(fact),
            settings={right: self._settings(fact, values) for right, values in spec.set.items()}
            if spec.set
            else _NOTHING,
            source=self._source(fact),
            recipients=self._disclosed(fact, spec.disclosure) if spec.disclosure else (),
            title=worded(spec.title, self.language) or table,
            order=self.depths.get(fact.entry.place, 0),
        )

    def _settings(self, fact: Fact, values: Mapping[str, object]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for name, wanted in values.items():
            try:
                found[name] = stored(wanted, fact, name)
            except Unfit:
                continue  # `check` names it; a value that does not fit is never written
        return found

    def _source(self, fact: Fact) -> str:
        source = fact.entry.spec.source
        column = source.get("column")
        if isinstance(column, str):
            leaves = parse(column, fact.entry.shape.columns) or ()
            return " ".join(text for leaf in leaves for text in texts(leaf, fact.row))
        wording = source.get("text")
        if isinstance(wording, str):
            return wording
        return worded(wording, self.language) if isinstance(wording, dict) else ""

    def _disclosed(self, fact: Fact, disclosure: Disclosure) -> tuple[Recipient, ...]:
        """To whom the row says that data went (GDPR art. 15(1)(c), 19)."""
        recipient = disclosure.recipient
        day = display(fact.row.get(disclosure.date)) if disclosure.date else ""
        if "table" not in recipient:
            name = display(fact.row.get(recipient.get("name", "")))
            email = display(fact.row.get(recipient.get("email", "")))
            return (Recipient(name=name or email, email=email, date=day),) if name or email else ()
        value = fact.row.get(recipient.get("column", ""))
        if value is None:
            return ()
        known = self._looked_up(fact.entry.place, recipient, value)
        return tuple(Recipient(name=one.name, email=one.email, date=day) for one in known)

    def _looked_up(
        self, place: Place, recipient: Mapping[str, str], value: Value
    ) -> tuple[Recipient, ...]:
        other, colon, table = recipient["table"].partition(":")
        where = (other, table) if colon else (place[0], recipient["table"])
        name = (where, f"{recipient.get('to', 'id')} = {plain(value)}")
        if name not in self._recipients:
            self._recipients[name] = self._ask(where, recipient, value)
        return self._recipients[name]

    def _ask(
        self, where: Place, recipient: Mapping[str, str], value: Value
    ) -> tuple[Recipient, ...]:
        to = recipient.get("to", "id")
        try:
            rows = self.lookup(*where, to, value)
        except MailbotError:
            rows = ()
        found = tuple(
            Recipient(
                name=display(row.get(recipient.get("name", ""))),
                email=display(row.get(recipient.get("email", ""))),
            )
            for row in rows
        )
        # A recipient that cannot be named is named by its number: it is never left out.
        return found or (Recipient(name=f"{where[1]} {to} {plain(value)}"),)


def _provided(entry: Entry, own_key: bool) -> tuple[str, ...]:
    """What of a row the person gave themselves (GDPR art. 20(1)): keys and personal data, and the
    text of forms that bear their own key. Notes about them, and text in others' records, are not.
    """
    if entry.spec.is_ not in ("person", "about"):
        return ()
    form = entry.spec.is_ == "about" and entry.identify and own_key
    found = [c for kind, names in entry.personal.items() if kind != "text" for c in names]
    keys = [leaf.column for ways in entry.identify.values() for way in ways for leaf in way]
    notes = {leaf.column for leaf, _ in entry.read} - set(keys)
    if form:
        found += [leaf.column for leaf, _ in entry.read]
        notes = set()
    return tuple(dict.fromkeys(column for column in found if column not in notes))


def worded(text: Mapping[str, str], language: str) -> str:
    """A wording of the data map in a language, else in the nearest one that there is."""
    near = {"nn": "nb", "nb": "nn", "no": "nb"}.get(language, "en")
    for choice in (language, near, "nb", "en"):
        if text.get(choice):
            return text[choice]
    return next(iter(text.values()), "")


def depths(mapped: Iterable[Mapped]) -> dict[Place, int]:
    """The place of each table in deletion order: a table comes before those that it refers to."""
    parents: dict[Place, set[Place]] = {}
    for each in mapped:
        names = {entry.shape.name: entry.place for entry in each.entries}
        for entry in each.entries:
            parents.setdefault(entry.place, set()).update(
                link.parent for link in entry.links if link.parent[0] == each.system
            )
        for reference in each.catalog.references:
            child, parent = names.get(reference.child), names.get(reference.parent)
            if child and parent:
                parents.setdefault(child, set()).add(parent)
    heights: dict[Place, int] = {}

    def height(place: Place, path: frozenset[Place]) -> int:
        """How many tables stand above; a circle is cut where it closes."""
        if place not in heights:
            above = parents.get(place, set()) - path - {place}
            heights[place] = 1 + max((height(p, path | {place}) for p in sorted(above)), default=0)
        return heights[place]

    for place in sorted(parents):
        height(place, frozenset())
    most = max(heights.values(), default=0)
    return {place: most - found for place, found in heights.items()}


def learnt_keys(judge: Judge) -> tuple[Key, ...]:
    """The keys read from the person's own rows."""
    keys = judge.learnt & judge.keys
    return (
        *(Key(kind="email", value=value, origin="record") for value in sorted(keys.emails)),
        *(Key(kind="phone", value=value, origin="record") for value in sorted(keys.phones)),
        *(Key(kind="name", value=value, origin="record") for value in sorted(keys.names)),
        *(Key(kind=kind, value=value, origin="record") for kind, value in sorted(keys.ids)),
    )
