"""A plan: exactly what will be done and said once approved. Immutable, known by its digest."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from mailbot.record import Finding, Row, as_json, canonical, identity


class Do(StrEnum):
    """The kinds of action (DESIGN § 8)."""

    DISCLOSE = "disclose"
    REDACT = "redact"
    DELETE = "delete"
    BLANK = "blank"
    REPLACE = "replace"
    CORRECT = "correct"
    RESTRICT = "restrict"
    KEEP = "keep"
    NOTIFY = "notify"
    SUPPRESS = "suppress"
    RELEASE = "release"  # off the suppression list again, on the person's wish
    MANUAL = "manual"
    SET = "set"  # what a right writes, as mapped: objection = { reservert = true }


CASE_FILE = "case-file"  # the reason of a KEEP that is the case's own correspondence

# Actions that change something in a business system, and so need a source to carry them out.
CHANGES = frozenset({Do.DELETE, Do.BLANK, Do.REPLACE, Do.CORRECT, Do.RESTRICT, Do.SET})


class Purpose(StrEnum):
    """What the letter of a plan is for."""

    ANSWER = "answer"
    REFUSAL = "refusal"  # art. 12(4): reasons, Datatilsynet, courts
    EXTENSION = "extension"  # art. 12(3): two further months, with reasons
    CLARIFICATION = "clarification"  # a question of staff to the person; the answer is still due
    UNKNOWN_SENDER = "unknown_sender"  # the uniform text, whatever was found


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One numbered item of a plan. `before` is the row as approved; `fingerprint` its HMAC."""

    number: int
    do: Do
    system: str
    table: str = ""
    key: Row = field(default_factory=dict)
    before: Row = field(default_factory=dict)
    after: Row = field(default_factory=dict)
    fingerprint: str = ""
    volatile: tuple[str, ...] = ()
    certain: bool = True
    reason: str = ""  # why kept, or why a person must do it
    rule: str = ""
    until: date | None = None
    trail: str = ""
    title: str = ""
    order: int = 0
    done: bool = False  # under an earlier version of the plan: still told of, never repeated

    @classmethod
    def on(cls, finding: Finding, do: Do) -> "Action":
        """What is to be done with one finding; it gets its number when all are known."""
        return cls(
            number=0,
            do=do,
            system=finding.system,
            table=finding.table,
            key=finding.key,
            before=finding.row,
            volatile=finding.volatile,
            trail=finding.trail,
            title=finding.title,
            order=finding.order,
        )

    @property
    def identity(self) -> str:
        """The identity of the record that it is about: that of its finding."""
        return identity(self.system, self.table, self.key)

    @property
    def changes(self) -> bool:
        """Whether a source must act: of a record kept in part, the other columns are blanked."""
        return not self.done and (self.do in CHANGES or (self.do is Do.KEEP and bool(self.after)))

    def document(self) -> dict[str, object]:
        """The part of the action that is approved, for the digest."""
        return {
            "number": self.number,
            "do": self.do.value,
            "system": self.system,
            "table": self.table,
            "key": {name: as_json(value) for name, value in self.key.items()},
            "before": {name: as_json(value) for name, value in self.before.items()},
            "after": {name: as_json(value) for name, value in self.after.items()},
            "fingerprint": self.fingerprint,
            "volatile": list(self.volatile),
            "reason": self.reason,
            "rule": self.rule,
            "until": self.until.isoformat() if self.until else None,
            **({"done": True} if self.done else {}),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One value to be put right (art. 16), as the person says it.

    what: email | phone | name | surname | first_name | address | workplace | position; "": told by
    where `old` stands. `old` "": not said.
    """

    what: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """An outgoing letter, whole. The stored letter is the truth (DESIGN § 9)."""

    recipients: tuple[str, ...]
    subject: str
    text: str
    # name -> SHA-256 of each attachment before encryption
    attachments: Mapping[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """The letter as it is digested."""
        return {
            "recipients": list(self.recipients),
            "subject": self.subject,
            "text": self.text,
            "attachments": dict(self.attachments),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One version of what is proposed for a matter."""

    case: str  # case number
    matter: str
    version: int
    purpose: Purpose
    rights: tuple[str, ...]
    letter: Letter
    actions: tuple[Action, ...] = ()
    notices: Mapping[str, Letter] = field(default_factory=dict)  # number of a NOTIFY → its mail
    searched: tuple[str, ...] = ()
    not_searched: tuple[str, ...] = ()

    def document(self) -> dict[str, object]:
        """The canonical form that is digested and that the ledger export shows."""
        return {
            "case": self.case,
            "matter": self.matter,
            "version": self.version,
            "purpose": self.purpose.value,
            "rights": list(self.rights),
            "letters": [
                self.letter.document(),
                *(
                    {"action": int(number), **one.document()}
                    for number, one in self.numbered_notices()
                ),
            ],
            "actions": [action.document() for action in self.actions],
        }

    def numbered_notices(self) -> list[tuple[str, "Letter"]]:
        """The mails to recipients, in the order of their actions."""
        return sorted(self.notices.items(), key=lambda item: int(item[0]))

    @property
    def digest(self) -> str:
        """SHA-256 over `mailbot-plan/1\\0` and the canonical JSON: what an approver approves."""
        return hashlib.sha256(b"mailbot-plan/1\0" + canonical(self.document())).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What is to be done, before the letter is written: the draft turns it into a Plan."""

    purpose: Purpose
    actions: tuple[Action, ...] = ()
    recipients: tuple[str, ...] = ()
    reason: str = ""  # of a refusal or an extension, or a question, in the approver's words
    # What staff said to keep or leave out, while a letter of another purpose stands in between.
    held: tuple[Action, ...] = ()
    edited_text: str = ""  # a letter that an approver wrote: used as it stands
