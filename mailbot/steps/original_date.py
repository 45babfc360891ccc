"""When a request that a colleague passed on was really received (GDPR art. 12(3)).

The month runs from the day on which the organisation received it, not from the forward. A forward
usually shows the date of the original; where it does not, staff are asked and answer with a date.
"""

import re
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mailbot.case import Matter
from mailbot.deadline import deadline, parse_received
from mailbot.message import Automatic, Mail
from mailbot.steps.belong import PASSED_ON
from mailbot.steps.respond import EXTENDED

DATE_ASKED = "original-date-asked"  # the flag of a matter whose real beginning is not known
_WORDS = re.compile(
    r"(?:mottatt|mottok|motteke|mottagen|mottaget|modtaget|inkom|received|eingegangen|kom(?: inn)?)"
    r"\s*(?:den|on|am)?\s*:?\s*",
    re.IGNORECASE,
)


def received_first(mail: Mail | None, arrived: datetime) -> datetime | None:
    """When a mail was received: `arrived`, or the date of the original that was passed on.

    None: it was passed on, and nobody can see when it first came.
    """
    if mail is None or PASSED_ON not in mail.notes:
        return arrived
    date = mail.forwarded.date if mail.forwarded else None
    if date is None or date.astimezone(UTC) > arrived:
        return None
    return date.astimezone(UTC)


def told_date(mail: Mail, zone: str) -> datetime | None:
    """The date that a reply consists of, and of nothing else; None if it says anything more."""
    if mail.automatic is not Automatic.NO or mail.alternatives:
        return None
    text = mail.new_text.strip().rstrip(".")
    if len(text) > 60 or "\n" in text:
        return None
    try:
        given = parse_received(_WORDS.sub("", text, count=1) if _WORDS.match(text) else text)
    except ValueError:
        return None
    return (given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))).astimezone(UTC)


def begun_on(matter: Matter, received: datetime, zone: str) -> Matter:
    """The matter with the clock that began when the request was really received."""
    counted = deadline(received, zone)
    last_day = counted.extended_last_day if EXTENDED in matter.flags else counted.last_day
    return replace(
        matter,
        received=received,
        last_day=last_day,
        flags=tuple(flag for flag in matter.flags if flag != DATE_ASKED),
    )
