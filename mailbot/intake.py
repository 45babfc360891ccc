"""The first of the two entrances: a mail arrives (the other is the clock, in daemon.py).

Each stored mail is read once and settled in one transaction: left alone (its copy is deleted),
joined to a case, or set aside for a person. Nothing here acts; it makes matters due.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import replace

from mailbot.case import ENDED, Case, Classification, Key, Label, Matter, Route, State, Subject
from mailbot.casefile import NOT_CLASSIFIED, into_case_file
from mailbot.codec import from_json, to_json
from mailbot.effects import known
from mailbot.flow import Flow, new_matter
from mailbot.mailtext.decisions import Words
from mailbot.message import Automatic, Mail, Verdict
from mailbot.move import Move
from mailbot.ports import Clock, Effect, KnownMessage, Store, StoredMail, Tx
from mailbot.reader import Reader, Unreadable
from mailbot.replies import NOTHING_CHANGED, Replies
from mailbot.steps.classify import TRIAGE, likely_right
from mailbot.steps.code import brings_code, proven_subject
from mailbot.steps.notify import tell_approvers
from mailbot.steps.screen import after_screen

# A follow-up before this point sends the matter back to look again; after it, it is too late.
# One that waits for a code goes on waiting: another code would only make the first one worthless.
_STILL_OPEN = frozenset(
    {
        State.CLASSIFIED,
        State.IDENTIFIED,
        State.LOCATED,
        State.PROPOSED,
        State.DRAFTED,
        State.ASKED,
    }
)


class Intake:
    """Settles stored mails one at a time, in the order in which they came."""

    def __init__(
        self, store: Store, flow: Flow, reader: Reader, words: Words, clock: Clock
    ) -> None:
        self.store = store
        self.flow = flow
        self.tools = flow.tools
        self.reader = reader
        self.replies = Replies(store, flow, words)
        self.clock = clock

    def take(self, stored: StoredMail) -> str:
        """Read and settle one mail; returns the named reason (for the log)."""
        raw = self.store.raw(stored.id)
        if raw is None:
            raise RuntimeError(f"mail {stored.id} is new but has no bytes")
        try:
            reading = self.reader.read(raw)
        except Unreadable as unreadable:
            return self.set_aside(stored, unreadable.reason)
        mail, classification = reading.mail, reading.classification or NOT_CLASSIFIED
        if "unparsable" in mail.notes:
            return self.set_aside(stored, "unparsable")
        if mail.automatic is Automatic.OWN:
            effect = self.store.effect(mail.effect)
            # One that this store does not know was sent by an earlier installation: nobody asks
            # for anything from our own address.
            if effect is None:
                return self._leave(stored, "own-mail")
            return self._witness(stored, mail, effect)
        messages = self.store.known_messages(mail.known_ids)
        if mail.automatic in (Automatic.BOUNCE, Automatic.REPORT):
            return self._bounce(stored, mail)
        answered = self.replies.answered(mail, messages)
        if answered is not None:
            return self.replies.take(stored, mail, answered)
        if mail.automatic in (Automatic.AUTO_REPLY, Automatic.CALENDAR):
            return self._automatic(stored, mail, messages)
        classification = after_screen(mail, classification)
        followed = self._case_followed(mail, messages)
        if followed is not None:
            return self._follow_up(stored, mail, classification, followed)
        return self._classified(stored, mail, classification)

    # --- ordinary mail and new requests -------------------------------------------------------

    def _classified(self, stored: StoredMail, mail: Mail, classification: Classification) -> str:
        route = classification.route
        if route is Route.LEAVE:
            return self._leave(stored, "ordinary-mail")
        case = self._open_case_of(stored, mail)
        if case is not None:
            return self._follow_up(stored, mail, classification, case)
        with self.store.begin() as tx:
            self._open(tx, stored, mail, replace(classification, route=route))
        return f"case-{route.value}"

    def _leave(self, stored: StoredMail, reason: str) -> str:
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "left", reason)
        return reason

    def set_aside(self, stored: StoredMail, why: str) -> str:
        """Kept raw and shown to a person: as a question with no text to quote."""
        with self.store.begin() as tx:
            self._open(tx, stored, None, NOT_CLASSIFIED)
            tx.record(None, "mail-set-aside", why, {"mail": stored.id})
        return f"set-aside-{why}"

    def _open(
        self, tx: Tx, stored: StoredMail, mail: Mail | None, classification: Classification
    ) -> None:
        case_id = self._new_case(tx, stored, mail, classification)
        flags: tuple[str, ...] = ()
        labels = _rights(classification)
        if classification.route is Route.ASK:
            labels, flags = [likely_right(classification.labels)], (TRIAGE,)
        matters = [self._matter(case_id, stored, label, classification, flags) for label in labels]
        for matter in matters:
            tx.add_matter(matter)
        if classification.route is Route.OPEN:
            self._mark(tx, stored, matters[0])
        tx.record(
            case_id,
            "case-opened",
            classification.route.value,
            {"labels": [label.value for label in labels], "mail": stored.id},
        )

    def _new_case(
        self, tx: Tx, stored: StoredMail, mail: Mail | None, classification: Classification
    ) -> str:
        now = self.clock.now()
        case_id = hashlib.sha256(f"case\0{stored.id}".encode()).hexdigest()[:16]
        sender = mail.sender if mail else None
        language = self.tools.templates.language(classification.language)
        case = Case(
            id=case_id,
            number=tx.next_case_number(now.year),
            mailbox=stored.ref.mailbox,
            received=stored.arrived,
            language=language,
        )
        tx.open_case(case, sender.address if sender else None)
        tx.settle_mail(stored.id, "done" if mail else "set-aside", "opened-case", case_id)
        tx.put(case_id, "classification", to_json(classification))
        keys = (Key(kind="email", value=sender.address, origin="header"),) if sender else ()
        tx.put(case_id, "subject", to_json(Subject(keys=keys, language=language)))
        if mail is not None:
            self._keep(tx, case_id, stored, mail)
        return case_id

    def _matter(
        self,
        case_id: str,
        stored: StoredMail,
        label: Label,
        classification: Classification,
        flags: tuple[str, ...] = (),
    ) -> Matter:
        return new_matter(
            case_id,
            f"{case_id}-{label.value}-{stored.id[:6]}",
            label,
            stored.arrived,
            self.clock.now(),
            self.tools,
            classification,
            flags,
        )

    def _keep(self, tx: Tx, case_id: str, stored: StoredMail, mail: Mail) -> None:
        """The mail is the latest word of the data subject, and part of the case file."""
        tx.put(case_id, f"mail/{stored.id}", to_json(mail))
        earlier = self.store.get(case_id, "request")
        before = earlier.get("mail_ids", []) if isinstance(earlier, dict) else []
        tx.put(case_id, "request", {"mail_id": stored.id, "mail_ids": [*before, stored.id]})
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

    def _mark(self, tx: Tx, stored: StoredMail, matter: Matter) -> None:
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

    # --- mail that belongs to a case ----------------------------------------------------------

    def _open_case_of(self, stored: StoredMail, mail: Mail) -> Case | None:
        """The open case of this sender; a forged mail never joins the case of the real person."""
        if mail.sender is None:
            return None
        case = self.store.open_case_of(stored.ref.mailbox, mail.sender.address)
        if case is None:
            return None
        return case if self._as_trustworthy(mail, case) else None

    def _as_trustworthy(self, mail: Mail, case: Case) -> bool:
        if mail.authentication.verdict is Verdict.PASS:
            return True
        earlier = self.store.get(case.id, "request")
        mail_id = str(earlier["mail_id"]) if isinstance(earlier, dict) else ""
        data = self.store.get(case.id, f"mail/{mail_id}")
        verdict = from_json(Mail, data).authentication.verdict if data else Verdict.NONE
        return verdict is not Verdict.PASS and mail.authentication.verdict is not Verdict.FAIL

    def _case_followed(self, mail: Mail, messages: Sequence[KnownMessage]) -> Case | None:
        """The case whose letter, code or request this mail answers, written by its own subject."""
        for message in messages:
            case = self.store.case(message.case_id)
            if case is None or case.closed is not None or mail.sender is None:
                continue
            data = self.store.get(case.id, "subject")
            subject = from_json(Subject, data) if data else Subject()
            addresses = {key.value.casefold() for key in subject.keys if key.origin != "text"}
            if mail.sender.address.casefold() in addresses and self._as_trustworthy(mail, case):
                return case
        return None

    def _follow_up(
        self, stored: StoredMail, mail: Mail, classification: Classification, case: Case
    ) -> str:
        """The data subject writes again: their words are heard before anything more is done."""
        matters = self.store.matters(case.id)
        coded = self._code_brought(mail, case, matters)
        if coded is not None:
            return self._identified(stored, mail, case, coded)
        rights = {matter.right for matter in matters if matter.state not in ENDED}
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "follow-up", case.id)
            self._keep(tx, case.id, stored, mail)
            if classification.route is Route.OPEN:
                tx.put(case.id, "classification", to_json(classification))
                self._mark(tx, stored, matters[0])
                for label in _rights(classification):
                    if label not in rights:
                        tx.add_matter(self._matter(case.id, stored, label, classification))
            tx.record(case.id, "follow-up", classification.route.value, {"mail": stored.id})
            for matter in matters:
                if matter.state in _STILL_OPEN and TRIAGE not in matter.flags:
                    back = Move(to=State.CLASSIFIED, reason="follow-up", void_tokens=True)
                    self.flow.move(matter, back, tx)
        return "follow-up"

    def _code_brought(self, mail: Mail, case: Case, matters: Sequence[Matter]) -> Matter | None:
        key = self.store.case_key(case.id)
        for matter in matters:
            if matter.state is State.WAITING_FOR_IDENTITY:
                kept = self.store.get(case.id, f"{matter.id}/code")
                if brings_code(mail, kept, key):
                    return matter
        return None

    def _identified(self, stored: StoredMail, mail: Mail, case: Case, matter: Matter) -> str:
        data = self.store.get(case.id, "subject")
        subject = from_json(Subject, data) if data else Subject()
        address = mail.sender.address if mail.sender else ""
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "code-brought-back", case.id)
            tx.put(case.id, "subject", to_json(proven_subject(subject, address)))
            tx.put(case.id, f"{matter.id}/code", None)
            self.flow.move(matter, Move(to=State.CLASSIFIED, reason="identity-proven"), tx)
        return "code-brought-back"

    # --- machines -----------------------------------------------------------------------------

    def _witness(self, stored: StoredMail, mail: Mail, effect: Effect) -> str:
        """Our own mail, seen again: the id it really got (a server may replace ours) is kept."""
        with self.store.begin() as tx:
            if mail.message_id:
                tx.know_message(known(effect, mail.message_id))
            tx.settle_mail(stored.id, "left", "own-mail")
        return "own-mail"

    def _bounce(self, stored: StoredMail, mail: Mail) -> str:
        """A letter of ours did not arrive: the case says so and a person is asked."""
        if mail.automatic is Automatic.REPORT:
            return self._leave(stored, "report")
        messages = [
            message
            for message in self.store.known_messages(mail.failed_message_ids + mail.known_ids)
            if message.kind != "request"
        ]
        if not messages:
            return self._leave(stored, "bounce-of-other-mail")
        message = messages[0]
        matter = self.store.matter(message.matter_id)
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", f"bounce-of-{message.kind}", message.case_id)
            tx.record(message.case_id, "bounced", message.kind, {"mail": stored.id})
            if matter is not None and message.kind == "letter" and matter.state not in ENDED:
                self.flow.move(matter, Move(to=State.NEEDS_HUMAN, reason="letter-bounced"), tx)
            elif matter is not None:
                reason = f"{message.kind}-bounced"
                ctx = self.flow.context(matter)
                for effect in tell_approvers(ctx, self.tools, reason, {}, distinct=stored.id):
                    tx.intend(effect)
        return f"bounce-of-{message.kind}"

    def _automatic(self, stored: StoredMail, mail: Mail, messages: Sequence[KnownMessage]) -> str:
        """An auto-reply never changes a case; if it answers us, the ledger knows that it came."""
        reason = f"automatic-{mail.automatic.value}"
        if not messages:
            return self._leave(stored, reason)
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "left", reason)
            tx.record(messages[0].case_id, NOTHING_CHANGED, reason, {"mail": stored.id})
        return reason


def _rights(classification: Classification) -> list[Label]:
    """The rights that become matters. An access answer tells all that a general question could."""
    labels: list[Label] = [
        label for label in classification.labels if label is not Label.NOT_PRIVACY
    ]
    if Label.ACCESS in labels and not classification.automated:
        labels = [label for label in labels if label is not Label.INFO]
    return labels
