"""Connections to business databases: reading cannot write, nothing waits for ever.

The differences between engines live here and nowhere else.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from mailbot.errors import ConfigError, MailbotError, Permanent, Problem, Transient
from mailbot.sources import calendar, sqlserver, streaming
from mailbot.sources.letters import plain

_CONNECT_S = 10
_LOCK_S = 10  # a lock that staff hold longer than this: try again later
_INSTRUCTIONS = 20_000  # of SQLite's virtual machine between two looks at the clock


class _Cursor(Protocol):
    """The part of a DB-API cursor that is needed here."""

    def execute(self, statement: str) -> object: ...

    def close(self) -> None: ...


def database_url(text: str, password: str | None, where: str) -> URL:
    """The URL of a database with its password put in. Raises ConfigError; never echoes the URL."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        problem = Problem(where, "is no database URL", "write engine+driver://user@host/database")
        raise ConfigError([problem]) from error
    return url.set(password=password) if password else url


def read_engine(
    url: URL, timeout_s: int, system: str, token: sqlserver.Token | None = None
) -> Engine:
    """An engine whose connections refuse to write, with a limit on each statement.

    `token` gives a fresh access token of Microsoft Entra where a database is signed in to by one.
    """
    return _open(url, timeout_s, system, token, writes=False)


def write_engine(
    url: URL, timeout_s: int, system: str, token: sqlserver.Token | None = None
) -> Engine:
    """An engine for acting: SQLite takes its write lock at the start of the transaction."""
    return _open(url, timeout_s, system, token, writes=True)


def _open(
    url: URL, timeout_s: int, system: str, token: sqlserver.Token | None, *, writes: bool
) -> Engine:
    try:
        if url.get_backend_name() == "sqlite":
            return _sqlite(url, timeout_s, writes=writes)
        if url.get_backend_name() == "mssql":
            return _sqlserver(url, timeout_s, token, writes=writes)
        return _server(url, timeout_s, writes=writes)
    except (NoSuchModuleError, ImportError) as error:
        problem = Problem(
            f"datamap.toml: database {system}",
            f"no driver for {url.drivername} is installed",
            "install the driver or choose another one in the URL",
        )
        raise ConfigError([problem]) from error


def _sqlite(url: URL, timeout_s: int, *, writes: bool) -> Engine:
    path = url.database or ""
    mode = "rw" if writes else "ro"  # never "rwc": a mistyped path must not create a database

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"file:{quote(path)}?mode={mode}",
            uri=True,
            timeout=_LOCK_S,
            isolation_level=None,  # BEGIN is ours: the driver would begin too late
            check_same_thread=False,
        )
        connection.text_factory = _readable
        connection.create_function("mailbot_plain", 1, _plain, deterministic=True)
        connection.create_function("mailbot_without", 2, _without, deterministic=True)
        connection.execute(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
        # The rules that the schema declares hold for us, whether the application minds them or not.
        connection.execute("PRAGMA foreign_keys = ON")
        if writes:
            connection.execute("PRAGMA secure_delete = ON")  # erased text leaves the pages as well
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=sa.pool.NullPool)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine, "before_cursor_execute")
    def _limit(connection: sa.Connection, *_: object) -> None:
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(_past(time.monotonic() + timeout_s), _INSTRUCTIONS)

    return engine


def _past(deadline: float) -> Callable[[], bool]:
    return lambda: time.monotonic() > deadline


def _plain(octets: bytes | None) -> str | None:
    """A function that SQL may call: text in plain letters, for names."""
    return None if octets is None else plain(_text(octets))


def _without(octets: bytes | None, signs: str) -> str | None:
    """A function that SQL may call: text without some signs. So many REPLACEs do not fit."""
    return None if octets is None else _text(octets).translate(dict.fromkeys(map(ord, signs)))


def _text(octets: bytes) -> str:
    """Functions take octets: of text that is not UTF-8 SQLite would hand over nothing."""
    found = _readable(octets)
    return found if isinstance(found, str) else octets.decode("latin-1")


def _readable(octets: bytes) -> Any:
    """SQLite keeps text that is not UTF-8 as it came: such a value stays octets."""
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets


def _server(url: URL, timeout_s: int, *, writes: bool) -> Engine:
    backend = url.get_backend_name()
    engine = sa.create_engine(
        url,
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=2,
        pool_timeout=timeout_s,
        pool_recycle=900,
        hide_parameters=True,  # parameters are personal data: never in an exception's text
        connect_args=_connect_args(backend, url.get_driver_name(), timeout_s),
    )
    limit = _LIMITS.get(backend)
    if limit is not None:
        # First of all: SQLAlchemy asks a new connection for its manner of quoting afterwards.
        @event.listens_for(engine, "connect", insert=True)
        def _limits(connection: Any, _entry: ConnectionPoolEntry) -> None:
            if url.get_driver_name() == "psycopg":
                calendar.widen(connection)
                streaming.stream(connection)
            cursor = connection.cursor()
            limit(cursor, timeout_s, writes)
            cursor.close()
            connection.commit()

    return engine


def _sqlserver(url: URL, timeout_s: int, token: sqlserver.Token | None, *, writes: bool) -> Engine:
    """Acting is serializable: what a check has seen, nobody adds to before it is acted on."""
    options: dict[str, Any] = {"isolation_level": "SERIALIZABLE"} if writes else {}
    engine = sa.create_engine(
        sqlserver.prepared(url, writes=writes, token=token),
        pool_pre_ping=True,
        pool_size=2,
        max_overflow=2,
        pool_timeout=timeout_s,
        pool_recycle=900,
        hide_parameters=True,
        connect_args=sqlserver.connect_args(url.get_driver_name(), _CONNECT_S),
        **options,
    )
    sqlserver.equip(engine, timeout_s, _LOCK_S, writes=writes, token=token)
    return engine


def _connect_args(backend: str, driver: str, timeout_s: int) -> dict[str, object]:
    if driver in ("psycopg", "psycopg2"):
        # A server that vanished is noticed by the kernel, also between statements.
        return {"connect_timeout": _CONNECT_S, "tcp_user_timeout": (timeout_s + _CONNECT_S) * 1000}
    if driver in ("pymysql", "mysqldb", "mariadbconnector") and backend in ("mysql", "mariadb"):
        patience = timeout_s + _CONNECT_S
        return {
            "connect_timeout": _CONNECT_S,
            "read_timeout": patience,
            "write_timeout": patience,
        }
    return {}


_ALIKE = {
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}


def _limit_postgresql(cursor: _Cursor, timeout_s: int, writes: bool) -> None:
    access = "READ WRITE" if writes else "READ ONLY"
    cursor.execute(f"SET SESSION CHARACTERISTICS AS TRANSACTION {access}")
    cursor.execute(f"SET statement_timeout = {int(timeout_s) * 1000}")
    cursor.execute(f"SET lock_timeout = {_LOCK_S * 1000}")
    # Reader and writer may be two users with settings of their own: the same row must read alike.
    for name, value in _ALIKE.items():
        cursor.execute(f"SET {name} = '{value}'")


# What does not fit a column is refused, not cut; quotes and backslashes mean what they usually do.
_SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"


def _limit_mysql(cursor: _Cursor, timeout_s: int, writes: bool) -> None:
    cursor.execute(f"SET SESSION sql_mode = '{_SQL_MODE}'")
    if not writes:
        cursor.execute("SET SESSION TRANSACTION READ ONLY")
    cursor.execute(f"SET SESSION innodb_lock_wait_timeout = {_LOCK_S}, time_zone = '+00:00'")
    # The same limit has another name and unit in each; a comment that only one of them reads.
    cursor.execute(f"SET SESSION /*M! max_statement_time = {int(timeout_s)}, */ wait_timeout = 900")
    cursor.execute(
        f"SET SESSION /*!50708 max_execution_time = {int(timeout_s) * 1000}, */ wait_timeout = 900"
    )


_LIMITS: dict[str, Callable[[_Cursor, int, bool], None]] = {
    "postgresql": _limit_postgresql,
    "mysql": _limit_mysql,
    "mariadb": _limit_mysql,
}


@contextmanager
def translated(system: str, doing: str) -> Iterator[None]:
    """Failures of the driver as Transient or Permanent; no text of theirs, it may hold values."""
    try:
        yield
    except SQLAlchemyError as error:
        raise _translate(error, system, doing) from None
    except (UnicodeError, ValueError, OverflowError) as error:
        what = type(error).__name__
        raise Permanent(f"{system}: {doing}: a value cannot be read or written ({what})") from None
    except OSError as error:
        raise Transient(f"{system}: {doing}: {type(error).__name__}") from None


_TRANSIENT_STATES = ("08", "40", "53", "55", "57", "58")  # SQLSTATE classes: may pass by themselves
# MySQL: full disk or memory, locks, deadlocks, gone away, too many connections, timeouts.
_TRANSIENT_CODES = frozenset(
    {
        1021,
        1040,
        1041,
        1053,
        1114,
        1158,
        1159,
        1160,
        1161,
        1203,
        1205,
        1213,
        1317,
        1969,
        2002,
        2003,
        2006,
        2013,
        3024,
    }
)
_SQLITE_TRANSIENT = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_INTERRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
)


def _translate(error: SQLAlchemyError, system: str, doing: str) -> MailbotError:
    cause = getattr(error, "orig", None)
    if sqlserver.is_cause(cause):
        state, code = sqlserver.meaning(cause)
    else:
        state = str(getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None) or "")
        code = _code(cause)
    named = " ".join(
        part for part in (type(error).__name__, state, str(code) if code else "") if part
    )
    text = f"{system}: {doing}: {_meaning(state, code, cause)} ({named})"
    return Transient(text) if _passes(error, cause, state, code) else Permanent(text)


def _code(cause: object) -> int:
    if isinstance(cause, sqlite3.Error):
        return int(getattr(cause, "sqlite_errorcode", 0) or 0)
    first = getattr(cause, "args", (0,))[:1]
    return first[0] if first and isinstance(first[0], int) else 0


def _passes(error: SQLAlchemyError, cause: object, state: str, code: int) -> bool:
    if isinstance(cause, sqlite3.Error):
        return code & 0xFF in _SQLITE_TRANSIENT
    if sqlserver.is_cause(cause) and (code in sqlserver.TRANSIENT or state.startswith("HYT")):
        return True  # Azure says "login failed" as well while a database wakes up
    if state in ("28000", "28P01", "3D000") or code == 18456:  # sign-in refused, no such database
        return False
    if state.startswith(_TRANSIENT_STATES) or code in _TRANSIENT_CODES:
        return True
    if getattr(error, "connection_invalidated", False):
        return True
    lost = isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.TimeoutError)
    return lost and not state and not code


def _meaning(state: str, code: int, cause: object) -> str:
    if state in ("57014", "HYT00") or code in (1969, 3024) or code == sqlite3.SQLITE_INTERRUPT:
        return "took longer than its time limit"
    if state == "42501" or code in (1142, 1143, 229, 230):
        return "not permitted"
    if state in ("28000", "28P01") or code in (1045, 18456):
        return "sign-in refused"
    if code == 40613:
        return "the database is waking up or moving"
    if state == "55P03" or code in (1205, 1222):
        return "somebody else holds a lock"
    if isinstance(cause, sqlite3.Error) and code & 0xFF == sqlite3.SQLITE_CANTOPEN:
        return "the database file cannot be opened"
    if state.startswith("23") or code & 0xFF == sqlite3.SQLITE_CONSTRAINT:
        return "a rule of the database forbids it"
    return "failed"
