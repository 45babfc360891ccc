"""Rows by what their columns hold: values as each column takes them. Always as parameters."""

import itertools
import math
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import sqlalchemy as sa

from mailbot.record import Row, Typed, Value, from_value, plain, to_value
from mailbot.sources import schema
from mailbot.sources.reading import FILLED
from mailbot.sources.schema import Column, Shape

_CHUNK = 500  # parameters of one IN list; SQL Server allows 2,100 in a statement
_MOST_WAYS = 16  # of writing the values of one reference
_OCTETS = re.compile(r"(?:[0-9a-f]{2}){4,64}")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_TRUTH = {"true": "1", "false": "0"}
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
        if FILLED in values:
            is_text = shape.columns[name].family == schema.TEXT or dialect == "sqlite"
            yield sa.and_(column.is_not(None), column != "") if is_text else column.is_not(None)
            continue
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
