"""What was found: typed rows and mails, how sure we are, and how we came to them."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from mailbot.case import Key


class Certainty(StrEnum):
    """`possible` is shown to staff and never acted on."""

    CERTAIN = "certain"
    POSSIBLE = "possible"


Plain = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Typed:
    """A database value that JSON has no type for, as text that says its type."""

    type: str  # date | datetime | time | decimal | bytes | uuid | json
    text: str


Value = Plain | Typed
Row = Mapping[str, Value]


def to_value(raw: object) -> Value:
    """A driver's value as a Value. Unknown types become their text, marked as such."""
    match raw:
        case None | bool() | int() | float() | str():
            return raw
        case datetime():
            return Typed("datetime", raw.isoformat())
        case date():
            return Typed("date", raw.isoformat())
        case time():
            return Typed("time", raw.isoformat())
        case Decimal():
            return Typed("decimal", str(raw))
        case bytes() | bytearray() | memoryview():
            return Typed("bytes", bytes(raw).hex())
        case UUID():
            return Typed("uuid", str(raw))
        case dict() | list():
            return Typed("json", json.dumps(raw, sort_keys=True, ensure_ascii=False, default=str))
    return Typed(type(raw).__name__, str(raw))


_BACK: dict[str, Callable[[str], object]] = {
    "date": date.fromisoformat,
    "datetime": datetime.fromisoformat,
    "time": time.fromisoformat,
    "decimal": Decimal,
    "bytes": bytes.fromhex,
    "uuid": UUID,
    "json": json.loads,
}


def from_value(value: Value) -> object:
    """The driver's value again, for a WHERE or SET clause."""
    if isinstance(value, Typed):
        return _BACK.get(value.type, str)(value.text)
    return value


def plain(value: Value) -> str | None:
    """A value as text for comparing: 17, 17.0 and Decimal("17.00") are "17", and so is "17  "."""
    match value:
        case None:
            return None
        case bool():
            return "1" if value else "0"
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case Typed("decimal", text):
            return _plain_decimal(Decimal(text))
        case Typed("uuid", text):
            return text.lower()
        case Typed(_, text):
            return text
        case str():
            return value.rstrip(" ")  # CHAR(n) is padded with spaces
    return str(value)


def _plain_decimal(number: Decimal) -> str:
    """Without an exponent or trailing zeros: str() would make 0.00000000 of a column "0E-8"."""
    if not number.is_finite():
        return str(number)
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def same(one: Value, other: Value) -> bool:
    """Whether two values are one to a database: what was written as 0 may read back as 0.00."""
    return plain(one) == plain(other)


def as_json(value: Value) -> object:
    """A value for canonical JSON: plain values as they are, typed ones as {"type": text}."""
    return {value.type: value.text} if isinstance(value, Typed) else value


def display(value: Value) -> str:
    """A value as a person reads it in a letter or an approval mail."""
    if value is None:
        return ""
    if isinstance(value, Typed):
        return f"{len(value.text) // 2} bytes" if value.type == "bytes" else value.text
    return str(value)


def canonical(document: object) -> bytes:
    """Canonical JSON: sorted keys, compact, UTF-8 (DESIGN § 8)."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def fingerprint(key: bytes, row: Row, volatile: Iterable[str] = ()) -> str:
    """HMAC-SHA-256 under the case key over every column but the volatile ones (DESIGN § 8)."""
    skip = set(volatile)
    typed = {name: as_json(value) for name, value in row.items() if name not in skip}
    return hmac.new(key, canonical(typed), hashlib.sha256).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """What the data map says should become of a found record when it is to be erased.

    do: delete | blank | replace | keep | manual. `after` holds the new values of the columns
    that change (blank, replace, partial keep). `until` and `rule` belong to keep.
    """

    do: str
    after: Row = field(default_factory=dict)
    until: date | None = None
    rule: str = ""  # named retention rule of the data map
    reason: str = ""  # e.g. "no write access here": why it cannot be done by mailbot


def identity(system: str, table: str, key: Row) -> str:
    """One name for one record."""
    return canonical(
        [system, table, {name: as_json(value) for name, value in key.items()}]
    ).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One record of the person.

    `system` is the name in the data map; `table` a table, or a mail folder; `key` the primary
    key (all columns where there is none). `personal` maps a category (e-mail, phone, address…)
    to the columns that hold it. `order` is the place in deletion order: children first.
    """

    system: str
    table: str
    key: Row
    certainty: Certainty
    reason: str  # "epost equals e-mail", "customer number in text"
    trail: str  # "contacts.id = 17 ← orders.contact_id"
    row: Row = field(default_factory=dict)
    personal: Mapping[str, Sequence[str]] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    treatment: Treatment = field(default_factory=lambda: Treatment(do="delete"))
    settings: Mapping[str, Row] = field(
        default_factory=dict
    )  # what a right writes: {"objection": {…}}
    source: str = ""  # where the data came from (art. 15(1)(g)), as the data map tells
    recipients: tuple["Recipient", ...] = ()  # to whom it was disclosed (art. 15(1)(c), 19)
    provided: tuple[str, ...] = ()  # columns that the person filled in (art. 20: nothing derived)
    message_id: str = ""  # of a mail: to tell the case file from the rest
    arrived: datetime | None = None  # of a mail: what came after the request is not part of it
    title: str = ""  # a mail's subject and date, or a table's readable name
    order: int = 0

    @property
    def identity(self) -> str:
        """The same record is the same identity, whichever search found it."""
        return identity(self.system, self.table, self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody to whom data was disclosed: name, address if known, and when."""

    name: str
    email: str = ""
    date: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSearched:
    """A system, or a part of one, that was not searched, and why (never hidden: DESIGN § 1.5)."""

    system: str
    why: str
    failed: bool = False  # it should have been, and may be another time
    refused: bool = False  # it may not be read, until somebody grants it


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """What a search found and how far it reached; `learnt`: keys read from certain rows;
    `seconds`: how long each system was busy with it."""

    findings: Sequence[Finding] = ()  # may be made anew each time they are gone through
    searched: tuple[str, ...] = ()
    not_searched: tuple[NotSearched, ...] = ()
    learnt: tuple[Key, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict, compare=False)

    def __add__(self, other: "SearchResult") -> "SearchResult":
        return SearchResult(
            findings=(*self.findings, *other.findings),
            searched=tuple(dict.fromkeys(self.searched + other.searched)),
            not_searched=self.not_searched + other.not_searched,
            learnt=tuple(dict.fromkeys(self.learnt + other.learnt)),
            seconds={
                name: self.seconds.get(name, 0.0) + other.seconds.get(name, 0.0)
                for name in (*self.seconds, *other.seconds)
            },
        )
