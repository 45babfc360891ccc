"""Case and matter: one person's correspondence, and one right in it, with their states."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from mailbot.message import Verdict


class Label(StrEnum):
    """What a mail asks for. All but `not_privacy` are rights or duties under GDPR."""

    ERASURE = "erasure"  # art. 17
    ACCESS = "access"  # art. 15
    RECTIFICATION = "rectification"  # art. 16
    RESTRICTION = "restriction"  # art. 18
    PORTABILITY = "portability"  # art. 20
    OBJECTION = "objection"  # art. 21
    CONSENT_WITHDRAWAL = "consent_withdrawal"  # art. 7(3)
    INFO = "info"  # art. 13-14: a general question; with art. 22 a person must look
    COMPLAINT = "complaint"  # art. 77
    BREACH_REPORT = "breach_report"  # art. 33
    NOT_PRIVACY = "not_privacy"


class Route(StrEnum):
    """What becomes of a mail after classification."""

    OPEN = "open"  # a privacy request: a case is opened
    ASK = "ask"  # perhaps one: staff are asked
    LEAVE = "leave"  # ordinary mail: left alone


class State(StrEnum):
    """Where a matter stands (the way of a mail; transitions live in flow.py alone)."""

    OPENED = "opened"  # stored; for the ask route: not yet known to be a privacy request
    CLASSIFIED = "classified"  # the right is known
    IDENTIFIED = "identified"  # the person's keys and the authenticity verdict are collected
    LOCATED = "located"  # every system was searched, or is listed as not searched
    PROPOSED = "proposed"  # a plan of numbered actions stands
    DRAFTED = "drafted"  # the letter is written; the plan has its digest
    ASKED = "asked"  # approvers hold the question
    APPROVED = "approved"  # enough approvers said yes to this digest
    EXECUTED = "executed"  # every action has its receipt
    VERIFIED = "verified"  # searched again: only kept items remain
    ANSWERED = "answered"  # the letter left
    CLOSED = "closed"
    WAITING_FOR_IDENTITY = "waiting_for_identity"  # a code went to the address on record
    NEEDS_HUMAN = "needs_human"  # stopped until a person decides
    REFUSED = "refused"  # an approved refusal was sent (art. 12(4))
    WITHDRAWN = "withdrawn"  # the data subject took it back


ENDED = frozenset({State.CLOSED, State.REFUSED, State.WITHDRAWN})
RESTING = ENDED | {State.NEEDS_HUMAN, State.ASKED, State.WAITING_FOR_IDENTITY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One thing by which a person may be found, and where it was seen.

    kind: email | phone | name | customer_no | user_id. origin: header | signature | text |
    record | staff. `verified` is true only for the From address of an authentic mail.
    """

    kind: str
    value: str
    origin: str
    verified: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The data subject: every key known, the verdict on the mail that asked, and their language."""

    keys: tuple[Key, ...] = ()
    verdict: Verdict = Verdict.NONE
    verdict_reason: str = ""
    language: str = "nb"

    def values(self, kind: str) -> tuple[str, ...]:
        """All values of one kind of key, in the order found."""
        return tuple(dict.fromkeys(key.value for key in self.keys if key.kind == kind))


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A sentence of the mail, the label that it speaks for, and how strongly (log-odds)."""

    text: str
    label: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """What the language model and its grammar made of a mail."""

    route: Route
    labels: tuple[Label, ...]
    privacy: float  # calibrated probability that this is privacy mail
    language: str
    evidence: tuple[Evidence, ...] = ()
    marketing: bool = False  # the objection is to direct marketing (art. 21(2)-(3): absolute)
    automated: bool = False  # asks about an automated decision (art. 22): a person must look
    topics: tuple[str, ...] = ()  # of `info`: purposes, legal_basis, source, recipients…


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One person's correspondence. `version` rises with each change (optimistic lock)."""

    id: str  # internal, random
    number: str  # shown to people: 2026-0007
    mailbox: str  # name of the [[mailbox]] that it came to
    received: datetime  # UTC; the month runs from here (art. 12(3))
    language: str
    version: int = 0
    closed: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One right in a case, with a state, a clock and a plan of its own."""

    id: str
    case_id: str
    right: Label
    state: State
    received: datetime  # UTC
    last_day: date  # the legal ceiling, Europe/Oslo
    plan_version: int = 0
    marketing: bool = False
    due: datetime | None = None  # UTC; when the clock should look at it; None: only a mail moves it
    note: str = ""  # the named reason for the present state
    attempts: int = 0  # of the present step, after Transient failures
    flags: tuple[str, ...] = field(default_factory=tuple)  # e.g. "triage", "extended", "refusal"
