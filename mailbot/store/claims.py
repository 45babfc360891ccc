"""Claims: who works on a case or reads a mailbox, in one process or among several hosts.

On PostgreSQL a claim is a session-level advisory lock on one dedicated connection, so the server
releases it when the daemon dies. The danger is the daemon that lost its connection and does not
know: another has claimed the case since, and the first still writes. Therefore each claim raises
a number (its fence) in the store, and every commit that touches what is claimed checks, under a
row lock, that the number is still its own.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from sqlalchemy import Connection, Engine, Executable, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from mailbot.errors import Transient
from mailbot.store import schema
from mailbot.store.encryption import Indexes
from mailbot.store.engine import translate

_LOST = "The connection that held this claim broke: another daemon may hold it now."


class Claims(Protocol):
    """Both kinds of claims."""

    def hold(self, name: str) -> AbstractContextManager[bool]:
        """Hold a name while the block runs; False: it is held already."""

    def check(self, connection: Connection, names: Iterable[str]) -> None:
        """Before a commit touching `names`: raise Transient if a claim of ours on one was lost."""

    def close(self) -> None:
        """Give up everything."""


class LocalClaims:
    """Claims among the threads of the one process that may use a SQLite store."""

    def __init__(self) -> None:
        self._guard = Lock()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        with self._guard:
            free = name not in self._held
            self._held.add(name)
        try:
            yield free
        finally:
            if free:
                with self._guard:
                    self._held.discard(name)

    def check(self, connection: Connection, names: Iterable[str]) -> None:
        """Nothing to check: such a claim cannot be lost while the process lives."""

    def close(self) -> None:
        with self._guard:
            self._held.clear()


@dataclass(slots=True)
class _Held:
    name: str
    lock: int
    fence: int
    lost: bool = False


class PostgresClaims:
    """Claims among daemons. `engine` must be unpooled and in autocommit."""

    def __init__(self, engine: Engine, indexes: Indexes) -> None:
        self._engine = engine
        self._indexes = indexes
        self._guard = Lock()  # one connection, many threads
        self._held: dict[str, _Held] = {}
        self._connection: Connection | None = None

    @contextmanager
    def hold(self, name: str) -> Iterator[bool]:
        with self._guard:
            held = self._take(name)
        try:
            yield held is not None
        finally:
            if held is not None:
                with self._guard:
                    self._give_back(held)

    def check(self, connection: Connection, names: Iterable[str]) -> None:
        with self._guard:
            held = {name: self._held[name] for name in names if name in self._held}
            if not held:
                return
            if not self._alive() or any(one.lost for one in held.values()):
                raise Transient(_LOST)
        # The row lock makes a claimant wait until this commit is done.
        fences = schema.fences.c
        found = connection.execute(
            select(fences.name, fences.fence)
            .where(fences.name.in_(sorted(held)))
            .order_by(fences.name)
            .with_for_update(read=True)
        )
        now = {row.name: row.fence for row in found}
        overtaken = [one for one in held.values() if now.get(one.name) != one.fence]
        for one in overtaken:
            one.lost = True
        if overtaken:
            raise Transient(_LOST)

    def close(self) -> None:
        with self._guard:
            self._lose_all()
            self._held.clear()
            self._engine.dispose()

    def _take(self, name: str) -> _Held | None:
        # Advisory locks nest within a session: a second claim of ours must be refused here.
        if name in self._held:
            return None
        lock = self._indexes.claim(name)
        try:
            connection = self._connected()
            if not connection.scalar(select(func.pg_try_advisory_lock(lock))):
                return None
            fence: int = connection.execute(_raise_fence(name)).scalar_one()
        except SQLAlchemyError as error:
            # Whatever failed, this claim must not stay locked unnoticed in our own session.
            self._lose_all()
            raise Transient(str(translate(error))) from None
        held = _Held(name, lock, fence)
        self._held[name] = held
        return held

    def _give_back(self, held: _Held) -> None:
        self._held.pop(held.name, None)
        if held.lost or self._connection is None:
            return
        try:
            self._connection.scalar(select(func.pg_advisory_unlock(held.lock)))
        except SQLAlchemyError:
            # The session is gone or in doubt; ending it releases the lock as surely.
            self._lose_all()

    def _connected(self) -> Connection:
        if self._connection is not None and not self._alive():
            raise Transient(_LOST)
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _alive(self) -> bool:
        """Whether the session that holds our locks still answers. If not, all claims are lost."""
        if self._connection is None:
            return False
        try:
            self._connection.scalar(select(1))
        except SQLAlchemyError:
            self._lose_all()
            return False
        return True

    def _lose_all(self) -> None:
        for held in self._held.values():
            held.lost = True
        if self._connection is not None:
            # Closed outright: handing it back would ask a dead server for a rollback.
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _raise_fence(name: str) -> Executable:
    fences = schema.fences
    first = insert(fences).values(name=name, fence=1)
    return first.on_conflict_do_update(
        index_elements=[fences.c.name], set_={"fence": fences.c.fence + 1}
    ).returning(fences.c.fence)
