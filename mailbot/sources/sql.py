"""A database as a source: what the port asks, over SQLAlchemy Core and reflection."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import partial

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from mailbot.case import Label, Subject
from mailbot.datamap import Database, DataMap
from mailbot.errors import Permanent
from mailbot.memory import Recollection
from mailbot.plan import Action, Correction
from mailbot.ports import ActionReceipt
from mailbot.record import Finding, Row, SearchResult, Value, plain
from mailbot.sources import engines
from mailbot.sources.acting import Actor
from mailbot.sources.checking import check
from mailbot.sources.correcting import Corrector
from mailbot.sources.locating import locate
from mailbot.sources.lookups import LARGE, lookups
from mailbot.sources.mapping import Mapped, lay
from mailbot.sources.matching import Rules
from mailbot.sources.oddities import Oddities
from mailbot.sources.planning import Planner, plain_actions, unmarked
from mailbot.sources.rescanning import CAME_BACK, TIME_IS_UP, came_back, time_is_up, with_reason
from mailbot.sources.scanning import scan
from mailbot.sources.schema import reflect
from mailbot.sources.searching import Query, Scan
from mailbot.sources.spelling import spelt_out
from mailbot.sources.statements import by_key, by_values, row_of

_GRACE_S = 15.0  # beyond the statement timeout, for connecting and for a cancelled statement
_SCHEMA_S = 30.0  # a schema read this long ago, in seconds, still holds for reading
_BATCH = 500  # rows fetched at a time


@dataclass(slots=True)
class SqlSource:
    """One [[database]]. `write` is None where the map gives no write_url: nothing changes then.
    `large`: rows from which on a table is asked by its indexes."""

    database: Database
    datamap: DataMap
    read: Engine
    write: Engine | None
    today: Callable[[], date]
    large: float = LARGE
    name: str = field(init=False)
    _tables: tuple[str, ...] = field(init=False, default=())
    _laid: tuple[float, Mapped] | None = field(init=False, default=None)
    _odd: Oddities = field(init=False, default_factory=Oddities)

    def __post_init__(self) -> None:
        self.name = self.database.name
        self._tables = tuple(dict.fromkeys(spec.name for spec in self.database.table))

    @property
    def patience_s(self) -> float:
        """How long it may stay silent before it is left behind, in seconds."""
        return self.database.statement_timeout_s + _GRACE_S

    @property
    def writable(self) -> bool:
        """Whether anything can be changed here."""
        return self.write is not None

    def check(self) -> Sequence[str]:
        """Compare the map with the schema. Raises ConfigError with every mismatch at once."""
        self._laid = None
        return check(self.database, self.datamap, self.open(), self.write)

    def find(self, subject: Subject) -> SearchResult:
        """The person's rows here; keys and owners in other databases stay unknown."""
        return locate([self], self.datamap, subject, self.today())

    def actions(
        self, right: Label, findings: Sequence[Finding], corrections: Sequence[Correction] = ()
    ) -> Sequence[Action]:
        """What the map makes of findings for a right. Permanent: there is no safe plan."""
        own = [finding for finding in findings if finding.system == self.name]
        if right is Label.RECTIFICATION:
            region = self.datamap.own.default_region
            corrector = Corrector(self.open(), self.name, region, self.writable) if own else None
            return corrector.actions(own, corrections) if corrector and corrections else ()
        if right is not Label.ERASURE:
            found = plain_actions(right, own, writable=self.writable)
            if right is Label.RESTRICTION:
                kinds = {spec.name: spec.is_ for spec in self.database.table}
                found += unmarked(own, found, kinds)
            return found
        if not own:
            return ()
        mapped = self.open()
        with engines.translated(self.name, "planning"), self.read.connect() as connection:
            return Planner(mapped, connection, self.name).erasure(own)

    def apply(self, actions: Sequence[Action], key: bytes) -> Sequence[ActionReceipt]:
        """Carry actions out in one transaction, or not at all. Raises Stale if a record changed."""
        if self.write is None:
            raise Permanent(f"{self.name}: no write access is configured")
        if any(action.system != self.name for action in actions):
            raise Permanent(f"{self.name}: an action of another system was handed in")
        with engines.translated(self.name, "acting"), self.write.begin() as connection:
            return Actor(self.lay(connection), connection, key).apply(actions)

    def came_back(self, memory: Recollection) -> tuple[Sequence[Action], int]:
        """See `memory.Records`."""
        with engines.translated(self.name, "searching"), self.read.connect() as connection:
            mapped, region = self.lay(connection), self.datamap.own.default_region
            found, unsure = came_back(mapped, connection, memory, region)
            actions = Planner(mapped, connection, self.name).erasure(found) if found else []
        return with_reason(actions, CAME_BACK), unsure

    def time_is_up(self, memory: Recollection, most: int) -> tuple[Sequence[Action], int]:
        """See `memory.Records`."""
        with engines.translated(self.name, "searching"), self.read.connect() as connection:
            mapped = self.lay(connection)
            found, more = time_is_up(mapped, connection, memory, self.today(), most)
            actions = Planner(mapped, connection, self.name).erasure(found) if found else []
        return with_reason(actions, TIME_IS_UP), more

    def row(self, table: str, key: Row) -> Row | None:
        """See `memory.Records`."""
        with engines.translated(self.name, f"reading {table}"), self.read.connect() as connection:
            shape = self.lay(connection).catalog.find(table)
            if shape is None or set(key) not in (set(shape.key), set(shape.columns)):
                return None
            found = connection.execute(by_key(shape, key, connection.dialect.name)).fetchall()
            return row_of(found[0]) if len(found) == 1 else None

    def rows(self, actions: Sequence[Action]) -> Sequence[Row | None]:
        """See `memory.Records`."""
        found: list[Row | None] = []
        with engines.translated(self.name, "reading"), self.read.connect() as connection:
            catalog = self.lay(connection).catalog
            for action in actions:
                shape = catalog.find(action.table)
                if shape is None or not set(action.key) <= set(shape.columns):
                    # Without a grant a server may not even show that there is such a table.
                    raise Permanent(f"database {self.name}: {action.table} cannot be read any more")
                rows = connection.execute(by_key(shape, action.key, connection.dialect.name))
                first = rows.first()
                found.append(None if first is None else row_of(first))
        return found

    def statements(self, actions: Sequence[Action]) -> Sequence[str]:
        """See `memory.Records`."""
        with engines.translated(self.name, "reading"), self.read.connect() as connection:
            return spelt_out(self.lay(connection), connection.dialect, actions)

    def open(self) -> Mapped:
        """Connect and lay the map over what is there, or was a moment ago: a search and its plan
        ask several times. Acting always looks anew."""
        now = time.monotonic()
        self._odd.begin()
        with engines.translated(self.name, "connecting"), self.read.connect() as connection:
            if self._laid is None or now - self._laid[0] > _SCHEMA_S:
                self._laid = now, self.lay(connection)
            return self._laid[1]

    def lay(self, connection: sa.Connection) -> Mapped:
        """The map over the schema as it is at this moment."""
        default = self.database.schema_ or None
        return lay(self.database, reflect(connection, default, self._tables))

    def run(self, query: Query, rules: Rules) -> Iterator[Row]:
        """The rows of a query, streamed on the read-only connection."""
        with engines.translated(self.name, f"reading {query.entry.place[1]}"):
            yield from self._rows(query, rules)

    def lookup(self, table: str, column: str, value: Value) -> Sequence[Row]:
        """Rows of any table by one column: who a recipient is."""
        shape = self.open().catalog.find(table)
        with engines.translated(self.name, f"reading {table}"), self.read.connect() as connection:
            text = plain(value)
            if shape is None or column not in shape.columns or text is None:
                return ()
            dialect = connection.dialect.name
            statements = list(by_values(shape, (column,), [(text,)], {}, dialect))
            return [row_of(row) for one in statements for row in connection.execute(one)]

    def _statements(
        self, query: Query, rules: Rules, connection: sa.Connection
    ) -> Iterator[sa.Select[tuple[object, ...]]]:
        dialect, entry = self.read.dialect.name, query.entry
        if isinstance(query, Scan):
            found = lookups(entry, query.wanted, rules, self.large)
            if found is not None and not self._odd.may_hide(connection, entry, query.wanted, rules):
                yield from found
                return
            statement = scan(entry, query.wanted, rules, dialect)
            if statement is not None:
                yield statement
            return
        where = entry.spec.where
        yield from by_values(entry.shape, query.columns, query.values, where, dialect)

    def _rows(self, query: Query, rules: Rules) -> Iterator[Row]:
        with self.read.connect() as connection:
            statements = self._statements(query, rules, connection)
            for statement in statements:
                # Of this statement alone: on a connection it would hold for all that follow.
                result = connection.execute(statement.execution_options(yield_per=_BATCH))
                # A streaming cursor learns the columns from its first row: without one, none came.
                for row in result if result.returns_rows else ():
                    yield row_of(row)

    def close(self) -> None:
        """Hang up."""
        self.read.dispose()
        if self.write is not None:
            self.write.dispose()


def open_sql(
    database: Database,
    datamap: DataMap,
    password: Callable[[str], str | None],
    resolve: Callable[[str], str],
    today: Callable[[], date],
    token: Callable[[Database, str], str] | None = None,
) -> SqlSource:
    """Open a database of the map; nothing connects yet. Raises ConfigError for a bad URL.

    `password` gives the credential "NAME.read" or "NAME.write"; `resolve` makes a URL absolute;
    `token`: see `open_sources`.
    """
    name, limit = database.name, database.statement_timeout_s

    def opened(text: str, purpose: str) -> Engine:
        where = f"datamap.toml: database {name}: {purpose}_url"
        url = engines.database_url(resolve(text), password(f"{name}.{purpose}"), where)
        fresh = partial(token, database, url.username or "") if database.entra and token else None
        maker = engines.read_engine if purpose == "read" else engines.write_engine
        return maker(url, limit, name, fresh)

    read = opened(database.read_url, "read")
    write = opened(database.write_url, "write") if database.write_url else None
    return SqlSource(database, datamap, read, write, today)
