"""APPROVED → EXECUTED: carry out exactly what was approved, one transaction per system."""

from mailbot.case import State
from mailbot.codec import to_json
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.ports import Effect
from mailbot.steps.outgoing import effect_id


def execute(ctx: Context, tools: Tools) -> Outcome:
    """Intend one effect per system that changes; a stale record sends the matter back to look."""
    assert ctx.plan is not None  # nothing is approved without one
    by_system: dict[str, list[object]] = {}
    for action in ctx.plan.actions:
        if action.changes:
            by_system.setdefault(action.system, []).append(to_json(action))
    effects = tuple(
        Effect(
            id=effect_id(ctx.case_key, ctx.matter.id, ctx.plan.version, "apply", system),
            case_id=ctx.case.id,
            matter_id=ctx.matter.id,
            kind="apply",
            plan_version=ctx.plan.version,
            payload={"system": system, "actions": actions},
        )
        for system, actions in by_system.items()
    )
    return Act(
        effects=effects,
        then=lambda done: Move(
            to=State.EXECUTED,
            reason="executed" if done else "nothing-to-change",
            facts={"receipts": [effect.receipt for effect in done]},
        ),
        stale=Move(
            to=State.CLASSIFIED,
            reason="record-changed-since-asked",
            facts={"version": ctx.plan.version},
            void_tokens=True,
        ),
    )
