"""EXECUTED → VERIFIED: search again with every key; only kept items may remain."""

from dataclasses import replace

from mailbot.case import State
from mailbot.move import Context, Move, Outcome, Tools
from mailbot.plan import Action, Do
from mailbot.record import Certainty, Finding
from mailbot.steps.locate import search

_GONE = frozenset({Do.DELETE, Do.BLANK, Do.REPLACE, Do.KEEP})


def _accounted_for(finding: Finding, actions: dict[str, Action]) -> bool:
    """Whether what remains is as approved: kept, or already as the action leaves it."""
    action = actions.get(finding.identity)
    if action is None:
        return False
    if action.do is Do.KEEP and not action.after:
        return True
    return action.do is not Do.DELETE and all(
        finding.row.get(column) == value for column, value in action.after.items()
    )


def verify(ctx: Context, tools: Tools) -> Outcome:
    """Look again; anything certain that the plan does not account for reopens the matter."""
    assert ctx.plan is not None  # execute has checked
    changed = [action for action in ctx.plan.actions if action.changes]
    if not any(action.do in _GONE for action in changed):
        return Move(to=State.VERIFIED, reason="nothing-erased")
    # What was read on the person's own records is as certain as they were.
    learnt = tuple(replace(key, verified=True) for key in ctx.result.learnt)
    subject = replace(ctx.subject, keys=(*ctx.subject.keys, *learnt))
    result = search(subject, tools.sources, ctx.correspondence, ctx.matter.received)
    actions = {
        Finding(
            system=action.system,
            table=action.table,
            key=action.key,
            certainty=Certainty.CERTAIN,
            reason="",
            trail="",
        ).identity: action
        for action in ctx.plan.actions
    }
    remaining = [
        finding
        for finding in result.findings
        if finding.certainty is Certainty.CERTAIN and not _accounted_for(finding, actions)
    ]
    missing = set(ctx.result.searched) - set(result.searched)
    if missing:
        # A system that cannot be searched now proves nothing: look again later.
        return Move(
            to=State.NEEDS_HUMAN,
            reason="could-not-verify",
            facts={"systems": sorted(missing)},
        )
    if remaining:
        return Move(
            to=State.CLASSIFIED,
            reason="records-remain",
            facts={"remaining": len(remaining)},
        )
    return Move(
        to=State.VERIFIED,
        reason="verified",
        facts={"searched": list(result.searched), "kept": len(result.findings)},
    )
