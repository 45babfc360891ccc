"""An outgoing mail as bytes (RFC 5322, MIME): the same mail always gives the same bytes.

Structured headers are written here rather than by the standard library's folding, which would
encode a long Message-ID in References and so break the thread. Everything that came from outside
(a customer's subject, names, message ids, file names) passes through a check of its own: no value
can begin a new header.
"""

import hashlib
import re
from datetime import datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, quote

from mailbot.errors import Permanent
from mailbot.message import Address, Outgoing, OutgoingFile

EFFECT_HEADER = "X-Mailbot-Effect"
MOST_REFERENCES = 20
_LONGEST_ID = 900  # octets; a header line may hold 998 (RFC 5322 § 2.1.1)
_FOLD = 76

# No out-of-office and no receipts; but bounces must come, so never "All" (MS-OXCMAIL 2.2.3.2.14).
SUPPRESS = ("X-Auto-Response-Suppress", "DR, RN, NRN, OOF, AutoReply")

_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_ID = re.compile(r"[^\s<>\x00-\x1f\x7f-\U0010ffff]+")
_WORD = r"[^\s<>()\[\],;:\\\"@\x00-\x1f\x7f-\x9f]+"
_ADDRESS = re.compile(f"{_WORD}@{_WORD}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,60}")
_MEDIA_TYPE = re.compile("(application|audio|font|image|model|text|video)/[A-Za-z0-9!#$&^_.+-]+")
_OURS = re.compile(
    "from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|mime-version|"
    "content-.*|return-path"
)
_POLICY = policy.SMTP.clone(cte_type="7bit")


def build(mail: Outgoing, now: datetime) -> bytes:
    """The mail as it goes over the wire, CRLF line ends, 7-bit but for addresses beyond ASCII.

    `now` is written as its date. Raises Permanent where an address, a header or the Message-ID
    cannot be written without changing what it says.
    """
    if not mail.to:
        raise Permanent(f"outgoing mail {mail.effect}: no recipient")
    if not _plain_id(mail.message_id) or not _ID.fullmatch(mail.effect):
        raise Permanent(f"outgoing mail {mail.effect!r}: malformed Message-ID or effect id")
    lines = [
        _line("From", [_mailbox(mail.sender)], mail.effect),
        _line("To", [_mailbox(address) for address in mail.to], mail.effect),
        f"Subject: {_words(_CONTROL.sub(' ', mail.subject).strip(), 'Subject')}",
        f"Date: {format_datetime(now)}",
        f"Message-ID: <{mail.message_id}>",
        *_threading(mail),
        f"{EFFECT_HEADER}: {mail.effect}",
        *_further(mail),
    ]
    return "\r\n".join((*lines, "")).encode() + _body(mail)


def ascii_address(address: str) -> str:
    """An address with its domain in ASCII (RFC 5890); the local part may still need SMTPUTF8.

    Raises Permanent if it is no address that can be written into a command or a header.
    """
    if not _ADDRESS.fullmatch(address) or len(address) > 320:
        raise Permanent("an address that cannot be written safely; correct it and try again")
    local, _at, domain = address.rpartition("@")
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise Permanent("an address whose domain is no valid domain name") from error
    return f"{local}@{domain}"


def _mailbox(address: Address) -> str:
    name = _CONTROL.sub(" ", address.name).strip()
    written = f"<{ascii_address(address.address)}>"
    if not name:
        return written[1:-1]
    if name.isascii() and "=?" not in name:
        plain = re.fullmatch(r"[A-Za-z0-9 !#$%&'*+/=?^_`{|}~-]+", name)
        return f"{name if plain else chr(34) + quote(name) + chr(34)} {written}"
    return f"{_words(name, 'From')} {written}"


def _words(text: str, header: str) -> str:
    """Text for an unstructured header or a name, folded; encoded where it must be (RFC 2047)."""
    # What merely looks like an encoded word must be encoded, or it would be decoded on arrival.
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    longest = max((len(word) for word in text.split()), default=0)
    if longest > _LONGEST_ID:
        charset = "utf-8"
    return Header(text, charset, header_name=header, maxlinelen=_FOLD).encode(linesep="\r\n")


def _line(name: str, values: list[str], effect: str) -> str:
    if any(_CONTROL.search(value.replace("\r\n ", "")) for value in values):
        raise Permanent(f"outgoing mail {effect}: a control character in {name}")
    return f"{name}: " + ",\r\n ".join(values)


def _plain_id(value: str) -> bool:
    return bool(_ID.fullmatch(value)) and "@" in value and len(value) <= _LONGEST_ID


def thread_of(mail: Outgoing) -> tuple[str, list[str]]:
    """What In-Reply-To and References say (RFC 5322 § 3.6.4), without ids that cannot be written.

    Of a long thread the first and the newest ids are kept: by the first, programs find the
    thread; by the newest, the mail that is answered.
    """
    parent = mail.in_reply_to if _plain_id(mail.in_reply_to) else ""
    ids = [one for one in (*mail.references, parent) if _plain_id(one) and one != mail.message_id]
    ids = list(dict.fromkeys(reversed(ids)))[::-1]
    if len(ids) > MOST_REFERENCES:
        ids = [ids[0], *ids[-(MOST_REFERENCES - 1) :]]
    return parent, ids


def _threading(mail: Outgoing) -> list[str]:
    parent, ids = thread_of(mail)
    lines = [f"In-Reply-To: <{parent}>"] if parent else []
    if ids:
        lines.append("References: " + "\r\n ".join(f"<{one}>" for one in ids))
    return lines


def _further(mail: Outgoing) -> list[str]:
    given = {name.lower(): (name, value) for name, value in mail.headers.items()}
    given.setdefault(SUPPRESS[0].lower(), SUPPRESS)
    lines = []
    for lowered, (name, value) in given.items():
        if (
            not _HEADER_NAME.fullmatch(name)
            or _OURS.fullmatch(lowered)
            or lowered == EFFECT_HEADER.lower()
        ):
            raise Permanent(f"outgoing mail {mail.effect}: a header that may not be set")
        if _CONTROL.search(value) or not value.isascii() or len(value) > _LONGEST_ID:
            raise Permanent(f"outgoing mail {mail.effect}: header {name} cannot be written")
        lines.append(f"{name}: {value}")
    return lines


def _body(mail: Outgoing) -> bytes:
    """The MIME part of the headers, a blank line, and the body."""
    message = EmailMessage(policy=_POLICY)
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    for file in mail.files:
        _attach(message, file)
    # The library would draw boundaries by chance; ours follow from the effect, so that the same
    # mail is the same bytes when it is tried again.
    seed = hashlib.sha256(mail.effect.encode()).hexdigest()[:32]
    for number, part in enumerate(message.walk()):
        if part.is_multipart():
            part.set_boundary(f"=_{number}_{seed}")
    return message.as_bytes()


def _attach(message: EmailMessage, file: OutgoingFile) -> None:
    safe = _MEDIA_TYPE.fullmatch(file.media_type)
    maintype, _slash, subtype = (safe[0] if safe else "application/octet-stream").partition("/")
    name = _CONTROL.sub(" ", file.name).replace("/", "_").replace("\\", "_").strip() or "file"
    message.add_attachment(file.content, maintype=maintype, subtype=subtype, filename=name)
