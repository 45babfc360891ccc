"""LOCATED → PROPOSED: who may be answered, and what is to be done with each record."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from mailbot import identifiers
from mailbot.case import Label, State
from mailbot.datamap import DataMap
from mailbot.language.corrections import corrections
from mailbot.message import Verdict
from mailbot.move import Context, Move, Outcome, Tools
from mailbot.plan import CASE_FILE, Action, Correction, Do, Proposal, Purpose
from mailbot.record import Certainty, Finding, Treatment, fingerprint
from mailbot.steps.belong import proven_by_code
from mailbot.steps.code import DEMANDED, send_code, wants_code
from mailbot.steps.execute import carried_out
from mailbot.steps.identify import NO_SEARCH
from mailbot.steps.others import beyond

_REASONS_OF_SOURCES = ("rows of ", "nothing personal is left")
# Stopping is harmless and must be easy (art. 7(3), 21(3)): no proof of identity is asked for it,
# unless our server says outright that the mail is forged.
STOP = frozenset({Label.OBJECTION, Label.CONSENT_WITHDRAWAL})


def numbered(actions: Iterable[Action], case_key: bytes) -> tuple[Action, ...]:
    """Actions in a stable order, numbered from 1, each with the fingerprint of its record."""
    ordered = sorted(actions, key=lambda action: (_rank(action), action.system, action.order))
    return tuple(
        replace(
            action,
            number=number,
            fingerprint=fingerprint(case_key, action.before, action.volatile)
            if action.before
            else "",
        )
        for number, action in enumerate(ordered, start=1)
    )


def _rank(action: Action) -> int:
    """Records first, then what is told to others, then tasks for staff, the case file last."""
    if action.reason == CASE_FILE:
        return 3
    if action.do is Do.MANUAL:
        return 2
    return int(action.do in (Do.NOTIFY, Do.SUPPRESS, Do.RELEASE))


def _actions(
    right: Label,
    findings: Sequence[Finding],
    tools: Tools,
    corrections: Sequence[Correction] = (),
) -> list[Action]:
    by_system: dict[str, list[Finding]] = {}
    for finding in findings:
        by_system.setdefault(finding.system, []).append(finding)
    actions: list[Action] = []
    for name in tools.sources.names():
        actions += tools.sources.get(name).actions(right, by_system.get(name, ()), corrections)
    return actions


def _kept_by_staff(ctx: Context) -> dict[str, str]:
    """Records that an approver said to keep, with the reason: that holds for later plans as well.

    A keep without a rule and a date is staff's, but for those that a source gives with reasons of
    its own: what refers to a kept row stays, and what holds nothing personal.
    """
    if ctx.matter.right is not Label.ERASURE:
        return {}
    return {action.identity: action.reason for action in held(ctx.proposal) if action.do is Do.KEEP}


def held(proposal: Proposal | None) -> tuple[Action, ...]:
    """The actions by which staff keep a record, or leave it out of a copy."""
    if proposal is None:
        return ()
    return tuple(
        action
        for action in (*proposal.held, *proposal.actions)
        if action.do is Do.REDACT
        or (
            action.do is Do.KEEP
            and not (action.after or action.rule or action.until)
            and not action.reason.startswith(_REASONS_OF_SOURCES)
        )
    )


def _leaving_out(actions: Iterable[Action], proposal: Proposal | None) -> list[Action]:
    """What staff said to leave out of the copy stays out of later versions as well."""
    redacted = {action.identity for action in held(proposal) if action.do is Do.REDACT}
    return [
        replace(action, do=Do.REDACT)
        if action.do is Do.DISCLOSE and action.identity in redacted
        else action
        for action in actions
    ]


def _as_kept(findings: Iterable[Finding], kept: Mapping[str, str]) -> list[Finding]:
    """With them a source can plan: what a kept record refers to must stay as well."""
    return [
        replace(finding, treatment=Treatment(do="keep", reason=kept[finding.identity]))
        if finding.identity in kept
        else finding
        for finding in findings
    ]


def _keeping(actions: Iterable[Action], kept: Mapping[str, str]) -> list[Action]:
    """For sources that know nothing of keeping, such as mail."""
    return [
        replace(action, do=Do.KEEP, after={}, reason=kept[identity], rule="", until=None)
        if action.table and (identity := action.identity) in kept
        else action
        for action in actions
    ]


def _with_earlier(fresh: Sequence[Action], earlier: Sequence[Action]) -> list[Action]:
    """The plan, and what was done already: a record that is there again is as it is found now."""
    found = {action.identity: action for action in fresh}
    for action in earlier:
        now = found.get(action.identity)
        left = now is not None and now.do is Do.KEEP and not now.after
        if now is None or (left and action.do is not Do.DELETE):
            found[action.identity] = action
    return [*(a for a in fresh if not a.table), *(a for a in found.values() if a.table)]


def on_record(ctx: Context, datamap: DataMap) -> bool:
    """Whether the sender's own address stands in some record of a database.

    Mail does not count: whoever wrote to us once would be on record by that alone.
    """
    sender = ctx.mail.sender if ctx.mail else None
    if sender is None:
        return False
    mailboxes = {part.name for part in datamap.exchange}
    return any(
        isinstance(value, str)
        and identifiers.same_email(value, sender.address) is Certainty.CERTAIN
        for finding in ctx.result.findings
        if finding.system not in mailboxes
        for columns in finding.personal.values()
        for column in columns
        if (value := finding.row.get(column)) is not None
    )


def propose(ctx: Context, tools: Tools) -> Outcome:
    """Decide who is answered and how; number the actions. Nothing here is final: staff approve."""
    sender = ctx.mail.sender if ctx.mail else None
    if sender is None:
        return Move(to=State.NEEDS_HUMAN, reason="unknown-sender")
    recipients = (sender.address,)
    right = ctx.matter.right
    version = f"{ctx.matter.id}/proposal"
    if right in NO_SEARCH:
        proposal = Proposal(purpose=Purpose.ANSWER, recipients=recipients)
        return Move(to=State.PROPOSED, reason="letter-only", documents={version: proposal})
    proven = any(key.verified for key in ctx.subject.keys)
    code_wanted = wants_code(ctx, tools.settings, on_record(ctx, tools.settings.datamap), proven)
    if code_wanted:
        return send_code(ctx, tools)
    stop = right in STOP and ctx.subject.verdict is not Verdict.FAIL
    doubted = DEMANDED in ctx.matter.flags and not proven_by_code(ctx.subject)
    if (not proven or doubted) and not stop:
        # law.md § 3: one uniform answer whatever was found, so that nobody learns who is on record.
        proposal = Proposal(
            purpose=Purpose.UNKNOWN_SENDER, recipients=recipients, held=held(ctx.proposal)
        )
        reason = "identity-demanded" if doubted else "sender-not-proven"
        return Move(to=State.PROPOSED, reason=reason, documents={version: proposal})
    certain = [f for f in ctx.result.findings if f.certainty is Certainty.CERTAIN]
    if not proven:
        certain = _exact(ctx, sender.address)
    kept = _kept_by_staff(ctx)
    wanted = _corrections(ctx) if right is Label.RECTIFICATION else ()
    fresh = _keeping(_actions(right, _as_kept(certain, kept), tools, wanted), kept)
    fresh = _leaving_out(fresh, ctx.proposal)
    records = _with_earlier(fresh, carried_out(ctx))
    more = beyond(ctx, tools, certain, records, stop=not proven)
    actions = numbered([*records, *more], ctx.case_key)
    changing = sum(action.changes for action in actions)
    proposal = Proposal(purpose=Purpose.ANSWER, recipients=recipients, actions=actions)
    return Move(
        to=State.PROPOSED,
        reason="plan" if records else "nothing-found",
        facts={"actions": len(actions), "changes": changing},
        documents={version: proposal},
    )


def _corrections(ctx: Context) -> tuple[Correction, ...]:
    """What the person's own words put right. The address that wrote is the old one, if nothing
    else is said: of a person's other addresses nobody spoke."""
    sender = ctx.mail.sender.address if ctx.mail and ctx.mail.sender else ""
    read = corrections(mail.new_text for mail in ctx.mails)
    return tuple(
        replace(one, old=sender)
        if one.what == "email"
        and not one.old
        and identifiers.same_email(one.new, sender) is not Certainty.CERTAIN
        else one
        for one in read
    )


def _exact(ctx: Context, address: str) -> list[Finding]:
    """For a stop without proof: only records that bear the very address that wrote."""
    return [
        replace(finding, certainty=Certainty.CERTAIN)
        for finding in ctx.result.findings
        if any(
            isinstance(value := finding.row.get(column), str)
            and identifiers.same_email(value, address) is Certainty.CERTAIN
            for columns in finding.personal.values()
            for column in columns
        )
    ]
