"""Who is asked for which right, and who stands in for whom."""

from datetime import date

from mailbot.case import Label
from mailbot.config import Approver, Settings
from mailbot.message import Verdict
from mailbot.move import Context
from mailbot.steps.belong import proven_by_code

_PAGED = frozenset({Label.BREACH_REPORT, Label.COMPLAINT})  # art. 33, 77


def _away(approver: Approver, day: date) -> bool:
    for span in approver.away:
        first, _, last = span.partition("/")
        if date.fromisoformat(first) <= day <= date.fromisoformat(last or first):
            return True
    return False


def responsible(settings: Settings, right: Label) -> tuple[Approver, ...]:
    """Every approver who may decide on a right, away or not."""
    return tuple(
        approver
        for approver in settings.approver
        if "*" in approver.rights or right.value in approver.rights
    )


def concerned(ctx: Context) -> frozenset[str]:
    """Addresses of the data subject, who decides nothing in a case of their own.

    By who wrote and what the person's own records hold, never by what a mail mentions: naming an
    approver must not silence them, and neither must a mail that only claims to be from them.
    """
    by_code = proven_by_code(ctx.subject)
    writers = {
        mail.sender.address
        for mail in ctx.mails
        if mail.sender and (by_code or mail.authentication.verdict is Verdict.PASS)
    }
    learnt = {key.value for key in ctx.result.learnt if key.kind == "email"}
    return frozenset(address.casefold() for address in writers | learnt)


def asked(
    settings: Settings, right: Label, day: date, but: frozenset[str] = frozenset()
) -> tuple[Approver, ...]:
    """Those who are asked today: an approver who is away is represented by the deputy.

    `but`: the people concerned, who are passed over. Nobody left: everybody is asked all the same,
    and the controller; a request is never unasked.
    """
    able = [each for each in settings.approver if each.address.casefold() not in but]
    by_address = {approver.address.lower(): approver for approver in able}
    chosen: dict[str, Approver] = {}
    everybody = tuple(each for each in responsible(settings, right) if each in able)
    for approver in everybody:
        if not _away(approver, day):
            chosen[approver.address.lower()] = approver
        elif (deputy := by_address.get(approver.deputy.lower())) and not _away(deputy, day):
            chosen[deputy.address.lower()] = deputy
    if chosen and right in _PAGED:
        # Whoever answers for it all hears of these at once, whoever else may decide on them.
        for approver in able:
            if approver.controller and not _away(approver, day):
                chosen.setdefault(approver.address.lower(), approver)
    if chosen:
        return tuple(chosen.values())
    controllers = tuple(approver for approver in able if approver.controller)
    return tuple(dict.fromkeys(everybody + controllers)) or tuple(able) or settings.approver


def asked_about(ctx: Context, settings: Settings) -> tuple[Approver, ...]:
    """Those who are asked about a matter: whom the case was handed to, else as `asked` says.

    Whoever is away, or may not decide on this right, or is not enough where two must approve, is
    not asked alone.
    """
    day = ctx.now.date()
    usual = asked(settings, ctx.matter.right, day, concerned(ctx))
    if not ctx.assigned or required(settings, ctx.matter.right) > 1:
        return usual
    able = responsible(settings, ctx.matter.right)
    chosen = tuple(
        each
        for each in able
        if each.address.casefold() == ctx.assigned.casefold()
        and each.address.casefold() not in concerned(ctx)
        and not _away(each, day)
    )
    return chosen or usual


def may_decide(
    settings: Settings, right: Label, address: str, day: date, but: frozenset[str] = frozenset()
) -> Approver | None:
    """The approver with this address, if they may decide on the right (or as deputy)."""
    permitted = (*responsible(settings, right), *asked(settings, right, day, but))
    for approver in permitted:
        if approver.address.lower() == address.lower():
            return approver
    return None


def required(settings: Settings, right: Label) -> int:
    """How many approvals a right needs (default 1)."""
    return settings.approval.required.get(right.value, 1)
