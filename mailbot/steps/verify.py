"""EXECUTED → VERIFIED: search again with every key; only kept items may remain."""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from mailbot.case import State
from mailbot.codec import to_json
from mailbot.errors import Permanent, Transient
from mailbot.memory import Records
from mailbot.move import Context, Move, Outcome, Tools
from mailbot.plan import Action, Do
from mailbot.record import Certainty, Finding, Row, SearchResult, canonical, same
from mailbot.steps.errand import errand
from mailbot.steps.execute import is_shadow
from mailbot.steps.locate import search

PATIENCE = 10  # attempts, further and further apart, over about an hour; then a person must look
_GONE = frozenset({Do.DELETE, Do.BLANK, Do.REPLACE, Do.KEEP})


def _accounted_for(finding: Finding, actions: dict[str, Action]) -> bool:
    """Whether what remains is as approved: kept, or already as the action leaves it."""
    action = actions.get(finding.identity)
    if action is None:
        return False
    if action.do is Do.KEEP and not action.after:
        return True
    return action.do is not Do.DELETE and all(
        same(finding.row.get(column), value) for column, value in action.after.items()
    )


def _in_the_bin(actions: Sequence[Action], tools: Tools) -> set[tuple[str, bytes]]:
    """Mails that the data map has deleted into the bin: there they lie, as was approved, until the
    server empties it."""
    soft = {part.name for part in tools.settings.datamap.exchange if part.erase == "soft-delete"}
    return {
        (action.system, canonical(to_json(action.before)))
        for action in actions
        if action.do is Do.DELETE and action.system in soft
    }


def _unproven(before: SearchResult, now: SearchResult) -> set[str]:
    """Systems that were searched for the plan and, in whole or in part, cannot be searched now:
    they stumble, or a grant was withdrawn meanwhile."""
    known = {(part.system, part.why) for part in before.not_searched}
    failed = {
        part.system
        for part in now.not_searched
        if (part.failed or part.refused) and (part.system, part.why) not in known
    }
    return set(before.searched) & (failed | (set(before.searched) - set(now.searched)))


def _by_key(acted: Sequence[Action], tools: Tools) -> tuple[list[Action], set[str]]:
    """Each record of a database that was acted on, read again by its own key: a search reaches a
    child through its parent, and the parent may be gone. What is not as the action leaves it; and
    the systems that could not be read."""
    remaining: list[Action] = []
    unread: set[str] = set()
    for database in tools.settings.datamap.database:
        actions = [a for a in acted if a.system == database.name and a.table and a.do in _GONE]
        if not actions:
            continue
        records = cast(Records, tools.sources.get(database.name))  # every [[database]] is one
        try:
            rows = records.rows(actions)
        except (Transient, Permanent):
            unread.add(database.name)
            continue
        remaining += [
            action for action, row in zip(actions, rows, strict=True) if not _as_left(action, row)
        ]
    return remaining, unread


def _as_left(action: Action, row: Row | None) -> bool:
    """Whether a record is as the action leaves it. Under a deleted one's key, another content is
    another record, which the search judges."""
    if row is None:
        return True
    if action.do is Do.DELETE:
        fixed = [name for name in action.before if name not in action.volatile]
        return any(not same(row.get(name), action.before[name]) for name in fixed)
    return all(same(row.get(name), value) for name, value in action.after.items())


def verify(ctx: Context, tools: Tools) -> Outcome:
    """Look again; anything certain that the plan does not account for reopens the matter."""
    assert ctx.plan is not None  # execute has checked
    acted = [action for action in ctx.plan.actions if action.changes or action.done]
    if not any(action.do in _GONE for action in acted):
        return Move(to=State.VERIFIED, reason="nothing-erased")
    if errand(ctx):
        # Each record was read again inside the transaction that changed it; there is no person by
        # whose keys to search.
        return Move(to=State.VERIFIED, reason="checked-while-acting")
    if any(is_shadow(effect) for effect in ctx.effects):
        return Move(
            to=State.VERIFIED, reason="shadow"
        )  # nothing was done: all of it is still there
    # What was read on the person's own records is as certain as they were.
    learnt = tuple(replace(key, verified=True) for key in ctx.result.learnt)
    subject = replace(ctx.subject, keys=(*ctx.subject.keys, *learnt))
    result = search(subject, tools.sources, ctx.correspondence, ctx.matter.received, tools.of_cases)
    actions = {action.identity: action for action in ctx.plan.actions}
    binned = _in_the_bin(ctx.plan.actions, tools)
    remaining = [
        finding
        for finding in result.findings
        if finding.certainty is Certainty.CERTAIN
        and not _accounted_for(finding, actions)
        and (finding.system, canonical(to_json(finding.row))) not in binned
    ]
    left, unread = _by_key(acted, tools)
    missing = _unproven(ctx.result, result) | unread
    if missing:
        if ctx.matter.attempts < PATIENCE:
            raise Transient(f"cannot be searched to verify: {', '.join(sorted(missing))}")
        return Move(
            to=State.NEEDS_HUMAN,
            reason="could-not-verify",
            facts={"systems": sorted(missing)},
        )
    if remaining or left:
        return Move(
            to=State.CLASSIFIED,
            reason="records-remain",
            facts={"remaining": len(remaining), "by_key": len(left)},
        )
    return Move(
        to=State.VERIFIED,
        reason="verified",
        facts={"searched": list(result.searched), "kept": len(result.findings)},
    )
