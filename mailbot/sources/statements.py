"""The statements that search. Values are always parameters; patterns hold letters and digits only.

A search by key asks the database for a superset that no spelling of a key can escape (case, space,
separators, transliteration, encodings), in one pass per table for all keys together; `matching`
then decides row by row.
"""

import itertools
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from mailbot import identifiers
from mailbot.record import Row, Typed, Value, from_value, plain, to_value
from mailbot.sources import schema
from mailbot.sources.mapping import Entry
from mailbot.sources.matching import Rules, Wanted
from mailbot.sources.schema import Column, Shape

_CHUNK = 500  # parameters of one IN list; SQL Server allows 2,100 in a statement
_MOST_WAYS = 16  # of writing the values of one reference
_RUN = re.compile("[a-z0-9]+")
_OCTETS = re.compile(r"(?:[0-9a-f]{2}){4,64}")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_TRUTH = {"true": "1", "false": "0"}
_CONSONANTS = re.compile("[b-df-hj-np-tv-xz]+")
_SEPARATORS = " \t\u00a0\u202f()./-\u2010\u2011\u2012\u2013\u2014\u2212\u00b7'"
Condition = sa.ColumnElement[bool]


class Unfit(ValueError):
    """A value that a column cannot hold. Says which column, never which value."""


def coerce(value: object, column: Column) -> object:
    """A value as the driver wants it for a column. Raises Unfit."""
    if value is None:
        return None
    try:
        return _coerced(value, column)
    except (ValueError, KeyError, InvalidOperation, TypeError, OverflowError):
        raise Unfit(f"column {column.name}: a {column.family} cannot hold that value") from None


def _coerced(value: object, column: Column) -> object:
    text, family = plain(to_value(value)), column.family
    if text is None:
        return None
    if family == schema.INTEGER:
        return _whole(_TRUTH.get(text.lower(), text) if column.truth else text, column.bits)
    if family == schema.NUMBER:
        return Decimal(text)
    if family == schema.BOOLEAN:
        return {"1": True, "0": False, "true": True, "false": False}[text.lower()]
    if family == schema.DATE:
        return date.fromisoformat(text[:10])
    if family == schema.DATETIME:
        moment = datetime.fromisoformat(text)
        # Sessions run in UTC: a moment without a zone means that one, and reads back so.
        return moment.replace(tzinfo=UTC) if column.zoned and moment.tzinfo is None else moment
    if family == schema.TIME:
        return time.fromisoformat(text)
    if family == schema.UUID:
        return uuid.UUID(text)
    if family == schema.BYTES:
        return value if isinstance(value, bytes) else bytes.fromhex(text)
    if family != schema.TEXT:
        return value
    if "\0" in text or text.encode("utf-8", "replace") != text.encode("utf-8", "surrogatepass"):
        raise ValueError  # no server takes such text, and one such value would fail all the others
    return text


def _whole(text: str, bits: int) -> int:
    """A whole number that the column can be compared with; servers refuse larger ones."""
    if not _WHOLE.fullmatch(text) or abs(number := int(text)) >= 1 << bits:
        raise ValueError
    return number


def for_sqlite(value: object) -> object:
    """SQLite has five kinds of value; the others are kept as the text or number they stand for."""
    match value:
        case bool():
            return int(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date() | datetime() | time() | uuid.UUID():
            return str(value)
    return value


def value_of(raw: object) -> Value:
    """A driver's value as a Value; what JSON cannot hold is marked by its type."""
    if isinstance(raw, float) and not math.isfinite(raw):
        return Typed("float", repr(raw))
    if isinstance(raw, timedelta) and timedelta() <= raw < timedelta(days=1):
        return to_value((datetime.min + raw).time())  # MySQL's TIME
    if isinstance(raw, set | frozenset):  # MySQL's SET: Python's order differs in each process
        return Typed("set", ",".join(sorted(map(str, raw))))
    return to_value(raw)


def row_of(row: sa.Row[Any]) -> dict[str, Value]:
    """A result row as a record."""
    return {str(name): value_of(value) for name, value in row._mapping.items()}


def conditions(
    where: Mapping[str, object], shape: Shape, dialect: str
) -> Iterator[sa.ColumnElement[bool]]:
    """A condition of the map as SQL; a value that a column cannot hold matches nothing."""
    for name, wanted in where.items():
        column = shape.table.c[name]
        values = list(wanted) if isinstance(wanted, list | tuple) else [wanted]
        fitting: list[object] = []
        for value in values:
            try:
                fitting.append(bound(value, shape.columns[name], dialect))
            except Unfit:
                continue
        yield column.in_(fitting) if fitting else sa.false()


def bound(value: object, column: Column, dialect: str) -> object:
    """A value ready to be a parameter beside a column. Raises Unfit."""
    fitting = coerce(value, column)
    return for_sqlite(fitting) if dialect == "sqlite" else fitting


def every(shape: Shape) -> sa.Select[Any]:
    """All columns of a table."""
    return sa.select(shape.table)


def by_values(
    shape: Shape,
    columns: Sequence[str],
    wanted: Iterable[tuple[str, ...]],
    where: Mapping[str, object],
    dialect: str,
) -> Iterator[sa.Select[Any]]:
    """Rows whose columns equal any of the value tuples (as text), in statements of bounded size."""
    condition = list(conditions(where, shape, dialect))
    tuples = [fit for values in wanted for fit in _alternatives(shape, columns, values, dialect)]
    size = max(_CHUNK // max(len(columns), 1), 1)
    for start in range(0, len(tuples), size):
        part = tuples[start : start + size]
        if len(columns) == 1:
            match: Condition = shape.table.c[columns[0]].in_([values[0] for values in part])
        else:
            match = sa.or_(
                *(
                    sa.and_(*(shape.table.c[n] == v for n, v in zip(columns, values, strict=True)))
                    for values in part
                )
            )
        yield every(shape).where(match, *condition)


def _alternatives(
    shape: Shape, columns: Sequence[str], values: tuple[str, ...], dialect: str
) -> Iterator[tuple[object, ...]]:
    """The value tuples to ask for; none where a column cannot hold such a value at all."""
    ways = [
        tuple(_spellings(text, shape.columns[name], dialect))
        for name, text in zip(columns, values, strict=True)
    ]
    yield from itertools.islice(itertools.product(*ways), _MOST_WAYS)


def _spellings(text: str, column: Column, dialect: str) -> Iterator[object]:
    """A value as a column may hold it: SQLite holds anything in any column."""
    try:
        fitting = bound(text, column, dialect)
    except Unfit:
        if dialect != "sqlite":
            return
        fitting = text
    yield fitting
    if not isinstance(fitting, str):
        return
    if len(text) == 36 and text.count("-") == 4:
        yield text.upper()  # a UUID kept as text
    if dialect == "sqlite" and re.fullmatch(r"-?\d{1,18}", text):
        yield int(text)  # a column of no declared type compares 17 and '17' as different
    if dialect == "sqlite" and _OCTETS.fullmatch(text):
        yield bytes.fromhex(text)


def by_key(shape: Shape, key: Row, dialect: str, volatile: Iterable[str] = ()) -> sa.Select[Any]:
    """One row by its key; without a primary key, by every column that can be compared: then it is
    a superset, and the rows that are read must be compared."""
    return every(shape).where(*key_match(shape, key, dialect, volatile))


def key_match(
    shape: Shape, key: Row, dialect: str, volatile: Iterable[str] = ()
) -> list[Condition]:
    """The condition that names a row."""
    skip = set(volatile) if shape.is_whole(key) else set()
    match: list[Condition] = []
    for name, value in key.items():
        column = shape.table.c[name]
        if name in skip or (shape.is_whole(key) and not shape.columns[name].exact):
            continue
        if value is None:
            match.append(column.is_(None))
        elif dialect == "sqlite":
            raw = for_sqlite(from_value(value))
            # Octets in a text column (old encodings) equal no octets there until it is cast.
            is_octets = isinstance(raw, bytes)
            match.append((sa.cast(column, sa.LargeBinary) if is_octets else column) == raw)
        else:
            match.append(column == from_value(value))
            if shape.is_whole(key) and shape.columns[name].folds and isinstance(value, str):
                # "=" takes OLA for Ola here, and so one row for another.
                octets = sa.func.hex(sa.cast(column, sa.Unicode()))
                match.append(octets == value.encode("utf-8", "replace").hex().upper())
    return match


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
    if family == schema.TEXT and known and dialect != "sqlite":
        return sa.type_coerce(column, sa.Unicode())
    return sa.cast(column, sa.Unicode())  # without a length: NVARCHAR(max) in SQL Server


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
            patterns = [pattern for key in sorted(wanted.emails) for pattern in email_patterns(key)]
            yield from _like(text, patterns)
        elif kind == "phone":
            yield from _like(text, [phone_pattern(key) for key in sorted(wanted.phones)])
        else:
            ids = sorted(key for of, key in wanted.ids if of == kind)
            if shape.columns[name].family == schema.INTEGER and dialect != "sqlite":
                yield from conditions({name: ids} if ids else {}, shape, dialect)
            else:
                yield from _id(text, ids, rules.ignored(kind))


def _like(text: sa.ColumnElement[str] | None, patterns: Sequence[str]) -> Iterator[Condition]:
    if text is None:
        if patterns:
            yield sa.true()  # octets: each row is read
        return
    for pattern in dict.fromkeys(patterns):
        yield text.ilike(pattern)


def _id(
    text: sa.ColumnElement[str] | None, keys: Sequence[str], ignored: str
) -> Iterator[Condition]:
    if text is None:
        yield from _like(text, keys)
    elif keys:
        bare = sa.func.lower(_stripped(text, ignored))
        yield bare.in_([key.lower() for key in keys])
        for key in keys:
            if not key.isascii():  # LOWER leaves æøå alone in some engines
                yield text.ilike(_pattern(_RUN.findall(key.lower())))


def _name(columns: Sequence[str], name: str, shape: Shape, dialect: str) -> Iterator[Condition]:
    """One part in full, and the initial of another: in any order, any column of it."""
    parts = list(dict.fromkeys(identifiers.name_parts(name)))
    texts = [text for column in columns if (text := _text(column, shape, dialect)) is not None]
    if len(parts) < 2 or not texts:
        return
    for part in parts:
        pattern = _name_pattern(part)
        if pattern == "%":
            continue  # no plain consonant: some other part has one
        shown = sa.or_(*(text.ilike(pattern) for text in texts))
        initials = {other[:1] for other in parts if other != part}
        if all(letter.isascii() and letter.isalpha() for letter in initials):
            some = (text.ilike(f"%{letter}%") for letter in sorted(initials) for text in texts)
            shown = sa.and_(shown, sa.or_(*some))
        yield shown


def _name_pattern(part: str) -> str:
    """The plain consonants of a name in order: å is written a, aa and Ã¥ as well."""
    return _pattern(_CONSONANTS.findall(part))


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


def _bare(text: sa.ColumnElement[str], signs: str, dialect: str) -> sa.ColumnElement[str]:
    """Text without separators; PostgreSQL does it in one step."""
    if dialect == "postgresql":
        return sa.func.translate(text, signs, "")
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
    yield from _like(text, [p for key in sorted(wanted.emails) for p in email_patterns(key)])
    bare = _bare(text, _SEPARATORS, dialect)
    for number in sorted(wanted.phones):
        yield bare.like(f"%{_national(number)}%")
    for kind, key in kinds:
        closed = _bare(text, rules.ignored(kind), dialect)
        yield closed.ilike(_pattern(_RUN.findall(key.lower())))
    for wanted_name in sorted(wanted.names):
        parts = identifiers.name_parts(wanted_name)
        yield sa.and_(*(text.ilike(_name_pattern(part)) for part in (parts[0], parts[-1])))
