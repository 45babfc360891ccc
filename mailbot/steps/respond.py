"""VERIFIED → ANSWERED: send the approved letter, as stored, to whom the plan names."""

from datetime import date, datetime, timedelta

from mailbot.case import State
from mailbot.deadline import deadline
from mailbot.letters import mode_for, protect
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.plan import Purpose
from mailbot.steps import outgoing
from mailbot.steps.errand import errand

EXTENDED = "extended"


def respond(ctx: Context, tools: Tools) -> Outcome:
    """Send the letter. The files are protected here; their digests were taken before."""
    plan = ctx.plan
    assert plan is not None  # nothing leaves without one
    if not plan.letter.recipients and errand(ctx):
        return Move(to=State.ANSWERED, reason="nobody-to-tell", due=ctx.now)
    mode = mode_for(ctx.matter.right, tools.settings.delivery.access)
    files = protect(ctx.files, mode, ctx.passphrase)
    effect = outgoing.to_subject(
        ctx,
        tools.settings,
        "letter",
        plan.letter.recipients,
        plan.letter.subject,
        plan.letter.text,
        files,
    )
    others = tuple(
        outgoing.to_recipient(ctx, tools.settings, number, letter)
        for number, letter in plan.numbered_notices()
    )
    return Act(effects=(effect, *others), then=lambda done: _after(ctx, tools, plan.purpose))


def _after(ctx: Context, tools: Tools, purpose: Purpose) -> Move:
    if purpose is Purpose.EXTENSION:
        # Art. 12(3): the notice has left within the first month; the answer itself is still due.
        return Move(
            to=State.CLASSIFIED,
            reason="extension-sent",
            changes={"flags": (*ctx.matter.flags, EXTENDED), "last_day": _extended(ctx, tools)},
            due=ctx.now + timedelta(days=tools.settings.deadline.target_days),
        )
    return Move(
        to=State.ANSWERED,
        reason="refusal-sent" if purpose is Purpose.REFUSAL else "letter-sent",
        due=_bounce_time(ctx.now, tools),
    )


def _bounce_time(now: datetime, tools: Tools) -> datetime:
    return now + timedelta(hours=tools.settings.delivery.bounce_hours)


def _extended(ctx: Context, tools: Tools) -> date:
    return deadline(ctx.matter.received, tools.settings.deadline.timezone).extended_last_day


def close(ctx: Context, tools: Tools) -> Outcome:
    """ANSWERED → CLOSED or REFUSED, once the letter has had its time to bounce."""
    refused = ctx.plan is not None and ctx.plan.purpose is Purpose.REFUSAL
    return Move(
        to=State.REFUSED if refused else State.CLOSED,
        reason="refused" if refused else "answered",
    )
