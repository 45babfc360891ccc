"""A reply of staff arrives: found by its token, judged, and carried into the state machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mailbot.assigning import approver_of, hand_to, rights_barred
from mailbot.case import ENDED, Classification, Matter, Route, State
from mailbot.casefile import into_case_file
from mailbot.config import Approver
from mailbot.errors import Permanent, Transient
from mailbot.flow import Flow
from mailbot.lessons import learn
from mailbot.letters import find_tokens
from mailbot.mailtext.answered import read_answered
from mailbot.mailtext.decisions import Reply, Words, read_reply
from mailbot.mailtext.outcomes import read_outcome
from mailbot.message import Automatic, Mail, Verdict
from mailbot.move import Context, Move
from mailbot.plan import Do
from mailbot.ports import Clock, KnownMessage, Store, StoredMail, Token
from mailbot.steps import approvers, outgoing
from mailbot.steps.belong import is_staff
from mailbot.steps.decide import (
    SECOND_THOUGHTS,
    Ruling,
    Unusable,
    decide,
    judge,
    stopped,
    take_back,
)
from mailbot.steps.notify import tell_approvers, told
from mailbot.steps.original_date import DATE_ASKED, begun_on, told_date
from mailbot.steps.others import later_notices

NOTHING_CHANGED = "reply-changed-nothing"  # the ledger's name for it
TASK_DONE = "manual-task-done"
NO_REPLY_OF_STAFF = "no-reply-of-staff"  # refused as a decision, and yet to be read as a mail
# Explanations a day and matter: to an approver about their own replies, and about other people's.
# A program that answers each of our mails, or a stranger with a leaked mail, soon meets silence.
_EXPLAINED_MOST, _REPORTED_MOST = 8, 3
_SOON_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a mail answers: the matter, the token in its subject, our ids in its References."""

    matter: Matter
    token: Token | None
    messages: tuple[KnownMessage, ...]


class Replies:
    """Takes the replies of staff."""

    def __init__(self, store: Store, flow: Flow, words: Words, clock: Clock) -> None:
        self.clock = clock
        self.store = store
        self.flow = flow
        self.words = words

    def answered(self, mail: Mail, messages: Sequence[KnownMessage]) -> Answered | None:
        """The matter that a mail answers as staff do: by our token, or by our question's id."""
        tokens = [
            token
            for tag in find_tokens(mail.subject)
            if (token := self.store.token(outgoing.token_hash(tag))) is not None
        ]
        questions = [message for message in messages if message.kind in ("question", "notice")]
        matter_id = tokens[0].matter_id if tokens else ""
        if not matter_id and questions:
            matter_id = questions[0].matter_id
        matter = self.store.matter(matter_id) if matter_id else None
        if matter is None:
            return None
        return Answered(
            matter=matter,
            token=tokens[0] if tokens else None,
            messages=tuple(message for message in messages if message.kind != "notice"),
        )

    def take(
        self, stored: StoredMail, mail: Mail, answered: Answered, found: Classification
    ) -> str:
        """Carry out an effective decision, or change nothing and say why. Returns the reason.

        Empty if another worker is at the case: the mail stays new and is taken again.
        NO_REPLY_OF_STAFF: it decides nothing, but may hold a wish of its own (the mail stays new).
        Raises Transient for a reply that overtook the state in which it is waited for.
        """
        with self.store.claim_case(answered.matter.case_id) as held:
            if not held:
                return ""
            matter = self.store.matter(answered.matter.id) or answered.matter
            ctx = self.flow.context(matter)
            settings = self.flow.tools.settings
            if self._tells_date(stored, mail, ctx):
                return "original-date-told"
            ruling = judge(mail, answered.token, answered.messages, ctx, settings)
            reply = _without_margin(read_reply(mail, self.words))
            if ruling.reason in _AFTERWARDS and ruling.approver is not None:
                done = self._task_done(stored, mail, ctx, ruling.approver)
                if done:
                    return done
            if not ruling.counts or ruling.approver is None:
                if ruling.reason == "not-asked" and matter.state in _ABOUT_TO_ASK:
                    raise Transient(f"matter {matter.id} is about to be asked", _SOON_SECONDS)
                explain = ruling.approver is not None
                if self._has_a_wish(mail, ruling, reply, found):
                    self._refuse(stored, mail, matter, ruling.reason, explain, settle=False)
                    return NO_REPLY_OF_STAFF
                return self._refuse(stored, mail, matter, ruling.reason, explain)
            again = ruling.reason == SECOND_THOUGHTS
            outcome: Move | Unusable
            if matter.state is State.NEEDS_HUMAN:
                answered_by_hand = read_answered(mail, self.words)
                outcome = stopped(reply, answered_by_hand, ruling.approver, ctx)
            elif again:
                outcome = take_back(reply, ruling.approver)
            elif reply.decision == "assign":
                return self._assign(stored, mail, matter, reply)
            else:
                outcome = decide(reply, ruling.approver, ctx, self.flow.tools)
            if isinstance(outcome, Unusable):
                return self._refuse(stored, mail, matter, outcome.reason, explain=True)
            with self.store.begin() as tx:
                tx.settle_mail(stored.id, "done", outcome.reason, matter.case_id)
                into_case_file(self.store, tx, matter.case_id, mail)
                tags = find_tokens(mail.subject)
                if not again and not tx.use_token(outgoing.token_hash(tags[0])):
                    raise RuntimeError("a live token could not be used")  # rolls all of it back
                self.flow.move(matter, outcome, tx)
                if self.flow.tools.settings.classify.learn:
                    learn(self.store, tx, matter, outcome, self.clock.now())
            return outcome.reason

    def _assign(self, stored: StoredMail, mail: Mail, matter: Matter, reply: Reply) -> str:
        """The approver hands the case to another one."""
        try:
            to = approver_of(self.flow.tools.settings, reply.reason or "")
        except Permanent:
            return self._refuse(stored, mail, matter, "assigned-to-nobody", explain=True)
        if rights_barred(self.store, matter.case_id, to):
            return self._refuse(stored, mail, matter, "assigned-to-nobody", explain=True)
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "assigned", matter.case_id)
            into_case_file(self.store, tx, matter.case_id, mail)
            if not tx.use_token(outgoing.token_hash(find_tokens(mail.subject)[0])):
                raise RuntimeError("a live token could not be used")  # rolls all of it back
            hand_to(self.store, tx, self.flow, matter.case_id, to)
        return "assigned"

    def _tells_date(self, stored: StoredMail, mail: Mail, ctx: Context) -> bool:
        """Whether an approver says when a passed-on request was really received: then the clock
        began on that day. It can only begin earlier, so that no token is needed for it."""
        settings = self.flow.tools.settings
        told = told_date(mail, settings.deadline.timezone)
        asked = DATE_ASKED in ctx.matter.flags
        if told is None or not asked or mail.sender is None or told > ctx.matter.received:
            return False
        if mail.authentication.verdict is not Verdict.PASS:
            return False
        sender, day = mail.sender.address.lower(), ctx.now.date()
        concerned = approvers.concerned(ctx)
        if not approvers.may_decide(settings, ctx.matter.right, sender, day, concerned):
            return False
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", "original-date-told", ctx.case.id)
            into_case_file(self.store, tx, ctx.case.id, mail)
            for matter in (ctx.matter, *ctx.siblings):
                if DATE_ASKED in matter.flags and matter.state not in ENDED:
                    began = begun_on(matter, told, settings.deadline.timezone)
                    tx.change_matter(matter, began)
            facts = {"received": told.isoformat(), "approver": sender, "mail": stored.id}
            tx.record(ctx.case.id, "original-date-told", "", facts)
        return True

    def _task_done(self, stored: StoredMail, mail: Mail, ctx: Context, approver: Approver) -> str:
        """An approver tells what came of a task by hand in a plan that they approved.

        It changes no record: it stands in the ledger, and with the case. Only such a reply ever
        says that a task was done; by the last one the plan's notices to recipients leave, if there
        was nothing else to tell them of. Empty if the mail tells no such thing.
        """
        matter, plan, outcome = ctx.matter, ctx.plan, read_outcome(mail)
        if plan is None or outcome is None or matter.state not in _APPROVED_BY_NOW:
            return ""
        tasks = {action.number for action in plan.actions if action.do is Do.MANUAL}
        items = outcome.items or (tuple(tasks) if len(tasks) == 1 else ())
        if not items or not set(items) <= tasks:
            return ""
        name = f"{matter.id}/tasks/{plan.version}"
        known = self.store.get(matter.case_id, name)
        kept = known if isinstance(known, dict) else {}
        told = {
            str(item): {
                "by": approver.address,
                "at": self.clock.now().isoformat(),
                "outcome": outcome.text,
            }
            for item in items
        }
        with self.store.begin() as tx:
            tx.settle_mail(stored.id, "done", TASK_DONE, matter.case_id)
            into_case_file(self.store, tx, matter.case_id, mail)
            tx.put(matter.case_id, name, {**kept, **told})
            for effect in later_notices(ctx, self.flow.tools, map(int, {**kept, **told})):
                tx.intend(effect)
            tx.record(
                matter.case_id,
                "manual-task",
                TASK_DONE,
                {
                    "matter": matter.id,
                    "version": plan.version,
                    "items": list(items),
                    "approver": approver.address,
                    "outcome": outcome.text,
                    "mail": stored.id,
                },
            )
        return TASK_DONE

    def _has_a_wish(self, mail: Mail, ruling: Ruling, reply: Reply, found: Classification) -> bool:
        """Whether somebody who is no member of staff answers a leaked question with a wish."""
        if mail.automatic is not Automatic.NO or mail.sender is None or reply.decision != "unclear":
            return False
        if is_staff(mail.sender.address, self.flow.tools.settings):
            return False
        if ruling.reason == "data-subject":
            return reply.why != "empty"
        return ruling.reason == "not-an-approver" and found.route is Route.OPEN

    def _refuse(
        self,
        stored: StoredMail,
        mail: Mail,
        matter: Matter,
        reason: str,
        explain: bool,
        settle: bool = True,
    ) -> str:
        """Change nothing, say why in the ledger, and explain it to approvers only."""
        ctx = self.flow.context(matter)
        sender = mail.sender.address if mail.sender else ""
        approver = None
        if explain:
            approver = next(
                (
                    approver
                    for approver in self.flow.tools.settings.approver
                    if approver.address.casefold() == sender.casefold()
                ),
                None,
            )
        with self.store.begin() as tx:
            if settle:
                tx.settle_mail(stored.id, "done", reason, matter.case_id)
                into_case_file(self.store, tx, matter.case_id, mail)
            tx.record(
                matter.case_id,
                NOTHING_CHANGED,
                reason,
                {"matter": matter.id, "mail": stored.id, "sender": sender},
            )
            if mail.automatic is Automatic.NO and self._may_tell(ctx, approver):
                for effect in tell_approvers(
                    ctx,
                    self.flow.tools,
                    reason,
                    {},
                    only=approver,
                    distinct=stored.id,
                    lane=_lane(approver),
                ):
                    tx.intend(effect)
        return reason

    def _may_tell(self, ctx: Context, approver: Approver | None) -> bool:
        most = _EXPLAINED_MOST if approver else _REPORTED_MOST
        since = self.clock.now() - timedelta(days=1)
        return told(self.store.effects(ctx.matter.id), _lane(approver), since) < most


# Replies to a plan that was approved: their tokens are used, and they decide nothing any more.
_AFTERWARDS = frozenset({"used-token", "not-asked"})
_APPROVED_BY_NOW = frozenset(
    {State.APPROVED, State.EXECUTED, State.VERIFIED, State.ANSWERED, State.CLOSED}
)
# A question leaves before its state is written: an approver may be quicker than a crash is mended.
_ABOUT_TO_ASK = frozenset({State.OPENED, State.DRAFTED})


def _lane(approver: Approver | None) -> str:
    return f"reply/{approver.address.lower()}" if approver else "reply/others"


def _without_margin(reply: Reply) -> Reply:
    """A letter that an approver copied from our question loses the rule in its margin."""
    if reply.decision != "edit" or not reply.edited_text:
        return reply
    lines = reply.edited_text.strip().splitlines()
    if all(line.startswith("|") for line in lines if line.strip()):
        lines = [line.removeprefix("|").removeprefix(" ") for line in lines]
    return replace(reply, edited_text="\n".join(lines).strip())
