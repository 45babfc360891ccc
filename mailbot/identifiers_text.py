"""Letters that look the same to a person, made the same for a machine. Values only; no state."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

LONGEST_KEY = (
    320  # octets of the longest e-mail address (RFC 3696 erratum 1690); others are shorter
)
LONGEST_TEXT = 200_000  # characters of free text that are looked through for keys
MOST_KEYS = 500  # that one text may yield: more is an attack or a list, not a person

# Invisible signs that copying from web pages and word processors leaves around a key: soft hyphen,
# zero-width signs, direction marks and isolates, word joiner, byte order mark, variation selectors.
_UNSEEN = (
    (0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x180E, 0x180E), (0x200B, 0x200F),
    (0x202A, 0x202E), (0x2060, 0x2069), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF),
)  # fmt: skip
_INVISIBLE = "".join(chr(sign) for low, high in _UNSEEN for sign in range(low, high + 1))
_CONTROL = "".join(chr(sign) for sign in (*range(0x21), *range(0x7F, 0xA1)))
_SPACES = "\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_EDGE = _INVISIBLE + _CONTROL + _SPACES
_NO_INVISIBLE = dict.fromkeys(map(ord, _INVISIBLE))


def trim(text: str) -> str:
    """Without white space, control signs and invisible signs at both ends; inside it is as it was.

    Inside, such a sign may be the whole difference between two people's keys: it is never dropped
    there silently.
    """
    return text.strip(_EDGE)


def visible(text: str) -> str:
    """Without invisible signs anywhere: for names and phones, where they carry no meaning."""
    return text.translate(_NO_INVISIBLE)


def _windows_1252() -> dict[str, int]:
    """The sign that each octet becomes when read as Latin-1 or as Windows-1252, and its octet."""
    octets: dict[str, int] = {chr(octet): octet for octet in range(0x80, 0x100)}
    for octet in range(0x80, 0xA0):
        sign = bytes([octet]).decode("cp1252", errors="ignore")
        if sign:
            octets[sign] = octet
    return octets


_OCTETS = _windows_1252()
_FOLLOWING = "".join(re.escape(sign) for sign, octet in _OCTETS.items() if octet < 0xC0)
# Two octets make each Latin letter with a mark, and each Greek and Cyrillic one. The leading octet
# reads as a capital; lower-cased by some system afterwards, it is known only as ã and â, since the
# others end ordinary words ("på…") before a dash or a quotation mark.
_MISREAD = re.compile(f"([\u00c2-\u00c5\u00ce-\u00d1\u00e2\u00e3])([{_FOLLOWING}])")


def mend(text: str) -> str:
    """Undo UTF-8 that was once misread as Latin-1 or Windows-1252: "BjÃ¸rn" is "Bjørn" again.

    Such pairs of signs do not occur in words of any language, so text that was never misread stays
    as it is.
    """
    return _MISREAD.sub(_mended, text)


def _mended(found: re.Match[str]) -> str:
    lead, following = found.groups()
    pair = bytes([_OCTETS[lead.upper()], _OCTETS[following]])
    sign = pair.decode("utf-8")
    return sign if sign.isalpha() else found.group()


def misread(text: str) -> tuple[str, ...]:
    """How a text looks after its UTF-8 was read as Latin-1 or Windows-1252, if that changes it."""
    octets = text.encode("utf-8", errors="ignore")
    latin = octets.decode("latin-1")
    if latin == text:
        return ()
    back = {octet: sign for sign, octet in _OCTETS.items()}  # Windows-1252's sign wins
    windows = "".join(back.get(octet, chr(octet)) for octet in octets)
    return tuple(dict.fromkeys((latin, windows)))


# Letters that Unicode does not take apart, as they are written where they are missing.
_SPELT = {
    "æ": ("ae",), "ø": ("oe", "o"), "å": ("aa", "a"), "ä": ("ae", "a"), "ö": ("oe", "o"),
    "ü": ("ue", "u"), "ß": ("ss",), "œ": ("oe",), "ð": ("d", "dh"), "þ": ("th",), "ł": ("l",),
    "đ": ("d", "dj"), "ħ": ("h",), "ı": ("i",), "ŋ": ("ng", "n"), "ŧ": ("t",), "ĸ": ("k",),
}  # fmt: skip
_WORD = re.compile(r"[^\W\d_]+(?:['’`´][^\W\d_]+)*")


def spellings(word: str) -> frozenset[str]:
    """The ways in which a lower-case word is written in plain letters: åse → {aase, ase}.

    The word's letters are all spelt out in the long way or all in the short one, as a system does.
    """
    composed = unicodedata.normalize("NFC", word)
    long = "".join(_SPELT.get(sign, (sign,))[0] for sign in composed)
    short = "".join(_SPELT.get(sign, (sign,))[-1] for sign in composed)
    return frozenset((_bare(long), _bare(short)))


def _bare(word: str) -> str:
    apart = unicodedata.normalize("NFD", word)
    return "".join(sign for sign in apart if not unicodedata.combining(sign) and sign not in "'’`´")


def lowered(text: str) -> str:
    """One form of Unicode, lower case, misreadings undone, invisible signs gone."""
    return unicodedata.normalize("NFKC", mend(visible(text))).lower()


def words(text: str) -> Iterator[str]:
    """The words of a text in lower case, in order; a hyphen or a digit ends a word."""
    for found in _WORD.finditer(lowered(text[:LONGEST_TEXT])):
        yield found.group()


def unique(found: Iterable[str]) -> tuple[str, ...]:
    """In the order first seen, each once, and no more of them than one text may yield."""
    seen: dict[str, None] = {}
    for value in found:
        seen[value] = None
        if len(seen) >= MOST_KEYS:
            break
    return tuple(seen)
