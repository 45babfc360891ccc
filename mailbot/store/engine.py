"""The two engines, SQLite and PostgreSQL: how they are opened and what their errors mean."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    SQLAlchemyError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from mailbot.errors import ConfigError, MailbotError, Permanent, Problem, Stale, Transient

SQLITE_FILE = "mailbot.db"
LOCK_FILE = "mailbot.lock"
BUSY_SECONDS = 30  # how long a writer waits for another

# Faults that will be the same tomorrow, though the drivers call them operational.
_SQLITE_PERMANENT = {"SQLITE_ERROR", "SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_READONLY"}

# A connection that hangs must end by itself: the daemon retries, but cannot interrupt a driver.
_POSTGRES: dict[str, Any] = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "mailbot",
}
_TIMEOUTS = (
    "-c statement_timeout=60s -c lock_timeout=30s -c idle_in_transaction_session_timeout=5min"
)


def store_url(url: str, state: Path) -> URL:
    """The address of the store. Raises ConfigError for anything but "" and PostgreSQL."""
    if not url:
        return URL.create("sqlite", database=str(state / SQLITE_FILE))
    try:
        made = make_url(url)
    except ArgumentError:
        made = URL.create("")
    if made.drivername == "postgresql":
        made = made.set(drivername="postgresql+psycopg")
    if made.drivername != "postgresql+psycopg":
        # The address may hold a password: it is not repeated.
        what = "is neither empty nor the address of a PostgreSQL database"
        remedy = 'write "" for SQLite or "postgresql+psycopg://USER@HOST/DATABASE"'
        raise ConfigError([Problem("store.url", what, remedy)])
    return made


def sqlite_engine(url: URL, read_only: bool, busy_seconds: float) -> Engine:
    """An engine whose every transaction begins as we say, and that leaves no deleted bytes."""
    # hide_parameters: no value of a statement may reach a log or an exception.
    engine = create_engine(url, hide_parameters=True, pool_timeout=busy_seconds)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:
        # None: the driver must not begin transactions by itself, see `begin`.
        connection.isolation_level = None
        # Bytes that are no UTF-8 were written by somebody else: to be found out, not to fail on.
        connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(busy_seconds * 1000)}")
        if not read_only:
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA secure_delete=ON")
        cursor.execute("PRAGMA trusted_schema=OFF")
        cursor.execute("PRAGMA temp_store=MEMORY")
        if read_only:
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # IMMEDIATE: a transaction that read first and writes later could not be serialised.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def journal_cleared(connection: Connection) -> bool:
    """Fold SQLite's journal into the store and cut it to nothing; False: a reader is in the way."""
    raw: Any = connection.connection.driver_connection
    (patience,) = raw.execute("PRAGMA busy_timeout").fetchone()
    raw.execute("PRAGMA busy_timeout=0")
    try:
        return not raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        raw.execute(f"PRAGMA busy_timeout={patience}")


def postgres_engine(url: URL, read_only: bool, **options: Any) -> Engine:
    """An engine with a small pool; every wait in it has an end."""
    settings = _TIMEOUTS + (" -c default_transaction_read_only=on" if read_only else "")
    arguments = _POSTGRES | {"options": settings}
    return create_engine(url, hide_parameters=True, connect_args=arguments, **options)


def prepare_folder(state: Path) -> None:
    """The state folder (0700) and in it an empty store (0600), if they are not there yet."""
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(state / SQLITE_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # SQLite gives its journal the permissions of the store itself.
            os.fchmod(handle, 0o600)
        finally:
            os.close(handle)
    except OSError as error:
        raise Permanent(f"The state folder cannot be used: {error.strerror}.") from None


class StateLock:
    """One process per state folder: flock(2), which ends with the process however it ends."""

    def __init__(self, state: Path) -> None:
        """Take the lock. Raises Transient in one sentence if another process holds it."""
        try:
            self._handle = os.open(state / LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise Permanent(f"The state folder cannot be locked: {error.strerror}.") from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip()
            os.close(self._handle)
            who = f" (process {holder})" if holder.isdigit() else ""
            raise Transient(
                f"Another mailbot{who} is using this state folder; stop it first, "
                "or give this one a state folder of its own."
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let the next one in. Twice is harmless."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


@contextmanager
def translated() -> Iterator[None]:
    """Errors of the database become ours: Transient, Permanent or Stale.

    The driver's own text and the cause are dropped, since they may quote values.
    """
    try:
        yield
    except MailbotError:
        raise
    except SQLAlchemyError as error:
        raise translate(error) from None
    except sqlite3.Error as error:  # raised while a connection is being prepared
        raise _operational(error, type(error).__name__) from None


def translate(error: SQLAlchemyError) -> MailbotError:
    """What an error of the database means to us."""
    if isinstance(error, PoolTimeout):
        return Transient("The store has no connection free.")
    if not isinstance(error, DBAPIError):
        return Permanent(f"The store failed: {type(error).__name__}.")
    name = _code(error.orig) or type(error.orig).__name__
    if isinstance(error, IntegrityError):
        if name in ("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505"):
            return Stale("The store already holds this: it was written by somebody else.")
        return Permanent(f"The store refused a write that does not fit the rest: {name}.")
    if error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError)):
        return _operational(error.orig, name)
    return Permanent(f"The store failed: {name}.")


def _operational(error: BaseException | None, name: str) -> MailbotError:
    if (_code(error) or name) in _SQLITE_PERMANENT:
        return Permanent(f"The store cannot be used: {_code(error) or name}.")
    return Transient(f"The store cannot be reached or is busy: {_code(error) or name}.")


def _code(error: BaseException | None) -> str:
    """The error's code as the database names it: SQLSTATE, or SQLite's name."""
    for attribute in ("sqlstate", "sqlite_errorname"):
        code = getattr(error, attribute, None)
        if isinstance(code, str):
            return code
    return ""
