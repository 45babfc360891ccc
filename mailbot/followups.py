"""Mail that belongs to an open case: the person writes again, or a colleague answers by hand."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from mailbot.case import ENDED, Case, Classification, Label, Matter, Route, State, Subject
from mailbot.casefile import into_case_file
from mailbot.codec import from_json, to_json
from mailbot.entry import Entry, rights_of
from mailbot.flow import Flow
from mailbot.mailtext.followup import GRAVE, Listener, Says
from mailbot.message import Mail, Verdict
from mailbot.move import Move
from mailbot.ports import Clock, KnownMessage, Store, StoredMail, Tx
from mailbot.steps.ask import SAID
from mailbot.steps.belong import (
    answers_by_hand,
    filed_under,
    from_a_colleague,
    is_same_mail,
    is_staff,
    is_subject,
    of_same_standing,
    only_thanks,
    proven_by_code,
)
from mailbot.steps.classify import TRIAGE, likely_right
from mailbot.steps.code import Brought, brings_code, proven_subject
from mailbot.steps.notify import tell_approvers, told
from mailbot.steps.respond import QUESTIONED

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
_TOO_LATE = frozenset({State.APPROVED, State.EXECUTED, State.VERIFIED, State.ANSWERED}) | ENDED
# Each mail of a person makes a new question. After so many, approvers are asked less and less often
# (a month leaves room for that), always about everything that was written by then.
_HEARD_AT_ONCE = 4
_QUIET, _QUIET_MOST = timedelta(hours=1), timedelta(hours=24)
_OF_RECIPIENTS = frozenset({"recipient", "correspondence"})  # a notice, and earlier answers to it
_WORTH_KEEPING = 40  # letters beside a code that are more than "here it is"
_TAKEN_BACK = frozenset({Says.WITHDRAWS, Says.DENIES})
_TOLD_MOST = 5  # a day, that a person writes while their case waits for staff


class Followups:
    """Finds the case of a mail, and hears what it says."""

    def __init__(
        self, store: Store, flow: Flow, entry: Entry, listener: Listener, clock: Clock
    ) -> None:
        self.store = store
        self.listener = listener
        self.flow = flow
        self.entry = entry
        self.clock = clock

    # --- which case ---------------------------------------------------------------------------

    def case_of(
        self, stored: StoredMail, mail: Mail, messages: Sequence[KnownMessage], ordinary: bool
    ) -> Case | None:
        """The open case that a mail of its own person belongs to, with the standing it needs.

        `ordinary`: no privacy mail by its words; it belongs to a case only if it answers it.
        """
        if mail.sender is None:
            return None
        for case in self._answered(mail, messages):
            subject, latest = self._subject(case), self._latest(case)
            if of_same_standing(mail, latest, subject, messages) or self._brings(mail, case):
                return case
        return self._by_address(stored, mail, ordinary)

    def concerns(self, mail: Mail, messages: Sequence[KnownMessage]) -> bool:
        """Whether a mail answers a case of its sender without the standing to join it."""
        return mail.authentication.verdict is not Verdict.FAIL and bool(
            self._answered(mail, messages)
        )

    def _answered(self, mail: Mail, messages: Sequence[KnownMessage]) -> list[Case]:
        found: dict[str, Case] = {}
        for message in messages:
            case = self.store.case(message.case_id)
            if case and case.closed is None and is_subject(mail, self._subject(case)):
                found[case.id] = case
        return list(found.values())

    def _by_address(self, stored: StoredMail, mail: Mail, ordinary: bool) -> Case | None:
        own = mail.authentication.verdict
        names = {
            verdict: name
            for verdict in (own, *(other for other in Verdict if other is not own))
            if (name := filed_under(mail.sender, verdict))
        }
        open_ones = self.store.open_cases_of(stored.ref.mailbox, tuple(names.values()))
        for verdict, name in names.items():
            case = open_ones.get(name)
            if case is None:
                continue
            if self._brings(mail, case):
                return case
            if verdict is own and not ordinary and self._may_join(mail, case):
                return case
        return None

    def _may_join(self, mail: Mail, case: Case) -> bool:
        subject = self._subject(case)
        return not proven_by_code(subject) and of_same_standing(
            mail, self._latest(case), subject, ()
        )

    def _brings(self, mail: Mail, case: Case) -> bool:
        return (
            mail.authentication.verdict is not Verdict.FAIL
            and self._code(mail, case, self.store.matters(case.id)) is not Brought.NOTHING
        )

    def _code(self, mail: Mail, case: Case, matters: Sequence[Matter]) -> Brought:
        key = self.store.case_key(case.id)
        for matter in matters:
            if matter.state is State.WAITING_FOR_IDENTITY:
                kept = self.store.get(case.id, f"{matter.id}/code")
                brought = brings_code(mail, kept, key)
                if brought is not Brought.NOTHING:
                    return brought
        return Brought.NOTHING

    def _subject(self, case: Case) -> Subject:
        data = self.store.get(case.id, "subject")
        return from_json(Subject, data) if data else Subject()

    def _latest(self, case: Case) -> Mail | None:
        return next(iter(self._written(case, 1)), None)

    def _written(self, case: Case, most: int) -> list[Mail]:
        """The latest mails of the person, latest first."""
        request = self.store.get(case.id, "request")
        ids = request.get("mail_ids", []) if isinstance(request, dict) else []
        documents = (self.store.get(case.id, f"mail/{each}") for each in reversed(ids[-most:]))
        return [from_json(Mail, document) for document in documents if document]

    # --- the person writes again --------------------------------------------------------------

    def take(
        self,
        stored: StoredMail,
        mail: Mail,
        classification: Classification,
        case: Case,
        traits: Sequence[int] = (),
    ) -> str:
        """Hear a mail before anything more is done. Returns the reason; "" while a worker is at
        the case: the mail stays new and is taken again."""
        with self.store.claim_case(case.id) as held:
            return self._heard(stored, mail, classification, case, traits) if held else ""

    def _heard(
        self,
        stored: StoredMail,
        mail: Mail,
        classification: Classification,
        case: Case,
        traits: Sequence[int],
    ) -> str:
        matters = self.store.matters(case.id)
        brought = self._code(mail, case, matters)
        if brought is Brought.CODE:
            return self._identified(stored, mail, classification, case, matters)
        if brought is Brought.DOUBT:
            return self._doubted(stored, mail, case, matters)
        if is_same_mail(mail, self._written(case, 20)):
            with self.store.begin() as tx:
                tx.settle_mail(stored.id, "left", "came-before")
            return "came-before"
        said = self.listener.hear(mail)
        if said is Says.THANKS and classification.route is not Route.OPEN:
            with self.store.begin() as tx:
                tx.settle_mail(stored.id, "done", "thanks", case.id)
                into_case_file(self.store, tx, case.id, mail)
                tx.record(case.id, "thanked", "", {"mail": stored.id})
            return "thanks"
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "follow-up", case.id)
            count = self.entry.keep(tx, case.id, stored, mail, traits)
            self._open_more(tx, stored, mail, classification, case, matters, said)
            tx.record(case.id, "follow-up", classification.route.value, {"mail": stored.id})
            for matter in matters:
                self._look_again(tx, stored, matter, count, said)
        return "follow-up"

    def _open_more(
        self,
        tx: Tx,
        stored: StoredMail,
        mail: Mail,
        classification: Classification,
        case: Case,
        matters: Sequence[Matter],
        said: Says,
    ) -> None:
        """Further rights that the mail invokes. What was answered already may be asked again."""
        heard = [matter for matter in matters if not self._too_late(matter)]
        flags: tuple[str, ...] = ()
        labels = rights_of(classification)
        if heard and said in _TAKEN_BACK:
            # "I withdraw my request" withdraws that request, no consent that was never spoken of.
            labels = [label for label in labels if label is not Label.CONSENT_WITHDRAWAL]
        if classification.route is Route.LEAVE or not labels:
            return
        if classification.route is Route.ASK:
            if heard or only_thanks(mail):
                return  # with what is open it is read; for what is done it says nothing new
            labels, flags = [likely_right(classification.labels)], (TRIAGE,)
        else:
            tx.put(case.id, "classification", to_json(classification))
            self.entry.mark(tx, stored, matters[0])
        open_rights = {matter.right for matter in heard}
        for label in labels:
            if label not in open_rights:
                tx.add_matter(self.entry.matter(case.id, stored, label, classification, flags))

    def _look_again(
        self, tx: Tx, stored: StoredMail, matter: Matter, count: int, said: Says
    ) -> None:
        if matter.state is State.NEEDS_HUMAN:
            lane, day_ago = "subject", self.clock.now() - timedelta(days=1)
            if told(self.store.effects(matter.id), lane, day_ago) < _TOLD_MOST:
                ctx = self.flow.context(matter)
                for effect in tell_approvers(
                    ctx, self.flow.tools, "subject-wrote-again", {}, distinct=stored.id, lane=lane
                ):
                    tx.intend(effect)
            return
        if TRIAGE in matter.flags or matter.state in (State.OPENED, State.WAITING_FOR_IDENTITY):
            return
        now = self.clock.now()
        rests = matter.state is State.CLASSIFIED and matter.due is not None and matter.due > now
        asked = QUESTIONED in matter.flags
        if self._too_late(matter) or (rests and not asked):
            return  # one that rests already looks at everything when it is due
        due = self._quiet(count, now)
        flags = tuple(f for f in matter.flags if not f.startswith(SAID) and f != QUESTIONED)
        back = Move(
            to=State.CLASSIFIED,
            reason="follow-up",
            facts={"says": said.value},
            changes={"flags": (*flags, SAID + said.value) if said in GRAVE else flags},
            void_tokens=True,
            due=due,
        )
        self._cancel(tx, matter)
        self.flow.move(matter, back, tx)

    def _quiet(self, count: int, now: datetime) -> datetime | None:
        excess = count - _HEARD_AT_ONCE
        return None if excess <= 0 else now + min(_QUIET_MOST, excess * _QUIET)

    def _too_late(self, matter: Matter) -> bool:
        """Whether something was done already. What was approved and not begun can still wait."""
        if matter.state is not State.APPROVED:
            return matter.state in _TOO_LATE
        return any(
            effect.kind == "apply" and effect.status != "intended"
            for effect in self.store.effects(matter.id, matter.plan_version)
        )

    def _cancel(self, tx: Tx, matter: Matter) -> None:
        if matter.state is State.APPROVED:
            for effect in self.store.effects(matter.id, matter.plan_version):
                if effect.kind == "apply" and effect.status == "intended":
                    tx.change_effect(effect.id, "cancelled")

    # --- codes --------------------------------------------------------------------------------

    def _identified(
        self,
        stored: StoredMail,
        mail: Mail,
        classification: Classification,
        case: Case,
        matters: Sequence[Matter],
    ) -> str:
        """The code came back: it proves the person for every right that waits for one."""
        address = mail.sender.address if mail.sender else ""
        says_more = classification.route is Route.OPEN or _letters(mail) >= _WORTH_KEEPING
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "code-brought-back", case.id)
            tx.put(case.id, "subject", to_json(proven_subject(self._subject(case), address)))
            if says_more:
                self.entry.keep(tx, case.id, stored, mail)
                self._open_more(tx, stored, mail, classification, case, matters, Says.MORE)
            else:
                into_case_file(self.store, tx, case.id, mail)
            for matter in matters:
                if matter.state is State.WAITING_FOR_IDENTITY:
                    tx.put(case.id, f"{matter.id}/code", None)
                    proven = Move(to=State.CLASSIFIED, reason="identity-proven")
                    self.flow.move(matter, proven, tx)
        return "code-brought-back"

    def _doubted(
        self, stored: StoredMail, mail: Mail, case: Case, matters: Sequence[Matter]
    ) -> str:
        """The code came back beside words by which the person may not have asked at all."""
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "code-in-doubt", case.id)
            self.entry.keep(tx, case.id, stored, mail)
            for matter in matters:
                if matter.state is State.WAITING_FOR_IDENTITY:
                    tx.put(case.id, f"{matter.id}/code", None)
                    self.flow.move(matter, Move(to=State.NEEDS_HUMAN, reason="code-in-doubt"), tx)
        return "code-in-doubt"

    # --- recipients (art. 19) -----------------------------------------------------------------

    def is_of_recipient(self, mail: Mail, messages: Sequence[KnownMessage]) -> bool:
        """Whether somebody answers a notice that only recipients got: its id cannot be guessed.

        The person concerned is no such somebody, wherever they got the notice from.
        """
        return (
            mail.authentication.verdict is not Verdict.FAIL
            and {"recipient"} <= {message.kind for message in messages} <= _OF_RECIPIENTS
            and not self._answered(mail, messages)
        )

    def from_recipient(
        self, stored: StoredMail, mail: Mail, messages: Sequence[KnownMessage]
    ) -> str:
        """The answer is filed with the case, open or closed; it changes nothing; staff are told."""
        message = messages[0]
        with self.store.claim_case(message.case_id) as held:
            if not held:
                return ""
            matter = self.store.matter(message.matter_id)
            with self.store.begin() as tx:
                tx.settle_mail(stored.id, "done", "recipient-answered", message.case_id)
                into_case_file(self.store, tx, message.case_id, mail)
                tx.record(message.case_id, "recipient-answered", "", {"mail": stored.id})
                day_ago = self.clock.now() - timedelta(days=1)
                effects = self.store.effects(message.matter_id)
                if matter is not None and told(effects, "recipient", day_ago) < _TOLD_MOST:
                    for effect in tell_approvers(
                        self.flow.context(matter),
                        self.flow.tools,
                        "recipient-answered",
                        {"why": mail.new_text[:300]},
                        distinct=stored.id,
                        lane="recipient",
                    ):
                        tx.intend(effect)
        return "recipient-answered"

    # --- colleagues ---------------------------------------------------------------------------

    def by_hand(
        self,
        stored: StoredMail,
        mail: Mail,
        messages: Sequence[KnownMessage],
        sent: bool = False,
    ) -> str | None:
        """A mail of a colleague in the thread of a case; None if it is no such mail.

        `sent`: it lies in the mailbox's own Sent folder, where only colleagues put mail.

        Addressed to the person it is an answer given by hand: the case pauses and asks (DESIGN
        § 1.4). Written inwards it is talk among staff, and surely no request of theirs.
        """
        settings = self.flow.tools.settings
        writer = mail.sender.address if mail.sender else ""
        if not (sent and is_staff(writer, settings)) and not from_a_colleague(mail, settings):
            return None
        cases = [self.store.case(message.case_id) for message in messages]
        case = next((each for each in cases if each and each.closed is None), None)
        if case is None or is_subject(mail, self._subject(case)):
            return None
        if self.store.known_messages([mail.message_id] if mail.message_id else []):
            return self._leave(stored, case, "own-mail")  # a letter of ours that lost its mark
        if not answers_by_hand(mail, self._subject(case)):
            return self._leave(stored, case, "colleague-wrote")
        with self.store.claim_case(case.id) as held:
            return self._pause(stored, mail, case) if held else ""

    def _leave(self, stored: StoredMail, case: Case, reason: str) -> str:
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "left", reason)
            tx.record(case.id, reason, "", {"mail": stored.id})
        return reason

    def _pause(self, stored: StoredMail, mail: Mail, case: Case) -> str:
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "colleague-answered", case.id)
            into_case_file(self.store, tx, case.id, mail)
            tx.record(case.id, "colleague-answered", "", {"mail": stored.id})
            for matter in self.store.matters(case.id):
                open_now = matter.state in _STILL_OPEN | {State.APPROVED, State.OPENED}
                waits = matter.state is State.WAITING_FOR_IDENTITY
                if TRIAGE in matter.flags or self._too_late(matter) or not (open_now or waits):
                    continue
                self._cancel(tx, matter)
                stop = Move(to=State.NEEDS_HUMAN, reason="colleague-answered", void_tokens=True)
                self.flow.move(matter, stop, tx)
        return "colleague-answered"


def _letters(mail: Mail) -> int:
    return sum(sign.isalpha() for sign in mail.new_text)
