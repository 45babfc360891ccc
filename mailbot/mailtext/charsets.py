"""Octets to text: a closed list of charsets, sensible guesses for the rest, invisible characters.

Python would also accept "unicode_escape", "utf-7", "idna" or "zlib" as a charset; a mail could so
say one thing to us and another to every mail client. Hence the list.
"""

import codecs
import re

_FAMILIES = re.compile(
    r"utf-?(8|16|32)(-?[bl]e)?|iso-?8859-?\d{1,2}(-[ei])?|windows-?125\d|cp(125\d|437|850|852|865"
    r"|866|932|936|949|950)|koi8-?[ru]|big5(-?hkscs)?|gb2312|gbk|gb18030|euc-?(jp|kr)"
    r"|shift[_-]?jis|iso-2022-(jp(-[123]|-ext)?|kr)|tis-?620|mac-?(roman|latin2|cyrillic)"
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
    if name is None:
        return _guess(octets), True
    try:
        return octets.decode(name), False
    except (UnicodeDecodeError, UnicodeError):
        return (_guess(octets) if name == "utf-8" else octets.decode(name, "replace")), True


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
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = text.replace("\x0c", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return _INVISIBLE.sub("", _CONTROLS.sub("", text)).replace("\xa0", " ").replace("\u202f", " ")


def has_bidi(text: str) -> bool:
    """Whether the text orders itself about, so that it is read in another order than it stands."""
    return not text.isascii() and _BIDI.search(text) is not None
