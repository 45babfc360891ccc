"""A request that came another way: by telephone, by letter, to a colleague's own inbox.

Whoever sits at the machine hands it in as a mail, with the day on which it really came: the clock
runs from there (GDPR art. 12(3)). From then on it is a mail like any other, but for this: nothing
about its sender is proven, whatever the file says of itself, and it can never be a decision.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from mailbot.case import Classification, Label, Route
from mailbot.codec import from_json, to_json
from mailbot.config import Settings
from mailbot.message import Authentication, Automatic, Mail, Verdict
from mailbot.ports import Fetched, MailRef, Store, StoredMail
from mailbot.reader import Reading
from mailbot.steps.belong import spoken

FOLDER = "<handed in>"  # no folder of any mailbox: where such mail lies
_NO_RIGHT = "-"
REASON = "handed-in"
_WORDS: Mapping[str, tuple[str, str]] = {
    "nb": ("Henvendelse utenom e-post", "Henvendelsen kom på en annen måte enn e-post."),
    "en": ("Request not by e-mail", "The request came in another way than by e-mail."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedIn:
    """A request as it was handed in. `right` None: what the mail itself says."""

    mailbox: str
    raw: bytes
    received: datetime
    right: Label | None = None


def to_octets(handed: HandedIn) -> bytes:
    """To be sealed."""
    return json.dumps(to_json(handed)).encode()


def from_octets(octets: bytes) -> HandedIn:
    """What `to_octets` wrote. Raises Permanent for what another version wrote."""
    return from_json(HandedIn, json.loads(octets))


def written_down(
    address: str, name: str, text: str, received: datetime, to: str, language: str
) -> bytes:
    """A request without a mail, as a mail. Raises ValueError for an address that is none."""
    subject, otherwise = _WORDS.get(language, _WORDS["nb"])
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name=name, addr_spec=address)
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = received
    mail.set_content(text or otherwise)
    return mail.as_bytes()


def take_in(store: Store, handed: HandedIn) -> StoredMail | None:
    """Store it as a new mail; None if these bytes are there already and not left alone."""
    ref = MailRef(
        mailbox=handed.mailbox,
        folder=FOLDER,
        id=handed.right.value if handed.right else _NO_RIGHT,
    )
    fetched = Fetched(ref=ref, raw=handed.raw, arrived=handed.received)
    with store.begin() as tx:
        known = store.mail(store.mail_id(handed.mailbox, handed.raw))
        if known is not None and known.status != "left":
            return None  # it stays where it lies
        mail_id = tx.take_in(fetched, again=True)
        if mail_id is None:
            return None
        facts = {"mail": mail_id, "received": handed.received.isoformat()}
        tx.record(None, REASON, ref.id, facts)
    return store.mail(mail_id)


def is_handed_in(stored: StoredMail) -> bool:
    """Whether a stored mail was handed in."""
    return stored.ref.folder == FOLDER


def as_handed_in(
    stored: StoredMail, reading: Reading, found: Classification, settings: Settings
) -> tuple[Mail, Classification]:
    """The mail as the word of whom it is about, unproven; and the right that was named."""
    # A colleague's forward speaks for its writer; whoever handed it in vouches for the colleague.
    vouched = replace(
        reading.mail, automatic=Automatic.NO, authentication=Authentication(verdict=Verdict.PASS)
    )
    word = spoken(vouched, settings)
    mail = replace(word, authentication=Authentication(verdict=Verdict.NONE, reason=REASON))
    if stored.ref.id != _NO_RIGHT:
        return mail, replace(found, route=Route.OPEN, labels=(Label(stored.ref.id),), privacy=1.0)
    if found.route is Route.LEAVE:
        found = replace(found, route=Route.ASK)
    return mail, found
