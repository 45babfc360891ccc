"""The store: opens the database, begins transactions, holds claims."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, RootTransaction
from sqlalchemy.exc import SQLAlchemyError

from mailbot.errors import MailbotError, Permanent, Transient
from mailbot.ports import Clock
from mailbot.store.claims import Claims, LocalClaims, PostgresClaims
from mailbot.store.engine import (
    BUSY_SECONDS,
    StateLock,
    journal_cleared,
    postgres_engine,
    prepare_folder,
    sqlite_engine,
    store_url,
    translated,
)
from mailbot.store.keyring import KeyRing, new_ring, of_case, open_ring
from mailbot.store.memory import MemoryReading, MemoryWrites
from mailbot.store.migrate import lock_opening, migrate
from mailbot.store.reading import Reading
from mailbot.store.transaction import of_mailbox
from mailbot.store.writing_effect import EffectWrites
from mailbot.store.writing_mail import MailWrites

log = logging.getLogger(__name__)


class SqlTx(MailWrites, EffectWrites, MemoryWrites):
    """One transaction: `ports.Tx` and a little more. Belongs to the thread that began it."""


class _Mine(threading.local):
    """What the present thread has begun."""

    connection: Connection | None = None


class SqlStore(Reading, MemoryReading):
    """`ports.Store` on SQLite or PostgreSQL. Safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        ring: KeyRing,
        claims: Claims,
        clock: Clock,
        release: Callable[[], None],
        read_only: bool,
        busy_seconds: float,
    ) -> None:
        """Use `open_store`. `release` is called once when the store is closed."""
        self.ring = ring
        self._engine = engine
        self._writing_engine = engine.execution_options(writes=True)
        self._claims = claims
        self._clock = clock
        self._release: Callable[[], None] | None = release
        self._read_only = read_only
        self._busy_seconds = busy_seconds
        self._mine = _Mine()
        # SQLite lets one write at a time, and its own waiting is not fair: threads queue here.
        self._one_writer = threading.Lock() if engine.dialect.name == "sqlite" else None
        self._lingering = False

    @contextmanager
    def begin(self) -> Iterator[SqlTx]:
        """A transaction: all of its writes happen when the block ends, or none if it raises.

        Raises Permanent inside another one of the same thread, or if the store is read-only.
        """
        if self._mine.connection is not None:
            raise Permanent("A transaction cannot begin within another one.")
        if self._read_only:
            raise Permanent("This store was opened for reading only.")
        with self._turn():
            with self._transaction() as tx:
                yield tx
            if self._one_writer is not None and (tx.forgets or self._lingering):
                self._clear_journal()

    @contextmanager
    def _transaction(self) -> Iterator[SqlTx]:
        # The caller's own block stands outside `translated`: its errors are not the store's.
        with translated():
            connection = self._writing_engine.connect()
        try:
            with translated():
                transaction = connection.begin()
            tx = SqlTx(connection, self.ring, self._claims, self._clock)
            self._mine.connection = connection
            try:
                yield tx
                tx.finish()
                with translated():
                    transaction.commit()
            except BaseException:
                _roll_back(connection, transaction)
                raise
            finally:
                tx.ended = True
                self._mine.connection = None
        finally:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection to read from: that of this thread's transaction, if it has begun one."""
        if self._mine.connection is not None:
            with translated():
                yield self._mine.connection
            return
        with translated(), self._engine.connect() as connection:
            yield connection

    def claim_case(self, case_id: str) -> AbstractContextManager[bool]:
        """Hold a case against other workers and daemons; False: somebody else holds it.

        Raises Transient if the connection that holds claims broke; every later commit that
        touches the case does so too, until the block ends.
        """
        return self._claims.hold(of_case(case_id))

    def claim_mailbox(self, name: str) -> AbstractContextManager[bool]:
        """Hold a mailbox against other daemons; otherwise as `claim_case`."""
        return self._claims.hold(of_mailbox(name))

    def destroy_case_key(self, case_id: str, reason: str = "purged") -> None:
        """Make a closed case unreadable for ever, and say so in the ledger."""
        with self.begin() as tx:
            tx.destroy_case_key(case_id)
            tx.record(case_id, "key-destroyed", reason, {})

    def change_master_key(self, master_key: bytes) -> None:
        """Wrap every key under a new master key. Other daemons must be started again with it."""
        with self.begin() as tx:
            ring = self.ring.rewrap(tx.connection, master_key)
            tx.record(None, "master-key-changed", "asked", {})
            tx.forgets = True
        self.ring = ring

    def close(self) -> None:
        """Release everything. Twice is harmless."""
        release, self._release = self._release, None
        if release is not None:
            release()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._one_writer is None:
            yield
            return
        if not self._one_writer.acquire(timeout=self._busy_seconds):
            raise Transient("The store is busy: another thread is writing.")
        try:
            yield
        finally:
            self._one_writer.release()

    def _clear_journal(self) -> None:
        # Deleted keys and mails still stand in SQLite's journal until it is folded into the
        # store and cut to nothing. A reader may be in the way: then after the next transaction.
        # What is committed is committed, so no failure here may be taken for one of that.
        self._lingering = True
        try:
            with translated(), self._engine.connect() as connection:
                self._lingering = not journal_cleared(connection)
        except MailbotError as error:
            log.warning("journal-lingers", extra={"why": str(error)})


def _roll_back(connection: Connection, transaction: RootTransaction) -> None:
    try:
        transaction.rollback()
    except SQLAlchemyError:
        # The connection is gone, and with it all that was not committed.
        connection.invalidate()


def open_store(
    url: str,
    state: Path,
    master_key: bytes,
    clock: Clock,
    *,
    read_only: bool = False,
    busy_seconds: float = BUSY_SECONDS,
) -> SqlStore:
    """Open the store, making or migrating it if need be.

    `url`: "" for SQLite in the folder `state`, or postgresql+psycopg://… `read_only`: for commands
    that only look; needs no lock, so it works beside a running daemon. `busy_seconds`: how long a
    writer waits for another on SQLite. Raises ConfigError for a wrong url or master key, Transient
    if another process uses the state folder or the database cannot be reached, Permanent or
    Tampered if the store cannot be used.
    """
    address = store_url(url, state)
    with ExitStack() as stack:
        if address.drivername == "sqlite":
            if not read_only:
                prepare_folder(state)
                stack.callback(StateLock(state).release)
            elif not Path(address.database or "").is_file():
                raise Permanent("There is no store here yet: let `mailbot run` make it first.")
            engine = sqlite_engine(address, read_only, busy_seconds)
        else:
            engine = postgres_engine(address, read_only, pool_pre_ping=True)
        stack.callback(engine.dispose)
        ring = _prepared(engine, master_key, read_only)
        claims: Claims = LocalClaims()
        if engine.dialect.name == "postgresql":
            dedicated = postgres_engine(
                address, read_only, poolclass=NullPool, isolation_level="AUTOCOMMIT"
            )
            claims = PostgresClaims(dedicated, ring.indexes)
        stack.callback(claims.close)
        release = stack.pop_all().close
        return SqlStore(engine, ring, claims, clock, release, read_only, busy_seconds)


def _prepared(engine: Engine, master_key: bytes, read_only: bool) -> KeyRing:
    """Migrate, and open the store's key or give it one, all in one transaction."""
    ready = engine.execution_options(writes=not read_only)
    with translated(), ready.connect() as connection, connection.begin():
        if not read_only:
            lock_opening(connection)
        migrate(connection, read_only)
        return open_ring(connection, master_key) or new_ring(connection, master_key)
