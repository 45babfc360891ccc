"""What Graph's refusals mean (learn.microsoft.com/graph/errors), and what to do about each."""

from collections.abc import Mapping

from mailbot.errors import MailbotError, NotAllowed, Permanent, Transient


class Gone(Permanent):
    """There is no such message, folder or mailbox (any more)."""


class Resync(Permanent):
    """A delta token is no longer honoured: start again without one."""


class Broken(Transient):
    """The server stumbled: over this request, or over everything."""


class Denied(NotAllowed):
    """The app may not do this here."""


_BUSY = frozenset({408, 423, 429, 500, 502, 503, 504, 509})
_RESYNC = ("syncstatenotfound", "syncstateinvalid", "resyncrequired")
# Not there, or an id of another make.
_GONE = frozenset({"erroritemnotfound", "errorinvalididmalformed", "errorfoldernotfound",
                   "errormessagenotfound", "resourcenotfound", "request_resourcenotfound",
                   "itemnotfound", "errorinvalidmailboxitemid"})  # fmt: skip
_NO_MAILBOX = frozenset({"errorinvaliduser", "mailboxnotenabledforrestapi",
                         "errornonexistentmailbox", "mailboxnotfound"})  # fmt: skip
_FULL = frozenset({"errorquotaexceeded", "errormailboxstoreunavailablequota"})
_GRANTS: Mapping[str, str] = {
    "sending": "Mail.Send",
    "reading contacts": "Contacts.Read",
    "deleting a contact": "Contacts.ReadWrite",
    "reading the calendar": "Calendars.Read",
    "deleting an event": "Calendars.ReadWrite",
    "making the category": "MailboxSettings.ReadWrite",
}


def failure(status: int, code: str, what: str, wait: float | None) -> MailbotError:
    """An answer of 4xx or 5xx as an error. what: mailbox and act, for its text.

    Refused or throttled (4xx) means not done; a server that is busy or broken (5xx) may have done
    it all the same.
    """
    lowered = code.casefold()
    said = f"{status} {code}" if code.isalnum() else str(status)
    if status == 410 or lowered in _RESYNC:
        return Resync(f"{what}: the server has forgotten where we were ({said})")
    if lowered in _NO_MAILBOX:
        return NoMailbox(
            f"{what}: there is no such mailbox ({said}); check mailbox.address and tenant"
        )
    if lowered in _GONE or status == 404:
        return Gone(f"{what}: not found ({said})")
    if status == 403 and lowered not in _FULL:
        return Denied(f"{what}: refused with {said}; {_remedy(what)}")
    if lowered in _FULL or status == 507:
        return Permanent(f"{what}: the mailbox is full ({said}); make room")
    if status == 413:
        return Permanent(f"{what}: too large for the server ({said}); deliver it by hand")
    if status in (409, 412):
        return Transient(f"{what}: changed by somebody else meanwhile ({said})", wait)
    if status in _BUSY:
        return (Broken if status == 500 else Transient)(f"{what}: {said}", wait)
    return Permanent(f"{what}: refused with {said}; see learn.microsoft.com/graph/errors")


class NoMailbox(Gone):
    """There is no mailbox of this address."""


def _remedy(what: str) -> str:
    doing = what.partition(", ")[2]
    named = (grant for act, grant in _GRANTS.items() if doing.startswith(act))
    grant = next(named, "Mail.ReadWrite")
    return (
        f"give the app the role Application {grant} for this mailbox (RBAC for Applications in "
        "Exchange Online); a new grant takes up to two hours"
    )
