"""What mailbot needs from the world, in the words of those who need it. Adapters implement these.

Adapters translate every failure of theirs to `Transient` or `Permanent`; only the daemon retries.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from mailbot.case import Case, Label, Matter, Subject
from mailbot.memory import Memory, Recollection
from mailbot.plan import Action, Correction
from mailbot.ports_mailbox import Confined as Confined
from mailbot.ports_mailbox import Entry as Entry
from mailbot.ports_mailbox import EntryKind as EntryKind
from mailbot.ports_mailbox import Fetched as Fetched
from mailbot.ports_mailbox import HoldsEntries as HoldsEntries
from mailbot.ports_mailbox import Mailbox as Mailbox
from mailbot.ports_mailbox import MailQuery as MailQuery
from mailbot.ports_mailbox import MailRef as MailRef
from mailbot.ports_mailbox import Outbox as Outbox
from mailbot.record import Finding, Row, SearchResult


class Clock(Protocol):
    """The time, handed in so that tests may choose it."""

    def now(self) -> datetime:
        """The present moment, in UTC and aware."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionReceipt:
    """What became of one action: done (changed by this call), already (was so), failed."""

    number: int
    outcome: str  # done | already
    detail: str = ""  # counts or reasons only, never personal data


class Source(Protocol):
    """A system that holds records: a database, Exchange mailboxes, a manual system."""

    name: str

    def check(self) -> Sequence[str]:
        """Connect, check the data map against what is there: warnings, or ConfigError."""

    def find(self, subject: Subject) -> SearchResult:
        """Every record of the person, sorted so that children come before parents (`order`)."""

    def actions(
        self, right: Label, findings: Sequence[Finding], corrections: Sequence[Correction] = ()
    ) -> Sequence[Action]:
        """What the data map makes of these findings for a right; `number` 0, no fingerprints yet.

        `corrections`: what a rectification puts right. Rectification: the new value wherever the
        old one stands, if that is beyond doubt; else a task for staff.

        Erasure: delete, blank, replace or keep per record, and an action of its own for each row
        that ON DELETE CASCADE or SET NULL would reach. Raises Permanent where the plan cannot
        be carried out safely (a foreign key from a row that is not the person's).
        """

    def apply(self, actions: Sequence[Action], key: bytes) -> Sequence[ActionReceipt]:
        """Carry out actions in one transaction, each record's fingerprint checked under lock.

        A record already as it should be after the action counts as `already`. Raises Stale if
        any record is neither as approved nor already done; then nothing was changed.
        """


class Sources(Protocol):
    """All systems together, searched in parallel, keys learnt in one searched in the others."""

    def find(self, subject: Subject) -> SearchResult:
        """The union of what all sources found; a failing source becomes `not_searched`."""

    def get(self, system: str) -> Source:
        """The source of one system, by its name in the data map."""

    def names(self) -> Iterable[str]:
        """The names of all systems."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMail:
    """A mail that was taken in. status: new | left | done | set-aside. The raw bytes are apart."""

    id: str
    ref: MailRef
    arrived: datetime
    status: str
    reason: str = ""
    case_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Something to be done in the world, written down before it is done (intent before effect).

    status: intended (surely not done) | begun (perhaps done) | done | failed | unknown (set aside
    for a person) | cancelled. `payload` and `receipt` are JSON documents, encrypted at rest.
    """

    id: str
    case_id: str
    matter_id: str
    kind: str  # question | letter | notice | apply | mark | file
    plan_version: int
    payload: Mapping[str, object]
    status: str = "intended"
    receipt: Mapping[str, object] | None = None
    intended_at: datetime | None = None
    begun_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """An approver's one-time token (only its hash is stored). state: live | used | void."""

    case_id: str
    matter_id: str
    plan_version: int
    approver: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownMessage:
    """A message id of ours, or of a case's correspondence. kind: question | letter | request | …"""

    message_id: str
    case_id: str
    matter_id: str
    plan_version: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One link of the chain: what happened, when, why; the facts themselves are encrypted."""

    seq: int
    prev: str
    utc: str
    case_id: str
    event: str
    reason: str
    facts_sha256: str  # of the ciphertext
    hash: str


class Tx(Protocol):
    """One transaction: every write below happens, or none does."""

    def take_in(self, mail: Fetched, again: bool = False, why: str = "") -> str | None:
        """Store a mail raw (encrypted, key of its own). None: these bytes were taken in before.

        `again`: one that was left alone is taken in anew, because a person asked for it. `why`: the
        named reason for taking it in, as long as it is new.
        """

    def take_in_all(self, mails: Sequence[Fetched]) -> Sequence[StoredMail]:
        """The same for many; those that are new."""

    def leave_all(self, reasons: Mapping[str, str]) -> None:
        """Settle mails as `left`, each for its reason. Raises Stale if one is not new."""

    def set_cursor(self, mailbox: str, folder: str, cursor: str) -> None:
        """Progress of a folder."""

    def settle_mail(
        self, mail_id: str, status: str, reason: str, case_id: str | None = None
    ) -> None:
        """`left`: the raw copy goes at once. `done` with a case: re-encrypted under its key."""

    def open_case(self, case: Case, subject_email: str | None) -> None:
        """A new case with a fresh key of its own."""

    def next_case_number(self, year: int) -> str:
        """2026-0001, 2026-0002, … without gaps or doubles."""

    def add_matter(self, matter: Matter) -> None:
        """A new matter of a case."""

    def change_matter(self, old: Matter, new: Matter) -> None:
        """Compare and set: raise Stale unless state, plan_version and note are as in `old`."""

    def close_case(self, case_id: str, at: datetime) -> None:
        """All matters have ended."""

    def put(self, case_id: str, name: str, document: object) -> None:
        """Keep an encrypted JSON document of a case under a name, replacing what was there."""

    def drop(self, case_id: str, name: str) -> None:
        """Forget a document of a case. None of that name: harmless."""

    def note(self, name: str, text: str) -> None:
        """Keep a short text of the store itself, in the clear: no personal data may be in it."""

    def intend(self, effect: Effect) -> None:
        """Write an effect down. The same id again: left as it was."""

    def change_effect(
        self, effect_id: str, status: str, receipt: Mapping[str, object] | None = None
    ) -> None:
        """begun, done, failed, unknown, cancelled or (for a retry) intended again."""

    def issue_token(self, token_hash: str, token: Token) -> None:
        """Remember a token by its hash."""

    def use_token(self, token_hash: str) -> bool:
        """Use a live token up; False if it was not live."""

    def void_tokens(self, matter_id: str) -> None:
        """No open question of this matter can be answered any more."""

    def know_message(self, message: KnownMessage) -> None:
        """Remember a message id (by keyed hash)."""

    def suppress(self, channel: str, value: str) -> None:
        """Enter an address (email) or number (phone), as it is compared, by keyed hash."""

    def release(self, channel: str, value: str) -> bool:
        """Take an entry off the suppression list; False if it was not there."""

    def remember(self, memory: Memory) -> None:
        """Note an erased or kept record by keyed hashes; replaces what was noted of it before."""

    def forget(self, system: str, table: str, key: Row) -> None:
        """A record is no longer to be remembered."""

    def record(
        self, case_id: str | None, event: str, reason: str, facts: Mapping[str, object]
    ) -> None:
        """Append to the ledger; facts are encrypted under the case's key (or the store's)."""


class Store(Protocol):
    """Where cases, plans, effects and the ledger are kept. Safe to use from several threads."""

    def begin(self) -> AbstractContextManager[Tx]:
        """A transaction (BEGIN IMMEDIATE on SQLite). Leaves nothing behind when it raises."""

    def claim_case(self, case_id: str) -> AbstractContextManager[bool]:
        """Hold a case against other workers and daemons; False: somebody else holds it."""

    def claim_mailbox(self, name: str) -> AbstractContextManager[bool]:
        """Hold a mailbox against other daemons."""

    def cursor(self, mailbox: str, folder: str) -> str | None:
        """Where reading stopped."""

    def new_mails(self, mailbox: str | None = None) -> Sequence[StoredMail]:
        """Mails taken in and not yet settled, oldest first."""

    def mail(self, mail_id: str) -> StoredMail | None:
        """One mail by id."""

    def mails(self, case_id: str | None, status: str | None = None) -> Sequence[StoredMail]:
        """The mails of a case; or, for None, those of no case with that status."""

    def mail_at(self, ref: MailRef) -> StoredMail | None:
        """The mail that was last seen at a place."""

    def mail_id(self, mailbox: str, raw: bytes) -> str:
        """The id that a mail with these bytes has, or would have, in a mailbox."""

    def raw(self, mail_id: str) -> bytes | None:
        """The bytes of a mail, if still kept."""

    def case(self, case_id: str) -> Case | None:
        """By internal id."""

    def case_by_number(self, number: str) -> Case | None:
        """By the number that people see."""

    def cases(self) -> Sequence[Case]:
        """All cases, newest first."""

    def open_cases_of(self, mailbox: str, emails: Sequence[str]) -> Mapping[str, Case]:
        """The open cases of data subjects, found by keyed hashes of their addresses."""

    def matters(self, case_id: str) -> Sequence[Matter]:
        """In the order in which they were opened."""

    def matter(self, matter_id: str) -> Matter | None:
        """One matter."""

    def due_matters(self, now: datetime) -> Sequence[Matter]:
        """Those whose `due` has come, earliest first."""

    def next_due(self) -> datetime | None:
        """When the clock will make the next matter due."""

    def get(self, case_id: str, name: str) -> object | None:
        """A document of a case, as JSON values."""

    def found(self, prefix: str) -> Iterator[tuple[str, str, object]]:
        """Documents of all cases whose name begins so: case, name, JSON values."""

    def noted(self, name: str) -> str | None:
        """A short text that `Tx.note` kept."""

    def blind(self, text: str) -> str:
        """A keyed hash: equal texts are equal (but for case), and nobody can try texts."""

    def effects(self, matter_id: str, plan_version: int | None = None) -> Sequence[Effect]:
        """The effects of a matter in the order intended."""

    def effect(self, effect_id: str) -> Effect | None:
        """One effect by its id."""

    def open_effects(self) -> Sequence[Effect]:
        """Every effect that is `intended` or `begun`, oldest first."""

    def token(self, token_hash: str) -> Token | None:
        """A token by its hash."""

    def raws(self, mail_ids: Sequence[str], most: int) -> Mapping[str, bytes]:
        """The bytes of mails, in order, as many as fit into so many octets, and always one."""

    def known_messages(self, message_ids: Iterable[str]) -> Sequence[KnownMessage]:
        """Those of the given ids that belong to a case."""

    def case_key(self, case_id: str) -> bytes:
        """The key of a case, for fingerprints and effect ids. Raises Permanent if destroyed."""

    def suppressed(self, channel: str, values: Iterable[str]) -> Mapping[str, datetime]:
        """Those of the given addresses or numbers that are on the list, and since when."""

    def recall(self, system: str, now: datetime) -> Recollection:
        """What is remembered of a system's records and has not expired."""

    def ledger(
        self, case_id: str | None = None
    ) -> Iterator[tuple[LedgerEntry, Mapping[str, object] | None]]:
        """The chain in order, each with its facts if the key still exists."""

    def close(self) -> None:
        """Release everything."""
