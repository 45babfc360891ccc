"""What values look like: shares of a column's sample that are addresses, numbers, names, text."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from mailbot import identifiers
from mailbot.sources.companies import is_corporate
from mailbot.sources.discovery.given_names import GIVEN
from mailbot.sources.discovery.sampling import documents

_MOST = 120  # values of a column that are looked at
_NAMED = re.compile(r"[^\W\d_][^\W\d_'’.\-]*(?:[\s,]+[^\W\d_][\w'’.\-]*){1,4}", re.UNICODE)
_DATE = re.compile(
    r"\d{4}-\d{2}-\d{2}|\d{1,2}\.\d{1,2}\.\d{2,4}|(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d$|\d{4}/\d{2}/\d{2}|\d{1,2}/\d{1,2}/\d{4}"
)
_UUID = re.compile(r"\{?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?")
_DIALISH = re.compile(r"[+(]?(?:[\d][\s()./+-]{0,3}){6,18}(?:[;,/|]\s*[\d\s()+-]{6,20})?")
_DIGITS = re.compile(r"\d")
_OWN_KEY = re.compile(r"[A-Za-zÆØÅæøå]{1,6}[-_ .]?\d{3,12}")


@dataclass(slots=True)
class Looks:
    """The shares of a column's filled values (0 to 1) that look like something."""

    texts: Sequence[str] = field(repr=False)
    region: str = "NO"
    rows: int = 0
    _shares: dict[str, float] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How many values there are to judge by."""
        return len(self.texts)

    @property
    def distinct(self) -> int:
        """How many of them differ."""
        return len(set(self.texts))

    def _share(self, name: str, test: Callable[[str], bool]) -> float:
        if name not in self._shares:
            some = self.texts[:_MOST]
            self._shares[name] = sum(map(test, some)) / len(some) if some else 0.0
        return self._shares[name]

    @property
    def email(self) -> float:
        """Exactly one address, or one with a name before it."""
        return self._share(
            "email", lambda text: "@" in text and identifiers.email(text) is not None
        )

    @property
    def emails(self) -> float:
        """Addresses and nothing else beside separators, several perhaps."""
        return self._share("emails", _only_emails)

    @property
    def several_emails(self) -> float:
        """More than one address in one value."""
        return self._share("several", lambda text: len(identifiers.find_emails(text)) > 1)

    @property
    def phone(self) -> float:
        """A telephone number, or several, and nothing else."""
        return self._share("phone", lambda text: _is_phone(text, self.region))

    @property
    def digits(self) -> float:
        """Six digits or more, with nothing between them but what people put into numbers."""
        return self._share(
            "digits",
            lambda text: _DIALISH.fullmatch(text) is not None and _DATE.match(text) is None,
        )

    @property
    def dialled(self) -> float:
        """A telephone number written as people do: with +, 00 or spaces between its parts."""
        return self._share(
            "dialled",
            lambda text: (
                _is_phone(text, self.region)
                and (text.startswith(("+", "00", "(")) or bool(re.search(r"\d[ -]\d", text)))
            ),
        )

    @property
    def person(self) -> float:
        """A person's name with a first name that is common."""
        return self._share("person", _is_person)

    @property
    def given(self) -> float:
        """A first name and nothing else."""
        return self._share("given", _is_given)

    @property
    def named(self) -> float:
        """Two to five words with capital letters and no digits."""
        return self._share("named", _is_named)

    @property
    def corporate(self) -> float:
        """The name of a company (AS, GmbH, Ltd)."""
        return self._share("corporate", is_corporate)

    @property
    def date(self) -> float:
        """A day, with a time perhaps."""
        return self._share("date", lambda text: _DATE.match(text) is not None)

    @property
    def uuid(self) -> float:
        """A UUID."""
        return self._share("uuid", lambda text: _UUID.fullmatch(text) is not None)

    @property
    def number(self) -> float:
        """Digits alone."""
        return self._share("number", lambda text: text.lstrip("-").isdigit())

    @property
    def own_key(self) -> float:
        """Letters and a number, as customer numbers look."""
        return self._share("own_key", lambda text: _OWN_KEY.fullmatch(text) is not None)

    @property
    def json(self) -> float:
        """JSON with structure."""
        return self._share("json", lambda text: bool(documents([text])))

    @property
    def prose(self) -> float:
        """Several words, or lines."""
        return self._share("prose", lambda text: len(text.split()) >= 4)

    @property
    def shows_keys(self) -> float:
        """Text in which an address or a telephone number stands."""
        return self._share("keys", lambda text: _shows_keys(text, self.region))

    @property
    def flag(self) -> float:
        """Yes or no."""
        return self._share("flag", lambda text: text.strip().lower() in _FLAGS)

    @property
    def length(self) -> float:
        """The mean length in characters."""
        return sum(map(len, self.texts)) / len(self.texts) if self.texts else 0.0

    @property
    def few(self) -> bool:
        """Whether the same few values come again and again."""
        return self.count >= 8 and self.distinct <= max(6, self.count // 5)


_FLAGS = frozenset("0 1 true false t f y n j ja nei nein yes no x on off".split())


def _only_emails(text: str) -> bool:
    if "@" not in text:
        return False
    parts = [part for part in re.split(r"[;,|\s]+", text) if part]
    return all("@" in part or part.startswith("<") for part in parts) and bool(
        identifiers.find_emails(text)
    )


def _is_phone(text: str, region: str) -> bool:
    digits = len(_DIGITS.findall(text))
    if not 5 <= digits <= 30 or len(text) > 45 or "@" in text or _DATE.fullmatch(text):
        return False
    if any(sign.isalpha() for sign in text):
        return False
    return identifiers.phone(text, region) is not None or bool(
        identifiers.find_phones(text, region)
    )


def _is_named(text: str) -> bool:
    if len(text) > 60 or _NAMED.fullmatch(text) is None or is_corporate(text):
        return False
    words = [word for word in re.split(r"[\s,]+", text) if word]
    capital = sum(1 for word in words if word[:1].isupper())
    return capital >= max(2, len(words) - 1)


def _is_person(text: str) -> bool:
    if len(text) > 60 or any(sign.isdigit() for sign in text) or is_corporate(text):
        return False
    parts = identifiers.name_parts(text)
    return 2 <= len(parts) <= 5 and any(folded(part) in GIVEN for part in parts)


def _is_given(text: str) -> bool:
    parts = identifiers.name_parts(text)
    return 1 <= len(parts) <= 2 and folded(parts[0]) in GIVEN


def folded(word: str) -> str:
    """A name without diacritics, as the list of first names has it."""
    return word.lower().translate(_FOLD)


_FOLD = str.maketrans("øåæäöüéèëá", "oaaaoueeea")


def _shows_keys(text: str, region: str) -> bool:
    if "@" in text and identifiers.find_emails(text):
        return True
    return len(_DIGITS.findall(text)) >= 7 and bool(identifiers.find_phones(text, region))
