"""What happens with a mail at the door: which may hold a request at all.

The evidence was gathered when the mail was parsed (mailtext.automatic); here it is put to use.
"""

from dataclasses import dataclass, replace

from mailbot.case import Classification, Route
from mailbot.message import Automatic, Mail


@dataclass(frozen=True, slots=True)
class Screening:
    """Whether a mail may hold a request, and the named reason."""

    goes_on: bool
    reason: str


def screen(mail: Mail) -> Screening:
    """Let people's mail through; stop what machines wrote, and what nobody could read.

    A list may carry a person's words, so its mail goes on, and `after_screen` has staff asked.
    """
    if "unparsable" in mail.notes:
        return Screening(False, "unparsable")
    if mail.automatic in (Automatic.NO, Automatic.LIST):
        return Screening(True, mail.automatic_reason or "written-by-a-person")
    return Screening(False, f"automatic-{mail.automatic.value}")


def after_screen(mail: Mail, found: Classification) -> Classification:
    """The classification with the screening heeded: no machine's mail opens a case by itself."""
    if mail.automatic is Automatic.LIST and found.route is Route.OPEN:
        return replace(found, route=Route.ASK)
    if not screen(mail).goes_on:
        return replace(found, route=Route.LEAVE)
    return found
