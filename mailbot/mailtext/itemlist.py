"""The numbers of actions in a reply: "3", "3 og 5", "punkt 2, 3-5", "nr. 4 til 6", "to og fem"."""

import re

from mailbot.mailtext.words import ITEMS, WORD, Words, fold, tokens_of

NUMBER = re.compile(r"[ \t]*(?:#|n[or]\.?[ \t]*)?(\d{1,4})(?![\d%.]\d|\w)", re.I)
_MAX_ITEMS = 500


def read_numbers(text: str, words: Words) -> tuple[tuple[int, ...] | None, str]:
    """The numbers at the head of a text, in order, and what follows; None for a broken list."""
    found: dict[int, None] = {}
    at = 0
    through = False
    last = -1
    while True:
        start = _past_item_words(text, at, words)
        read = _number(text, start, words)
        if read is None:
            return (None if through else tuple(found)), text[at:]
        number, end = read
        if number == 0:
            return None, text
        if through and 0 <= last < number <= last + _MAX_ITEMS:
            found.update(dict.fromkeys(range(last, number + 1)))
        elif through:
            return None, text
        found[number] = None
        last, through = number, False
        at = end
        joint = _joint(text, at, words)
        if joint is None or not _number(text, _past_item_words(text, joint[0], words), words):
            return tuple(found), text[at:]
        at, through = joint
        if len(found) > _MAX_ITEMS:
            return None, text


def find_numbers(text: str, words: Words) -> tuple[str, tuple[int, ...]] | None:
    """The text with ITEMS in place of its one list of numbers, and these; None unless it has one.

    The list begins with a digit or with a word for items: a number word alone counts other things.
    """
    for match in re.finditer(rf"(?<![\w.@])(?:#?\d{{1,4}}(?!\w)|{WORD.pattern})", text):
        if not match.group().lstrip("#").isdigit() and fold(match.group()) not in words.items:
            continue
        numbers, rest = read_numbers(text[match.start() :], words)
        if numbers is None:
            return None
        if numbers:
            if re.search(r"(?<![\w.])\d{1,3}(?![\d%.]\d|\w)", rest):
                return None
            return f"{text[: match.start()]} {ITEMS} {rest}", numbers
    return None


def _number(text: str, at: int, words: Words) -> tuple[int, int] | None:
    """The number at a place, in digits or in a word, and where it ends."""
    match = NUMBER.match(text, at)
    if match is not None:
        return int(match[1]), match.end()
    said = re.compile(rf"[ \t]*({WORD.pattern})").match(text, at)
    if said is not None and fold(said[1]) in words.numbers:
        return words.numbers[fold(said[1])], said.end()
    return None


def _past_item_words(text: str, at: int, words: Words) -> int:
    """Behind "punkt", "nr." and the like."""
    while True:
        match = re.compile(rf"[ \t]*({WORD.pattern})\.?").match(text, at)
        if match is None or fold(match[1]) not in words.items:
            return at
        at = match.end()


def _joint(text: str, at: int, words: Words) -> tuple[int, bool] | None:
    """What joins two numbers: a comma, "and", or a range; where it ends and whether a range."""
    sign = re.compile(r"[ \t]*([-–—])[ \t]*(?=#?\d)").match(text, at)
    if sign:
        return sign.end(), True
    rest = text[at:]
    comma = re.match(r"[ \t]*[,&+/][ \t]*", rest)
    offset = comma.end() if comma else 0
    said = re.match(rf"[ \t]*({WORD.pattern})((?:[ \t]+{WORD.pattern}){{0,2}})", rest[offset:])
    if said:
        if fold(said[1]) in words.conjunctions:
            return at + offset + said.end(1), False
        for size in (3, 2, 1):
            match = re.match(rf"[ \t]*{WORD.pattern}(?:[ \t]+{WORD.pattern}){{{size - 1}}}", rest)
            if match and not comma and tokens_of(match.group()) in words.through:
                return at + match.end(), True
    return (at + offset, False) if comma else None
