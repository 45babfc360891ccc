"""Octets to text: a closed list of charsets, sensible guesses for the rest, invisible characters.

Python would also accept "unicode_escape", "utf-7", "idna" or "zlib" as a charset; a mail could so
say one thing to us and another to every mail client. Hence the list.
"""

import codecs
import re

_FAMILIES = re.compile(
    r"utf-?(8|16|32)(-?[bl]e)?|iso-?8859-?\d{1,2}(-[ei])?|windows-?125\d|cp(125\d|437|850|852|865"
    r"|866|932|936|949|950)|koi8-?[ru]|big5(-?hkscs)?|gb2312|gbk|gb18030|euc-?(jp|kr)"
    r"|hz(?:-gb-2312)?|shift[_-]?jis|iso-2022-(jp(-[123]|-ext)?|kr)|tis-?620|mac-?(roman|latin2|cyrillic)"
    r"|macintosh|latin-?\d"
)
_ALIASES = {
    "": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "unknown-8bit": "utf-8",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "x-sjis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "hz-gb-2312": "hz",
    "iso-2022-jp": "iso2022_jp_ext",
    "unicode-1-1-utf-8": "utf-8",
    "windows-31j": "cp932",
    "x-gbk": "gb18030",
    "x-mac-roman": "mac-roman",
    "utf-8bom": "utf-8",
    "macintosh": "mac-roman",
    # What calls itself Latin-1 is Windows-1252 in practice (the WHATWG Encoding standard agrees).
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
}
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
# Soft hyphens, zero-width and bidirectional marks, tags: seen by nobody, so read by nobody.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def decode(octets: bytes, charset: str) -> tuple[str, bool]:
    """The text, and whether the named charset was unknown or did not fit."""
    name = _known(charset)
    if octets and (octets[0] > 0xEE or b"\0" in octets[:400] or b"\x1b" in octets[:4000]):
        told = _told_by_octets(octets)
        if told is not None and (name or "")[:6] != told.replace("-sig", "")[:6]:
            return octets.decode(told, "replace"), name is not None and name != "utf-8"
        name = told if told in ("utf-8-sig", "utf-16", "utf-32") else name
    if name is None:
        return _guess(octets), True
    if name in _WESTERN and not octets.isascii() and _is_utf8(octets):
        return octets.decode("utf-8"), True
    try:
        return octets.decode(name), False
    except (UnicodeDecodeError, UnicodeError):
        return (_guess(octets) if name == "utf-8" else octets.decode(name, "replace")), True


_WESTERN = frozenset({"cp1252", "iso8859-15"})
_SIGNATURES = (  # the longer ones first: UTF-32 begins as UTF-16 does
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# ISO 2022 switches its alphabets by escapes, which mean nothing anywhere else (RFC 1468, RFC 1557).
_SWITCHES = re.compile(rb"\x1b\$(?:[@B]|\(D)|\x1b\([JI]")
_KOREAN = b"\x1b$)C"


def _told_by_octets(octets: bytes) -> str | None:
    """What the octets themselves say they are: a signature, every other octet zero, escapes."""
    for signature, name in _SIGNATURES:
        if octets.startswith(signature):
            return name
    head = octets[:400]
    if _KOREAN in octets[:4000]:
        return "iso2022_kr"
    if _SWITCHES.search(octets[:4000]):
        return "iso2022_jp_3" if b"\x1b$(" in octets[:4000] else "iso2022_jp"
    if len(head) >= 8 and head[1::2].count(0) > len(head) * 0.4 and head[::2].count(0) == 0:
        return "utf-16-le"
    if len(head) >= 8 and head[::2].count(0) > len(head) * 0.4 and head[1::2].count(0) == 0:
        return "utf-16-be"
    return None


def _is_utf8(octets: bytes) -> bool:
    """Whether octets that call themselves Western are UTF-8: by chance they hardly ever are."""
    try:
        text = octets[:100_000].decode("utf-8")
    except UnicodeDecodeError as error:
        if len(octets) <= 100_000 or error.start < 99_990:
            return False
        text = octets[: error.start].decode("utf-8")
    return sum(c > "\x7f" for c in text) >= 2 or len(octets) > 100_000


def _known(charset: str) -> str | None:
    name = charset.strip().strip("\"'").lower()[:40]
    if name in _ALIASES:
        return _ALIASES[name]
    if not _FAMILIES.fullmatch(name):
        return None
    try:
        return codecs.lookup(name).name
    except LookupError:
        return None


def _guess(octets: bytes) -> str:
    """UTF-8 where that fits better than the Western European octets that it is mistaken for."""
    text = octets.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken == 0:
        return text
    whole = sum(1 for c in text[:200_000] if c > "\x7f") - broken
    return text if whole > broken else octets.decode("cp1252", "replace")


def decode_header_bytes(octets: bytes) -> str:
    """A raw header value: UTF-8 (RFC 6532), else the octets of Western Europe."""
    try:
        return octets.decode("ascii")
    except UnicodeDecodeError:
        return _guess(octets)


def visible(text: str) -> str:
    """Text without control and invisible characters, its line ends made "\\n"."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0c", "\n")
    if text.isascii():
        return _CONTROLS.sub("", text)
    text = text.replace("\u2028", "\n").replace("\u2029", "\n")
    return _INVISIBLE.sub("", _CONTROLS.sub("", text)).replace("\xa0", " ").replace("\u202f", " ")


def has_bidi(text: str) -> bool:
    """Whether the text orders itself about, so that it is read in another order than it stands."""
    return not text.isascii() and _BIDI.search(text) is not None
