"""Names of people: taken apart, compared, found in text.

A name alone never makes a record certain: namesakes are common. It does decide whether a row
behind a shared address or a recycled phone number is the person's, so it is compared with care.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product

from mailbot.identifiers_text import lowered, spellings, words
from mailbot.record import Certainty

_LONGEST_NAME = 200
_MOST_PARTS = 8
_TITLES = frozenset(
    (
        "hr", "fr", "fru", "frk", "herr", "frau", "frøken", "mr", "mrs", "ms", "miss", "mx", "dr",
        "prof", "adv", "sir", "dipl", "ing", "mag", "stud", "cand",
    )
)  # fmt: skip
# A word between a first name and a surname that makes them two people's.
_CONNECTORS = frozenset(
    (
        "og", "and", "och", "und", "samt", "eller", "or", "oder", "med", "with", "for", "fra",
        "from", "til", "to",
    )
)  # fmt: skip
_APART = re.compile(r"[\s.;/()\[\]\"“”«»<>|,]+")
_HYPHENS = re.compile(r"[-‐‑‒–—]+")

Part = frozenset[str]  # the spellings of one part of a name


def name_parts(text: str) -> tuple[str, ...]:
    """The parts of a name in lower case, without titles and punctuation, first name first.

    "Nordmann, Anne-Marie" is ("anne", "marie", "nordmann"). Empty for what is no name: too long,
    or with a digit or an @ in it.
    """
    return tuple(part for word in _words(text) for part in _HYPHENS.split(word) if part)


def same_name(a: str, b: str) -> Certainty | None:
    """Whether two names may be those of one person, as far as names can tell.

    CERTAIN: the same parts in any order, but for hyphens, case and transliteration (æ/ae, ø/oe/o,
    å/aa/a). POSSIBLE: one has middle names that the other lacks, or initials for them or for the
    first name; or both are the same single name. None: they differ, or one is a first name alone.
    """
    best: Certainty | None = None
    for mine, theirs in product(_readings(a), _readings(b)):
        found = _compare(mine, theirs)
        if found is Certainty.CERTAIN:
            return found
        best = best or found
    return best


def name_in(text: str, name: str) -> bool:
    """Whether a text shows a name: first and last part side by side, in either order.

    Written first name first, the name's other parts or one further word may stand between, unless
    that joins two people ("Ola og Kari Nordmann"). The genitive counts ("Ola Nordmanns faktura").
    A single name is too little and is never found.
    """
    shown = tuple(words(text))
    return any(_shown(shown, reading) for reading in _readings(name))


def _words(text: str) -> list[str]:
    if len(text) > _LONGEST_NAME:
        return []
    tidy = lowered(text).strip(" ,")
    if "@" in tidy or any(sign.isdigit() for sign in tidy):
        return []
    family, comma, given = tidy.partition(",")
    if comma and "," not in given:  # "Nordmann, Ola"
        tidy = f"{given} {family}"
    parts = (part.strip("'’`´-‐‑‒–—_*:") for part in _APART.split(tidy))
    kept = [part for part in parts if any(sign.isalpha() for sign in part)]
    untitled = [part for part in kept if part not in _TITLES]
    return (untitled or kept)[:_MOST_PARTS]


def _readings(text: str) -> Iterator[tuple[Part, ...]]:
    """A hyphenated part is read as two parts, and as one: Anne-Marie is Annemarie as well."""
    joined = tuple(_HYPHENS.sub("", word) for word in _words(text))
    for reading in dict.fromkeys((name_parts(text), joined)):
        yield tuple(_spellings(part) for part in reading[:_MOST_PARTS])


_spellings = lru_cache(maxsize=4096)(spellings)


def _full(part: Part) -> bool:
    """More than an initial ("Ø" is spelt "oe" as well, and is an initial still)."""
    return all(len(spelling) > 1 for spelling in part)


def _same(one: Part, other: Part) -> bool:
    return _full(one) and _full(other) and bool(one & other)


def _initial(one: Part, other: Part) -> bool:
    short, long = (other, one) if _full(one) else (one, other)
    return not _full(short) and any(whole.startswith(letter) for letter in short for whole in long)


def _compare(a: Sequence[Part], b: Sequence[Part]) -> Certainty | None:
    mine, theirs = list(a), list(b)
    whole = _pair_off(mine, theirs, _same)
    if not mine and not theirs:
        return (Certainty.CERTAIN if whole > 1 else Certainty.POSSIBLE) if whole else None
    if whole and (_written_together(mine, theirs) or _written_together(theirs, mine)):
        return Certainty.CERTAIN
    initials = _pair_off(mine, theirs, _initial)
    if mine and theirs:
        return None  # each has a part that contradicts the other
    if not whole:
        return None
    # First initial, whole surname: the last part, or the first where "Nordmann Ola" is written.
    surname = _same(a[-1], b[-1]) or _same(a[0], b[-1]) or _same(a[-1], b[0])
    fits = whole > 1 or (initials > 0 and surname)
    return Certainty.POSSIBLE if fits else None


def _pair_off(mine: list[Part], theirs: list[Part], fits: Callable[[Part, Part], bool]) -> int:
    """Remove the parts that fit each other from both; how many pairs there were."""
    pairs = 0
    for part in tuple(mine):
        other = next((candidate for candidate in theirs if fits(part, candidate)), None)
        if other is not None:
            mine.remove(part)
            theirs.remove(other)
            pairs += 1
    return pairs


def _written_together(one: Sequence[Part], apart: Sequence[Part]) -> bool:
    """Annemarie and Anne Marie."""
    return (
        len(one) == 1
        and 1 < len(apart) <= 3
        and any("".join(spelling) in one[0] for spelling in product(*apart))
    )


def _shown(shown: Sequence[str], name: Sequence[Part]) -> bool:
    whole = [part for part in name if _full(part)]
    if len(whole) < 2:
        return False
    first, last, reach = whole[0], whole[-1], len(name)
    first_at = last_at = -1 - reach
    for place, word in enumerate(shown):
        if word in _CONNECTORS:
            first_at = last_at = -1 - reach
            continue
        forms = _in_text(word)
        if forms & last:
            if place - first_at <= reach:
                return True
            last_at = place
        if forms & first:
            if place - last_at == 1:
                return True
            first_at = place
    return False


@lru_cache(maxsize=4096)
def _in_text(word: str) -> Part:
    """The spellings of a word of text, with and without the s of a genitive."""
    forms = spellings(word)
    return forms | {form[:-1] for form in forms if form.endswith("s") and len(form) > 2}
