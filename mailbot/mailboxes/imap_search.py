"""Questions to an IMAP server: which mails may match a query.

The server is asked for a little more than what is sought, because servers differ in what they
find; `matching` decides afterwards. Keys are data: in ASCII they go as quoted strings, else as
literals (RFC 3501 § 4.3), so that no key can end its own string.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from mailbot import identifiers
from mailbot.mailboxes.imap_connection import Client
from mailbot.ports import MailQuery

WINDOW = 20_000  # mails asked about in one SEARCH: its answer is one line, which must stay short
_OVERLAP = 500  # a mail expunged meanwhile moves the others' numbers down by one
_SHORTEST = 3  # letters worth searching for
_LONGEST = 1_000
_FIELDS = ("FROM", "TO", "CC", "BCC", "HEADER Reply-To", "HEADER Sender")
_AT_ONCE = 8  # keys in one SEARCH


def windows(exists: int) -> Iterator[str]:
    """Sequence sets that cover a folder of so many mails, overlapping a little."""
    if exists <= WINDOW:
        yield "1:*"
        return
    for first, after in pairwise((*range(1, exists, WINDOW), exists + 1)):
        last = "*" if after > exists else str(after + _OVERLAP)
        yield f"{first}:{last}"


def uids(client: Client, exists: int, criteria: bytes) -> list[int]:
    """The UIDs of all mails that the server finds, ascending. Criteria must be ASCII."""
    if not exists:
        return []
    found: set[int] = set()
    for window in windows(exists):
        found.update(client.search(window.encode() + b" " + criteria, None))
    return sorted(found)


def header_criteria(query: MailQuery) -> Iterator[bytes]:
    """Criteria for the mails whose headers may match: addresses and an exact header."""
    if query.header is not None:
        name, value = query.header
        fragment = _fragment(value)
        if fragment:
            yield f"HEADER {name} ".encode() + quoted(fragment)
        else:
            yield f'HEADER {name} ""'.encode()
    for address in query.addresses:
        yield from _address_criteria(address)


def phrase_criteria(phrases: Sequence[str], utf8: bool) -> Iterator[tuple[bytes, ...]]:
    """Criteria for the mails whose words may match, one SEARCH each: `("ALL",)` if nothing helps.

    A name may be broken over two lines or by a tag, so of several words each is sought by itself.
    Letters beyond ASCII need CHARSET UTF-8; a server without it (Exchange: "BADCHARSET
    (US-ASCII)") is asked for the ASCII words alone.
    """
    plain: list[bytes] = []
    for phrase in phrases:
        terms = _terms(phrase)
        if utf8 and not all(term.isascii() for term in terms):
            yield tuple(part for term in terms for part in (b"TEXT", term.encode()))
            continue
        ascii_terms = [term if term.isascii() else _fragment(term) for term in terms]
        keys = [b"TEXT " + quoted(term) for term in ascii_terms if term]
        if not keys:
            yield (b"ALL",)
            return
        plain.append(b"(" + b" ".join(keys) + b")")
    for start in range(0, len(plain), _AT_ONCE):
        yield (any_of(plain[start : start + _AT_ONCE]),)


def find(client: Client, exists: int, criteria: tuple[bytes, ...]) -> list[int]:
    """The UIDs that one of the `phrase_criteria` finds; beyond ASCII, its terms go as literals."""
    if all(part.isascii() for part in criteria):
        return uids(client, exists, b" ".join(criteria))
    found: set[int] = set()
    for window in windows(exists) if exists else ():
        found.update(client.search([window.encode(), *criteria], "UTF-8"))
    return sorted(found)


def _terms(phrase: str) -> list[str]:
    """What to search for: the words of a phrase, or a number or an address whole."""
    whole = _clean(phrase).strip()
    words = re.findall(r"[^\W_]{2,}", whole)
    if re.search(r"\s", whole) and any(not word.isdigit() for word in words):
        return words
    return [whole]


def any_of(criteria: Sequence[bytes]) -> bytes:
    """One criterion for any of several (OR takes exactly two)."""
    return b"OR " * (len(criteria) - 1) + b" ".join(criteria)


def quoted(text: str) -> bytes:
    """An ASCII key as a quoted string; control signs have been replaced."""
    return b'"' + re.sub(r'([\\"])', r"\\\1", _clean(text)).encode("ascii") + b'"'


def _clean(text: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]+", " ", text)[:_LONGEST]


def _fragment(text: str) -> str:
    """The longest run of plain ASCII in a text; empty if none is worth searching for."""
    runs = re.findall(r"[\x21-\x7e]+", _clean(text))
    longest = max(runs, key=len, default="")
    return longest if len(longest) >= _SHORTEST else ""


def _address_criteria(address: str) -> Iterator[bytes]:
    """Where an address, or a form of it with a +tag or other dots, may stand in a header."""
    normal = identifiers.email(address) or address.strip()
    local, _at, domain = normal.rpartition("@")
    hosts = ("gmail.com", "googlemail.com") if domain == "gmail.com" else (domain,)
    untagged = "" if domain == "gmail.com" else local.partition("+")[0]
    for host in hosts:
        # A domain in letters beyond ASCII may stand in a header either way (RFC 6532).
        after = "" if "xn--" in host else f"@{host}"
        terms = [text for text in (untagged, after) if text.isascii() and len(text) > 1]
        terms = terms or [_fragment(normal)]
        if not terms[0]:
            continue
        keys = [b" ".join(f"{field} ".encode() + quoted(t) for t in terms) for field in _FIELDS]
        yield any_of([b"(" + key + b")" for key in keys])
