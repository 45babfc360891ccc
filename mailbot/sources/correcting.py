"""Putting values right (GDPR art. 16): which columns of which records take a new value.

Only what is beyond doubt is an action; the rest is a task for staff. A value is never cut to fit.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mailbot import identifiers
from mailbot.plan import Action, Correction, Do
from mailbot.record import Certainty, Finding, Value, display, same
from mailbot.sources import schema
from mailbot.sources.mapping import Entry, Mapped
from mailbot.sources.reading import fits, parse
from mailbot.sources.schema import Column
from mailbot.sources.statements import Unfit, coerce, value_of

UNSURE = "the mail does not tell surely which value is meant"
_POSTCODE = re.compile(r"^(.*?),?\s*\b((?:[A-Z]{1,2}-)?\d{3} ?\d{1,2})\s+([^\d,]+)$")
_CODE = re.compile(r"(?:post|zip|plz).{0,3}(?:nr|no|nummer|num|kode|code|plz)?$|^plz$|^zip", re.I)
_PLACE = re.compile(r"sted|city|^by$|town|^ort|stad|poststed", re.I)


@dataclass(frozen=True, slots=True)
class Change:
    """New values of one record, or why a person must see to it."""

    after: dict[str, Value]
    doubt: str = ""


@dataclass(slots=True)
class Corrector:
    """Makes corrections of the records found in one database."""

    mapped: Mapped
    system: str
    region: str
    writable: bool

    def actions(
        self, findings: Sequence[Finding], corrections: Sequence[Correction]
    ) -> list[Action]:
        """CORRECT for each record that holds an old value; MANUAL where that is in doubt."""
        certain = [
            (f, e) for f in findings if f.certainty is Certainty.CERTAIN for e in self._of(f)
        ]
        found: list[Action] = []
        former = {one: self._former(certain, one) for one in corrections}
        for finding, entry in certain:
            if finding.treatment.do == "keep" and not finding.treatment.after:
                continue  # a document that the law keeps as it was issued: not rewritten
            after: dict[str, Value] = {}
            doubts: list[str] = []
            for one in corrections:
                change = self._change(finding, entry, one, former[one])
                after |= change.after
                doubts += [change.doubt] if change.doubt else []
            if after and not self.writable:
                doubts.append("no write access here")
            if doubts:
                manual = replace(Action.on(finding, Do.MANUAL), reason=doubts[0])
                found.append(manual)
            elif after:
                found.append(replace(Action.on(finding, Do.CORRECT), after=after))
        return found

    def _of(self, finding: Finding) -> list[Entry]:
        fitting = [e for e in self.mapped.of(finding.table) if fits(finding.row, e.spec.where)]
        return [max(fitting, key=lambda entry: bool(entry.spec.where))] if fitting else []

    def _former(self, certain: Sequence[tuple[Finding, Entry]], one: Correction) -> frozenset[str]:
        """The values that the person's own records hold now: elsewhere only those are replaced."""
        return frozenset(
            display(finding.row.get(column)).strip().casefold()
            for finding, entry in certain
            if entry.spec.is_ == "person"
            for column in _columns(entry, one.what)
            if finding.row.get(column) not in (None, "")
        )

    def _change(
        self, finding: Finding, entry: Entry, one: Correction, former: frozenset[str]
    ) -> Change:
        if one.what == "":
            return self._by_old_value(finding, entry, one)
        if one.what == "address":
            return self._address(finding, entry, one, former)
        if one.what in ("name", "surname", "first_name"):
            return self._name(finding, entry, one)
        columns = [c for c in _columns(entry, one.what) if finding.row.get(c) not in (None, "")]
        olds = {column: display(finding.row[column]) for column in columns}
        if one.old:
            hit = [c for c, value in olds.items() if self._same(one.what, value, one.old)]
        elif entry.spec.is_ == "person":
            distinct = {value.strip().casefold() for value in olds.values()}
            if len(distinct) > 1:
                return Change({}, UNSURE)
            hit = columns
        else:
            hit = [c for c, value in olds.items() if value.strip().casefold() in former]
        return self._written(finding, entry, dict.fromkeys(hit, one))

    def _same(self, what: str, value: str, old: str) -> bool:
        if what == "email":
            return identifiers.same_email(value, old) is Certainty.CERTAIN
        if what == "phone":
            return identifiers.same_phone(value, old, self.region)
        return value.strip().casefold() == old.strip().casefold()

    def _by_old_value(self, finding: Finding, entry: Entry, one: Correction) -> Change:
        """Wherever the old value stands alone in a personal column, or as a word of a name."""
        names = _columns(entry, "name")
        after: dict[str, Correction | str] = {}
        for columns in entry.personal.values():
            for column in columns:
                value = display(finding.row.get(column)).strip()
                if value.casefold() == one.old.casefold():
                    after[column] = one
                elif column in names and one.old in value.split():
                    after[column] = " ".join(
                        one.new if word == one.old else word for word in value.split()
                    )
        return self._written(finding, entry, after)

    def _name(self, finding: Finding, entry: Entry, one: Correction) -> Change:
        after: dict[str, Correction | str] = {}
        for way in entry.identify.get("name", ()):
            columns = [leaf.column for leaf in way]
            values = [display(finding.row.get(column)).strip() for column in columns]
            if any(leaf.path for leaf in way) or not any(values):
                continue
            if one.old and one.old.casefold() not in " ".join(values).casefold():
                continue
            made = _renamed(values, one)
            if made is None:
                return Change({}, UNSURE)
            after |= {c: v for c, v, was in zip(columns, made, values, strict=True) if v != was}
            break  # further ways (a maiden name) are other names
        return self._written(finding, entry, after)

    def _address(
        self, finding: Finding, entry: Entry, one: Correction, former: frozenset[str]
    ) -> Change:
        columns = _columns(entry, "address")
        values = {column: display(finding.row.get(column)).strip() for column in columns}
        if not any(values.values()):
            return Change({})
        ours = {value.casefold() for value in values.values() if value}
        if entry.spec.is_ != "person" and not ours <= former:
            return Change({})
        if one.old and not any(
            value
            and (value.casefold() in one.old.casefold() or one.old.casefold() in value.casefold())
            for value in values.values()
        ):
            return Change({})
        parts = _parted(one.new, columns)
        if parts is None or any(values[column] for column in columns if column not in parts):
            return Change({}, UNSURE)
        return self._written(finding, entry, dict(parts))

    def _written(
        self, finding: Finding, entry: Entry, after: Mapping[str, Correction | str]
    ) -> Change:
        """The values as they will stand in the columns, checked by type and length."""
        found: dict[str, Value] = {}
        links = {name for link in entry.links for name in link.columns}
        referred = {
            name
            for reference in self.mapped.catalog.references
            if reference.parent == entry.shape.name
            for name in reference.to
        }
        for name, wanted in after.items():
            column = entry.shape.columns.get(name)
            before = finding.row.get(name)
            if column is None or column.generated or name in {*entry.shape.key, *links, *referred}:
                return Change({}, f"column {name} is part of a key")
            text = wanted if isinstance(wanted, str) else self._spelt(wanted, before, column)
            if column.length is not None and len(text) > column.length:
                return Change({}, f"column {name} holds {column.length} characters at most")
            try:
                value = value_of(coerce(text, column))
            except Unfit:
                return Change({}, f"column {name} cannot hold that value")
            if not same(before, value):
                found[name] = value
        return Change(found)

    def _spelt(self, one: Correction, before: Value, column: Column) -> str:
        """A number in the way in which the column holds numbers."""
        if one.what != "phone":
            return one.new
        was = display(before).strip()
        dialled = identifiers.phone_variants(one.new, self.region)
        if was.startswith("+"):
            return one.new
        if was.startswith("00"):
            return f"00{one.new[1:]}"
        bare = [form for form in dialled if form.isdigit() and not form.startswith("00")]
        shortest = min(bare, key=len, default=one.new)
        return (
            shortest if column.family != schema.TEXT or was.replace(" ", "").isdigit() else one.new
        )


def _columns(entry: Entry, what: str) -> tuple[str, ...]:
    """The columns of a category: keys, and what the map names; no leaves of JSON."""
    found = [leaf.column for way in entry.identify.get(what, ()) for leaf in way if not leaf.path]
    for text in entry.spec.personal.get(what, ()):
        found += [leaf.column for leaf in parse(text, entry.shape.columns) or () if not leaf.path]
    return tuple(dict.fromkeys(found))


def _renamed(values: Sequence[str], one: Correction) -> list[str] | None:
    """The columns of a name with the new one; None where it is unsure what goes where."""
    if len(values) == 1:
        words = values[0].split()
        if one.what == "name":
            return [one.new] if "," not in values[0] else None
        if "," in values[0] or len(words) != 2:
            return None
        return [f"{words[0]} {one.new}" if one.what == "surname" else f"{one.new} {words[1]}"]
    if len(values) != 2:
        return None
    if one.what == "surname":
        return [values[0], one.new]
    if one.what == "first_name":
        return [one.new, values[1]]
    words = one.new.split()
    return words if len(words) == 2 else None


def _parted(address: str, columns: Sequence[str]) -> dict[str, str] | None:
    """A whole address in the columns that there are: street, code and place, or all in one."""
    codes = [column for column in columns if _CODE.search(column)]
    places = [c for c in columns if c not in codes and _PLACE.search(c)]
    streets = [c for c in columns if c not in codes and c not in places]
    if not codes and not places:
        return {streets[0]: address} if len(streets) == 1 else None
    match = _POSTCODE.match(address)
    if match is None or len(codes) > 1 or len(places) > 1 or not streets:
        return None
    street, code, place = (part.strip(" ,") for part in match.groups())
    # Of several columns for the street the first takes it; a second that holds something is unsure.
    found = {streets[0]: street}
    if codes:
        found[codes[0]] = code if places else f"{code} {place}"
    if places:
        found[places[0]] = place if codes else f"{code} {place}"
    return found if street else None
