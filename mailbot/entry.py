"""How a mail enters the store as part of a case: a new case, a new matter, one more mail."""

import hashlib
import hmac
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailbot.case import Case, Classification, Key, Label, Matter, Route, Subject
from mailbot.casefile import context_of, into_case_file
from mailbot.codec import to_json
from mailbot.flow import new_matter
from mailbot.handin import is_handed_in
from mailbot.lessons import keep_traits
from mailbot.message import Mail, Verdict
from mailbot.move import Tools
from mailbot.ports import Clock, Effect, KnownMessage, Store, StoredMail, Tx
from mailbot.steps.belong import filed_under
from mailbot.steps.classify import TRIAGE, likely_right
from mailbot.steps.notify import tell_approvers
from mailbot.steps.original_date import DATE_ASKED, received_first

_WINDOW = timedelta(hours=1)


@dataclass(slots=True)
class Pace:
    """So many new cases an hour are begun at once; what is beyond that is begun one by one.

    Every case becomes a mail to each approver, so that a thousand forged requests would bury the
    real ones. Nothing is lost: the case is opened, its clock runs, only its work begins later.
    """

    at_once: int
    then_every: timedelta
    at_most: timedelta = timedelta(days=4)  # a request must be asked about well within its month
    _begun: deque[datetime] = field(default_factory=deque)

    def begin(self, now: datetime) -> datetime:
        """When the work on a case that is opened now begins."""
        while self._begun and self._begun[0] < now - _WINDOW:
            self._begun.popleft()
        self._begun.append(now)
        excess = len(self._begun) - self.at_once
        return now if excess <= 0 else now + min(self.at_most, excess * self.then_every)


class Entry:
    """Writes a mail into a case."""

    def __init__(self, store: Store, tools: Tools, clock: Clock) -> None:
        self.store = store
        self.tools = tools
        self.clock = clock
        # Apart, so that proven people never wait behind forged ones.
        self._proven = Pace(100, timedelta(minutes=1))
        self._others = Pace(20, timedelta(minutes=5))

    def open(
        self,
        tx: Tx,
        stored: StoredMail,
        mail: Mail | None,
        classification: Classification,
        traits: Sequence[int] = (),
    ) -> None:
        """A new case with its matters. `traits`: what its mail may teach (see lessons.py)."""
        case_id = self._new_case(tx, stored, mail, classification, traits)
        proven = mail is not None and mail.authentication.verdict is Verdict.PASS
        begins = (self._proven if proven else self._others).begin(self.clock.now())
        flags: tuple[str, ...] = ()
        labels = rights_of(classification)
        if classification.route is Route.ASK or not labels:
            labels, flags = [likely_right(classification.labels)], (TRIAGE,)
        received = self._received(stored, mail)
        unknown = (DATE_ASKED,) if received is None else ()
        matters = [
            self.matter(
                case_id, stored, label, classification, (*flags, *unknown), begins, received
            )
            for label in labels
        ]
        for matter in matters:
            tx.add_matter(matter)
        if received is None:
            self._ask_for_date(tx, stored, matters[0])
        if not flags:
            self.mark(tx, stored, matters[0])
        tx.record(
            case_id,
            "case-opened",
            classification.route.value,
            {
                "labels": [label.value for label in labels],
                "mail": stored.id,
                "begins": begins.isoformat(),
            },
        )

    def _received(self, stored: StoredMail, mail: Mail | None) -> datetime | None:
        # Whoever hands a request in says when it came.
        return stored.arrived if is_handed_in(stored) else received_first(mail, stored.arrived)

    def _ask_for_date(self, tx: Tx, stored: StoredMail, matter: Matter) -> None:
        ctx = context_of(self.store, matter, self.clock.now())
        for effect in tell_approvers(ctx, self.tools, DATE_ASKED, {}, distinct=stored.id):
            tx.intend(effect)

    def _new_case(
        self,
        tx: Tx,
        stored: StoredMail,
        mail: Mail | None,
        classification: Classification,
        traits: Sequence[int],
    ) -> str:
        now = self.clock.now()
        case_id = hashlib.sha256(f"case\0{stored.id}".encode()).hexdigest()[:16]
        sender = mail.sender if mail else None
        language = self.tools.templates.language(classification.language)
        case = Case(
            id=case_id,
            number=tx.next_case_number(now.year),
            mailbox=stored.ref.mailbox,
            received=self._received(stored, mail) or stored.arrived,
            language=language,
        )
        tx.open_case(case, filed_under(sender, mail.authentication.verdict) if mail else None)
        tx.settle_mail(stored.id, "done" if mail else "set-aside", "opened-case", case_id)
        tx.put(case_id, "classification", to_json(classification))
        keys = (Key(kind="email", value=sender.address, origin="header"),) if sender else ()
        tx.put(case_id, "subject", to_json(Subject(keys=keys, language=language)))
        if mail is not None:
            self.keep(tx, case_id, stored, mail, traits)
        return case_id

    def matter(
        self,
        case_id: str,
        stored: StoredMail,
        label: Label,
        classification: Classification,
        flags: tuple[str, ...] = (),
        begins: datetime | None = None,
        received: datetime | None = None,
    ) -> Matter:
        """A new matter of a case, due at once or when it `begins`; `received`: if not as stored."""
        return new_matter(
            case_id,
            f"{case_id}-{label.value}-{stored.id[:6]}",
            label,
            received or stored.arrived,
            begins or self.clock.now(),
            self.tools,
            classification,
            flags,
        )

    def keep(
        self, tx: Tx, case_id: str, stored: StoredMail, mail: Mail, traits: Sequence[int] = ()
    ) -> int:
        """The mail is the latest word of the data subject, and part of the case file.

        Returns how many mails of theirs the case has now.
        """
        tx.put(case_id, f"mail/{stored.id}", to_json(mail))
        keep_traits(self.store, tx, case_id, stored.id, mail, traits)
        earlier = self.store.get(case_id, "request")
        before = earlier.get("mail_ids", []) if isinstance(earlier, dict) else []
        ids = [*before, stored.id]
        tx.put(case_id, "request", {"mail_id": stored.id, "mail_ids": ids})
        into_case_file(self.store, tx, case_id, mail)
        if mail.message_id:
            tx.know_message(
                KnownMessage(
                    message_id=mail.message_id,
                    case_id=case_id,
                    matter_id="",
                    plan_version=0,
                    kind="request",
                )
            )
        return len(ids)

    def mark(self, tx: Tx, stored: StoredMail, matter: Matter) -> None:
        """The mail gets the category of privacy mail and, if configured, a folder."""
        if is_handed_in(stored):
            return
        part = next(m for m in self.tools.settings.mailbox if m.name == stored.ref.mailbox)
        for kind, wanted in (("mark", part.mark), ("file", part.file_into)):
            if wanted:
                identity = hmac.new(stored.id.encode(), kind.encode(), hashlib.sha256).hexdigest()
                payload = {"ref": to_json(stored.ref), "folder": wanted}
                tx.intend(
                    Effect(
                        id=identity[:40],
                        case_id=matter.case_id,
                        matter_id=matter.id,
                        kind=kind,
                        plan_version=0,
                        payload=payload,
                    )
                )


def rights_of(classification: Classification) -> list[Label]:
    """The rights that become matters. An access answer tells all that a general question could."""
    labels: list[Label] = [
        label for label in classification.labels if label is not Label.NOT_PRIVACY
    ]
    if Label.ACCESS in labels and not classification.automated:
        labels = [label for label in labels if label is not Label.INFO]
    return labels
