"""Hostile or careless spelling made plain: one form per word, whatever bytes it was drawn with.

Two forms are used. `clean` keeps case and diacritics (sentence split and language id need them);
`fold` is what the classifier's features are made of: lower case, no diacritics.
"""

import re
import unicodedata
from functools import lru_cache

# Characters that are drawn as nothing: soft hyphen, joiners, marks of direction, fillers, tags.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]")
_LINE_ENDS = re.compile("\r\n?|[\x0c\x85\u2028\u2029]")
_NOT_LATIN = re.compile("[\u0370-\u03ff\u0400-\u052f\u0531-\u058f\u13a0-\u13ff\uab70-\uabbf]")
_WORD = re.compile(r"[^\W_]+")
_LETTER = re.compile(r"[^\W\d_]")
_APOSTROPHES = re.compile("[\u2018\u2019\u201b\u02bc\u00b4\u0060\uff07\u2032]")
_SPACED_OUT = re.compile(r"(?<![^\W_])(?:[^\W\d_][ .\-_*]){3,40}[^\W\d_](?![^\W_])")
_SPACED_GAP = re.compile(r"[ .\-_*]")
_LEET_WORD = re.compile(r"(?<![\w@.])[a-z]+[013457@$][a-z013457@$]*[a-z]+(?![\w@.])")
_LEET_SIGN = re.compile("[013457@$]")
_LEET = str.maketrans("013457@$", "oieastas")

# Letters of other scripts that are drawn like a Latin letter (own selection; upper and lower).
_LOOKS_LIKE = {
    # Cyrillic
    "а": "a", "в": "b", "с": "c", "ԁ": "d", "е": "e", "ё": "e", "һ": "h", "і": "i", "ї": "i",
    "ј": "j", "к": "k", "ӏ": "l", "м": "m", "н": "n", "о": "o", "р": "p", "ԛ": "q", "г": "r",
    "ѕ": "s", "т": "t", "у": "y", "ѵ": "v", "ԝ": "w", "х": "x", "А": "A", "В": "B", "С": "C",
    "Е": "E", "Н": "H", "І": "I", "Ј": "J", "К": "K", "М": "M", "О": "O", "Р": "P", "Ѕ": "S",
    "Т": "T", "У": "Y", "Х": "X", "Ӏ": "l", "ӧ": "ö", "ӓ": "ä", "ә": "e",
    # Greek
    "α": "a", "β": "b", "ε": "e", "η": "n", "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p",
    "τ": "t", "υ": "u", "χ": "x", "γ": "y", "ω": "w", "σ": "o", "μ": "u", "Α": "A", "Β": "B",
    "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N", "Ο": "O", "Ρ": "P",
    "Τ": "T", "Υ": "Y", "Χ": "X",
    # Armenian, Cherokee
    "ա": "w", "օ": "o", "ո": "n", "ս": "u", "հ": "h", "յ": "j", "զ": "q", "ց": "g", "Ꭺ": "A",
    "Ꭼ": "E", "Ꮪ": "S", "Ꭲ": "i", "Ꮮ": "L", "Ꮇ": "M", "Ꭰ": "D", "Ꮯ": "C", "Ꭱ": "R",
}  # fmt: skip

_PLAIN = str.maketrans(_LOOKS_LIKE)

_SPECIAL_FOLDS = {
    "ø": "o", "æ": "ae", "œ": "oe", "ß": "ss", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i",
    "ŋ": "n", "ħ": "h", "ς": "σ",
}  # fmt: skip


def _unmask_word(match: re.Match[str]) -> str:
    word = match.group()
    if not _NOT_LATIN.search(word):
        return word
    plain = word.translate(_PLAIN)
    return word if _NOT_LATIN.search(plain) else plain


def _unmask(text: str) -> str:
    """Map look-alike letters to Latin where the text around them is Latin.

    A mail that is truly Greek or Russian keeps its letters: only words that mix scripts are
    mapped there, since no honest word does.
    """
    foreign = len(_NOT_LATIN.findall(text))
    if not foreign:
        return text
    letters = len(_LETTER.findall(text))
    if foreign * 2 < letters:
        return _WORD.sub(_unmask_word, text)
    return _WORD.sub(
        lambda match: (
            _unmask_word(match)
            if any(letter.isascii() for letter in match.group() if letter.isalpha())
            else match.group()
        ),
        text,
    )


def _close_up(match: re.Match[str]) -> str:
    return _SPACED_GAP.sub("", match.group())


def clean(text: str) -> str:
    """The text with visible characters only, compatibility forms resolved (NFKC), case kept.

    Line ends become "\\n". Words disguised by invisible characters, by letters of another script
    or by s p a c i n g are made plain. Linear in the length of the text.
    """
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
        if not unicodedata.is_normalized("NFKC", text):
            text = unicodedata.normalize("NFKC", text)
            text = _INVISIBLE.sub("", text)
        text = _APOSTROPHES.sub("'", text)
        text = _unmask(text)
    text = _LINE_ENDS.sub("\n", text)
    text = _CONTROL.sub(" ", text)
    return _SPACED_OUT.sub(_close_up, text)


@lru_cache(maxsize=1)
def _fold_table() -> dict[int, str]:
    table = {ord(letter): plain for letter, plain in _SPECIAL_FOLDS.items()}
    for first, last in ((0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x45F), (0x1E00, 0x1FFF)):
        for code in range(first, last + 1):
            base = "".join(
                part
                for part in unicodedata.normalize("NFKD", chr(code))
                if not unicodedata.combining(part)
            )
            if base and base != chr(code):
                table.setdefault(code, base)
    for code in range(0x300, 0x370):
        table[code] = ""
    return table


def fold(text: str) -> str:
    """Lower case without diacritics (ø→o, æ→ae, å→a, ß→ss); digits used as letters undone.

    People leave diacritics out, and cognates of the Nordic languages come closer without them.
    """
    text = text.lower()
    if not text.isascii():
        text = text.translate(_fold_table())
    if _LEET_SIGN.search(text) is None:
        return text
    return _LEET_WORD.sub(lambda match: match.group().translate(_LEET), text)
