"""Emptying columns of a row as far as the schema lets them be emptied."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy.types import NullType

from mailbot.record import Typed, Value, as_json, canonical, from_value, same
from mailbot.sources import schema
from mailbot.sources.facts import Fact
from mailbot.sources.reading import parse, without_leaves
from mailbot.sources.schema import Column
from mailbot.sources.statements import Unfit, coerce, for_sqlite, value_of

# What stands for "nothing" where a column must have a value.
_NEUTRAL: dict[str, Value] = {
    schema.TEXT: "",
    schema.INTEGER: 0,
    schema.NUMBER: 0,
    schema.BOOLEAN: False,
    schema.BYTES: Typed("bytes", ""),
    schema.DATE: Typed("date", "1900-01-01"),
    schema.DATETIME: Typed("datetime", "1900-01-01T00:00:00"),
    schema.TIME: Typed("time", "00:00:00"),
    schema.UUID: Typed("uuid", "00000000-0000-0000-0000-000000000000"),
    schema.JSON: Typed("json", "{}"),
}


@dataclass(frozen=True, slots=True)
class Blanked:
    """New values of the columns that change; `stuck`: columns that cannot be emptied."""

    after: dict[str, Value] = field(default_factory=dict)
    stuck: tuple[str, ...] = ()


def blank(fact: Fact, columns: Iterable[str]) -> Blanked:
    """Empty columns: NULL, or "" and the like where NULL is forbidden, unique where it must be."""
    after: dict[str, Value] = {}
    stuck: list[str] = []
    for name in columns:
        column = fact.entry.shape.columns[name]
        if column.generated or fact.row.get(name) is None:
            continue
        if name in fact.entry.shape.key:
            stuck.append(name)
            continue
        value = _leaves_emptied(fact, name)
        if value is None and not column.nullable:
            value = _neutral(fact, column)
            if value is None:
                stuck.append(name)
                continue
        if not _equal(value, fact.row[name]):
            after[name] = value
    return Blanked(after, tuple(stuck))


def replaced(fact: Fact) -> Blanked:
    """What the map puts in the place of columns; the other personal columns are emptied.

    References stay: they are how the row belongs to its order or account.
    """
    spec = fact.entry.spec
    after: dict[str, Value] = {}
    stuck: list[str] = []
    for name, wanted in spec.replace.items():
        try:
            value = stored(wanted, fact, name)
        except Unfit:
            stuck.append(name)
            continue
        if name in fact.entry.shape.key:
            stuck.append(name)
        elif not _equal(value, fact.row.get(name)):
            after[name] = value
    links = {column for link in fact.entry.links for column in link.columns}
    personal = {column for columns in fact.entry.personal.values() for column in columns}
    rest = blank(fact, sorted(personal - set(spec.replace) - links))
    return Blanked(after | rest.after, (*stuck, *rest.stuck))


def stored(wanted: object, fact: Fact, name: str) -> Value:
    """A value of the data map as it will stand in the column once written. Raises Unfit."""
    column = fact.entry.shape.columns[name]
    value = coerce(wanted, column)
    if value is None and not column.nullable:
        raise Unfit(f"column {name} must have a value")
    return _as_read(_cut(value, column), fact, name)


def _as_read(value: object, fact: Fact, name: str) -> Value:
    """As it reads back: SQLite takes any value in any column, and has no dates of its own."""
    untyped = isinstance(fact.entry.shape.table.c[name].type, NullType)
    return value_of(for_sqlite(value) if untyped else value)


def _cut(value: object, column: Column) -> object:
    return value[: column.length] if isinstance(value, str) and column.length else value


def _leaves_emptied(fact: Fact, name: str) -> Value:
    """JSON without the leaves that the map names, where it names leaves only; else None."""
    entry = fact.entry
    named = [leaf for ways in entry.identify.values() for way in ways for leaf in way]
    for texts in entry.spec.personal.values():
        named += [leaf for text in texts for leaf in parse(text, entry.shape.columns) or ()]
    named += [leaf for leaf, _ in entry.read]
    paths = [leaf.path for leaf in named if leaf.column == name]
    if not all(paths):
        return None
    emptied = without_leaves(fact.row[name], paths)
    if emptied is None:
        return None
    before = fact.row[name]
    return Typed("json", emptied) if isinstance(before, Typed) else emptied


def _neutral(fact: Fact, column: Column) -> Value:
    if column.name in fact.entry.shape.unique:
        if column.family != schema.TEXT:
            return None
        # Unlike any other row's and without meaning: made from the row's own key.
        key = {name: as_json(value) for name, value in fact.key.items()}
        mark = hashlib.sha256(canonical([*fact.entry.place, key])).hexdigest()[:16]
        text = f"erased-{mark}"
        return None if column.length and column.length < len(text) else text
    neutral = "{}" if column.document else _NEUTRAL.get(column.family)
    if neutral is None:
        return None
    return _as_read(coerce(from_value(neutral), column), fact, column.name)


def _equal(one: Value, other: Value) -> bool:
    return (one is None) == (other is None) and same(one, other)
