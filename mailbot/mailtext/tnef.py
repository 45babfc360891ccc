"""winmail.dat: what Outlook packs a mail into when it writes rich text (MS-OXTNEF).

Read are the plain and the HTML body and the names of the files. The compressed rich text is not:
beside it Outlook writes the same words as the plain text of the mail.
"""

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from mailbot.mailtext.charsets import decode

KINDS = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNATURE = b"\x78\x9f\x3e\x22"
_HEAD = struct.Struct("<BLL")
_LONG = struct.Struct("<L")
_BODY, _TITLE, _DATA = 0x0002800C, 0x00018010, 0x0006800F
_PROPERTIES, _OF_FILE, _RENDERING, _CODEPAGE = 0x00069003, 0x00069005, 0x00069002, 0x00069007
_PLAIN, _HTML, _LONG_NAME = 0x1000, 0x1013, 0x3707
_FIXED = {2: 4, 3: 4, 4: 4, 5: 8, 6: 8, 7: 8, 0xA: 4, 0xB: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_VARIABLE = frozenset({0x1E, 0x1F, 0x102, 0xD})
_MOST = 2000  # attributes, properties and values each


@dataclass(frozen=True, slots=True)
class PackedFile:
    """A file inside: its name, its size in octets, the digest of its content."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Packed:
    """What was found inside; "" and () where there is nothing."""

    plain: str = ""
    html: str = ""
    files: tuple[PackedFile, ...] = ()


def read_tnef(octets: bytes) -> Packed:
    """The contents of a winmail.dat, as far as it is sound."""
    if not octets.startswith(_SIGNATURE):
        return Packed()
    charset = "cp1252"
    plain = rich = ""
    files: list[tuple[str, bytes]] = []
    for kind, data in _attributes(octets):
        if kind == _CODEPAGE and len(data) >= 4:
            charset = f"cp{_LONG.unpack_from(data)[0]}"
        elif kind == _BODY:
            plain = plain or _text(data, charset)
        elif kind == _PROPERTIES:
            for name, sort, value in _properties(data):
                if name == _PLAIN and sort in (0x1E, 0x1F):
                    plain = plain or _text(value, "utf-16-le" if sort == 0x1F else charset)
                elif name == _HTML:
                    rich = rich or _text(value, "utf-16-le" if sort == 0x1F else "utf-8")
        elif kind == _RENDERING:
            files.append(("", b""))
        elif files and kind == _TITLE:
            files[-1] = (files[-1][0] or _text(data, charset), files[-1][1])
        elif files and kind == _DATA:
            files[-1] = (files[-1][0], data)
        elif files and kind == _OF_FILE:
            for name, sort, value in _properties(data):
                if name == _LONG_NAME and sort in (0x1E, 0x1F):
                    long = _text(value, "utf-16-le" if sort == 0x1F else charset)
                    files[-1] = (long, files[-1][1])
    return Packed(plain, rich, tuple(_file(name, data) for name, data in files[:200]))


def _file(name: str, data: bytes) -> PackedFile:
    shown = "".join(c for c in name if c.isprintable()).replace("\\", "/").rpartition("/")[2]
    return PackedFile(shown.strip()[:200], len(data), hashlib.sha256(data).hexdigest())


def _text(octets: bytes, charset: str) -> str:
    return decode(octets[:4_000_000], charset)[0].rstrip("\0").replace("\r\n", "\n")


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Id and content of each attribute (MS-OXTNEF § 2.1.3)."""
    at = 6
    for _ in range(_MOST):
        if at + _HEAD.size > len(octets):
            return
        _, kind, size = _HEAD.unpack_from(octets, at)
        at += _HEAD.size
        if at + size > len(octets):
            return
        yield kind, octets[at : at + size]
        at += size + 2  # the checksum: a damaged mail is read all the same


def _properties(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Name, type and (first) value of each property (MS-OXTNEF § 2.1.3.4)."""
    at = 4
    try:
        for _ in range(min(_LONG.unpack_from(data)[0], _MOST)):
            tag = _LONG.unpack_from(data, at)[0]
            name, sort, many = tag >> 16, tag & 0xEFFF, bool(tag & 0x1000)
            at += 4
            if name >= 0x8000:  # a named property: its set, then a number or a name
                named = _LONG.unpack_from(data, at + 16)[0]
                size = _LONG.unpack_from(data, at + 20)[0] if named else 0
                at += 24 + (size + 3) // 4 * 4
            count = 1
            if many or sort in _VARIABLE:
                count = min(_LONG.unpack_from(data, at)[0], _MOST)
                at += 4
            first = b""
            for place in range(count):
                if sort in _VARIABLE:
                    size = _LONG.unpack_from(data, at)[0]
                    at += 4
                    value, step = data[at : at + size], (size + 3) // 4 * 4
                elif sort in _FIXED:
                    step = _FIXED[sort]
                    value = data[at : at + step]
                else:
                    return  # a type that nobody knows: what follows cannot be found
                at += step
                first = value if place == 0 else first
            yield name, sort, first
    except struct.error:
        return
