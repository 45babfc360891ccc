"""The one-month clock: when an answer is due (GDPR art. 12(3), Regulation 1182/71 art. 3).

The clock starts when our own server took the mail, on the calendar date it then was in Oslo. A
month ends on the same number of the next month, or on its last day where there is no such number.
An end on a Saturday, a Sunday or a public holiday moves to the next working day. Where it is
arguable whether a day counts as a holiday, it does not: the earlier date is the safe one.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from dateutil.easter import easter
from dateutil.relativedelta import relativedelta

OSLO = "Europe/Oslo"
MONTHS = 1  # art. 12(3), first sentence
EXTENDED_MONTHS = 3  # art. 12(3), second sentence: two further months, counted from receipt
BREACH_HOURS = 72  # art. 33(1)

_YEARS = range(1900, 4000)  # where the Gregorian Easter of dateutil holds
_NORWEGIAN = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:[ T]+(\d{1,2})[:.](\d{2}))?")

# Days after Easter Sunday (helligdagsfredloven § 2). Easter Eve and Whitsun Eve are no holidays.
_MOVABLE = (
    (-3, "Maundy Thursday"),
    (-2, "Good Friday"),
    (0, "Easter Sunday"),
    (1, "Easter Monday"),
    (39, "Ascension Day"),
    (49, "Whit Sunday"),
    (50, "Whit Monday"),
)
# helligdagsfredloven § 2, lov om 1 og 17 mai. Christmas Eve and New Year's Eve are working days.
_FIXED = (
    (1, 1, "New Year's Day"),
    (5, 1, "1 May"),
    (5, 17, "17 May"),
    (12, 25, "Christmas Day"),
    (12, 26, "Boxing Day"),
)
_WEEKEND = {5: "Saturday", 6: "Sunday"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """When a request must be answered. All are calendar dates in the time zone asked for.

    `last_day` is the legal ceiling; it also is the last day on which an extension may be
    announced. `extended_last_day` counts receipt plus three months. `nominal` and `reasons` tell
    how the binding one of the two came about: the end before it was moved, and each day passed.
    """

    received: date
    nominal: date
    last_day: date
    extended_last_day: date
    reasons: tuple[str, ...] = ()
    extended: bool = False

    @property
    def binding(self) -> date:
        """The day that counts now: the extended one once an extension was announced in time."""
        return self.extended_last_day if self.extended else self.last_day

    def document(self) -> dict[str, object]:
        """The deadline as JSON values, for the command line."""
        return {
            "received": self.received.isoformat(),
            "nominal": self.nominal.isoformat(),
            "last_day": self.last_day.isoformat(),
            "extended_last_day": self.extended_last_day.isoformat(),
            "reasons": list(self.reasons),
        }


def holidays(year: int) -> dict[date, str]:
    """The Norwegian public holidays of a year that are not merely Sundays, with their names.

    Two that fall on one day are named together. Raises ValueError outside the years 1900-3999.
    """
    if year not in _YEARS:
        raise ValueError("The year must lie between 1900 and 3999.")
    sunday = easter(year)
    days = [(sunday + timedelta(days=after), name) for after, name in _MOVABLE]
    days += [(date(year, month, day), name) for month, day, name in _FIXED]
    named: dict[date, str] = {}
    for day, name in sorted(days):
        named[day] = f"{named[day]} and {name}" if day in named else name
    return named


def why_closed(day: date) -> str | None:
    """Why a day is no working day: the holiday's name, "Saturday" or "Sunday"; else None."""
    return holidays(day.year).get(day) or _WEEKEND.get(day.weekday())


def one_month(received: date, months: int = MONTHS) -> date:
    """The same number `months` later, or that month's last day where there is no such number."""
    return received + relativedelta(months=months)


def roll(day: date) -> tuple[date, tuple[str, ...]]:
    """The first working day on or after `day`, and each day passed over with its reason."""
    passed: list[str] = []
    while why := why_closed(day):
        passed.append(f"{day.isoformat()} {why}")
        day += timedelta(days=1)
    return day, tuple(passed)


def local_date(moment: datetime, timezone: str = OSLO) -> date:
    """The calendar date of a moment in a time zone; a naive moment is already local there."""
    return moment.date() if moment.tzinfo is None else moment.astimezone(ZoneInfo(timezone)).date()


def deadline(received: datetime, timezone: str = OSLO, extended: bool = False) -> Deadline:
    """The deadline of a request that our server took at `received` (naive: local time).

    The extension is counted from receipt and moved afterwards, never from the moved first date.
    Raises ValueError for years outside 1900-3999.
    """
    day = local_date(received, timezone)
    nominal, extended_nominal = one_month(day), one_month(day, EXTENDED_MONTHS)
    last_day, reasons = roll(nominal)
    extended_last_day, extended_reasons = roll(extended_nominal)
    return Deadline(
        received=day,
        nominal=extended_nominal if extended else nominal,
        last_day=last_day,
        extended_last_day=extended_last_day,
        reasons=extended_reasons if extended else reasons,
        extended=extended,
    )


def days_left(today: date, last_day: date) -> int:
    """Whole days from today to the last day: 0 on the day itself, negative when it has passed."""
    return (last_day - today).days


def breach_deadline(received: datetime, timezone: str = OSLO) -> datetime:
    """72 elapsed hours after `received`, in UTC (art. 33(1)).

    A period in hours takes no account of weekends and holidays (Regulation 1182/71 art. 3(4)),
    and a change to or from summer time does not lengthen or shorten it. Naive: local time.
    """
    aware = received if received.tzinfo else received.replace(tzinfo=ZoneInfo(timezone))
    return aware.astimezone(UTC) + timedelta(hours=BREACH_HOURS)


def parse_received(text: str) -> datetime:
    """A date or time as a person types it: ISO 8601, or 2.3.2026 with or without a time.

    Without an offset the result is naive, which means local time. Raises ValueError with one
    sentence for a person when the text is neither, or names a day that does not exist.
    """
    cleaned = text.strip()
    moment = _norwegian(cleaned) if _NORWEGIAN.fullmatch(cleaned) else _iso(cleaned)
    if moment is None:
        raise ValueError(
            "The time of receipt is not readable: write it as 2026-03-02, 2026-03-02T08:00 "
            "(Oslo time) or 2026-03-02T07:00Z."
        )
    if moment.year not in _YEARS:
        raise ValueError("The year of receipt must lie between 1900 and 3999.")
    return moment


def _iso(text: str) -> datetime | None:
    # RFC 3339 § 5.6 allows lower-case t and z; datetime.fromisoformat wants them upper-case.
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _norwegian(text: str) -> datetime | None:
    found = _NORWEGIAN.fullmatch(text)
    if found is None:
        return None
    day, month, year, hour, minute = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute)
    except ValueError:
        return None
