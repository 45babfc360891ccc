"""Who is asked for which right, and who stands in for whom."""

from datetime import date

from mailbot.case import Label
from mailbot.config import Approver, Settings


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


def asked(settings: Settings, right: Label, day: date) -> tuple[Approver, ...]:
    """Those who are asked today: an approver who is away is represented by the deputy.

    Nobody left: everybody is asked all the same, and the controller; a request is never unasked.
    """
    by_address = {approver.address.lower(): approver for approver in settings.approver}
    chosen: dict[str, Approver] = {}
    everybody = responsible(settings, right)
    for approver in everybody:
        if not _away(approver, day):
            chosen[approver.address.lower()] = approver
        elif (deputy := by_address.get(approver.deputy.lower())) and not _away(deputy, day):
            chosen[deputy.address.lower()] = deputy
    if chosen:
        return tuple(chosen.values())
    controllers = tuple(approver for approver in settings.approver if approver.controller)
    return tuple(dict.fromkeys(everybody + controllers)) or settings.approver


def may_decide(settings: Settings, right: Label, address: str, day: date) -> Approver | None:
    """The approver with this address, if they may decide on the right (or as deputy)."""
    permitted = (*responsible(settings, right), *asked(settings, right, day))
    for approver in permitted:
        if approver.address.lower() == address.lower():
            return approver
    return None


def required(settings: Settings, right: Label) -> int:
    """How many approvals a right needs (default 1)."""
    return settings.approval.required.get(right.value, 1)
