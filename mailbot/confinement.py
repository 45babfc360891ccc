"""Whether a sign-in opens more mailboxes than it should: `check-config --online` tries others.

Tried are addresses that the organisation itself names (approvers, other mailboxes of the
configuration, those of its own domains in the data map) and a few that most organisations have. One
that opens proves a grant too wide; refusals prove that those few are closed, and no more.
"""

from collections.abc import Iterator

from mailbot.config import Settings
from mailbot.errors import MailbotError
from mailbot.identifiers import email, email_domain
from mailbot.ports import Confined, Mailbox

_USUAL = ("postmaster", "admin", "administrator", "info", "post", "hr", "finance")
_MOST = 12
_WIDE = ("Mail.", "Contacts.", "Calendars.", "MailboxSettings.")


def check(mailbox: Mailbox, settings: Settings) -> list[str]:
    """Faults, and on standard output what was tried."""
    if not isinstance(mailbox, Confined):
        return []
    name = next(part.name for part in settings.mailbox if part.address == mailbox.address)
    refused = 0
    for address in list(others(settings, mailbox.address))[:_MOST]:
        try:
            opens = mailbox.opens(address)
        except MailbotError as error:
            return [f"mailbox {name}: whether others are closed could not be tried: {error}"]
        if opens:
            return [f"mailbox {name}: its sign-in opens other mailboxes; {_remedy(mailbox)}"]
        refused += opens is False
    if refused:
        print(f"mailbox {name}: the sign-in refuses {refused} other mailboxes that were tried")
    else:
        print(
            f"warning: mailbox {name}: whether the sign-in opens other mailboxes could not be "
            "tried: none of the addresses known here is a mailbox of the tenant"
        )
    return []


def others(settings: Settings, address: str) -> Iterator[str]:
    """Mailboxes that this sign-in has no business in, the surest to exist first."""
    served = {email(part.address) for part in settings.mailbox if part.kind == "graph"}
    for exchange in settings.datamap.exchange:
        served |= {email(one) for one in exchange.mailboxes}
        served |= {email(one.address) for one in exchange.personal}
    domain = email_domain(address)
    known = [approver.address for approver in settings.approver]
    known += [settings.approval.shadow_to]
    known += [f"{local}@{domain}" for local in _USUAL]
    seen: set[str | None] = set(served)
    for one in known:
        normal = email(one)
        if normal and normal not in seen and email_domain(normal) == domain:
            seen.add(normal)
            yield normal


def _remedy(mailbox: Confined) -> str:
    wide = sorted(role for role in mailbox.grants() if role.startswith(_WIDE))
    if wide:
        return (
            f"the grant too wide is the consent in Entra to {', '.join(wide)} for the whole "
            "tenant: withdraw it, and grant the roles by RBAC for Applications in Exchange Online, "
            "which add to consent and do not narrow it"
        )
    return (
        "the grant too wide is a role assignment in Exchange Online: give it a management scope "
        "(CustomResourceScope) that holds this mailbox alone; a change takes up to two hours"
    )
