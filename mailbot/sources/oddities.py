"""Keys that stand in an indexed column in a form that no index finds.

An index finds what is written in the usual forms (`lookups`). "Ola <ola@x.no>", two addresses in
one field, a space too many or a letter beyond ASCII it does not. So the odd values of a column are
read in one pass, and of the keys that they show the hashes are kept, nothing else: as long as the
database says that no row was written since, a search whose keys are not among them goes by the
index alone, and loses nothing. Where it does not say so, each search reads them anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import sqlalchemy as sa

from mailbot import identifiers
from mailbot.sources import catalogue
from mailbot.sources.mapping import Entry, Place
from mailbot.sources.matching import Rules, Wanted, emails_in
from mailbot.sources.schema import Shape
from mailbot.sources.statements import Condition

_MOST = 20_000  # odd values of one column; where there are more, each search passes over the table
_LONGEST = 254  # characters of an address (RFC 5321 § 4.5.3.1)
_BATCH = 500

# What every index look-up finds whatever its capitals: letters, digits and the signs of addresses
# that need no quotes, one @, and a domain that neither begins nor ends with a sign.
_USUAL_ADDRESS = r"^[A-Za-z0-9._+-]+@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$"
_AT = ("%@%", "%\uff20%", "%\ufe6b%")  # Unicode's compatibility forms of @ are one as well
_ENCODED = ("%n--%", "%N--%")  # a domain in punycode may be encoded in more ways than one
_USUAL_UUID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_SIGNS = "_./#"  # beside letters and digits, as far as they count in a key
_PARTING = " ./_#-"  # of those that may not count, what is safe within brackets; the last is last


@dataclass(frozen=True, slots=True)
class _Read:
    """What one pass saw. `state`: of the table then; `marks` is None where there was too much."""

    state: str | None
    search: int
    marks: frozenset[int] | None


@dataclass(slots=True)
class Oddities:
    """What is known of the odd values in one database's columns."""

    _read: dict[tuple[Place, str, str], _Read] = field(default_factory=dict)
    _search: int = 0

    def begin(self) -> None:
        """A new search: what the last one read holds only where the database vouches for it."""
        self._search += 1

    def may_hide(
        self, connection: sa.Connection, entry: Entry, wanted: Wanted, rules: Rules
    ) -> bool:
        """Whether an odd value of an indexed column may show one of the keys."""
        state = catalogue.state(connection, entry.shape.name)
        for kind, column in _columns(entry, wanted):
            marks = self._marks(connection, entry, kind, column, rules, state)
            if marks is None or any(_mark(kind, key) in marks for key in keys_of(kind, wanted)):
                return True
        return False

    def _marks(
        self,
        connection: sa.Connection,
        entry: Entry,
        kind: str,
        column: str,
        rules: Rules,
        state: str | None,
    ) -> frozenset[int] | None:
        name = (entry.place, column, kind)
        known = self._read.get(name)
        if known is None or not (
            known.search == self._search or (state is not None and known.state == state)
        ):
            # The state was asked before the rows are read: what is written between shows later.
            marks = _read_marks(connection, entry.shape, kind, column, rules)
            known = self._read[name] = _Read(state, self._search, marks)
        return known.marks


def keys_of(kind: str, wanted: Wanted) -> list[str]:
    """The keys of a kind, in order."""
    if kind == "email":
        return sorted(wanted.emails)
    if kind == "phone":
        return sorted(wanted.phones)
    if kind == "name":
        return sorted(wanted.names)
    return sorted(key for of, key in wanted.ids if of == kind)


def odd(kind: str, column: str, shape: Shape, rules: Rules) -> Condition:
    """Whether a value is in none of the forms that an index look-up finds."""
    text: sa.ColumnElement[str] = sa.type_coerce(shape.table.c[column], sa.Unicode())
    if shape.dialect == "postgresql":
        text = sa.collate(text, "C")  # cheaper, and there are collations that know no patterns
    if kind == "email":
        unusual = sa.or_(
            ~text.regexp_match(_USUAL_ADDRESS),
            *(text.like(sign) for sign in _ENCODED),
            sa.func.char_length(text) > _LONGEST,
        )
        return sa.and_(sa.or_(*(text.like(sign) for sign in _AT)), unusual)
    ignored = rules.ignored(kind)
    word = f"[A-Za-z0-9{''.join(sign for sign in _SIGNS if sign not in ignored)}]+"
    between = "".join(sign for sign in _PARTING if sign in ignored)
    usual = f"^({word}([{between}]{word})?|{_USUAL_UUID})$"
    return sa.and_(~text.regexp_match(usual), text != "")


def _columns(entry: Entry, wanted: Wanted) -> Iterator[tuple[str, str]]:
    """The columns of text that are asked by their index."""
    for kind, ways in entry.identify.items():
        if kind in ("phone", "name") or not keys_of(kind, wanted):
            continue
        for way in ways:
            name = way[0].column
            if entry.shape.columns[name].family == "text":
                yield kind, name


def _read_marks(
    connection: sa.Connection, shape: Shape, kind: str, column: str, rules: Rules
) -> frozenset[int] | None:
    statement = sa.select(shape.table.c[column]).where(odd(kind, column, shape, rules))
    result = connection.execution_options(yield_per=_BATCH).execute(statement.limit(_MOST + 1))
    marks: set[int] = set()
    seen = 0
    for (value,) in result if result.returns_rows else ():
        seen += 1
        marks.update(_mark(kind, key) for key in _shown(kind, str(value), rules))
    return None if seen > _MOST else frozenset(marks)


def _shown(kind: str, text: str, rules: Rules) -> Iterator[str]:
    if kind == "email":
        yield from emails_in(text)
    elif found := rules.own_key(kind, text):
        yield found


def _mark(kind: str, key: str) -> int:
    """Python's hash, salted anew in each process. Two keys with one hash cost a pass."""
    return hash(identifiers.untagged(key) if kind == "email" else key)
