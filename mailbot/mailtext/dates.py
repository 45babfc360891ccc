"""Dates in headers and in the header lines that mail programs write above a quote.

Neither is trusted for a deadline: `Date` is the sender's claim, the other a picture of one.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz  # a bounded, plain tokenizer; guarded all the same
from zoneinfo import ZoneInfo

OSLO = ZoneInfo("Europe/Oslo")

# The first three letters tell the months apart in the languages that we meet; the rest is named.
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "mär": 3, "mrt": 3, "maa": 3, "apr": 4, "avr": 4, "abr": 4,
    "kwi": 4, "huh": 4, "mai": 5, "maj": 5, "may": 5, "mei": 5, "mag": 5, "tou": 5, "jun": 6,
    "giu": 6, "cze": 6, "jul": 7, "lug": 7, "lip": 7, "hei": 7, "aug": 8, "aoû": 8, "ago": 8,
    "sie": 8, "elo": 8, "sep": 9, "set": 9, "wrz": 9, "syy": 9, "okt": 10, "oct": 10, "ott": 10,
    "paź": 10, "lok": 10, "nov": 11, "lis": 11, "mar ": 3, "des": 12, "dec": 12, "dez": 12,
    "déc": 12, "dic": 12, "gru": 12, "jou": 12, "tam": 1, "ene": 1, "sty": 1, "gen": 1, "hel": 2,
    "fév": 2, "lut": 2, "kes": 6, "mars": 3, "marr": 11, "juin": 6, "juil": 7, "kesä": 6,
}  # fmt: skip
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b")
_DAY_FIRST = re.compile(
    r"\b(\d{1,2})(?:st|nd|rd|th)?[.\s]{1,3}(?:de\s)?([^\W\d_]{3,12})\.?,?\s+(?:de\s)?(\d{4})\b"
)
_MONTH_FIRST = re.compile(r"\b([^\W\d_]{3,12})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})\b")
_NUMERIC = re.compile(r"\b(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})\b")
_TIME = re.compile(r"\b(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\s*([AaPp])\.?[Mm])?")


def header_date(value: str) -> datetime | None:
    """An RFC 5322 date as UTC; None if it is missing or absurd."""
    try:
        found = parsedate_tz(value[:200])
        if found is None:
            return None
        offset = timedelta(seconds=found[9] or 0)
        if abs(offset) >= timedelta(hours=24):
            return None
        zone = timezone(offset)
        moment = datetime(*found[:5], min(found[5], 59), tzinfo=zone)  # a leap second is 59
        return moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def written_date(text: str) -> datetime | None:
    """A date as a mail program writes it for people, in UTC; local Norwegian time is assumed."""
    line = " ".join(text[:300].split())
    day = _day(line)
    if day is None:
        return header_date(line)
    rest = line[day[3] :]
    hour, minute = _time(rest)
    try:
        local = datetime(day[0], day[1], day[2], hour, minute, tzinfo=OSLO)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(line: str) -> tuple[int, int, int, int] | None:
    """Year, month, day, and where the date ends."""
    if match := _ISO.search(line):
        return int(match[1]), int(match[2]), int(match[3]), match.end()
    if (match := _DAY_FIRST.search(line)) and (month := _month(match[2])):
        return int(match[3]), month, int(match[1]), match.end()
    if (match := _MONTH_FIRST.search(line)) and (month := _month(match[1])):
        return int(match[3]), month, int(match[2]), match.end()
    if match := _NUMERIC.search(line):
        year = int(match[4]) + (2000 if len(match[4]) == 2 else 0)
        first, second = int(match[1]), int(match[3])
        # Only American programs write the month first, with slashes and an AM or PM behind.
        american = match[2] == "/" and re.search(r"\d\s*[AP]M\b", line) is not None
        month, day = (first, second) if american or second > 12 else (second, first)
        return year, month, day, match.end()
    return None


def _month(word: str) -> int | None:
    low = word.casefold()
    return _MONTHS.get(low[:4]) or _MONTHS.get(low[:3])


def _time(text: str) -> tuple[int, int]:
    match = _TIME.search(text)
    if match is None:
        return 0, 0
    hour = int(match[1])
    if match[4]:
        hour = hour % 12 + (12 if match[4] in "pP" else 0)
    return hour, int(match[2])
