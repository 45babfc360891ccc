"""VERIFIED → ANSWERED: send the approved letter, as stored, to whom the plan names."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailbot.case import State
from mailbot.deadline import deadline
from mailbot.letters import mode_for, protect
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.plan import Purpose
from mailbot.steps import outgoing
from mailbot.steps.errand import errand
from mailbot.steps.others import open_tasks, told_later
from mailbot.steps.reminders import next_of_tasks

EXTENDED = "extended"
QUESTIONED = "question-open"  # the person was asked something, and has not written since
_ANSWER_WITHIN = timedelta(days=10)
_LEFT_TO_ANSWER = timedelta(days=7)  # before the last day: to ask staff with what is known


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
    now = () if told_later(plan.actions) else plan.numbered_notices()
    others = tuple(
        outgoing.to_recipient(ctx, tools.settings, number, letter) for number, letter in now
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
    if purpose is Purpose.CLARIFICATION:
        # Art. 12(3): a question stops no clock. Without an answer, staff are asked with what is
        # known while there is time left.
        days_left = max(timedelta(days=1), _end_of(ctx.matter.last_day, tools) - ctx.now)
        wait = min(_ANSWER_WITHIN, max(timedelta(days=1), days_left - _LEFT_TO_ANSWER))
        return Move(
            to=State.CLASSIFIED,
            reason="question-sent",
            changes={"flags": tuple(dict.fromkeys((*ctx.matter.flags, QUESTIONED)))},
            due=ctx.now + wait,
        )
    return Move(
        to=State.ANSWERED,
        reason="refusal-sent" if purpose is Purpose.REFUSAL else "letter-sent",
        due=_bounce_time(ctx.now, tools),
    )


def _end_of(day: date, tools: Tools) -> datetime:
    return datetime.combine(day, time.max, ZoneInfo(tools.settings.deadline.timezone))


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
        due=next_of_tasks(ctx, tools.settings) if open_tasks(ctx) else None,
    )
