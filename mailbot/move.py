"""What a step returns. A step never touches the store: flow.py carries its outcome out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypedDict

from mailbot.case import Case, Classification, Label, Matter, State, Subject
from mailbot.config import Settings
from mailbot.letters import Templates
from mailbot.message import Mail, OutgoingFile
from mailbot.plan import Plan, Proposal
from mailbot.ports import Effect, Sources, Token
from mailbot.record import SearchResult


class Changes(TypedDict, total=False):
    """Fields of a Matter, besides its state, that a move may set."""

    right: Label
    flags: tuple[str, ...]
    plan_version: int
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of state, with its named reason and all that must be true together with it."""

    to: State
    reason: str
    facts: Mapping[str, object] = field(default_factory=dict)  # to the ledger, encrypted
    documents: Mapping[str, object] = field(default_factory=dict)  # name -> frozen value or JSON
    changes: Changes = field(default_factory=Changes)
    effects: tuple[Effect, ...] = ()  # intended with the move, performed after it
    due: datetime | None = None  # when to look again; None: at once, or never in a resting state
    void_tokens: bool = False
    tokens: tuple[tuple[str, Token], ...] = ()  # issued after that: by hash, what each stands for
    opens: tuple[Label, ...] = ()  # further rights that the case has: matters of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing to do before `until` (None: any more), but for what staff are told meanwhile."""

    until: datetime | None
    reason: str
    effects: tuple[Effect, ...] = ()
    tokens: tuple[tuple[str, Token], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Effects that must all have their receipts before the move is made (intent before effect)."""

    effects: tuple[Effect, ...]
    then: Callable[[Sequence[Effect]], Move]
    tokens: tuple[tuple[str, Token], ...] = ()
    documents: Mapping[str, object] = field(default_factory=dict)
    stale: Move | None = None  # where to go when a record is not as approved


Outcome = Move | Wait | Act


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """All that a step may know of its matter: values only."""

    case: Case
    matter: Matter
    siblings: tuple[Matter, ...]
    mail: Mail | None  # the data subject's latest mail in the case; None: could not be read
    mail_id: str
    mails: tuple[Mail, ...]  # everything that the data subject wrote in the case, oldest first
    correspondence: frozenset[str]  # message ids of the case file
    classification: Classification
    subject: Subject
    result: SearchResult
    proposal: Proposal | None
    plan: Plan | None
    files: tuple[OutgoingFile, ...]  # of the plan, before encryption
    passphrase: str
    approvals: tuple[str, ...]  # addresses that approved this plan version so far
    effects: tuple[Effect, ...]  # of this plan version
    case_key: bytes
    now: datetime
    tasks_told: frozenset[int] = frozenset()  # tasks by hand of this plan that staff told of
    assigned: str = ""  # the approver to whom the case was handed, if any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """The ports and settings that steps may use to look; acting is flow's."""

    settings: Settings
    sources: Sources
    templates: Templates
    random: Callable[[int], bytes]  # n octets, cryptographically strong
    # Those of the given Message-IDs that belong to a case, open or closed: no records to be found.
    of_cases: Callable[[Iterable[str]], frozenset[str]] = lambda ids: frozenset()
