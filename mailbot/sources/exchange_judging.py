"""Whose mail is it? How sure we are that a mail of a shared mailbox is about one person.

Certain is what the person wrote, what we wrote to them, and what only our own systems wrote and
that shows their address and nobody else's (a contact form). A mail that somebody else wrote is
never certain, even if it names the person or has them in copy: it is that other person's mail.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from mailbot import identifiers
from mailbot.case import Subject
from mailbot.clients.decode import Content
from mailbot.datamap import KeyPattern, Own
from mailbot.message import Address
from mailbot.record import Certainty

WROTE = "sent by the person"
RECEIVED = "sent by us to the person"
FORM = "shows the person's address and nobody else's"
FORM_PHONE = "shows the person's name and phone and nobody's address"
COPIED = "somebody else wrote it to the person"
SHARED = "shared address, without the person's name"
TAGGED = "address with another tag"
MENTIONED = {
    "email": "e-mail address in text",
    "phone": "phone number in text",
    "customer_no": "customer number in text",
    "name": "name in text",
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """How sure, and why."""

    certainty: Certainty
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """The keys of the data subject by which mail is searched; the organisation's own left out.

    `customer_nos` count in text only where the data map says how they look.
    """

    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    customer_nos: tuple[str, ...] = ()

    @property
    def known(self) -> bool:
        """Whether there is anything to search by. A name alone brings only namesakes."""
        return bool(self.emails or self.phones or self.names or self.customer_nos)


@dataclass(frozen=True, slots=True)
class Us:
    """The organisation as it appears in mail: its domains and the addresses searched."""

    own: Own
    addresses: tuple[str, ...]

    def is_us(self, address: str) -> bool:
        """Whether an address is the organisation's own, and so never the data subject."""
        domain = identifiers.email_domain(address)
        own = {identifiers.email_domain(f"x@{domain}") or domain for domain in self.own.domains}
        within = any(domain == one or str(domain).endswith(f".{one}") for one in own)
        return within or any(identifiers.same_email(address, one) for one in self.addresses)

    def is_our_phone(self, number: str) -> bool:
        """Whether a number (E.164) is the organisation's own, or one of its series."""
        region = self.own.default_region
        ours = tuple(identifiers.phone(value.rstrip("*"), region) for value in self.own.phones)
        series = tuple(value.rstrip("*") for value in self.own.phones if value.endswith("*"))
        return number in ours or bool(series and number.startswith(series))


def person(subject: Subject, us: Us) -> Person:
    """What of the subject's keys can be searched for in mail."""
    region = us.own.default_region
    phones = (identifiers.phone(value, region) for value in subject.values("phone"))
    return Person(
        emails=tuple(value for value in subject.values("email") if not us.is_us(value)),
        phones=tuple(
            dict.fromkeys(found for found in phones if found and not us.is_our_phone(found))
        ),
        # One word ("Kari") is everybody's name.
        names=tuple(
            value for value in subject.values("name") if len(identifiers.name_parts(value)) > 1
        ),
        customer_nos=subject.values("customer_no"),
    )


def judge(
    content: Content, one: Person, us: Us, patterns: Mapping[str, KeyPattern]
) -> Judgement | None:
    """What a mail is to a person; None if it shows none of their keys after all."""
    head = content.head
    senders = head.addresses("from", "sender")
    replies = head.addresses("reply-to")
    receivers = head.addresses("to", "cc", "bcc", "resent-to")
    by_us = bool(senders) and all(us.is_us(address.address) for address in senders)
    wrote = _closest(senders, one, content, us.own)
    if wrote is None and by_us:
        wrote = _closest(replies, one, content, us.own)
    if wrote is not None:
        return wrote
    received = _closest(receivers, one, content, us.own)
    if received is not None:
        if not by_us:
            return Judgement(Certainty.POSSIBLE, COPIED)
        if received.certainty is Certainty.POSSIBLE:
            return received
        return Judgement(Certainty.CERTAIN, RECEIVED)
    shown = shown_keys(content.words, one, us, patterns)
    parties = (*senders, *replies, *receivers)
    inside = by_us and all(us.is_us(address.address) for address in parties)
    if inside and (verdict := alone(content.words, one, us, shown)):
        return verdict
    kind = next((kind for kind in MENTIONED if kind in shown), None)
    return Judgement(Certainty.POSSIBLE, MENTIONED[kind]) if kind else None


def _closest(
    addresses: tuple[Address, ...], one: Person, content: Content, own: Own
) -> Judgement | None:
    """The surest match of the person's addresses with those of a header."""
    found: Judgement | None = None
    for address in addresses:
        for key in one.emails:
            same = identifiers.same_email(key, address.address)
            if same is Certainty.POSSIBLE:
                found = found or Judgement(Certainty.POSSIBLE, TAGGED)
            elif same is Certainty.CERTAIN:
                if not identifiers.is_shared(key, own) or _named(address, one, content):
                    return Judgement(Certainty.CERTAIN, WROTE)
                found = Judgement(Certainty.POSSIBLE, SHARED)
    return found


def _named(address: Address, one: Person, content: Content) -> bool:
    """Behind an address that several people share, only the name tells who wrote."""
    return any(
        identifiers.name_in(text, name)
        for name in one.names
        for text in (address.name, content.body)
    )


def shown_keys(
    words: str, one: Person, us: Us, patterns: Mapping[str, KeyPattern]
) -> frozenset[str]:
    """The kinds of the person's keys that the words of a mail or an entry show."""
    region = us.own.default_region
    shown: set[str] = set()
    if any(
        identifiers.same_email(key, found) is Certainty.CERTAIN
        for found in (identifiers.find_emails(words) if one.emails else ())
        for key in one.emails
    ):
        shown.add("email")
    if one.phones and set(identifiers.find_phones(words, region)) & set(one.phones):
        shown.add("phone")
    if any(identifiers.name_in(words, name) for name in one.names):
        shown.add("name")
    if one.customer_nos and _shows_customer_no(words, one, patterns):
        shown.add("customer_no")
    return frozenset(shown)


def _shows_customer_no(words: str, one: Person, patterns: Mapping[str, KeyPattern]) -> bool:
    pattern = patterns.get("customer_no")
    if pattern is None:
        return False  # a bare number in text could be anything
    wanted = {
        identifiers.own_key(value, pattern.pattern, pattern.ignore) for value in one.customer_nos
    } - {None}
    found = identifiers.find_keys(words, {"customer_no": pattern})
    return any(key in wanted for _kind, key in found)


def alone(words: str, one: Person, us: Us, shown: frozenset[str]) -> Judgement | None:
    """A mail among ourselves that nobody else has a part in: a form, or a note about the person."""
    outside = [found for found in identifiers.find_emails(words) if not us.is_us(found)]
    same = [
        key
        for found in outside
        for key in one.emails
        if identifiers.same_email(key, found) is not None
    ]
    if len(same) < len(outside):
        return None  # somebody else's address stands there too
    if "email" in shown and not any(identifiers.is_shared(key, us.own) for key in same):
        return Judgement(Certainty.CERTAIN, FORM)
    if not outside and {"name", "phone"} <= shown:
        return Judgement(Certainty.CERTAIN, FORM_PHONE)
    return None
