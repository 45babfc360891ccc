"""PROPOSED → DRAFTED: write the letter and the files; from here on the plan has its digest."""

from collections.abc import Iterable
from dataclasses import replace

from mailbot.case import Label, State
from mailbot.datamap import DataMap
from mailbot.deadline import deadline
from mailbot.language.corrections import corrections as wanted_corrections
from mailbot.letters import (
    Draft,
    LetterFacts,
    build_package,
    build_portable,
    count_masked,
    mode_for,
    new_passphrase,
    portable,
    sent_names,
    write_letter,
    write_recipient_notice,
)
from mailbot.message import OutgoingFile
from mailbot.move import Context, Move, Outcome, Tools
from mailbot.plan import Action, Do, Letter, Plan, Proposal, Purpose
from mailbot.record import Certainty, Finding, display
from mailbot.steps.errand import LIFTING, WARNING, errand
from mailbot.steps.others import by_hand, changes_anything, tells

_WITH_COPY = frozenset({Label.ACCESS, Label.PORTABILITY})


def disclosed(ctx: Context, proposal: Proposal) -> tuple[Finding, ...]:
    """The findings that the plan discloses, in the order of its actions."""
    by_identity = {finding.identity: finding for finding in ctx.result.findings}
    wanted = [action.identity for action in proposal.actions if action.do is Do.DISCLOSE]
    return tuple(by_identity[identity] for identity in wanted if identity in by_identity)


def _as_sent(ctx: Context, proposal: Proposal) -> tuple[Finding, ...]:
    findings = disclosed(ctx, proposal)
    return portable(findings) if ctx.matter.right is Label.PORTABILITY else findings


def _files(ctx: Context, tools: Tools, proposal: Proposal) -> tuple[OutgoingFile, ...]:
    if proposal.purpose is not Purpose.ANSWER or ctx.matter.right not in _WITH_COPY:
        return ()
    findings = disclosed(ctx, proposal)
    if not findings:
        return ()
    build = build_portable if ctx.matter.right is Label.PORTABILITY else build_package
    return build(
        findings,
        ctx.subject,
        ctx.case.number,
        ctx.case.language,
        ctx.now.date(),
        tools.settings.datamap,
        tools.settings.organisation,
        tools.templates,
    )


def draft(ctx: Context, tools: Tools) -> Outcome:
    """Write the letter (or take the approver's own) and settle the plan version."""
    assert ctx.proposal is not None  # only propose and decide lead here, and both write one
    proposal = replace(ctx.proposal, actions=_sensible(ctx.proposal.actions))
    settings = tools.settings
    mode = mode_for(ctx.matter.right, settings.delivery.access)
    version = ctx.matter.plan_version + 1
    files = _files(ctx, tools, proposal)
    passphrase = ctx.passphrase
    if files and not passphrase:
        passphrase = new_passphrase(tools.random)
    kind = errand(ctx)
    written = (
        Draft("", "")
        if kind and not proposal.recipients
        else _written(ctx, tools, proposal, files, mode)
    )
    plan = Plan(
        case=ctx.case.number,
        matter=ctx.matter.id,
        version=version,
        purpose=proposal.purpose,
        rights=(ctx.matter.right.value,),
        letter=Letter(
            recipients=proposal.recipients,
            subject=written.subject,
            text=proposal.edited_text or written.text,
            attachments={file.name: file.plain_sha256 for file in files},
        ),
        actions=proposal.actions,
        notices=notices(ctx, tools, proposal),
        searched=ctx.result.searched,
        not_searched=tuple(f"{part.system}: {part.why}" for part in ctx.result.not_searched),
    )
    return Move(
        to=State.DRAFTED,
        reason=f"draft-{proposal.purpose.value}",
        facts={"plan": plan.document(), "digest": plan.digest},
        documents={
            f"{ctx.matter.id}/proposal": proposal,
            f"{ctx.matter.id}/plan/{version}": plan,
            f"{ctx.matter.id}/files/{version}": list(files),
            **({"passphrase": passphrase} if passphrase else {}),
        },
        changes={"plan_version": version},
        void_tokens=True,
    )


def _written(
    ctx: Context,
    tools: Tools,
    proposal: Proposal,
    files: tuple[OutgoingFile, ...],
    mode: str,
) -> Draft:
    settings = tools.settings
    days = deadline(ctx.matter.received, settings.deadline.timezone)
    return write_letter(
        LetterFacts(
            already=_already_right(ctx, proposal),
            lifting=LIFTING in ctx.matter.flags,
            lifted_on=(ctx.now + WARNING).date(),
            case_number=ctx.case.number,
            language=ctx.case.language,
            right=ctx.matter.right,
            purpose=proposal.purpose,
            marketing=ctx.matter.marketing,
            subject_name=ctx.mail.sender.name if ctx.mail and ctx.mail.sender else "",
            request_subject=ctx.mail.subject if ctx.mail else "",
            recipients=proposal.recipients,
            received=days.received,
            last_day=ctx.matter.last_day
            if proposal.purpose is Purpose.CLARIFICATION
            else days.last_day,
            extended_last_day=days.extended_last_day,
            actions=proposal.actions,
            findings=disclosed(ctx, proposal) or _acted_on(ctx, proposal),
            found=sum(f.certainty is Certainty.CERTAIN for f in ctx.result.findings),
            searched=ctx.result.searched,
            not_searched=ctx.result.not_searched,
            reason=proposal.reason,
            files=sent_names(tuple(file.name for file in files), mode),
            delivery=mode,
            redactions=count_masked(_as_sent(ctx, proposal), ctx.subject, settings.datamap),
            topics=ctx.classification.topics,
            keep_case_years=settings.store.keep_case_years,
            today=ctx.now.date(),
            organisation=settings.organisation,
            datamap=settings.datamap,
        ),
        tools.templates,
    )


def _already_right(ctx: Context, proposal: Proposal) -> bool:
    """Whether a correction is asked that has been made already, and nothing of it is unsure."""
    return (
        ctx.matter.right is Label.RECTIFICATION
        and not any(action.table for action in proposal.actions)
        and any(one.certainty is Certainty.CERTAIN for one in ctx.result.findings)
        and bool(wanted_corrections(mail.new_text for mail in ctx.mails))
    )


def _sensible(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    """Without telling others, once staff decided that nothing is done that they could be told."""
    if changes_anything(actions) or by_hand(actions):
        return actions
    return tuple(action for action in actions if not tells(action))


def notices(ctx: Context, tools: Tools, proposal: Proposal) -> dict[str, Letter]:
    """The mail to each recipient that the plan notifies (art. 19), by the number of its action."""
    if proposal.purpose is not Purpose.ANSWER:
        return {}
    settings = tools.settings
    found: dict[str, Letter] = {}
    for action in proposal.actions:
        if action.do is Do.NOTIFY:
            written = write_recipient_notice(
                ctx.matter.right,
                known_as(ctx, settings.datamap),
                ctx.case.number,
                settings.approval.language,
                settings.organisation,
                tools.templates,
                changes=corrections(proposal.actions),
            )
            found[str(action.number)] = Letter(
                recipients=(str(action.after["email"]),),
                subject=written.subject,
                text=written.text,
            )
    return found


def known_as(ctx: Context, datamap: DataMap) -> str:
    """By what a recipient knows the person: the name on record and the address that wrote."""
    address = ctx.mail.sender.address if ctx.mail and ctx.mail.sender else ""
    named = {
        (database.name, table.name): table.identify["name"][0].split()
        for database in datamap.database
        for table in database.table
        if table.identify.get("name")
    }
    for finding in ctx.result.findings:
        columns = named.get((finding.system, finding.table), ())
        parts = [display(finding.row.get(column)) for column in columns]
        name = " ".join(part for part in parts if part)
        if name and finding.certainty is Certainty.CERTAIN:
            return ", ".join(part for part in (name, address) if part)
    return address


def corrections(actions: Iterable[Action]) -> tuple[tuple[str, str], ...]:
    """Each value put right, once, whatever the number of places."""
    found = {
        (display(action.before.get(column)), display(value)): None
        for action in actions
        if action.do is Do.CORRECT
        for column, value in action.after.items()
    }
    return tuple(found)


def _acted_on(ctx: Context, proposal: Proposal) -> tuple[Finding, ...]:
    identities = {
        (action.system, action.table, str(dict(action.key))) for action in proposal.actions
    }
    return tuple(
        finding
        for finding in ctx.result.findings
        if (finding.system, finding.table, str(dict(finding.key))) in identities
    )
