"""Notices to approvers (never to strangers): why something stopped or a reply changed nothing."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from mailbot.config import Approver
from mailbot.deadline import days_left
from mailbot.letters import NoticeFacts, Question, write_notice
from mailbot.move import Context, Tools
from mailbot.ports import Effect, Token
from mailbot.steps import approvers, outgoing

# Whoever keeps on sending unusable replies, bounces or the like must not make mailbot send without
# end. What mailbot itself has to tell (a case stopped) is bounded by the case, and always told.
NOTICES_MOST = 20


def written(ctx: Context, tools: Tools, kind: str, detail: str = "", token: str = "") -> Question:
    """A notice about a matter as it stands now."""
    facts = NoticeFacts(
        kind=kind,
        case_number=ctx.case.number,
        language=tools.settings.approval.language,
        right=ctx.matter.right,
        days_left=days_left(ctx.now.date(), ctx.matter.last_day),
        last_day=ctx.matter.last_day,
        detail=detail,
        token=token,
    )
    return write_notice(facts, tools.templates)


def tell_approvers(
    ctx: Context,
    tools: Tools,
    reason: str,
    facts: Mapping[str, object],
    only: Approver | None = None,
    distinct: object = "",
    lane: str = "",
) -> tuple[Effect, ...]:
    """One notice each; `only`: the approver whose reply it is about.

    `distinct`: the mail that gave rise to it. `lane`: by which notices are counted (see `told`).
    """
    settings = tools.settings
    if distinct and sum(effect.kind == "notice" for effect in ctx.effects) >= NOTICES_MOST:
        return ()
    notice = written(ctx, tools, reason, str(facts.get("why", "")))
    to = (only,) if only else approvers.asked_about(ctx, settings)
    about = {"lane": lane, "cause": str(distinct)}
    notices = (
        outgoing.to_approver(
            ctx,
            settings,
            approver,
            "notice",
            f"{reason}/{distinct or ctx.now.isoformat()}",
            notice.subject,
            notice.text,
            notice.html,
        )
        for approver in to
    )
    return tuple(
        replace(effect, payload={**effect.payload, **about} if lane else effect.payload)
        for effect in notices
    )


def ask_back(
    ctx: Context,
    tools: Tools,
    kind: str,
    detail: str,
    distinct: object,
    also: Iterable[Approver] = (),
) -> tuple[tuple[Effect, ...], tuple[tuple[str, Token], ...]]:
    """Tell approvers something that they can answer, each with a token of their own: by it a reply
    ends a matter that is stopped, or tells what came of a task. `also`: who is told without one."""
    settings = tools.settings
    effects, tokens = [], []
    asked = approvers.asked_about(ctx, settings)
    for approver in (*asked, *also):
        token = ""
        if approver in asked:
            octets = tools.random(outgoing.TOKEN_OCTETS)
            token, hashed, stands_for = outgoing.issue(
                ctx, approver, ctx.matter.plan_version, octets
            )
            tokens.append((hashed, stands_for))
        notice = written(ctx, tools, kind, detail, token)
        effects.append(
            outgoing.to_approver(
                ctx,
                settings,
                approver,
                "notice",
                distinct,
                notice.subject,
                notice.text,
                notice.html,
            )
        )
    return tuple(effects), tuple(tokens)


def told(effects: Iterable[Effect], lane: str, since: datetime) -> int:
    """Of how many mails notices of a lane have told since then."""
    return len(
        {
            effect.payload.get("cause")
            for effect in effects
            if effect.kind == "notice"
            and effect.payload.get("lane") == lane
            and (effect.intended_at is None or effect.intended_at >= since)
        }
    )
