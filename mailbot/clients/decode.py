"""The words and attachments of a raw mail, for searching and for fingerprints.

This runs in the daemon itself over any mail of a mailbox, so it is written to be bounded rather
than complete: linear in the size of the mail, a fixed depth and number of parts, no recursion
into what a sender chooses, and no exception for any bytes. (What a mail *means* is read elsewhere,
in a process of its own.)
"""

import binascii
import hashlib
import html
import re
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import getaddresses

from mailbot.message import Address, Attachment

DEEPEST = 12  # parts within parts
MOST_PARTS = 500
MOST_HEADER_OCTETS = 256_000  # of one header section
MOST_TEXT = 4_000_000  # characters of decoded text kept for searching
_MOST_LIST = 64_000  # characters of one address list

_BLANK_LINE = re.compile(rb"\r?\n\r?\n")
_FIELD = re.compile(rb"^([!-9;-~]{1,200})[ \t]*:(.*(?:\r?\n[ \t].*)*)", re.M)
_PARAMETER = re.compile(r';\s*([^\s=;"]{1,80})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))', re.S)
_ENCODED = re.compile(r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*)\?=")
_BETWEEN_ENCODED = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,100}\?[bBqQ]\?)")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_BLOCK = re.compile(
    "address|article|blockquote|body|br|dd|div|dl|dt|footer|form|h[1-6r]|head|header|html|li|ol|p|"
    "pre|section|table|td|th|title|tr|ul"
)
# Headers that a person sees; the others hold routes, boundaries and other machinery.
_SHOWN = re.compile("(resent-)?(from|sender|to|cc|bcc)|reply-to|subject|comments|keywords|organi.*")
# Python knows these as text encodings; on hostile input they are slow, or no charset of a mail.
_NO_CHARSET = frozenset({"idna", "punycode", "undefined", "unicodeescape", "rawunicodeescape"})


@dataclass(frozen=True, slots=True)
class Head:
    """The header section of a mail: names in lower case, values unfolded, in order."""

    fields: tuple[tuple[str, str], ...]

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a header, encoded words not yet decoded."""
        return tuple(value for known, value in self.fields if known == name.lower())

    def text(self, name: str) -> str:
        """The first value of a header as a person reads it; empty if there is none."""
        return next((decode_words(value) for value in self.all(name)), "")

    def addresses(self, *names: str) -> tuple[Address, ...]:
        """Every address in these headers.

        Addresses are cut out before encoded words are decoded (RFC 2047 § 5 (3)): a decoded
        display name must not be able to pass for an address.
        """
        found: list[Address] = []
        for name in names:
            for value in self.all(name):
                found += _addresses(value)
        return tuple(found)

    def ids(self, name: str) -> tuple[str, ...]:
        """Message ids in a header, without brackets."""
        return tuple(re.findall(r"<([^<>\s]{1,998})>", " ".join(self.all(name))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a mail says.

    body: the text to show, plain text preferred. words: all there is to search: headers that people
    see, names of attachments, every text part. body_sha256: of all text parts, whole, after
    decoding and with line ends made alike, so that a server that re-encodes a mail does not change
    it. truncated: the mail had more parts or text than is looked at.
    """

    head: Head
    body: str
    words: str
    body_sha256: str
    attachments: tuple[Attachment, ...]
    truncated: bool


@dataclass(slots=True)
class _Leaf:
    media_type: str
    parameters: dict[str, str]
    name: str
    attached: bool
    content: bytes


@dataclass(slots=True)
class _Budget:
    parts: int = MOST_PARTS
    exceeded: bool = False


def head(raw: bytes) -> Head:
    """The header section alone."""
    raw = _with_line_ends(raw)
    return Head(_fields(raw, 0, _section(raw, 0, len(raw))[0]))


def read(raw: bytes) -> Content:
    """All that can be read of a mail; any bytes give some answer."""
    raw = _with_line_ends(raw)
    top = head(raw)
    budget = _Budget()
    plain: list[str] = []
    rich: list[str] = []
    names: list[str] = []
    attachments: list[Attachment] = []
    digest = hashlib.sha256()
    room = MOST_TEXT
    for leaf in _leaves(raw, 0, len(raw), 0, budget):
        if leaf.attached or not leaf.media_type.startswith(("text/", "message/")):
            attachments.append(_attachment(leaf))
            names.append(leaf.name)
        if not leaf.media_type.startswith(("text/", "message/")):
            continue
        text = decode_text(leaf.content, leaf.parameters.get("charset", ""))
        if not leaf.attached:
            digest.update(_alike(text))
        budget.exceeded |= len(text) > room
        text = text[:room]
        room -= len(text)
        if leaf.media_type == "text/html":
            rich.append(text_of_html(text))
        else:
            plain.append(text)
    headers = (decode_words(value) for name, value in top.fields if _SHOWN.fullmatch(name))
    return Content(
        head=top,
        body="\n".join(plain if any(text.strip() for text in plain) else rich).strip(),
        words="\n".join((*headers, *names, *plain, *rich)),
        body_sha256=digest.hexdigest(),
        attachments=tuple(attachments),
        truncated=budget.exceeded,
    )


def decode_words(value: str) -> str:
    """Decode the encoded words of a header (RFC 2047); what is broken stays as it is written."""
    if "=?" not in value:
        return value
    pieces: list[str] = []
    pending, charset = b"", ""
    position = 0
    value = _BETWEEN_ENCODED.sub(r"\1", value)
    for found in _ENCODED.finditer(value):
        content = _word(found[2], found[3])
        if pending and (
            found.start() != position or found[1].lower() != charset or content is None
        ):
            pieces.append(decode_text(pending, charset))
            pending = b""
        pieces.append(value[position : found.start()])
        position = found.end()
        if content is None:
            pieces.append(found[0])
            continue
        # Neighbours in one charset are joined first: senders split characters between words.
        pending, charset = pending + content, found[1].lower()
    if pending:
        pieces.append(decode_text(pending, charset))
    return "".join((*pieces, value[position:]))


def decode_text(content: bytes, charset: str) -> str:
    """Octets as text in a named charset; one that is unknown or absent is guessed."""
    name = re.sub(r"[^a-z0-9]", "", charset.lower())
    if name and name not in _NO_CHARSET:
        try:
            return content.decode(charset.strip(), errors="replace")
        except (LookupError, UnicodeError, ValueError):
            name = ""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def text_of_html(source: str) -> str:
    """The text between tags, hidden text included: it is data of somebody all the same."""
    pieces: list[str] = []
    position = 0
    while True:
        opening = source.find("<", position)
        if opening < 0:
            break
        pieces.append(source[position:opening])
        closer = "-->" if source.startswith("<!--", opening) else ">"
        closing = source.find(closer, opening)
        if closing < 0:
            position = opening
            break
        position = closing + len(closer)
        tag = re.match(r"/?([a-zA-Z0-9]+)", source[opening + 1 : opening + 20])
        name = tag[1].lower() if tag else ""
        if _BLOCK.fullmatch(name):
            pieces.append("\n")
        if name in ("script", "style") and source[opening + 1] != "/":
            end = source.find(f"</{name}", position)
            position = len(source) if end < 0 else end
    return html.unescape("".join((*pieces, source[position:])))


def _with_line_ends(raw: bytes) -> bytes:
    """A few programs store mail with bare CR as line ends."""
    return raw if b"\n" in raw or b"\r" not in raw else raw.replace(b"\r", b"\n")


def _section(raw: bytes, start: int, end: int) -> tuple[int, int]:
    """Where the header section ends and where the body begins."""
    if raw.startswith((b"\r\n", b"\n"), start, end):
        return start, start
    blank = _BLANK_LINE.search(raw, start, end)
    return (blank.start(), blank.end()) if blank else (end, end)


def _fields(raw: bytes, start: int, end: int) -> tuple[tuple[str, str], ...]:
    section = raw[start : min(end, start + MOST_HEADER_OCTETS)]
    return tuple(
        (
            found[1].decode("ascii").lower(),
            re.sub(r"\r?\n(?=[ \t])", "", decode_text(found[2], "")).strip(),
        )
        for found in _FIELD.finditer(section)
    )


def _leaves(raw: bytes, start: int, end: int, depth: int, budget: _Budget) -> Iterator[_Leaf]:
    """Every part that holds content, in order, transfer encoding undone."""
    if budget.parts <= 0 or depth > DEEPEST:
        budget.exceeded = True
        return
    budget.parts -= 1
    section_end, body = _section(raw, start, end)
    fields = dict(reversed(_fields(raw, start, section_end)))  # the first of a kind counts
    media_type, parameters = _with_parameters(fields.get("content-type", "text/plain"))
    if media_type.startswith("multipart/"):
        bounds = list(_parts(raw, body, end, parameters.get("boundary", "")))
        if bounds:
            for left, right in bounds:
                yield from _leaves(raw, left, right, depth + 1, budget)
            return
        media_type = "text/plain"  # damaged: whatever it holds is shown as it stands
    disposition, more = _with_parameters(fields.get("content-disposition", ""))
    content = _transferred(raw[body:end], fields.get("content-transfer-encoding", ""))
    name = decode_words(more.get("filename") or parameters.get("name", ""))
    if media_type == "message/rfc822":
        yield from _leaves(content, 0, len(content), depth + 1, budget)
        return
    attached = disposition == "attachment" or bool(name)
    yield _Leaf(media_type or "text/plain", parameters, name, attached, content)


def _parts(raw: bytes, start: int, end: int, boundary: str) -> Iterator[tuple[int, int]]:
    """Where each part of a multipart lies (RFC 2046 § 5.1); a missing last boundary is forgiven."""
    if not boundary:
        return
    mark = boundary.rstrip().encode("utf-8", errors="replace")
    delimiter = re.compile(
        rb"(?:\r?\n|\A|^)--" + re.escape(mark) + rb"(--)?[ \t]*(?=\r?\n|\Z)", re.M
    )
    left = -1
    for found in delimiter.finditer(raw, start, end):
        if left >= 0:
            yield left, found.start()
        if found[1]:
            return
        left = raw.find(b"\n", found.end(), end) + 1 or end
    if left >= 0:
        yield left, end


def _with_parameters(value: str) -> tuple[str, dict[str, str]]:
    """A value and its parameters, continued and encoded ones put together (RFC 2231)."""
    value = value[:8_000]
    found: dict[str, str] = {}
    pieces: dict[str, list[tuple[int, str, bool]]] = {}
    for name, quoted, bare in _PARAMETER.findall(value):
        content = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        base, star, rest = name.lower().partition("*")
        if not star:
            found.setdefault(base, content)
            continue
        number = rest.rstrip("*")
        order = int(number) if number.isascii() and number.isdigit() and len(number) < 4 else 0
        pieces.setdefault(base, []).append((order, content, rest.endswith("*") or not rest))
    for base, several in pieces.items():
        found[base] = _put_together(several)
    return value.partition(";")[0].strip().lower(), found


def _put_together(pieces: list[tuple[int, str, bool]]) -> str:
    charset = ""
    octets = b""
    for place, (_order, content, encoded) in enumerate(sorted(pieces)):
        if encoded and place == 0 and content.count("'") >= 2:
            charset, _language, content = content.split("'", 2)
        octets += (
            urllib.parse.unquote_to_bytes(content)
            if encoded
            else content.encode("utf-8", errors="replace")
        )
    return decode_text(octets, charset)


def _transferred(content: bytes, encoding: str) -> bytes:
    match encoding.strip().lower():
        case "base64":
            return _base64(content)
        case "quoted-printable":
            return binascii.a2b_qp(content)
    return content


def _base64(content: bytes) -> bytes:
    clean = _NOT_BASE64.sub(b"", content)
    clean = clean[: len(clean) - 1] if len(clean) % 4 == 1 else clean
    return binascii.a2b_base64(clean + b"=" * (-len(clean) % 4))


def _word(encoding: str, content: str) -> bytes | None:
    octets = content.encode("utf-8", errors="replace")
    if encoding in "bB":
        return _base64(octets) or (None if octets else b"")
    return binascii.a2b_qp(octets, header=True)


def _addresses(value: str) -> Iterator[Address]:
    try:
        pairs = getaddresses([value[:_MOST_LIST]])
    except (ValueError, IndexError, RecursionError):
        # Comments within comments and other games: then what looks like an address is one.
        pairs = [("", found) for found in re.findall(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+", value)]
    for name, address in pairs:
        local, at, domain = address.rpartition("@")
        if at and local and domain:
            yield Address(address=f"{local}@{domain.lower()}", name=decode_words(name).strip())


def _attachment(leaf: _Leaf) -> Attachment:
    return Attachment(
        name=leaf.name,
        media_type=leaf.media_type,
        size=len(leaf.content),
        sha256=hashlib.sha256(leaf.content).hexdigest(),
    )


def _alike(text: str) -> bytes:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(line.rstrip() for line in lines).strip().encode("utf-8", "replace") + b"\0"
