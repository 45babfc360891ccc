"""Notices to approvers (never to strangers): why something stopped or a reply changed nothing."""

from collections.abc import Mapping

from mailbot.config import Approver
from mailbot.deadline import days_left
from mailbot.letters import NoticeFacts, write_notice
from mailbot.move import Context, Tools
from mailbot.ports import Effect
from mailbot.steps import approvers, outgoing

# A person who keeps on sending unusable replies must not make mailbot send without end.
NOTICES_MOST = 20


def tell_approvers(
    ctx: Context,
    tools: Tools,
    reason: str,
    facts: Mapping[str, object],
    only: Approver | None = None,
    distinct: object = "",
) -> tuple[Effect, ...]:
    """One notice each; `only`: the approver whose reply it is about."""
    settings = tools.settings
    if sum(effect.kind == "notice" for effect in ctx.effects) >= NOTICES_MOST:
        return ()
    notice = write_notice(
        NoticeFacts(
            kind=reason,
            case_number=ctx.case.number,
            language=settings.approval.language,
            right=ctx.matter.right,
            days_left=days_left(ctx.now.date(), ctx.matter.last_day),
            last_day=ctx.matter.last_day,
            detail=str(facts.get("why", "")),
        ),
        tools.templates,
    )
    to = (only,) if only else approvers.asked(settings, ctx.matter.right, ctx.now.date())
    return tuple(
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
