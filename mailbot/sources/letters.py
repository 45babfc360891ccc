"""Marked letters and the plain ones that stand for them in names: one table for SQL and Python."""

_BASES = {
    "a": "åäáàâã", "o": "øöóòô", "e": "éèêë", "u": "üúù", "i": "íìï", "c": "çč", "n": "ñ",
    "s": "š", "z": "ž", "y": "ýÿ", "l": "ł", "d": "đ",
}  # fmt: skip
MARKED = {sign: base for base, signs in _BASES.items() for sign in signs} | {"æ": "a"}
MARKED |= {sign.upper(): base for sign, base in MARKED.items()}
COMBINING = "".join(map(chr, range(0x300, 0x310)))
_PLAIN = str.maketrans(MARKED | dict.fromkeys(COMBINING, ""))


def plain(text: str) -> str:
    """A text in plain lower-case letters, as far as one letter stands for one."""
    return text.lower().translate(_PLAIN)
