"""The header section of a mail: fields in order, encoded words, parameters, message ids.

Written for hostile input: each function is linear in its input and raises nothing. The standard
library's parser is not used, because it recurses, guesses, and lets a second From pass.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from mailbot.mailtext.charsets import decode, decode_header_bytes

MAX_VALUE = 65_536  # characters of one field; more is cut
MAX_SECTION = 16_000_000  # octets of one header section; what follows is not looked at

_NAME = re.compile(rb"([!-9;-~]{1,200})[ \t]*:")
_ENCODED_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]{0,10000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)\s+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,998})>")
_FOLDS = (b" ", b"\t")
_LETTERS = re.compile(rb"[^a-z]+")
_ENVELOPE = re.compile(rb">?From [^\s:]+[ \t]+[^\r\n:]{3,20}[ \t]\d?\d:\d\d[^\r\n]{0,100}\r?\n")


@dataclass(frozen=True, slots=True)
class Headers:
    """The fields of one header section, topmost first; names in lower case, values unfolded.

    `stray`: lines that belong to no field. `odd_from`: one of them, or a field with a maimed name,
    may pass for a From elsewhere ("From\\0:", " From:"), so that no From can be trusted.
    """

    fields: tuple[tuple[str, str], ...] = ()
    stray: bytes = b""
    odd_from: bool = False
    _named: Mapping[str, list[str]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        named: dict[str, list[str]] = {}
        for name, value in self.fields:
            named.setdefault(name, []).append(value)
        object.__setattr__(self, "_named", named)

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of a field, in order."""
        return tuple(self._named.get(name, ()))

    def first(self, name: str) -> str:
        """The topmost value of a field, or ""."""
        values = self._named.get(name)
        return values[0] if values else ""

    def has(self, *names: str) -> bool:
        """Whether any of the fields is there."""
        return not self._named.keys().isdisjoint(names)


def read_headers(buffer: bytes, start: int, end: int) -> tuple[Headers, int]:
    """The header section that begins at `start`, and where its body begins."""
    section, body = _section(buffer, start, end)
    fields: list[tuple[str, str]] = []
    stray: list[bytes] = []
    odd = False
    for line, empty in _unfold(section):
        match = _NAME.match(line)
        head = (line.partition(b":")[0] if match is None else match.group(1)).lower()
        if match is None:
            stray.append(line)
            odd = odd or _LETTERS.sub(b"", head[:60]) == b"from"
            continue
        name, maimed = _named(head)
        # "From :" is a From to some programs only; a line of mere spaces ends the headers for some.
        odd = odd or maimed or (name == "from" and line[len(head) : len(head) + 1] != b":")
        odd = odd or (name == "from" and empty)
        fields.append((name, decode_header_bytes(line[match.end() :].strip(b" \t"))[:MAX_VALUE]))
    return Headers(tuple(fields), b"\n".join(stray[:1000]), odd), body


@lru_cache(maxsize=1024)
def _named(head: bytes) -> tuple[str, bool]:
    """A field's name, and whether it is a maimed From."""
    return head.decode("ascii"), head != b"from" and _LETTERS.sub(b"", head) == b"from"


def _section(buffer: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The octets of the section and the offset of the body; mbox's "From " line is skipped."""
    if _ENVELOPE.match(buffer, start, end):
        start = buffer.find(b"\n", start, end) + 1 or end
    for empty in (b"\n", b"\r\n"):
        if buffer.startswith(empty, start, end):
            return b"", start + len(empty)
    limit = min(end, start + MAX_SECTION)
    found = [
        (at, at + len(mark))
        for mark in (b"\n\n", b"\n\r\n")
        if (at := buffer.find(mark, start, limit)) != -1
    ]
    stop, body = min(found, default=(limit, end))
    return buffer[start:stop], body


def _unfold(section: bytes) -> Iterator[tuple[bytes, bool]]:
    """Logical lines: continuation lines joined to the field that they continue (RFC 5322 § 2.2.3);
    with each, whether one of its continuations is empty.

    A bare CR is no line end here: it stays in the value, where it makes an address invalid.
    """
    held: list[bytes] = []
    size = 0
    empty = False
    for raw in section.split(b"\n"):
        line = raw[:-1] if raw[-1:] == b"\r" else raw
        if line[:1] in _FOLDS and held:
            if size < MAX_VALUE:
                held.append(line)
                size += len(line)
            empty = empty or not line.strip()
            continue
        if held:
            yield held[0] if len(held) == 1 else b"".join(held), empty
        held, size, empty = [line], len(line), False
    if held and held != [b""]:
        yield b"".join(held), empty


def decode_words(value: str) -> str:
    """A header value with its encoded words decoded (RFC 2047); broken ones stay as they are."""
    if "=?" not in value:
        return value
    joined = _BETWEEN_WORDS.sub(r"\1", value)
    pieces: list[str] = []
    pending: list[bytes] = []
    charset = ""
    at = 0
    for match in _ENCODED_WORD.finditer(joined):
        named = match.group(1).partition("*")[0].lower()  # RFC 2231 § 5: charset*language
        gap = joined[at : match.start()]
        if pending and (gap or named != charset):
            pieces.append(decode(b"".join(pending), charset)[0])
            pending = []
        pieces.append(gap)
        # Some writers split a character between two words: join octets before decoding.
        charset = named
        pending.append(_word_bytes(match.group(2), match.group(3)))
        at = match.end()
    if pending:
        pieces.append(decode(b"".join(pending), charset)[0])
    pieces.append(joined[at:])
    return "".join(pieces)


def _word_bytes(encoding: str, text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if encoding in "qQ":
        return binascii.a2b_qp(octets, header=True)
    return decode_base64(octets)


_NOT_BASE64 = bytes(
    octet
    for octet in range(256)
    if octet not in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
)


def decode_base64(octets: bytes) -> bytes:
    """Base64, forgiving: foreign octets skipped, missing padding supplied."""
    clean = octets.translate(None, _NOT_BASE64)
    head, padding, rest = clean.partition(b"=")
    if rest.strip(b"="):
        # Several encodings behind each other: each is decoded, as mail clients do.
        return decode_base64(head) + b"".join(
            _decode_run(run) for run in rest.split(b"=")[:1000] if run
        )
    return _decode_run(head)


def _decode_run(run: bytes) -> bytes:
    whole = run[: len(run) - 1] if len(run) % 4 == 1 else run
    try:
        return binascii.a2b_base64(whole + b"=" * (-len(whole) % 4))
    except binascii.Error:
        return b""


def one_line(value: str) -> str:
    """White space and control characters as single spaces."""
    if not value.isprintable():
        value = "".join(c if c.isprintable() else " " for c in value)
    return " ".join(value.split())


def message_ids(value: str) -> tuple[str, ...]:
    """The message ids of a References, In-Reply-To or Message-ID field, without brackets."""
    found = _MESSAGE_ID.findall(value)
    if not found and "@" in value and "<" not in value:
        found = [word for word in value.split()[:100] if "@" in word]
    return tuple(dict.fromkeys(found[-500:]))


@dataclass(frozen=True, slots=True)
class Parametrised:
    """A value with parameters, such as Content-Type (RFC 2045 § 5.1, RFC 2231)."""

    value: str
    params: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str:
        """A parameter, or ""."""
        return next((text for key, text in self.params if key == name), "")


_NOTHING = Parametrised("")
_PARAM = re.compile(r'\s*([^\s=;"]{1,100})\s*=\s*("(?:[^"\\]|\\.){0,20000}"?|[^;]{0,20000})', re.S)


def read_params(value: str) -> Parametrised:
    """`type/subtype; a=b; c*0*=utf-8''d` as a lower-case value and decoded parameters."""
    if not value:
        return _NOTHING
    head, _, tail = value.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bool, str]]] = {}
    at, count = 0, 0
    while at < len(tail) and count < 200:
        match = _PARAM.match(tail, at)
        if match is None:
            at = (tail.find(";", at) + 1) or len(tail)
            continue
        at, count = max(match.end(), at + 1), count + 1
        name, text = match.group(1).lower(), _unquote(match.group(2).strip())
        base, star, index = name.partition("*")
        if not star:
            plain.setdefault(name, text)
        else:
            number = index.rstrip("*")
            encoded = name.endswith("*")
            place = int(number) if number.isdecimal() and len(number) < 4 else 0
            pieces.setdefault(base, {}).setdefault(place, (encoded, text))
        at = (tail.find(";", at) + 1) or len(tail)
    for base, numbered in pieces.items():
        plain[base] = _joined(numbered)
    return Parametrised(
        " ".join(head.split()).lower()[:200],
        tuple(plain.items()),
    )


def _unquote(text: str) -> str:
    if not text.startswith('"'):
        return text.split("(")[0].strip() if "(" in text else text
    inner = text[1:-1] if len(text) > 1 and text.endswith('"') else text[1:]
    return re.sub(r"\\(.)", r"\1", inner)


def _joined(numbered: dict[int, tuple[bool, str]]) -> str:
    """The pieces of an RFC 2231 parameter in order; the charset stands in the first one."""
    charset = "utf-8"
    octets = b""
    for place in sorted(numbered):
        encoded, text = numbered[place]
        if encoded and place == min(numbered) and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        octets += unquote_to_bytes(text) if encoded else text.encode("utf-8", "replace")
    return decode(octets, charset)[0]
