"""The parts of a mail: a bounded tree over one buffer, decoded only where somebody looks.

Nothing here recurses without bound, and nothing raises: what cannot be understood becomes a leaf.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from mailbot.mailtext.headers import (
    Headers,
    Parametrised,
    decode_base64,
    decode_words,
    read_headers,
    read_params,
)

_MEDIA_TYPE = re.compile(r"[^\s/;]+/[^\s/;]+")
MAX_DEPTH = 15
MAX_PARTS = 1000
MAX_OCTETS = 8_000_000  # of text, over all parts
MAX_ELEMENTS = 150_000  # of HTML, over all parts


@dataclass(frozen=True, slots=True)
class Part:
    """One MIME part. `kind` is its media type, lower-case; leaves have no children."""

    headers: Headers
    kind: str
    params: Parametrised
    disposition: Parametrised
    buffer: bytes = field(repr=False)
    start: int
    end: int
    children: tuple["Part", ...] = ()
    lead: bytes = b""  # stray header lines of a text part: perhaps its body, perhaps not

    @property
    def name(self) -> str:
        """The file name, without any path; "" if none was given."""
        name = self.disposition.get("filename") or self.params.get("name")
        if not name:
            return ""
        plain = "".join(c for c in decode_words(name) if c.isprintable())
        return re.split(r"[/\\]", plain)[-1].strip()[:200]

    @property
    def attached(self) -> bool:
        """Whether the writer says that this is an attachment, not text to be read in place."""
        return self.disposition.value == "attachment"

    def decoded(self) -> bytes:
        """The content with its transfer encoding undone; damaged content as far as it goes."""
        raw = self.buffer[self.start : self.end]
        encoding = self.headers.first("content-transfer-encoding").split("(")[0].strip().lower()
        if encoding == "base64":
            return decode_base64(raw)
        if encoding == "quoted-printable":
            return self.lead + binascii.a2b_qp(raw)
        if encoding in ("x-uuencode", "uuencode", "x-uue"):
            return _decode_uu(raw)
        return self.lead + raw

    def walk(self) -> Iterator["Part"]:
        """This part and all below it, in the order in which they stand."""
        waiting = [self]
        while waiting:
            part = waiting.pop()
            yield part
            waiting.extend(reversed(part.children))


def _decode_uu(raw: bytes) -> bytes:
    lines = raw.splitlines()
    begin = next((i for i, line in enumerate(lines) if line.startswith(b"begin ")), len(lines))
    out: list[bytes] = []
    for line in lines[begin + 1 :]:
        if line.strip() in (b"end", b"`", b""):
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Some encoders leave rubbish behind a full line; its first octet says how long it is.
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                break
    return b"".join(out)


class Budget:
    """How many parts may still be made, and what had to be given up."""

    def __init__(self) -> None:
        self.parts = MAX_PARTS
        self.octets = MAX_OCTETS
        self.elements = MAX_ELEMENTS
        self.notes: dict[str, None] = {}

    def note(self, name: str) -> None:
        """Remember an oddity, once."""
        self.notes[name] = None


def read_mime(raw: bytes, budget: Budget) -> Part:
    """The tree of a whole mail."""
    if b"\n" not in raw and b"\r" in raw:
        raw = raw.replace(b"\r", b"\n")  # classic Mac line ends
    return _read(raw, 0, len(raw), budget, 0, "text/plain")


def _read(buffer: bytes, start: int, end: int, budget: Budget, depth: int, usual: str) -> Part:
    budget.parts -= 1
    headers, body = read_headers(buffer, start, end)
    if headers.stray:
        budget.note("bad-header")
    if len(headers.all("content-type")) > 1:
        budget.note("double-content-type")
    params = read_params(headers.first("content-type"))
    kind = params.value if _MEDIA_TYPE.fullmatch(params.value) else usual
    disposition = read_params(headers.first("content-disposition"))
    lead = b""
    if headers.stray.strip() and kind.startswith("text/"):
        lead = headers.stray + b"\n\n"
    children: tuple[Part, ...] = ()
    if kind.startswith("multipart/"):
        children, kind = _multipart(buffer, body, end, params, kind, budget, depth)
    elif kind in ("message/rfc822", "message/global", "message/news") and _may_open(budget, depth):
        inner, first, last = _embedded(buffer, body, end, headers)
        children = (_read(inner, first, last, budget, depth + 1, "text/plain"),)
    return Part(headers, kind, params, disposition, buffer, body, end, children, lead)


def _may_open(budget: Budget, depth: int) -> bool:
    if depth < MAX_DEPTH and budget.parts > 0:
        return True
    budget.note("too-deep" if depth >= MAX_DEPTH else "too-many-parts")
    return False


def _embedded(buffer: bytes, body: int, end: int, headers: Headers) -> tuple[bytes, int, int]:
    """Where the mail inside message/rfc822 lies; some programs encode it against RFC 2046."""
    encoding = headers.first("content-transfer-encoding").strip().lower()
    if encoding == "base64":
        inner = decode_base64(buffer[body:end])
        return inner, 0, len(inner)
    if encoding == "quoted-printable":
        inner = binascii.a2b_qp(buffer[body:end])
        return inner, 0, len(inner)
    return buffer, body, end


def _multipart(
    buffer: bytes,
    body: int,
    end: int,
    params: Parametrised,
    kind: str,
    budget: Budget,
    depth: int,
) -> tuple[tuple[Part, ...], str]:
    """The children, and the kind: a multipart without parts is shown as the text that it holds."""
    boundary = params.get("boundary")[:250].rstrip()
    spans = _spans(buffer, body, end, boundary.encode("utf-8", "replace")) if boundary else []
    if not spans:
        budget.note("bad-mime")
        return (), "text/plain"
    usual = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    children: list[Part] = []
    for first, last in spans:
        if not _may_open(budget, depth):
            break
        children.append(_read(buffer, first, last, budget, depth + 1, usual))
    return tuple(children), kind


def _spans(buffer: bytes, body: int, end: int, boundary: bytes) -> list[tuple[int, int]]:
    """Start and end of each part between the lines of a boundary (RFC 2046 § 5.1.1)."""
    mark = b"--" + boundary
    line = b"\n" + mark  # sought with its line end: a mark inside a long line costs nothing
    spans: list[tuple[int, int]] = []
    start = -1
    at = body if buffer.startswith(mark, body, end) else _next_line(buffer, line, body, end)
    while at != -1:
        behind = at + len(mark)
        newline = buffer.find(b"\n", behind, end)
        rest = buffer[behind : min(newline if newline >= 0 else end, behind + 200)].strip(b" \t\r")
        if rest not in (b"", b"--"):
            at = _next_line(buffer, line, behind, end)
            continue
        if start >= 0:
            spans.append((start, _before_line_end(buffer, start, at)))
        if rest or len(spans) > MAX_PARTS:
            return spans
        start = newline + 1 if newline >= 0 else end
        at = _next_line(buffer, line, start - 1, end) if newline >= 0 else -1
    if start >= 0:
        spans.append((start, end))  # the closing line is missing: what there is, is the last part
    return spans


def _next_line(buffer: bytes, line: bytes, at: int, end: int) -> int:
    found = buffer.find(line, max(0, at), end)
    return found + 1 if found >= 0 else -1


def _before_line_end(buffer: bytes, start: int, at: int) -> int:
    """The line end before a boundary belongs to the boundary."""
    if at > start and buffer[at - 1 : at] == b"\n":
        at -= 1
        if at > start and buffer[at - 1 : at] == b"\r":
            at -= 1
    return at
