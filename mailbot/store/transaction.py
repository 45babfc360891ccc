"""What every transaction does besides its writes: fences, versions, the ledger, and giving up.

Three things wait until the end of a transaction, in this order, so that on PostgreSQL the locks
that everybody needs are held for a moment only and always taken in the same order: the check that
our claims still hold, the versions of the cases that were touched, the ledger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Table, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mailbot.errors import Permanent
from mailbot.ledger import next_entry, utc_text
from mailbot.ports import Clock
from mailbot.store import schema
from mailbot.store.claims import Claims
from mailbot.store.encryption import seal
from mailbot.store.engine import translated
from mailbot.store.keyring import KeyRing, of_case, read_head, write_head
from mailbot.store.rows import clear, encoded

UNDER_CASE = b"C"  # first byte of a ledger entry's facts: whose key they lie under
UNDER_STORE = b"S"

P = ParamSpec("P")
R = TypeVar("R")
W = TypeVar("W", bound="Writing")


def writes(method: Callable[Concatenate[W, P], R]) -> Callable[Concatenate[W, P], R]:
    """A write of a transaction: errors are translated, and after one the rest is refused.

    Were a failed write swallowed by the caller, the commit would keep half (or, on PostgreSQL,
    silently nothing) of what was meant to be one.
    """

    @wraps(method)
    def guarded(self: W, /, *args: P.args, **kwargs: P.kwargs) -> R:
        self.must_be_open()
        try:
            with translated():
                return method(self, *args, **kwargs)
        except BaseException:
            self.failed = True
            raise

    return guarded


@dataclass(frozen=True, slots=True)
class _Pending:
    """A ledger entry that waits for its number. Its key is kept: it may be destroyed meanwhile."""

    case_id: str
    event: str
    reason: str
    facts: bytes
    key: bytes
    under: bytes


class Writing:
    """The common part of a transaction."""

    def __init__(self, connection: Connection, ring: KeyRing, claims: Claims, clock: Clock) -> None:
        self.connection = connection
        self.ring = ring
        self.clock = clock
        self.failed = False
        self.ended = False
        self.forgets = False  # whether bytes were deleted that must not linger in the journal
        self._claims = claims
        self._touched: set[str] = set()
        self._opened: set[str] = set()
        self._mailboxes: set[str] = set()
        self._pending: list[_Pending] = []

    def must_be_open(self) -> None:
        """Raise Permanent if this transaction is over or has failed."""
        if self.ended:
            raise Permanent("This transaction is over: nothing can be written in it.")
        if self.failed:
            raise Permanent("A write of this transaction failed: nothing of it is kept.")

    def touch(self, case_id: str) -> None:
        """This transaction changes a case. Raises Permanent if there is none."""
        if case_id in self._touched:
            return
        cases = schema.cases.c
        if self.connection.scalar(select(cases.seq).where(cases.id == case_id)) is None:
            raise Permanent(f"There is no case {case_id!r}.")
        self._touched.add(case_id)

    def touch_new(self, case_id: str) -> None:
        """This transaction opens a case."""
        self._touched.add(case_id)
        self._opened.add(case_id)

    def touch_mailbox(self, name: str) -> None:
        """This transaction writes the progress of a mailbox."""
        self._mailboxes.add(name)

    def case_key(self, case_id: str) -> bytes:
        """The key of a case, to encrypt with. Raises Permanent if it was destroyed."""
        self.touch(case_id)
        key = self.ring.get(self.connection, of_case(case_id))
        if key is None:
            raise Permanent(f"The key of case {case_id!r} was destroyed.")
        return key

    def insert_or(self, table: Table) -> postgresql.Insert | sqlite.Insert:
        """An INSERT that can say ON CONFLICT, which both databases spell alike."""
        if self.connection.dialect.name == "sqlite":
            return sqlite.insert(table)
        return postgresql.insert(table)

    @writes
    def record(
        self, case_id: str | None, event: str, reason: str, facts: Mapping[str, object]
    ) -> None:
        """Append to the ledger when this transaction commits.

        After a case's key was destroyed only entries without facts can be made for it.
        """
        document = encoded(facts)
        key, under = self.ring.store_key, UNDER_STORE
        if case_id is not None:
            self.touch(case_id)
            case_key = self.ring.get(self.connection, of_case(case_id))
            if case_key is not None:
                key, under = case_key, UNDER_CASE
            elif facts:
                raise Permanent(f"The key of case {case_id!r} was destroyed.")
        self._pending.append(
            _Pending(case_id or "", clear(event), clear(reason), document, key, under)
        )

    @writes
    def finish(self) -> None:
        """The last thing before the commit."""
        names = [of_case(case_id) for case_id in self._touched]
        names += [of_mailbox(name) for name in self._mailboxes]
        self._claims.check(self.connection, names)
        cases = schema.cases
        for case_id in sorted(self._touched - self._opened):
            self.connection.execute(
                update(cases).where(cases.c.id == case_id).values(version=cases.c.version + 1)
            )
        if self._pending:
            self._append()

    def _append(self) -> None:
        # On PostgreSQL the note's row lock lets one transaction at a time append.
        seq, head = read_head(self.connection, self.ring, lock=True)
        for one in self._pending:
            facts = one.under + seal(one.key, one.facts, "ledger", str(seq + 1), "facts")
            entry = next_entry(
                seq,
                head,
                utc=utc_text(self.clock.now()),
                case_id=one.case_id,
                event=one.event,
                reason=one.reason,
                facts_sha256=sha256(facts).hexdigest(),
            )
            self.connection.execute(
                insert(schema.ledger).values(
                    seq=entry.seq,
                    prev=entry.prev,
                    utc=entry.utc,
                    case_id=entry.case_id,
                    event=entry.event,
                    reason=entry.reason,
                    facts_sha256=entry.facts_sha256,
                    hash=entry.hash,
                    facts=facts,
                )
            )
            seq, head = entry.seq, entry.hash
        write_head(self.connection, self.ring, seq, head)


def of_mailbox(name: str) -> str:
    """The name under which a mailbox is claimed."""
    return f"mailbox:{name}"
