"""Keys that stand in an indexed column in a form that no index finds.

An index finds what is written in the usual forms (`lookups`). "Ola <ola@x.no>", two addresses in
one field, a space too many or a letter beyond ASCII it does not, and a pass over the table does.
Where the database says that nobody wrote to a table between two searches, the odd values of the
column are read once, and of the keys that they show the hashes are kept, nothing else. From then
on, as long as nobody writes, a search whose keys are not among them goes by the index alone and
loses nothing.
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
# that need no quotes, one @, and a domain whose signs stand alone: not in punycode ("xn--"), which
# may be encoded in more ways than one.
_USUAL_ADDRESS = "[A-Za-z0-9._+-]+@[A-Za-z0-9]+([.-][A-Za-z0-9]+)*"
_AT = ("%@%", "%\uff20%", "%\ufe6b%")  # Unicode's compatibility forms of @ are one as well
_USUAL_UUID = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_SIGNS = "_./#"  # beside letters and digits, as far as they count in a key
_PARTING = " ./_#-"  # of those that may not count, what is safe within brackets; the last is last


@dataclass(frozen=True, slots=True)
class _Seen:
    """A column as it was in a search. `marks`: hashes of the keys in its odd values, None if they
    were too many; `read`: whether they were looked at."""

    state: str
    search: int
    marks: frozenset[int] | None = None
    read: bool = False


@dataclass(slots=True)
class Oddities:
    """What is known of the odd values in one database's columns."""

    _seen: dict[tuple[Place, str, str], _Seen] = field(default_factory=dict)
    _states: dict[str | None, tuple[int, dict[str, str]]] = field(default_factory=dict)
    _search: int = 0

    def begin(self) -> None:
        """A new search: the database is asked anew who wrote what."""
        self._search += 1

    def may_hide(
        self, connection: sa.Connection, entry: Entry, wanted: Wanted, rules: Rules
    ) -> bool:
        """Whether an odd value of an indexed column may show one of the keys."""
        schema, table = entry.shape.name
        if schema not in self._states or self._states[schema][0] != self._search:
            self._states[schema] = self._search, catalogue.states(connection, schema)
        state = self._states[schema][1].get(table)
        for kind, column in _columns(entry, wanted):
            if state is None:
                return True
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
        state: str,
    ) -> frozenset[int] | None:
        name = (entry.place, column, kind)
        seen = self._seen.get(name)
        if seen is None or seen.state != state:
            self._seen[name] = _Seen(state, self._search)
            return None  # somebody writes here: to read what is odd would not be worth it
        if not seen.read and seen.search != self._search:
            # The state was asked before the rows are read: what is written between, shows later.
            marks = _read_marks(connection, entry.shape, kind, column, rules)
            seen = self._seen[name] = _Seen(state, self._search, marks, read=True)
        return seen.marks


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
    text: sa.ColumnElement[str]
    if shape.dialect == "postgresql":
        # Cheaper, and there are collations that know no patterns.
        text = sa.collate(sa.type_coerce(shape.table.c[column], sa.Unicode()), "C")
    else:
        text = sa.cast(shape.table.c[column], sa.Unicode())  # whatever its character set
    if kind == "email":
        usual = text.regexp_match(_exactly(_USUAL_ADDRESS, shape))
        unusual = sa.or_(~usual, sa.func.octet_length(text) > _LONGEST)
        return _rare(sa.and_(unusual, sa.or_(*(text.like(sign) for sign in _AT))))
    ignored = rules.ignored(kind)
    word = f"[A-Za-z0-9{''.join(sign for sign in _SIGNS if sign not in ignored)}]+"
    between = "".join(sign for sign in _PARTING if sign in ignored)
    pattern = _exactly(f"{word}([{between}]{word})?|{_USUAL_UUID}", shape)
    return _rare(sa.and_(~text.regexp_match(pattern), text != ""))


def _exactly(pattern: str, shape: Shape) -> str:
    """A pattern of the whole value. In MariaDB $ would stand before a last line end as well, and a
    collation that knows no case would take the Kelvin sign for a k."""
    return f"^({pattern})$" if shape.dialect == "postgresql" else rf"(?-i)^({pattern})\z"


def _rare(condition: Condition) -> Condition:
    """A condition of which planners expect few rows, and so take all processors to find them."""
    return sa.case((condition, 1)) == 1


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
    if shape.dialect != "postgresql":  # whose planner would take a slower way for the first rows
        statement = statement.limit(_MOST + 1)
    marks: set[int] = set()
    with connection.execute(statement, execution_options={"yield_per": _BATCH}) as result:
        for number, (value,) in enumerate(result if result.returns_rows else (), start=1):
            if number > _MOST:
                return None
            marks.update(_mark(kind, key) for key in _shown(kind, str(value), rules))
    return frozenset(marks)


def _shown(kind: str, text: str, rules: Rules) -> Iterator[str]:
    if kind == "email":
        yield from emails_in(text)
    elif found := rules.own_key(kind, text):
        yield found


def _mark(kind: str, key: str) -> int:
    """Python's hash, salted anew in each process. Two keys with one hash cost a pass."""
    return hash(identifiers.untagged(key) if kind == "email" else key)
