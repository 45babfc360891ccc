"""One pass over a table for all keys together. Patterns hold letters, digits and % only.

It asks the database for a superset that no spelling of a key can escape (case, space, separators,
transliteration, encodings); `matching` then decides row by row.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from mailbot import identifiers
from mailbot.identifiers_text import spellings
from mailbot.sources import schema
from mailbot.sources.catalogue import MYSQL
from mailbot.sources.letters import COMBINING, MARKED
from mailbot.sources.mapping import Entry
from mailbot.sources.matching import Rules, Wanted
from mailbot.sources.schema import Shape
from mailbot.sources.statements import Condition, conditions, every

_RUN = re.compile("[a-z0-9]+")
# All that may stand between the digits of a number.
_SEPARATORS = (
    " \t\n\r\u00a0()./-\u2010\u2011\u2012\u2013\u2014\u2212\u00b7'\u202f\u2007\u2009\u00ad\u200b"
)
# What copying leaves around a key.
_AROUND = "\t\n\r\u00a0\u202f\u2007\u2009\u00ad\u200b\u200e\u200f\ufeff"
_RARE = (  # spaces and invisible signs that stand there seldom
    "\u1680\u2002\u2003\u2004\u2005\u2006\u2008\u200a\u205f\u3000"
    "\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff"
)
_WIDE = {ord(s): ord(s) + 0xFEE0 for s in "0123456789"}  # digits as wide as Chinese signs


def scan(entry: Entry, wanted: Wanted, rules: Rules, dialect: str) -> sa.Select[Any] | None:
    """One pass over an entry's rows for all keys; None if no column of it can show any of them."""
    shape = entry.shape
    own = list(conditions(entry.spec.where, shape, dialect))
    matches: list[Condition] = []
    for kind, leaves in entry.identify.items():
        columns = [[leaf.column for leaf in expression] for expression in leaves]
        matches += _of_kind(kind, columns, shape, wanted, rules, dialect)
    names = list(dict.fromkeys(leaf.column for leaf, _ in entry.read))
    for name in names:
        matches += _in_text(name, shape, wanted, rules, dialect)
    if not matches:
        return None
    if dialect == "sqlite":  # whose LIKE reads no further than a null character
        texts = [leaf.column for ways in entry.identify.values() for way in ways for leaf in way]
        octets = [sa.cast(shape.table.c[name], sa.LargeBinary) for name in {*texts, *names}]
        matches += [sa.func.instr(one, sa.literal(b"\0")) > 0 for one in octets]
    return every(shape).where(sa.or_(*matches), *own)


def _text(name: str, shape: Shape, dialect: str) -> sa.ColumnElement[str] | None:
    """A column as text; None for octets, which no LIKE can read."""
    column = shape.table.c[name]
    family = shape.columns[name].family
    if family == schema.BYTES:
        return None
    known = not isinstance(column.type, sa.types.NullType)
    if dialect == "mssql" and isinstance(column.type, sa.types.Text):
        known = False  # text and ntext, the old types: neither LOWER nor REPLACE takes them
    if family == schema.TEXT and known and dialect not in ("sqlite", *MYSQL):
        text: sa.ColumnElement[str] = sa.type_coerce(column, sa.Unicode())
    else:
        # Without a length: NVARCHAR(max) in SQL Server. In MySQL of the session's character set:
        # a column of Latin-1 cannot be compared with what that has not got.
        text = sa.cast(column, sa.Unicode())
    if dialect == "postgresql" and "trigrams" not in shape.indexed.get(name, ()):
        # Patterns are plain letters: in the order of octets they are compared in half the time, and
        # in a column whose own order knows no patterns at all.
        return sa.collate(text, "C")
    return text


def _of_kind(
    kind: str,
    keys: list[list[str]],
    shape: Shape,
    wanted: Wanted,
    rules: Rules,
    dialect: str,
) -> Iterator[Condition]:
    if kind == "name":
        for columns in keys:
            for name in sorted(wanted.names):
                yield from _name(columns, name, shape, dialect)
        return
    for name in dict.fromkeys(name for columns in keys for name in columns):
        text = _text(name, shape, dialect)
        if kind == "email":
            yield from _email(text, sorted(wanted.emails), dialect)
        elif kind == "phone":
            yield from _phone(text, sorted(wanted.phones), dialect)
        else:
            ids = sorted(key for of, key in wanted.ids if of == kind)
            if shape.columns[name].family == schema.INTEGER and dialect != "sqlite":
                yield from conditions({name: ids} if ids else {}, shape, dialect)
            else:
                yield from _id(text, ids, rules.ignored(kind), dialect)


def _email(
    text: sa.ColumnElement[str] | None, addresses: Sequence[str], dialect: str
) -> Iterator[Condition]:
    """Addresses, in whatever form. Behind the first word of one stands a sign, so that ola@ is not
    asked for with olav@, olaf@ and all that begin so."""
    for address in addresses:
        first, is_gmail = _RUN.search(address.partition("@")[0]), address.endswith("@gmail.com")
        for found in _like(text, email_patterns(address)):
            if text is not None and dialect == "postgresql" and first and not is_gmail:
                behind = f"{first.group()}[^a-z0-9]"
                yield sa.and_(found, text.regexp_match(behind, flags="i"))
            else:
                yield found


def _phone(
    text: sa.ColumnElement[str] | None, numbers: Sequence[str], dialect: str
) -> Iterator[Condition]:
    if text is not None and dialect == "postgresql":
        yield from (_shows_number(text, number, dialect) for number in numbers)
    else:
        yield from _like(text, [phone_pattern(number) for number in numbers])
    if text is not None:
        yield from _like(text, [phone_pattern(number).translate(_WIDE) for number in numbers])


def _shows_number(text: sa.ColumnElement[str], number: str, dialect: str) -> Condition:
    """The digits with nothing but separators between them; first what costs little to rule out."""
    bare = _bare(text, _SEPARATORS + _rare(dialect), dialect)
    return sa.and_(text.like(phone_pattern(number)), bare.like(f"%{_national(number)}%"))


def _like(text: sa.ColumnElement[str] | None, patterns: Sequence[str]) -> Iterator[Condition]:
    if text is None:
        if patterns:
            yield sa.true()  # octets: each row is read
        return
    for pattern in dict.fromkeys(patterns):
        yield text.ilike(pattern)


def _id(
    text: sa.ColumnElement[str] | None, keys: Sequence[str], ignored: str, dialect: str
) -> Iterator[Condition]:
    if text is None:
        yield from _like(text, keys)
    elif keys:
        signs = "".join(dict.fromkeys(ignored + _AROUND + _rare(dialect)))
        bare = sa.func.lower(_bare(text, signs, dialect))
        yield bare.in_([key.lower() for key in keys])
        for key in keys:
            if not key.isascii():  # LOWER leaves æøå alone in some engines
                yield text.ilike(_pattern(_RUN.findall(key.lower())))


def _name(columns: Sequence[str], name: str, shape: Shape, dialect: str) -> Iterator[Condition]:
    """Two parts in full, or the surname and an initial: in any order, any column of the key."""
    parts = list(dict.fromkeys(identifiers.name_parts(name)))
    shown = [text for column in columns if (text := _text(column, shape, dialect)) is not None]
    texts = [_plain(text, name, dialect) for text in shown]
    if len(parts) < 2 or not texts:
        return
    cores = {part: core for part in parts if (core := _core(part))}

    def whole(part: str) -> Condition:
        loose = _consonants(part)
        return sa.or_(
            *(
                sa.and_(raw.ilike(loose), text.like(f"%{cores[part]}%"))
                for raw, text in zip(shown, texts, strict=True)
            )
        )

    def initial(surname: str) -> Condition:
        letters = {sorted(spellings(part))[0][:1] for part in parts if part != surname}
        starts = [f"{before}{letter}%" for letter in sorted(letters) for before in _BEFORE]
        return sa.or_(*(text.like(start) for start in starts for text in texts))

    surname, first = parts[-1], parts[0]
    if surname in cores:  # the rarest first: whatever follows is asked of few rows
        others = [whole(part) for part in cores if part != surname]
        yield sa.and_(whole(surname), sa.or_(initial(surname), *others))
    for one, other in itertools.combinations([part for part in cores if part != surname], 2):
        yield sa.and_(whole(other), whole(one))
    if first in cores:  # "Nordmann Ola": the first is the surname, and "O. Nordmann" the row's
        loose = _consonants(first)
        ends = (
            sa.and_(raw.ilike(loose), text.like(f"%{cores[first]}"))
            for raw, text in zip(shown, texts, strict=True)
        )
        yield sa.and_(sa.or_(*ends), initial(first))


_BEFORE = ("", "% ", "%.", "%,", "%-")  # what stands before an initial


def _plain(text: sa.ColumnElement[str], name: str, dialect: str) -> sa.ColumnElement[str]:
    """Text in plain lower-case letters, as far as the letters of a name need it."""
    if dialect == "sqlite":
        # Of ours: its own LOWER knows ASCII only.
        return sa.func.mailbot_plain(sa.cast(text, sa.LargeBinary))
    if dialect == "postgresql":
        signs, plain = "".join(MARKED) + COMBINING, "".join(MARKED.values())
        low = sa.func.lower(text)
        # To translate a text costs ten times as much as to see that there is nothing to translate.
        marked = text.regexp_match("[^ -~]")
        return sa.case((marked, sa.func.translate(low, signs, plain)), else_=low)
    found = sa.func.lower(text)
    letters = {sign for word in identifiers.name_parts(name) for s in spellings(word) for sign in s}
    for sign, base in MARKED.items():
        if base in letters and sign.islower():
            found = sa.func.replace(found, sign, base)
    return found


_CONSONANTS = re.compile("[b-df-hj-np-tv-xz]+")
_AS_TWO = re.compile("aa|ae|oe|ue|[^a-z]+")


def _consonants(part: str) -> str:
    """A looser pattern that needs no translation of the text: it spares that for most rows."""
    return _pattern(_CONSONANTS.findall(part))


def _core(part: str) -> str:
    """What every spelling of a part of a name shows: å is written a, aa and Ã¥ as well."""
    return _AS_TWO.sub("%", part).strip("%")


def _pattern(runs: Iterable[str]) -> str:
    return "".join(f"%{run}" for run in runs) + "%"


def email_patterns(address: str) -> list[str]:
    """LIKE patterns that every spelling of an address meets; letters, digits and % only."""
    local, _, domain = address.rpartition("@")
    base = local.partition("+")[0] or local
    if domain == "gmail.com":  # dots anywhere, and two names of the domain
        return [_pattern(sign for sign in base if sign.isascii() and sign.isalnum()) + "mail%com%"]
    runs = _RUN.findall(base)
    labels = [label for label in domain.split(".") if not label.startswith("xn--")]
    return [_pattern([*runs, *(run for label in labels for run in _RUN.findall(label))])]


def phone_pattern(number: str) -> str:
    """Digits of the national number with anything between them."""
    return _pattern(_national(number))


def _national(number: str) -> str:
    """The digits of an E.164 number behind its country code, from its readable forms."""
    spaced = identifiers.phone_variants(number)
    abroad = next((form for form in spaced if form.startswith("+") and " " in form), number)
    digits = "".join(sign for sign in abroad.partition(" ")[2] if sign.isdigit())
    return digits or number.lstrip("+")


def _stripped(text: sa.ColumnElement[str], signs: str) -> sa.ColumnElement[str]:
    for sign in signs:
        text = sa.func.replace(text, sign, "")
    return text


def _rare(dialect: str) -> str:
    """Where all signs are taken away at once, some more of them cost nothing."""
    return _RARE if dialect in ("postgresql", "sqlite") else ""


def _bare(text: sa.ColumnElement[str], signs: str, dialect: str) -> sa.ColumnElement[str]:
    """Text without separators; in one step where that can be."""
    if dialect == "postgresql":
        return sa.func.translate(text, signs, "")
    if dialect == "sqlite":
        return sa.func.mailbot_without(sa.cast(text, sa.LargeBinary), signs)  # of ours
    return _stripped(text, signs)


def _in_text(
    name: str, shape: Shape, wanted: Wanted, rules: Rules, dialect: str
) -> Iterator[Condition]:
    """Keys anywhere in a text column."""
    text = _text(name, shape, dialect)
    kinds = [(kind, key) for kind, key in sorted(wanted.ids) if kind in rules.datamap.key]
    if text is None:
        if len(wanted):
            yield sa.true()
        return
    yield from _email(text, sorted(wanted.emails), dialect)
    for number in sorted(wanted.phones):
        yield _shows_number(text, number, dialect)
    for kind, key in kinds:
        closed = _bare(text, rules.ignored(kind), dialect)
        yield closed.ilike(_pattern(_RUN.findall(key.lower())))
    for wanted_name in sorted(wanted.names):
        parts = identifiers.name_parts(wanted_name)
        plain = _plain(text, wanted_name, dialect)
        ends = (parts[-1], parts[0])
        loose = [text.ilike(_consonants(part)) for part in ends]
        yield sa.and_(*loose, *(plain.like(f"%{_core(part)}%") for part in ends))
