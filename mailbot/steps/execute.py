"""APPROVED → EXECUTED: carry out exactly what was approved, one transaction per system."""

from dataclasses import replace

from mailbot import identifiers
from mailbot.case import Label, State
from mailbot.codec import to_json
from mailbot.move import Act, Context, Move, Outcome, Tools
from mailbot.plan import Action, Do
from mailbot.ports import Effect
from mailbot.steps.errand import LIFTING, REAPPLY, WARNING, errand
from mailbot.steps.outgoing import effect_id, to_subject


def carried_out(ctx: Context) -> tuple[Action, ...]:
    """What earlier versions of the plan have changed already, where one system was done before
    another was found changed, or where more came to light afterwards.

    It is never repeated, but the person is told of it, and what its records taught is remembered.
    """
    if ctx.plan is None or ctx.plan.rights != (ctx.matter.right.value,):
        return ()
    done = {
        effect.payload["system"]
        for effect in ctx.effects
        if effect.kind == "apply" and effect.status == "done" and not is_shadow(effect)
    }
    return tuple(
        replace(action, done=True)
        for action in ctx.plan.actions
        if action.done or (action.changes and action.system in done)
    )


def is_shadow(effect: Effect) -> bool:
    """Whether an effect was only receipted: mailbot looks on and changes nothing yet."""
    return bool(effect.receipt and effect.receipt.get("shadow"))


def execute(ctx: Context, tools: Tools) -> Outcome:
    """Intend one effect per system that changes; a stale record sends the matter back to look."""
    assert ctx.plan is not None  # nothing is approved without one
    if errand(ctx) == LIFTING and not any(
        effect.kind == "letter" and effect.status == "done" for effect in ctx.effects
    ):
        return _warn_first(ctx, tools)
    changing = {action.system for action in ctx.plan.actions if action.changes}
    by_system: dict[str, list[object]] = {}
    for action in ctx.plan.actions:
        if action.system in changing and action.table:
            # What stays goes along: a source tells by it what the plan does not know of.
            by_system.setdefault(action.system, []).append(to_json(action))
    effects = tuple(
        Effect(
            id=effect_id(ctx.case_key, ctx.matter.id, ctx.plan.version, "apply", system),
            case_id=ctx.case.id,
            matter_id=ctx.matter.id,
            kind="apply",
            plan_version=ctx.plan.version,
            payload={"system": system, "actions": actions, **_memory(ctx, tools, system)},
        )
        for system, actions in by_system.items()
    )
    effects += _note(ctx, tools, frozenset(by_system))
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


def _warn_first(ctx: Context, tools: Tools) -> Outcome:
    """Art. 18(3): the person is told before the restriction is lifted, and may still object."""
    assert ctx.plan is not None
    letter = ctx.plan.letter
    warning = to_subject(
        ctx, tools.settings, "letter", letter.recipients, letter.subject, letter.text
    )
    return Act(
        effects=(warning,),
        then=lambda done: Move(to=State.APPROVED, reason="person-warned", due=ctx.now + WARNING),
    )


def _memory(ctx: Context, tools: Tools, system: str) -> dict[str, object]:
    """What the store must know to remember an erasure: until when a backup may bring it back, and
    the person's keys, of which it keeps hashes alone."""
    databases = {part.name: part for part in tools.settings.datamap.database}
    # What was erased again after a restore is remembered already, with the person's keys.
    again = errand(ctx) == REAPPLY
    if ctx.matter.right is not Label.ERASURE or system not in databases or again:
        return {}
    days = databases[system].backup_days or 366 * tools.settings.store.keep_case_years
    region = tools.settings.datamap.own.default_region
    marks: dict[tuple[str, str], None] = {}
    for key in (*(key for key in ctx.subject.keys if key.verified), *ctx.result.learnt):
        compared = (
            identifiers.email(key.value)
            if key.kind == "email"
            else identifiers.phone(key.value, region)
            if key.kind == "phone"
            else None
        )
        if compared:
            marks.setdefault((key.kind, compared))
    return {"remember": {"days": days, "marks": [list(mark) for mark in marks]}}


def _note(ctx: Context, tools: Tools, applied: frozenset[str]) -> tuple[Effect, ...]:
    """What is written into mailbot's own store: the suppression list, and what is kept of a
    database in which nothing changes."""
    assert ctx.plan is not None
    kept: dict[str, list[object]] = {}
    for action in ctx.plan.actions:
        if action.do is Do.KEEP and action.table and action.system not in applied:
            kept.setdefault(action.system, []).append(to_json(action))
    notes = {
        "suppress": [_entry(a) for a in ctx.plan.actions if a.do is Do.SUPPRESS],
        "release": [_entry(a) for a in ctx.plan.actions if a.do is Do.RELEASE],
        "kept": [
            {"system": system, "actions": actions, **memory}
            for system, actions in kept.items()
            if (memory := _memory(ctx, tools, system))
        ],
    }
    if not any(notes.values()):
        return ()
    note = Effect(
        id=effect_id(ctx.case_key, ctx.matter.id, ctx.plan.version, "note"),
        case_id=ctx.case.id,
        matter_id=ctx.matter.id,
        kind="note",
        plan_version=ctx.plan.version,
        payload=notes,
    )
    return (note,)


def _entry(action: Action) -> dict[str, object]:
    ((channel, value),) = action.after.items()
    return {"channel": channel, "value": value}
