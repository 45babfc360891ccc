"""Whether a mail matches a query, decided here and not by a server.

Servers differ in what their search finds: words or substrings, decoded or not, one charset or
several. So a server is only ever asked for what *may* match, and this decides. It also makes every
key harmless: here a quote, a percent sign or a brace is a sign like any other.
"""

import re
import unicodedata

from mailbot import identifiers
from mailbot.clients import decode
from mailbot.ports import MailQuery

ADDRESS_HEADERS = ("from", "sender", "reply-to", "to", "cc", "bcc", "resent-to", "resent-from")

_SPACE = re.compile(r"\s+")


def usable(query: MailQuery) -> MailQuery:
    """Without keys that match nothing or everything: empty ones, and headers that cannot exist."""
    header = query.header
    if header and not (re.fullmatch(r"[A-Za-z0-9-]{1,100}", header[0]) and _alike(header[1])):
        header = None
    return MailQuery(
        addresses=tuple(dict.fromkeys(key for key in query.addresses if _alike(key))),
        phrases=tuple(dict.fromkeys(key for key in query.phrases if _alike(key))),
        header=header,
    )


def head_matches(query: MailQuery, head: decode.Head) -> bool:
    """Whether the headers alone suffice: the exact header, or one of the addresses."""
    if query.header is not None:
        name, value = query.header
        if any(_alike(found) == _alike(value) for found in head.all(name)):
            return True
    if not query.addresses:
        return False
    shown = [address.address for address in head.addresses(*ADDRESS_HEADERS)]
    return any(same_address(key, address) for key in query.addresses for address in shown)


def matches(query: MailQuery, raw: bytes) -> bool:
    """Whether a whole mail matches: by its headers, or by a phrase anywhere in its words."""
    if head_matches(query, decode.head(raw)):
        return True
    if not query.phrases:
        return False
    words = _alike(decode.read(raw).words)
    return any(_alike(phrase) in words for phrase in query.phrases)


def same_address(key: str, shown: str) -> bool:
    """The same mailbox, certainly or possibly; keys that are no addresses compare as text."""
    return identifiers.same_email(key, shown) is not None or _alike(key) == _alike(shown)


def _alike(text: str) -> str:
    """One form of Unicode, of case and of white space (line ends may fall anywhere in a mail)."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
