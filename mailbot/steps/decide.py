"""A reply of staff: does it count, and what does it change? (DESIGN § 9)

Two questions, answered apart. `judge` asks whether the mail may decide anything: who wrote it, is
it authentic, does it carry a live token, does it speak of this very plan. `decide` says what an
effective decision makes of the matter. Anything that does not pass changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mailbot.case import Label, State
from mailbot.config import Approver, Settings
from mailbot.letters import find_tokens
from mailbot.mailtext.answered import Answered
from mailbot.mailtext.decisions import Reply
from mailbot.message import Automatic, Mail, Verdict
from mailbot.move import Context, Move, Tools
from mailbot.plan import Action, Do, Plan, Proposal, Purpose
from mailbot.ports import KnownMessage, Token
from mailbot.steps import approvers
from mailbot.steps.belong import proven_by_code
from mailbot.steps.classify import TRIAGE
from mailbot.steps.code import DEMANDED
from mailbot.steps.errand import errand
from mailbot.steps.identify import NO_SEARCH
from mailbot.steps.propose import STOP, held
from mailbot.steps.respond import EXTENDED

SECOND_THOUGHTS = "second-thoughts"  # of one who approved already: only a no counts
_CHANGEABLE = frozenset({Do.DELETE, Do.BLANK, Do.REPLACE, Do.CORRECT, Do.SET})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """Whether a reply counts, and the named reason."""

    counts: bool
    reason: str
    approver: Approver | None = None


def judge(
    mail: Mail,
    token: Token | None,
    known: Sequence[KnownMessage],
    ctx: Context,
    settings: Settings,
) -> Ruling:
    """Whether a mail may decide on the matter of `ctx`; the gravest reason is told first."""
    no = Ruling
    if mail.automatic is not Automatic.NO:
        return no(counts=False, reason=f"automatic-{mail.automatic.value}")
    if mail.sender is None:
        return no(counts=False, reason="unknown-sender")
    # Lower case and no more: case folding makes one address of two ("ß" and "ss").
    sender = mail.sender.address.lower()
    concerned = approvers.concerned(ctx)
    if mail.sender.address.casefold() in concerned:
        return no(counts=False, reason="data-subject")
    day = ctx.now.date()
    approver = approvers.may_decide(settings, ctx.matter.right, sender, day, concerned)
    if TRIAGE in ctx.matter.flags and approver is None:
        asked = approvers.asked(settings, ctx.matter.right, day, concerned)
        approver = next((a for a in asked if a.address.lower() == sender), None)
    if approver is None:
        return no(counts=False, reason="not-an-approver")
    if mail.authentication.verdict is not Verdict.PASS:
        return no(counts=False, reason=f"not-authentic-{mail.authentication.reason}")
    tags = find_tokens(mail.subject)
    if not tags:
        return no(counts=False, reason="no-token", approver=approver)
    if len(tags) > 1:
        return no(counts=False, reason="several-tokens", approver=approver)
    if token is None or token.matter_id != ctx.matter.id:
        return no(counts=False, reason="unknown-token", approver=approver)
    if token.approver.lower() != sender:
        return no(counts=False, reason="token-of-another-approver", approver=approver)
    if token.plan_version != ctx.matter.plan_version:
        return no(counts=False, reason="older-plan-version", approver=approver)
    # Whoever gave a first approval may take it back as long as the second is awaited.
    again = token.state == "used" and sender.casefold() in ctx.approvals
    if token.state == "used" and not (again and ctx.matter.state is State.ASKED):
        return no(counts=False, reason="used-token", approver=approver)
    if token.state not in ("live", "used"):
        return no(counts=False, reason="older-plan-version", approver=approver)
    if ctx.matter.state not in (State.ASKED, State.NEEDS_HUMAN):
        return no(counts=False, reason="not-asked", approver=approver)
    for message in known:
        if (
            message.kind != "question"
            or message.matter_id != ctx.matter.id
            or message.plan_version != ctx.matter.plan_version
        ):
            return no(counts=False, reason="references-another-plan", approver=approver)
    reason = SECOND_THOUGHTS if again else "authentic-approver"
    return Ruling(counts=True, reason=reason, approver=approver)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """An authentic reply whose decision cannot be carried out here: nothing changes."""

    reason: str


def take_back(reply: Reply, approver: Approver) -> Move | Unusable:
    """What a second word makes of an approval that still waits for another's."""
    if reply.decision != "reject":
        return Unusable(reason="used-token")
    return Move(
        to=State.NEEDS_HUMAN,
        reason="approval-withdrawn",
        facts={"decision": reply.decision, "approver": approver.address},
        void_tokens=True,
    )


def stopped(
    reply: Reply, answered: Answered | None, approver: Approver, ctx: Context
) -> Move | Unusable:
    """What a reply makes of a matter that waits for a person: it is ended where staff say that they
    have answered the person themselves, and nothing else."""
    if answered is None:
        known = reply.decision != "unclear"
        return Unusable(reason="not-asked" if known else "unclear-answered")
    return Move(
        to=State.CLOSED,
        reason="answered-by-hand",
        facts={"approver": approver.address, "how": answered.how, "stopped": ctx.matter.note},
        void_tokens=True,
    )


def decide(reply: Reply, approver: Approver, ctx: Context, tools: Tools) -> Move | Unusable:
    """What an effective decision makes of the matter."""
    if reply.decision == "unclear":
        return Unusable(reason=f"unclear-{reply.why}")
    if TRIAGE in ctx.matter.flags:
        return _triage(reply, ctx)
    facts = {"decision": reply.decision, "approver": approver.address}
    if errand(ctx) and reply.decision not in ("approve", "keep"):
        if reply.decision in ("reject", "not_privacy"):
            return Move(to=State.CLOSED, reason="errand-rejected", facts=facts, void_tokens=True)
        return Unusable(reason=f"not-available-{reply.decision}")
    match reply.decision:
        case "approve":
            return _approve(approver, ctx, tools)
        case "reject":
            return _reject(reply, ctx, facts)
        case "edit":
            if not (reply.edited_text or "").strip():
                return Unusable(reason="edit-without-text")
            return _again(
                ctx, "letter-edited", facts, edited_text=(reply.edited_text or "").strip()
            )
        case "extend":
            return _extend(reply, ctx, facts)
        case "keep":
            return _keep(reply, ctx, facts)
        case "ask":
            return _ask(reply, ctx, facts)
        case "identity":
            return _identity(ctx, facts)
        case "redact":
            return _redact(reply, ctx, facts)
        case "not_privacy":
            return Move(to=State.CLOSED, reason="not-privacy", facts=facts, void_tokens=True)
        case "right":
            return _rights(reply, ctx, "right-corrected", facts)
    return Unusable(reason=f"not-available-{reply.decision}")


def _triage(reply: Reply, ctx: Context) -> Move | Unusable:
    facts = {"decision": reply.decision}
    match reply.decision:
        case "right":
            return _rights(reply, ctx, "right-named", facts)
        case "approve":
            # "Yes, it is one": the right that the question named.
            return Move(
                to=State.CLASSIFIED,
                reason="privacy-confirmed",
                facts=facts,
                changes={"flags": _without(ctx, TRIAGE)},
                void_tokens=True,
            )
        case "not_privacy" | "reject":
            return Move(to=State.CLOSED, reason="not-privacy", facts=facts, void_tokens=True)
    return Unusable(reason=f"not-an-answer-{reply.decision}")


def _rights(reply: Reply, ctx: Context, reason: str, facts: dict[str, str]) -> Move | Unusable:
    rights = [Label(right) for right in reply.rights if right in set(Label)]
    rights = [right for right in rights if right is not Label.NOT_PRIVACY]
    if not rights:
        return Unusable(reason="no-right-named")
    taken = {sibling.right for sibling in ctx.siblings}
    return Move(
        to=State.CLASSIFIED,
        reason=reason,
        facts={**facts, "rights": [right.value for right in rights]},
        changes={"right": rights[0], "flags": _without(ctx, TRIAGE, DEMANDED)},
        opens=tuple(right for right in rights[1:] if right not in taken),
        void_tokens=True,
    )


def _approve(approver: Approver, ctx: Context, tools: Tools) -> Move | Unusable:
    if ctx.plan is None:
        return Unusable(reason="nothing-to-approve")
    needed = approvers.required(tools.settings, ctx.matter.right)
    # Who approved earlier and may no longer decide does not count any more.
    day = ctx.now.date()
    still = (
        address
        for address in ctx.approvals
        if approvers.may_decide(tools.settings, ctx.matter.right, address, day)
    )
    given = tuple(dict.fromkeys((*still, approver.address.casefold())))
    facts = {
        "approver": approver.address,
        "version": ctx.plan.version,
        "digest": ctx.plan.digest,
        "given": len(given),
        "needed": needed,
    }
    documents = {f"{ctx.matter.id}/approvals/{ctx.plan.version}": list(given)}
    if len(given) < needed:
        return Move(
            to=State.ASKED,
            reason="approved-in-part",
            facts=facts,
            documents=documents,
            due=ctx.matter.due,
        )
    return Move(
        to=State.APPROVED, reason="approved", facts=facts, documents=documents, void_tokens=True
    )


def _reject(reply: Reply, ctx: Context, facts: dict[str, str]) -> Move:
    plan: Plan | None = ctx.plan
    reason = (reply.reason or "").strip()
    if plan is not None and plan.purpose is Purpose.CLARIFICATION:
        # No to a question is no "no" to the request: what was proposed before it is asked again.
        return Move(to=State.CLASSIFIED, reason="question-rejected", facts=facts, void_tokens=True)
    if plan is None or plan.purpose is Purpose.REFUSAL or not reason:
        return Move(to=State.NEEDS_HUMAN, reason="plan-rejected", facts=facts, void_tokens=True)
    # Art. 12(4): saying no is an answer too, with reasons, and is itself approved before it leaves.
    return _again(ctx, "refusal-asked", facts, purpose=Purpose.REFUSAL, words=reason)


def _extend(reply: Reply, ctx: Context, facts: dict[str, str]) -> Move | Unusable:
    reason = (reply.reason or "").strip()
    if not reason:
        return Unusable(reason="extension-without-reason")  # art. 12(3) asks for the reasons
    if EXTENDED in ctx.matter.flags:
        return Unusable(reason="extended-already")
    if ctx.matter.marketing:
        return Unusable(reason="marketing-stop-cannot-wait")  # art. 21(3) is absolute
    if ctx.now.date() > ctx.matter.last_day:
        return Unusable(reason="first-month-over")  # the notice must leave within it
    return _again(ctx, "extension-asked", facts, purpose=Purpose.EXTENSION, words=reason)


def _keep(reply: Reply, ctx: Context, facts: dict[str, str]) -> Move | Unusable:
    if ctx.proposal is None:
        return Unusable(reason="nothing-to-keep")
    reason = (reply.reason or "").strip()
    if not reason:
        return Unusable(reason="keep-without-reason")  # the person must be told why (art. 12(4))
    wanted = set(reply.items)
    by_number = {action.number: action for action in ctx.proposal.actions}
    if not wanted or any(
        number not in by_number or by_number[number].do not in _CHANGEABLE for number in wanted
    ):
        return Unusable(reason="keep-without-such-item")
    actions: tuple[Action, ...] = tuple(
        replace(action, do=Do.KEEP, after={}, reason=reason, rule="", until=None)
        if action.number in wanted
        else action
        for action in ctx.proposal.actions
    )
    return _again(ctx, "items-kept", {**facts, "items": sorted(wanted)}, actions=actions)


def _ask(reply: Reply, ctx: Context, facts: dict[str, str]) -> Move | Unusable:
    """A question to the person, in the approver's words; it is itself approved before it leaves."""
    question = (reply.reason or "").strip()
    if not question:
        return Unusable(reason="ask-without-text")
    if ctx.matter.marketing:
        return Unusable(reason="marketing-stop-cannot-wait")
    if not may_ask(ctx):
        # One uniform text to whom we do not know: a question would tell that they are on record.
        return Unusable(reason="ask-unproven")
    if _begun(ctx):
        return Unusable(reason="something-done-already")
    return _again(ctx, "question-asked", facts, purpose=Purpose.CLARIFICATION, words=question)


def may_ask(ctx: Context) -> bool:
    """Whether a question to the person gives nothing away: they are proven, or nothing of theirs
    is in the answer. A stop of marketing waits for no answer (art. 21(3))."""
    if ctx.matter.marketing:
        return False
    return ctx.matter.right in NO_SEARCH or any(key.verified for key in ctx.subject.keys)


def _identity(ctx: Context, facts: dict[str, str]) -> Move | Unusable:
    """Art. 12(6): in reasonable doubt the person is asked to prove who they are. A fresh look, so
    that the code goes to the address on record, or the uniform letter is proposed."""
    if not may_identify(ctx):
        return Unusable(reason="identity-not-needed")
    if proven_by_code(ctx.subject):
        return Unusable(reason="identity-proven")
    if ctx.plan is not None and ctx.plan.purpose is Purpose.UNKNOWN_SENDER:
        return Unusable(reason="identity-in-the-letter")
    if _begun(ctx):
        return Unusable(reason="something-done-already")
    return Move(
        to=State.CLASSIFIED,
        reason="identity-demanded",
        facts=facts,
        changes={"flags": (*_without(ctx, DEMANDED), DEMANDED)},
        void_tokens=True,
    )


def may_identify(ctx: Context) -> bool:
    """Whether identity matters: stopping must be easy (art. 7(3), 21(3)), and an answer without
    personal data may go to anybody."""
    return ctx.matter.right not in NO_SEARCH | STOP


def _redact(reply: Reply, ctx: Context, facts: dict[str, str]) -> Move | Unusable:
    """Leave records out of the copy that others have a right to see kept (art. 15(4), 20(4))."""
    wanted = set(reply.items)
    old = ctx.proposal.actions if ctx.proposal is not None else ()
    if not wanted:
        return Unusable(reason="redact-without-number")
    if not wanted <= {action.number for action in old if action.do is Do.DISCLOSE}:
        return Unusable(reason="redact-without-such-item")
    actions = tuple(
        replace(action, do=Do.REDACT) if action.number in wanted else action for action in old
    )
    return _again(ctx, "items-redacted", {**facts, "items": sorted(wanted)}, actions=actions)


def _begun(ctx: Context) -> bool:
    """Whether an earlier version of the plan has changed something already."""
    return ctx.plan is not None and any(action.done for action in ctx.plan.actions)


def _again(
    ctx: Context,
    reason: str,
    facts: Mapping[str, object],
    *,
    purpose: Purpose | None = None,
    actions: tuple[Action, ...] | None = None,
    words: str = "",
    edited_text: str = "",
) -> Move:
    """A new version of the plan, to be drafted and asked again."""
    old = ctx.proposal or Proposal(purpose=Purpose.ANSWER)
    to_letter = purpose in (Purpose.REFUSAL, Purpose.EXTENSION, Purpose.CLARIFICATION)
    proposal = replace(
        old,
        purpose=purpose or old.purpose,
        actions=() if to_letter else (old.actions if actions is None else actions),
        reason=words or ("" if to_letter else old.reason),
        held=held(old),
        edited_text=edited_text,
    )
    return Move(
        to=State.PROPOSED,
        reason=reason,
        facts=facts,
        documents={f"{ctx.matter.id}/proposal": proposal},
        void_tokens=True,
    )


def _without(ctx: Context, *flags: str) -> tuple[str, ...]:
    return tuple(kept for kept in ctx.matter.flags if kept not in flags)
