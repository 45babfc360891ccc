"""The courtesies around a decision: how a reply begins and ends."""

import re

from mailbot.mailtext import vocabulary
from mailbot.mailtext.words import WORD, Words, fold, tokens_of

_MAX_NAMES = 4


def without_greeting(text: str, words: Words) -> str:
    """The text behind a greeting such as "Hei Kari,"; the text itself if it has none.

    A name is at most four capitalised words that mean nothing else, and a comma or line end must
    follow it: no word of a decision is ever swallowed as a name.
    """
    line_end = text.find("\n")
    line = text if line_end < 0 else text[:line_end]
    length = _greeting_length(line, words)
    if length == 0:
        return text
    rest = line[length:]
    named = re.match(rf"[ \t]+((?:{WORD.pattern}[-. \t]*){{1,{_MAX_NAMES}}})(?=[,!.]|$)", rest)
    if named and _is_name(named[1], words):
        rest = rest[named.end() :]
    elif rest.strip(" \t,.!:-–") and not re.match(r"[ \t]*[,!.:–-]", rest):
        return text
    tail = rest.lstrip(" \t,.!:-–") + ("" if line_end < 0 else text[line_end:])
    return tail.strip() or text


def _greeting_length(line: str, words: Words) -> int:
    """How many characters of the line are its greeting."""
    found = list(WORD.finditer(line))[:8]
    if not found or line[: found[0].start()].strip(" \t*_"):
        return 0
    tokens = [fold(match.group()) for match in found]
    sizes = [
        end
        for phrase in words.phrases.get(tokens[0], ())
        if phrase.kind == "greeting"
        for end in phrase.ends(tokens, 0)
    ]
    return found[max(sizes) - 1].end() if sizes else 0


def _is_name(text: str, words: Words) -> bool:
    parts = WORD.findall(text)
    return bool(parts) and all(
        part[:1].isupper() and not words.known.intersection(tokens_of(part)) for part in parts
    )


def without_ending(text: str, words: Words, names: frozenset[str]) -> str:
    """A reason without the sign-off and name below it."""
    lines = text.split("\n")
    for at in range(len(lines)):
        if at and _ends_here(lines, at, names):
            return "\n".join(lines[:at]).strip()
    return _without_tail(text.strip(), words)


def _ends_here(lines: list[str], at: int, names: frozenset[str]) -> bool:
    line = lines[at].strip()
    if not line or len(lines) - at > 12:
        return False
    match = vocabulary.SIGN_OFF.fullmatch(line)
    if match is not None and len(match["rest"].split()) <= _MAX_NAMES:
        return True
    said = tokens_of(line)
    return bool(said) and len(said) <= _MAX_NAMES and set(said) <= names


def _without_tail(text: str, words: Words) -> str:
    """A reason without "Mvh Kari" behind it on the same line."""
    return words.closing.sub("", text[:4000]).rstrip(" ,\n\t") + text[4000:]
