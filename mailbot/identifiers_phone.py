"""Phone numbers: one form (E.164), the forms worth looking up, and those that a text shows.

Nothing here decides whose a number is: numbers are recycled and families share them.
"""

import re
import unicodedata
from collections.abc import Iterator
from itertools import islice

import phonenumbers
from phonenumbers import (
    Leniency,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberMatch,
    PhoneNumberMatcher,
)

from mailbot.identifiers_text import LONGEST_TEXT, trim, unique, visible

_LONGEST_PHONE = 80
_FEWEST_DIGITS = 6  # of a national number: shorter ones are internal extensions or short codes
# The part of a field that is the number itself: "Mob.: +47 (0) 998 87 766 (jobb)".
_NUMBER = re.compile(r"(?:\+|\(\+)?[(\d][\d\s()./\-‐‑‒–—−·']{4,40}\d")
_SPACE = re.compile(r"\s")  # a tab or a line between its parts, which dialling rules do not know
_BARE = re.compile(r"[1-9][\d\s.\-‐‑‒–]{8,24}\d")
_TRUNK_ZERO = re.compile(r"^(\(?(?:\+|00)\s*\d{1,3}\)?[\s\-./]*)\(0\)")
_SPREADSHEET = re.compile(r"(?<=\d{6})\.0$")  # 99887766.0: a number that was read as a fraction
# Eight digits with dots or hyphens that are a date, which would pass for a Norwegian number.
_DATE = re.compile(
    r"(?:0?[1-9]|[12]\d|3[01])[./-](?:0?[1-9]|1[0-2])[./-](?:19|20)?\d\d"
    r"|(?:19|20)\d\d[./-](?:0?[1-9]|1[0-2])[./-](?:0?[1-9]|[12]\d|3[01])"
)
# What says that the eight digits after it, or before it, are no telephone number.
_NUMBERED = r"[\s.-]?(?:nr|no|nummer|number|id)"
_OTHER_NUMBER = re.compile(
    r"(?:(?:\bkid|konto|\baccount|\biban|\borg|ordre?|order|faktura|invoice|rechnung|bilag|\bref"
    rf"|referanse|reference|\bsak|\bcase|ticket|lisens|license)s?(?:{_NUMBERED})?"
    rf"|(?:kunde|customer|medlem|member|serie|serial|person|fødsels|postboks|vare|produkt)s?{_NUMBERED}"
    r"|\b(?:kr|nok|sek|dkk|eur|usd|gbp)|[€$£])[\s.:#]*$",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"\s*(?:,-|,\d\d\b|kr\b|nok\b|kroner\b|eur\b|€)", re.IGNORECASE)
_MOST_TRIES, _MOST_MATCHES = 5_000, 2_000  # per line, per text: bounds the work on hostile text


def phone(text: str, region: str = "NO") -> str | None:
    """The number in E.164 ("+4799887766"), read as dialled in `region` (ISO 3166, "NO").

    None for what is no number, for a short or internal one, and for a field with two numbers in
    it: which of them is meant cannot be known.
    """
    number = _read(text, region)
    return None if number is None else _e164(number)


def phone_of_column(text: str, region: str = "NO") -> str | None:
    """As `phone`, for a column that holds numbers and nothing else: there "46701234567" is a
    foreign number without its +, as numeric columns must keep it. In running text the same digits
    may be an account."""
    found = phone(text, region)
    if found is not None:
        return found
    tidy = _SPREADSHEET.sub("", unicodedata.normalize("NFKC", visible(trim(text[:_LONGEST_PHONE]))))
    if not _BARE.fullmatch(tidy):
        return None
    number = _read(f"+{tidy}", region)
    return _e164(number) if number is not None and phonenumbers.is_valid_number(number) else None


def phone_variants(text: str, region: str = "NO") -> tuple[str, ...]:
    """The forms in which a column may hold this number, each worth an indexed comparison.

    Empty if the text is no number. Numeric columns hold the last forms as integers.
    """
    number = _read(text, region)
    if number is None:
        return ()
    code = str(number.country_code)
    national = phonenumbers.national_significant_number(number)
    local = _form(number, PhoneNumberFormat.NATIONAL)
    abroad = _form(number, PhoneNumberFormat.INTERNATIONAL)
    grouped = dict.fromkeys((national, *_grouped(national), local, abroad.partition(" ")[2]))
    forms = [_e164(number), abroad, abroad.replace(" ", "-")]
    if phonenumbers.region_code_for_country_code(number.country_code or 0) == region.upper():
        for group in grouped:
            forms += [group, group.replace(" ", "-"), group.replace(" ", ".")]
        forms.append(_digits(local))  # with the trunk zero, where the country has one
    for group in grouped:
        forms += [f"+{code} {group}", f"+{code}{group}", f"00{code} {group}", f"(+{code}) {group}"]
        forms += [f"{code} {group}"]
    forms += [f"00{code}{national}", f"{code}{national}", f"+{code}-{national}"]
    return tuple(dict.fromkeys(forms))


def same_phone(a: str, b: str, region: str = "NO") -> bool:
    """Whether two texts are the same number in whatever form; extensions do not count."""
    mine = phone(a, region)
    return mine is not None and mine == phone(b, region)


def find_phones(text: str, region: str = "NO") -> tuple[str, ...]:
    """Every valid number that a text shows, in E.164, in the order found, each once.

    Dates, amounts and account numbers are left out; only the first 200,000 characters are read.
    """
    shown = unicodedata.normalize("NFKC", visible(text[:LONGEST_TEXT]))
    found = (match for line in shown.splitlines() for match in _in_line(line, region.upper()))
    return unique(_e164(match.number) for match in islice(found, _MOST_MATCHES))


def _in_line(line: str, region: str) -> Iterator[PhoneNumberMatch]:
    if sum(sign.isdigit() for sign in line) < _FEWEST_DIGITS:
        return
    for match in PhoneNumberMatcher(line, region, Leniency.VALID, _MOST_TRIES):
        before, after = line[max(match.start - 30, 0) : match.start], line[match.end :][:10]
        other = _OTHER_NUMBER.search(before) or _AMOUNT.match(after)
        if not other and not _DATE.fullmatch(match.raw_string.strip()):
            yield match


def _read(text: str, region: str) -> PhoneNumber | None:
    tidy = trim(text)
    if len(tidy) > _LONGEST_PHONE:
        return None
    tidy = _SPREADSHEET.sub("", _SPACE.sub(" ", unicodedata.normalize("NFKC", visible(tidy))))
    shown = _NUMBER.findall(_TRUNK_ZERO.sub(r"\1", tidy))
    if len(shown) != 1:
        return None
    try:
        number = phonenumbers.parse(shown[0], region.upper())
    except phonenumbers.NumberParseException:
        return None
    national = phonenumbers.national_significant_number(number)
    if len(national) < _FEWEST_DIGITS or not phonenumbers.is_possible_number(number):
        return None
    return number


def _e164(number: PhoneNumber) -> str:
    return _form(number, PhoneNumberFormat.E164)


def _form(number: PhoneNumber, form: int) -> str:
    return phonenumbers.format_number(number, form)


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _grouped(national: str) -> tuple[str, ...]:
    """A Norwegian or Danish number in pairs, and in the 3-2-3 of mobiles."""
    if len(national) != 8:
        return ()
    pairs = " ".join(national[place : place + 2] for place in range(0, 8, 2))
    return pairs, f"{national[:3]} {national[3:5]} {national[5:]}", f"{national[:4]} {national[4:]}"
