"""A reply of staff arrives: found by its token, judged, and carried into the state machine."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailbot.case import Matter
from mailbot.casefile import into_case_file
from mailbot.flow import Flow
from mailbot.letters import find_tokens
from mailbot.mailtext.decisions import Reply, Words, read_reply
from mailbot.message import Automatic, Mail
from mailbot.ports import KnownMessage, Store, StoredMail, Token
from mailbot.steps import outgoing
from mailbot.steps.decide import Unusable, decide, judge
from mailbot.steps.notify import tell_approvers

NOTHING_CHANGED = "reply-changed-nothing"  # the ledger's name for it


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What a mail answers: the matter, the token in its subject, our ids in its References."""

    matter: Matter
    token: Token | None
    messages: tuple[KnownMessage, ...]


class Replies:
    """Takes the replies of staff."""

    def __init__(self, store: Store, flow: Flow, words: Words) -> None:
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

    def take(self, stored: StoredMail, mail: Mail, answered: Answered) -> str:
        """Carry out an effective decision, or change nothing and say why. Returns the reason.

        Empty if another worker is at the case: the mail stays new and is taken again.
        """
        with self.store.claim_case(answered.matter.case_id) as held:
            if not held:
                return ""
            matter = self.store.matter(answered.matter.id) or answered.matter
            ctx = self.flow.context(matter)
            settings = self.flow.tools.settings
            ruling = judge(mail, answered.token, answered.messages, ctx, settings)
            if not ruling.counts or ruling.approver is None:
                return self._refuse(
                    stored, mail, matter, ruling.reason, ruling.approver is not None
                )
            reply = _without_margin(read_reply(mail, self.words))
            outcome = decide(reply, ruling.approver, ctx, self.flow.tools)
            if isinstance(outcome, Unusable):
                return self._refuse(stored, mail, matter, outcome.reason, explain=True)
            with self.store.begin() as tx:
                tx.settle_mail(stored.id, "done", outcome.reason, matter.case_id)
                into_case_file(self.store, tx, matter.case_id, mail)
                tags = find_tokens(mail.subject)
                if not tx.use_token(outgoing.token_hash(tags[0])):
                    raise RuntimeError("a live token could not be used")  # rolls all of it back
                self.flow.move(matter, outcome, tx)
            return outcome.reason

    def _refuse(
        self, stored: StoredMail, mail: Mail, matter: Matter, reason: str, explain: bool
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
            tx.settle_mail(stored.id, "done", reason, matter.case_id)
            into_case_file(self.store, tx, matter.case_id, mail)
            tx.record(
                matter.case_id,
                NOTHING_CHANGED,
                reason,
                {"matter": matter.id, "mail": stored.id, "sender": sender},
            )
            if mail.automatic is Automatic.NO:
                for effect in tell_approvers(
                    ctx, self.flow.tools, reason, {}, only=approver, distinct=stored.id
                ):
                    tx.intend(effect)
        return reason


def _without_margin(reply: Reply) -> Reply:
    """A letter that an approver copied from our question loses the rule in its margin."""
    if reply.decision != "edit" or not reply.edited_text:
        return reply
    lines = reply.edited_text.strip().splitlines()
    if all(line.startswith("|") for line in lines if line.strip()):
        lines = [line.removeprefix("|").removeprefix(" ") for line in lines]
    return replace(reply, edited_text="\n".join(lines).strip())
