"""What may be shown: text from mails and records, without the signs that deceive a reader.

Everything that a stranger wrote (a name, a subject, a row's value) passes here before it stands in
a letter or an approval mail. Bidirectional controls would turn a sentence round (CVE-2021-42574),
invisible signs hide words from the approver, and line breaks forge lines of our own.
"""

import re
import unicodedata

_JOINERS = "\u200c\u200d"  # needed inside some scripts and emoji, harmless only there
# Letters by category that are drawn as nothing.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u180b\u180c\u180d\u180e\u17b4\u17b5\u034f")
_MOST_MARKS = 4  # combining marks on one letter; more paints over neighbouring lines
_NAME = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'’\-])*")
ELLIPSIS = "…"


def shown(text: str) -> str:
    """The text with line breaks as "\\n" and without control, bidi and invisible signs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    text = re.sub("[\u2028\u2029\u0085\v\f]", "\n", unicodedata.normalize("NFC", text))
    kept: list[str] = []
    marks = 0
    for place, sign in enumerate(text):
        if sign.isascii() and sign.isprintable() or sign == "\n":
            kept.append(sign)
            marks = 0
            continue
        kind = unicodedata.category(sign)
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        if _may_show(text, place, sign, kind, marks):
            kept.append(sign)
    return "".join(kept)


def _may_show(text: str, place: int, sign: str, kind: str, marks: int) -> bool:
    if sign in _JOINERS:
        around = text[place - 1 : place] + text[place + 1 : place + 2]
        return len(around) == 2 and not any(c.isascii() or c.isspace() for c in around)
    return (
        kind not in ("Cc", "Cf", "Cs", "Co", "Cn") and sign not in _BLANK and marks <= _MOST_MARKS
    )


def one_line(text: str, most: int = 200) -> str:
    """The text on one line of at most `most` signs: what may stand within a sentence of ours."""
    line = " ".join(shown(text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + ELLIPSIS


def excerpt(text: str, most: int) -> tuple[str, bool]:
    """The text's first `most` signs, blank lines squeezed; and whether anything was cut off."""
    tidy = re.sub(r"\n\s*\n\s*", "\n\n", shown(text)).strip()
    return (tidy, False) if len(tidy) <= most else (tidy[:most].rstrip() + ELLIPSIS, True)


def greeting_name(name: str) -> str:
    """A name to greet by, or "" where the display name is anything but a plain person's name."""
    line = one_line(name, 60)
    return line if _NAME.fullmatch(line) and not line.endswith(ELLIPSIS) else ""
