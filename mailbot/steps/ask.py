"""DRAFTED → ASKED: put the plan before the approvers, one token each; and remind them."""

from dataclasses import replace

from mailbot.case import Label, State
from mailbot.deadline import breach_deadline, days_left
from mailbot.letters import QuestionFacts, write_question
from mailbot.message import Mail
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.steps import approvers, outgoing
from mailbot.steps.decide import may_ask, may_identify
from mailbot.steps.errand import errand
from mailbot.steps.notify import ask_back, written
from mailbot.steps.reminders import next_reminder
from mailbot.steps.respond import EXTENDED, QUESTIONED

SAID = "said-"  # begins the flag of what the person said when they wrote again


def _said(ctx: Context) -> str:
    """What the latest follow-up says that an approver must not overlook; "" if nothing."""
    if QUESTIONED in ctx.matter.flags:
        return "silent"  # whoever answers takes the flag away
    return next((f.removeprefix(SAID) for f in ctx.matter.flags if f.startswith(SAID)), "")


def ask(ctx: Context, tools: Tools) -> Outcome:
    """One question to each approver, each with a token of their own for this plan version."""
    plan = ctx.plan
    assert plan is not None  # draft has written it
    settings = tools.settings
    effects, tokens = [], []
    until = breach_deadline(ctx.matter.received)
    for approver in approvers.asked_about(ctx, settings):
        token, hashed, stands_for = outgoing.issue(
            ctx, approver, plan.version, tools.random(outgoing.TOKEN_OCTETS)
        )
        question = write_question(
            QuestionFacts(
                token=token,
                case_number=ctx.case.number,
                language=settings.approval.language,
                right=ctx.matter.right,
                purpose=plan.purpose,
                plan=plan,
                mail=whole_request(ctx),
                classification=ctx.classification,
                subject=ctx.subject,
                result=ctx.result,
                received=ctx.matter.received,
                last_day=ctx.matter.last_day,
                today=ctx.now.date(),
                breach_until=until if ctx.matter.right is Label.BREACH_REPORT else None,
                hours_left=int((until - ctx.now).total_seconds() // 3600),
                required=approvers.required(settings, ctx.matter.right),
                given=len(ctx.approvals),
                extended=EXTENDED in ctx.matter.flags,
                errand=errand(ctx),
                edited=bool(ctx.proposal and ctx.proposal.edited_text),
                said=_said(ctx),
                may_ask=may_ask(ctx),
                may_identify=may_identify(ctx),
                urgent=ctx.matter.marketing or ctx.matter.right.value in URGENT,
                datamap=settings.datamap,
                organisation=settings.organisation,
            ),
            tools.templates,
        )
        tokens.append((hashed, stands_for))
        effects.append(
            outgoing.to_approver(
                ctx,
                settings,
                approver,
                "question",
                hashed,
                question.subject,
                question.text,
                question.html,
            )
        )
    return Act(
        effects=tuple(effects),
        tokens=tuple(tokens),
        then=lambda done: Move(
            to=State.ASKED,
            reason="approval-asked",
            facts={"version": plan.version, "digest": plan.digest, "questions": len(done)},
            due=next_reminder(ctx, settings),
        ),
    )


def whole_request(ctx: Context) -> Mail | None:
    """What the person wrote, latest first: a "wait" makes no sense without what it is about."""
    if ctx.mail is None:
        return None
    # With what stands below a line of dashes too: it may be more than a signature.
    mails = ctx.mails or (ctx.mail,)
    texts = [f"{mail.new_text.strip()}\n\n{mail.signature}".strip() for mail in reversed(mails)]
    return replace(ctx.mail, new_text="\n\n* * *\n\n".join(text for text in texts if text))


# Acted on the same day, or clocked in hours: top of the approver's list (law.md § 2).
URGENT = frozenset({"consent_withdrawal", "breach_report", "complaint"})


def remind(ctx: Context, tools: Tools) -> Outcome:
    """The clock came to a matter that waits for staff: remind them, then the controller."""
    settings = tools.settings
    left = days_left(ctx.now.date(), ctx.matter.last_day)
    to = list(approvers.asked_about(ctx, settings))
    known = {approver.address for approver in to}
    more = [a for a in settings.approver if a.controller and a.address not in known]
    to += more if left <= 2 else []
    if ctx.matter.state is State.NEEDS_HUMAN:
        effects, tokens = ask_back(
            ctx,
            tools,
            "reminder-stopped",
            "",
            f"reminder/{ctx.now.date()}",
            more if left <= 2 else (),
        )
        return Move(
            to=State.NEEDS_HUMAN,
            reason="reminded",
            facts={"days_left": left},
            effects=effects,
            tokens=tokens,
            due=next_reminder(ctx, settings),
        )
    notice = written(ctx, tools, "reminder")
    return Move(
        to=ctx.matter.state,
        reason="reminded",
        facts={"days_left": left},
        effects=tuple(
            outgoing.to_approver(
                ctx,
                settings,
                approver,
                "notice",
                f"reminder/{ctx.now.date()}",
                notice.subject,
                notice.text,
                notice.html,
            )
            for approver in to
        ),
        due=next_reminder(ctx, settings),
    )
