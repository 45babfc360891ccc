"""Rows of a large table by its indexes, where they serve every key that is asked for.

A small table is read in one pass, which misses no spelling. A large one is asked by the indexes
there are: whatever the case by an index on LOWER or a collation that knows none, else by ranges
that hold every capitalisation. So every value of the usual form is found; `oddities` tells whether
another may hide a key. Telephone numbers kept as text have no usual form, nor have addresses at
gmail.com. Where one column is not served the whole table is read once anyway, for all keys together
(`scanning`).
"""

import re
import uuid
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import sqlalchemy as sa

from mailbot import identifiers
from mailbot.sources import schema
from mailbot.sources.mapping import Entry
from mailbot.sources.matching import Rules, Wanted
from mailbot.sources.oddities import keys_of
from mailbot.sources.reading import Expression
from mailbot.sources.schema import Shape
from mailbot.sources.statements import Condition, conditions, every

LARGE = 150_000  # rows: one pass over fewer takes a fraction of a second
_EXACT = (schema.INTEGER, schema.NUMBER, schema.UUID)  # families in which a value has one form
_CASED = 5  # letters at the start of which every capitalisation is asked for


def lookups(
    entry: Entry, wanted: Wanted, rules: Rules, large: float = LARGE
) -> list[sa.Select[Any]] | None:
    """Statements that indexes answer; None where one of the keys needs a pass over the table, and
    where it has fewer rows than `large`."""
    shape = entry.shape
    if shape.rows < large or (entry.read and len(wanted)):
        return None
    where = list(conditions(entry.spec.where, shape, shape.dialect))
    found: list[sa.Select[Any]] = []
    for kind, ways in entry.identify.items():
        keys = keys_of(kind, wanted)
        if not keys:
            continue
        for way in ways:
            condition = _served(kind, keys, way, shape, rules)
            if condition is None:
                return None
            found.append(every(shape).where(condition, *where))
    return found


def advice(entry: Entry) -> str:
    """What an index would spare the searches of a large table; "" if nothing."""
    shape = entry.shape
    if shape.rows < LARGE or entry.spec.is_ == "none":
        return ""
    wanting, unlisted = [], []
    for kind, ways in entry.identify.items():
        for way in ways:
            name = way[0].column
            if kind == "name" or len(way) != 1:
                continue
            if kind == "phone" and not _is_number(name, shape):
                unlisted.append(name)
            elif not _is_indexed(name, shape):
                folded = shape.dialect == "postgresql" and kind != "phone"
                wanting.append(f"lower({name})" if folded else name)
    if unlisted:
        return (
            f"about {shape.rows:,.0f} rows are read whole at each search, since numbers in"
            f" {' and '.join(unlisted)} may be written in any way; an indexed number column with"
            " their digits, named in its place, would spare that."
        )
    if not wanting:
        return ""
    rest = " Its text columns are read once for all keys all the same." if entry.read else ""
    return (
        f"about {shape.rows:,.0f} rows are read whole at each search; an index on"
        f" {' and one on '.join(wanting)} would spare that.{rest}"
    )


def _is_indexed(name: str, shape: Shape) -> bool:
    return not {"plain", "lower"}.isdisjoint(shape.indexed.get(name, ()))


def _is_number(name: str, shape: Shape) -> bool:
    return shape.columns[name].family in (schema.INTEGER, schema.NUMBER)


def _served(
    kind: str, keys: Sequence[str], way: Expression, shape: Shape, rules: Rules
) -> Condition | None:
    """The condition on one column that its index answers; None if none does."""
    if kind == "name" or len(way) != 1 or way[0].path:
        return None
    name = way[0].column
    if not _is_indexed(name, shape):
        return None
    family = shape.columns[name].family
    if kind == "phone":
        forms = [form for key in keys for form in identifiers.phone_variants(key, rules.region)]
    elif family in _EXACT:
        forms = list(keys)
    elif family != schema.TEXT:
        return None
    if family in _EXACT:
        return next(iter(conditions({name: forms}, shape, shape.dialect)))
    if kind == "phone" or any(key.endswith("@gmail.com") for key in keys):
        return None  # dots and tags mean nothing there: no list of values is whole
    if kind == "email":
        served = _any_case(name, [form for key in keys for form in _addresses(key)], shape)
        return sa.or_(served, *(_tagged(name, key, shape) for key in keys))
    return _any_case(name, [form for key in keys for form in _ids(key, rules.ignored(kind))], shape)


def _addresses(key: str) -> Iterator[str]:
    yield from identifiers.email_variants(key)
    yield from identifiers.email_variants(identifiers.untagged(key))


def _tagged(name: str, key: str, shape: Shape) -> Condition:
    """What follows a + may differ: that makes a row possible. LIKE finds it in MySQL's indexes,
    PostgreSQL has ranges for it, two since its collations disagree on which letter is the last."""
    local, _, domain = identifiers.untagged(key).rpartition("@")
    column = _column(name, shape)
    lowered = sa.func.lower(column)
    # There are collations that know no patterns.
    plain = sa.func.lower(sa.collate(column, "C")) if shape.dialect == "postgresql" else lowered
    fits = sa.and_(
        plain.startswith(f"{local}+", autoescape=True),
        plain.endswith(f"@{domain}", autoescape=True),
    )
    if shape.columns[name].folds:
        return sa.and_(column.startswith(f"{local}+", autoescape=True), fits)
    if "lower" not in shape.indexed[name] and "octets" in shape.indexed[name]:
        return sa.and_(_range(column, f"{local}+", octets=True), fits)
    ordered = lowered if "lower" in shape.indexed[name] else column
    ends = (f"{local}+zzzzzz", f"{local}+\u00e5\u00e5\u00e5")
    return sa.and_(sa.or_(*(ordered.between(f"{local}+", end) for end in ends)), fits)


def _column(name: str, shape: Shape) -> sa.ColumnElement[str]:
    """A column of text; BETWEEN takes nothing that says its collation."""
    column: sa.ColumnElement[str] = shape.table.c[name]
    has_one = isinstance(column.type, sa.String) and column.type.collation
    return sa.type_coerce(column, sa.Unicode()) if has_one else column


def _ids(key: str, ignored: str) -> Iterator[str]:
    """K10023 as K-10023 and K 10023: one separator may stand anywhere; UUIDs have four."""
    yield key
    yield from (f"{key[:n]}{sign}{key[n:]}" for n in range(1, len(key)) for sign in ignored)
    if re.fullmatch("[0-9A-Fa-f]{32}", key):
        yield str(uuid.UUID(key))


def _any_case(name: str, forms: Sequence[str], shape: Shape) -> Condition:
    column, indexed = _column(name, shape), shape.indexed[name]
    exact = list(dict.fromkeys(forms))
    if shape.columns[name].folds:
        return column.in_(exact)
    low = list(dict.fromkeys(form.lower() for form in exact))
    if "lower" in indexed:
        return sa.func.lower(column).in_(low)
    octets = "octets" in indexed
    plain = [form for form in low if form.isascii()]
    if octets:  # ranges by the first letters hold whatever stands behind them
        plain = list({form[:_CASED]: form for form in plain}.values())
    cased = [_range(column, form, octets) for form in plain]
    if not cased:
        return column.in_(exact)
    return sa.or_(column.in_(exact), sa.and_(sa.or_(*cased), sa.func.lower(column).in_(low)))


def _range(column: "sa.ColumnElement[str]", form: str, octets: bool) -> Condition:
    """A range of the index with every capitalisation of a word in it.

    In the order of a language they lie side by side. In the order of octets they do not: there the
    capitalisations of the first letters make as many short ranges.
    """
    if not octets:
        capital = form.upper()
        return sa.or_(column.between(form, capital), column.between(capital, form))
    start = form[:_CASED]
    starts = {"".join(signs) for signs in product(*({s, s.upper()} for s in start))}
    return sa.or_(
        *(sa.and_(column >= s, column < s[:-1] + chr(ord(s[-1]) + 1)) for s in sorted(starts))
    )
