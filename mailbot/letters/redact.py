"""Other persons in the records of one person: their addresses and numbers are masked.

GDPR art. 15(4), recital 63: the copy must not harm the rights of others, and must not be refused
whole for their sake. What the person has sent or received, they know already: it stays as it is.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mailbot import identifiers
from mailbot.case import Subject
from mailbot.datamap import DataMap, Own
from mailbot.record import Finding, Plain, Typed, Value

# Bounded, so that hostile text costs no more than its length. As wide as addresses come: what
# looks like one is masked rather than shown.
_EMAIL = re.compile(r"[^\s<>()\[\]{},;:\"'\\@]{1,64}@[^\W_][\w-]{0,62}(?:\.[^\W_][\w-]{0,62}){1,8}")
_DIGITS = re.compile(r"(?<![\w@.])(?:\+|00)?\(?\d(?:[ \u00a0().\-/]{0,2}\d){6,14}(?!\w)")
# Columns of a mail that name who sent and received it.
_PARTIES = frozenset(
    ("from", "to", "cc", "bcc", "sender", "recipients", "reply_to", "fra", "til", "kopi")
)
# What mail systems need and no person reads; a message id looks like somebody's address.
_TECHNICAL = frozenset({"message_id", "text_sha256"})


@dataclass(frozen=True, slots=True)
class Masked:
    """A record's values with other persons masked, and how many places were."""

    values: dict[str, Value]
    places: int


@dataclass(frozen=True, slots=True)
class Redactor:
    """Knows the person's own addresses and numbers, and the organisation's."""

    emails: frozenset[str]
    phones: frozenset[str]
    own: Own
    shared: frozenset[str] = frozenset()  # mailboxes that nobody has to himself
    exchange: frozenset[str] = frozenset()  # systems whose records are mails
    mask: str = "[…]"

    def record(self, finding: Finding) -> Masked:
        """The record as the person may have it."""
        mail = self.is_mail(finding)
        row = {c: value for c, value in finding.row.items() if not mail or c not in _TECHNICAL}
        if mail and self._is_party(finding):
            return Masked(row, 0)
        # A mail names its writers and readers: none of its columns is the person's alone.
        columns = () if mail else finding.personal.values()
        theirs = {column for group in columns for column in group}
        values: dict[str, Value] = {}
        places = 0
        for column, value in row.items():
            count = 0
            if column not in theirs:
                value, count = self._value(value)
            values[column] = value
            places += count
        return Masked(values, places)

    def is_mail(self, finding: Finding) -> bool:
        """Whether a record is a mail, not a row of a database, a contact or an appointment."""
        entry = "kind" in finding.key
        return (finding.system in self.exchange and not entry) or bool(finding.message_id)

    def text(self, text: str) -> tuple[str, int]:
        """The text with other persons' addresses and numbers masked, and how many there were."""
        count = 0

        def email(match: re.Match[str]) -> str:
            nonlocal count
            if self._known_email(match.group()):
                return match.group()
            count += 1
            return self.mask

        region = self.own.default_region
        # Which digits are a phone number, and not a date, an amount or an order, is judged there.
        others = frozenset(identifiers.find_phones(text, region)) - self.phones

        def phone(match: re.Match[str]) -> str:
            nonlocal count
            if identifiers.phone(match.group(), region) not in others:
                return match.group()
            count += 1
            return self.mask

        text = _EMAIL.sub(email, text)
        return (_DIGITS.sub(phone, text), count) if others else (text, count)

    def _value(self, value: Value) -> tuple[Value, int]:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Typed) and value.type not in (
            "date",
            "datetime",
            "time",
            "decimal",
            "bytes",
            "uuid",
        ):
            text, count = self.text(value.text)
            return Typed(value.type, text), count
        return value, 0

    def _known_email(self, text: str) -> bool:
        address = identifiers.email(text.strip(".'"))
        if address is None:
            return False
        if address in self.emails or address in self.shared:
            return True
        ours = address.rpartition("@")[2] in self.own.domains
        return ours and identifiers.is_shared(address, self.own)

    def _is_party(self, finding: Finding) -> bool:
        """Whether the person sent or received this mail."""
        said = " ".join(
            value.text if isinstance(value, Typed) else str(value)
            for column, value in finding.row.items()
            if column.lower() in _PARTIES and value is not None
        )
        return any(address in self.emails for address in identifiers.find_emails(said))


def redactor(
    subject: Subject, findings: Iterable[Finding], datamap: DataMap, mask: str
) -> Redactor:
    """A redactor for a person: known by the keys of the case and by their own certain records."""
    region = datamap.own.default_region
    emails = {identifiers.email(value) for value in subject.values("email")}
    phones = {identifiers.phone(value, region) for value in subject.values("phone")}
    exchange = frozenset(part.name for part in datamap.exchange)
    for finding in findings:
        if finding.system in exchange or finding.message_id:
            continue  # its addresses are those of everybody who wrote or read it
        for value in _personal(finding):
            emails.update(identifiers.find_emails(value))
            phones.update(identifiers.find_phones(value, region))
            phones.add(identifiers.phone(value, region))
    mailboxes = {identifiers.email(box) for part in datamap.exchange for box in part.mailboxes}
    return Redactor(
        emails=frozenset(email for email in emails if email),
        phones=frozenset(phone for phone in phones if phone),
        own=datamap.own,
        shared=frozenset(box for box in mailboxes if box),
        exchange=exchange,
        mask=mask,
    )


def _personal(finding: Finding) -> Iterable[str]:
    for columns in finding.personal.values():
        for column in columns:
            value: Value | Plain = finding.row.get(column)
            if isinstance(value, (str, int)) and not isinstance(value, bool):
                yield str(value)
