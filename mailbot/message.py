"""A mail as mailbot understands it: frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Automatic(StrEnum):
    """Why nobody should be answered: what kind of machine wrote the mail (RFC 3834, RFC 3464)."""

    NO = ""  # a person wrote it
    OWN = "own"  # mailbot's own mail, seen again (witness copy, Sent copy)
    BOUNCE = "bounce"  # could not be delivered
    REPORT = "report"  # delivered, read, delayed or feedback report: nothing failed for good
    AUTO_REPLY = "auto-reply"  # out of office, receipt, ticket system
    LIST = "list"  # mailing list, newsletter
    CALENDAR = "calendar"


class Verdict(StrEnum):
    """Is the mail from whom it says? Decided from headers of our own server only."""

    PASS = "pass"
    FAIL = "fail"  # our server says that it is not
    NONE = "none"  # nothing that can be trusted was said


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """The verdict, the named reason for it, and the domain that it speaks for."""

    verdict: Verdict = Verdict.NONE
    reason: str = "no-trusted-header"
    domain: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """An attachment by name, type, size (octets, decoded) and SHA-256 of its decoded content."""

    name: str
    media_type: str
    size: int
    sha256: str
    inline: bool = False  # a picture that only decorates the text, such as a logo


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """One mailbox (RFC 5322 § 3.4): the address lower-cased in its domain, and the display name."""

    address: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A parsed mail.

    `sender` is None unless From holds exactly one address that is unmistakable.
    `new_text` is what the sender wrote now; `quoted_text` what was quoted below or between;
    `text` the whole visible text. `alternatives` holds the new text of each text part when
    text/plain and text/html say different things (a decision must be the same in all).
    """

    message_id: str = ""  # without angle brackets
    sender: Address | None = None
    reply_to: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    subject: str = ""
    date: datetime | None = None  # what the sender claims; deadlines never run from it
    received: datetime | None = None  # our own server's Received, if one is trusted
    in_reply_to: tuple[str, ...] = ()  # message ids without brackets
    references: tuple[str, ...] = ()
    new_text: str = ""
    quoted_text: str = ""
    signature: str = ""
    text: str = ""
    alternatives: tuple[str, ...] = ()
    html_only: bool = False
    attachments: tuple[Attachment, ...] = ()
    automatic: Automatic = Automatic.NO
    automatic_reason: str = ""
    authentication: Authentication = field(default_factory=Authentication)
    effect: str = ""  # x-mailbot-effect, if the mail carries one
    failed_message_ids: tuple[str, ...] = ()  # of a bounce: the mails that did not arrive
    failed_recipients: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # named oddities: "hidden-text", "bad-charset", "truncated"…
    # A mail forwarded inline or as message/rfc822: its inner sender is unverified by nature.
    forwarded: "Forwarded | None" = None

    @property
    def known_ids(self) -> tuple[str, ...]:
        """Every message id that the mail refers to, References and In-Reply-To together."""
        return tuple(dict.fromkeys((*self.references, *self.in_reply_to)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """What a forwarded mail says of its original; nothing in it is verified."""

    sender: Address | None = None
    date: datetime | None = None
    subject: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutgoingFile:
    """A file to send along: `content` as it leaves, the digest of it before encryption."""

    name: str
    media_type: str
    content: bytes
    plain_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A mail to send. `effect` names it for ever: the Message-ID is derived from it."""

    effect: str
    message_id: str  # without brackets; a server may replace it
    sender: Address
    to: tuple[Address, ...]
    subject: str
    text: str
    html: str = ""
    in_reply_to: str = ""
    references: tuple[str, ...] = ()
    files: tuple[OutgoingFile, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The receipt of a mail that left: every Message-ID by which replies may refer to it."""

    effect: str
    message_ids: tuple[str, ...]
    at: datetime
