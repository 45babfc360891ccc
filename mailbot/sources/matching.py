"""The keys of a person, what a row shows of keys, and how alike two names are."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum

from mailbot import identifiers
from mailbot.case import Key
from mailbot.datamap import DataMap
from mailbot.identifiers_text import LONGEST_TEXT, MOST_KEYS
from mailbot.record import Row
from mailbot.sources.mapping import Entry
from mailbot.sources.reading import Expression, shown, texts

# What systems and people write where a name is missing.
_NOBODY = frozenset(
    (
        "ukjent", "ukjend", "unknown", "unbekannt", "okänd", "ukendt", "anonym", "anonymous",
        "n a", "na", "n/a", "null", "none", "nil", "ingen", "tom", "test", "x", "xx", "xxx",
        "kunde", "kund", "customer", "privatperson", "privatkunde", "gjest", "guest", "gast",
        "ikke oppgitt", "ikkje oppgitt", "ikke oppgjeven", "not given", "slettet", "sletta",
        "deleted", "raderad", "slettet bruker", "deleted user", "fornavn etternavn", "first last",
    )
)  # fmt: skip
_PIECE = 5_000  # characters: fewer addresses than MOST_KEYS
_MOST_KNOWN = 2_000  # values whose keys are remembered during a search
_RUNS = re.compile(r"\d+|[^\W\d]+|[\W]+")
_PARTED = (" og ", " and ", " und ", " och ", " & ", " + ", " / ")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Keys in the form in which they are compared. ids: (kind, key)."""

    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    ids: frozenset[tuple[str, str]] = frozenset()

    def __or__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            self.emails | other.emails,
            self.phones | other.phones,
            self.names | other.names,
            self.ids | other.ids,
        )

    def __sub__(self, other: "Wanted") -> "Wanted":
        return Wanted(
            self.emails - other.emails,
            self.phones - other.phones,
            self.names - other.names,
            self.ids - other.ids,
        )

    def __and__(self, other: "Wanted") -> "Wanted":
        return self - (self - other)

    def __len__(self) -> int:
        return len(self.emails) + len(self.phones) + len(self.names) + len(self.ids)


@dataclass(frozen=True, slots=True)
class Traits:
    """What a row shows: keys in its own columns, with the column; keys in its text."""

    emails: tuple[tuple[str, str], ...] = ()
    phones: tuple[tuple[str, str], ...] = ()
    ids: tuple[tuple[str, str, str], ...] = ()  # column, kind, key
    names: tuple[str, ...] = ()
    text: str = ""
    text_emails: frozenset[str] = frozenset()
    text_phones: frozenset[str] = frozenset()
    text_ids: frozenset[tuple[str, str]] = frozenset()


class Likeness(IntEnum):
    """How far a name on a row is the person's."""

    OTHER = 0  # another person's
    GIVEN = 1  # the same first name, another surname: married, or somebody else
    ALIKE = 2  # initials, or a part of the name alone
    SAME = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """How keys are read here: the organisation's own ones, its region, its key patterns."""

    datamap: DataMap
    _likeness: dict[tuple[str, str], Likeness] = field(default_factory=dict, compare=False)
    # A person's rows show the same few values over and over.
    _emails: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False)
    _numbers: dict[str, tuple[str, ...]] = field(default_factory=dict, compare=False)

    @property
    def region(self) -> str:
        """Where numbers without a country code are dialled."""
        return self.datamap.own.default_region

    def wanted(self, keys: Iterable[Key]) -> Wanted:
        """The keys that can be read, without those of the organisation itself."""
        found = self.readable(keys)
        return Wanted(
            frozenset(address for address in found.emails if not self.is_own_email(address)),
            frozenset(number for number in found.phones if not self.is_own_phone(number)),
            found.names,
            found.ids,
        )

    def readable(self, keys: Iterable[Key]) -> Wanted:
        """Keys in the form in which they are compared; what cannot be read is left out."""
        emails: set[str] = set()
        phones: set[str] = set()
        names: set[str] = set()
        ids: set[tuple[str, str]] = set()
        for key in keys:
            if key.kind == "email":
                emails.update(filter(None, [identifiers.email(key.value)]))
            elif key.kind == "phone":
                phones.update(filter(None, [identifiers.phone(key.value, self.region)]))
            elif key.kind == "name":
                if len(identifiers.name_parts(key.value)) > 1:
                    names.add(" ".join(key.value.split()))
            else:
                found = self.own_key(key.kind, key.value)
                ids.update([(key.kind, found)] if found else [])
        return Wanted(frozenset(emails), frozenset(phones), frozenset(names), frozenset(ids))

    def own_key(self, kind: str, text: str) -> str | None:
        """A customer number or the like as it is compared (case and hyphens do not count)."""
        pattern = self.datamap.key.get(kind)
        ignore = (pattern.ignore if pattern else "") + " -‐‑–"
        found = identifiers.own_key(text, ignore=ignore)
        return found if found and found.isprintable() else None

    def ignored(self, kind: str) -> str:
        """The signs that do not count in a kind of key."""
        pattern = self.datamap.key.get(kind)
        return "".join(dict.fromkeys((pattern.ignore if pattern else "") + " -‐‑–"))

    def is_own_email(self, address: str) -> bool:
        """Whether an address is under one of the organisation's domains."""
        domain = identifiers.email_domain(address) or ""
        own = (identifiers.email_domain(f"x@{name}") for name in self.datamap.own.domains)
        return any(name and (domain == name or domain.endswith(f".{name}")) for name in own)

    def is_own_phone(self, number: str) -> bool:
        """Whether a number (E.164) is the organisation's, alone or in a series ("+472200000*")."""
        for pattern in self.datamap.own.phones:
            if pattern.endswith("*"):
                start = "".join(sign for sign in pattern[:-1] if sign.isdigit() or sign == "+")
                if start and number.startswith(start):
                    return True
            elif identifiers.phone(pattern, self.region) == number:
                return True
        return False

    def is_role(self, address: str) -> bool:
        """Whether several people read an address by its nature: post@, info@."""
        return identifiers.is_shared(address, self.datamap.own)

    def likeness(self, shown_name: str, name: str) -> Likeness:
        """How far a name on a row is a name of the person."""
        pair = (shown_name, name)
        if pair not in self._likeness:
            self._likeness[pair] = max(_likeness(one, name) for one in _each(shown_name))
        return self._likeness[pair]

    def is_name_of(self, shown_name: str, names: Iterable[str]) -> bool:
        """Whether a name on a row may be the person's: a first name or a surname is too little."""
        return len(identifiers.name_parts(shown_name)) > 1 and any(
            self.likeness(shown_name, name) >= Likeness.ALIKE for name in names
        )

    def relevant(self, traits: Traits, wanted: Wanted) -> str:
        """What a row shows of the wanted keys: "key", "name" alone, or "" for nothing at all."""
        emails = {found for _, found in traits.emails} | traits.text_emails
        phones = {found for _, found in traits.phones} | traits.text_phones
        ids = {(kind, found) for _, kind, found in traits.ids} | traits.text_ids
        if emails & wanted.emails or phones & wanted.phones or ids & wanted.ids:
            return "key"
        if any(identifiers.same_email(one, key) for one in emails for key in wanted.emails):
            return "key"  # but for a +tag
        if any(self.is_name_of(name, wanted.names) for name in traits.names):
            return "name"
        if any(identifiers.name_in(name, key) for name in traits.names for key in wanted.names):
            return "name"  # a firm that bears it
        if any(self.shows_id(traits.text, kind, key) for kind, key in wanted.ids):
            return "key"
        shown = traits.text and any(identifiers.name_in(traits.text, key) for key in wanted.names)
        return "name" if shown else ""

    def traits(self, entry: Entry, row: Row) -> Traits:
        """What a row shows, under the entry of the map that speaks of it."""
        identify = entry.identify
        emails = [
            (column, found)
            for column, text in _values(entry, identify.get("email", ()), row)
            for found in _known(self._emails, text, emails_in)
        ]
        phones = [
            (column, found)
            for column, text in _values(entry, identify.get("phone", ()), row)
            for found in _known(self._numbers, text, self._phones)
        ]
        ids = [
            (column, kind, found)
            for kind, expressions in identify.items()
            if kind not in ("email", "phone", "name")
            for column, text in _values(entry, expressions, row)
            if (found := self.own_key(kind, text))
        ]
        names = tuple(text for _, text in _values(entry, identify.get("name", ()), row))
        text = "\n".join(_read(entry, row))
        parts = _parts(text)
        return Traits(
            tuple((column, found) for column, found in emails if not self.is_own_email(found)),
            tuple((column, found) for column, found in phones if not self.is_own_phone(found)),
            tuple(ids),
            _names(names),
            text,
            frozenset(a for part in parts if "@" in part for a in identifiers.find_emails(part)),
            frozenset(n for part in parts for n in identifiers.find_phones(part, self.region)),
            frozenset(
                (kind, bare)
                for part in parts
                for kind, found in identifiers.find_keys(part, self.datamap.key)
                if (bare := self.own_key(kind, found))
            ),
        )

    def shows_id(self, text: str, kind: str, key: str) -> bool:
        """Whether a text shows a key of the organisation's own, alone: K-12345, k 12345."""
        pattern = self.datamap.key.get(kind)
        if pattern is None or not text or identifiers.own_key(key, pattern.pattern) is None:
            return False  # what does not look like such a key is not looked for in text
        between = f"[{re.escape(self.ignored(kind))}]{{0,3}}"
        parts = between.join(re.escape(part) for part in _RUNS.findall(key))
        return bool(re.search(rf"(?<![^\W_]){parts}(?![^\W_])", text, re.IGNORECASE))

    def _phones(self, text: str) -> tuple[str, ...]:
        number = identifiers.phone_of_column(text, self.region)
        return (number,) if number else identifiers.find_phones(text, self.region)


def _known(
    known: dict[str, tuple[str, ...]], text: str, read: Callable[[str], tuple[str, ...]]
) -> tuple[str, ...]:
    """What a value shows, read once."""
    if text not in known:
        if len(known) >= _MOST_KNOWN:
            known.clear()
        known[text] = read(text)
    return known[text]


def _read(entry: Entry, row: Row) -> Iterator[str]:
    """What the columns show that may name anybody: never joined, two halves would make a key."""
    for leaf, kind in entry.read:
        if leaf.path:
            yield from (shown(text, kind) for text in texts(leaf, row, entry.encoding(leaf.column)))
        else:
            yield shown(row.get(leaf.column), kind)


_BREAK = re.compile(r"\n|(?<=[^\W\d_])\s(?=[^\W\d_])")  # where no key goes across


def _parts(text: str) -> list[str]:
    """A text in pieces, each as much as is looked through for keys at once."""
    if len(text) <= LONGEST_TEXT and text.count("@") < MOST_KEYS:
        return [text]
    parts: list[str] = []
    start = 0
    while start < len(text):
        cut = _BREAK.search(text, start + _PIECE, start + LONGEST_TEXT)
        end = cut.end() if cut else start + LONGEST_TEXT
        parts.append(text[start:end])
        start = end if cut else len(text)  # what cannot be parted is left: half a key is another's
    return parts


def emails_in(text: str) -> tuple[str, ...]:
    """The address in a column, or those, where people wrote several into one."""
    one = identifiers.email(text)
    return (one,) if one else identifiers.find_emails(text)


def _values(
    entry: Entry, expressions: tuple[Expression, ...], row: Row
) -> Iterator[tuple[str, str]]:
    """Each alternative of a key: the columns that it is made of, and its text."""
    for expression in expressions:
        if len(expression) == 1:
            leaf = expression[0]
            for text in texts(leaf, row, entry.encoding(leaf.column)):
                if text.strip():
                    yield leaf.column, text
            continue
        parts = [
            next(texts(leaf, row, entry.encoding(leaf.column)), "").strip() for leaf in expression
        ]
        if any(parts):
            yield " ".join(leaf.column for leaf in expression), " ".join(filter(None, parts))


def _names(found: Iterable[str]) -> tuple[str, ...]:
    """Names on a row; a surname alone (maiden name) is joined to the first name beside it."""
    parts = {name: identifiers.name_parts(name) for name in found}
    names = [name for name, words in parts.items() if words and " ".join(words) not in _NOBODY]
    given = next((words[0] for words in parts.values() if len(words) > 1), None)
    if given is None:
        return tuple(names)
    return tuple(
        f"{given} {name}" if len(parts[name]) == 1 and parts[name][0] != given else name
        for name in names
    )


def _each(shown_name: str) -> list[str]:
    """ "Ola og Kari Nordmann" is Ola Nordmann and Kari Nordmann."""
    found = [shown_name]
    for sign in _PARTED:
        left, between, right = shown_name.partition(sign)
        if between and left.strip() and right.strip():
            surname = right.split()[-1]
            found += [right, left if len(left.split()) > 1 else f"{left} {surname}"]
    return found


def _likeness(shown_name: str, name: str) -> Likeness:
    same = identifiers.same_name(shown_name, name)
    if same is not None:
        # Middle names may be missing; an initial may stand for somebody else in the family.
        whole = identifiers.name_in(shown_name, name) or identifiers.name_in(name, shown_name)
        return Likeness.SAME if whole or same.value == "certain" else Likeness.ALIKE
    mine, theirs = identifiers.name_parts(name), identifiers.name_parts(shown_name)
    if not mine or not theirs:
        return Likeness.OTHER
    if len(theirs) == 1 or len(mine) == 1:
        short, long = (theirs, mine) if len(theirs) == 1 else (mine, theirs)
        return Likeness.ALIKE if any(_one(short[0], part) for part in long) else Likeness.OTHER
    return Likeness.GIVEN if _one(mine[0], theirs[0]) else Likeness.OTHER


def _one(part: str, other: str) -> bool:
    """Whether two parts of names are one, however spelt: compared under one surname."""
    return identifiers.same_name(f"{part} Surname", f"{other} Surname") is not None
