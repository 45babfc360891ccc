"""Replies that name the right a mail is about: "Dette er innsyn, ikke sletting"."""

import re
from collections.abc import Iterator

from mailbot.mailtext.phrases import HESITATION, SUBSTANCE, spans_of
from mailbot.mailtext.reply import Reply
from mailbot.mailtext.words import Words, tokens_of

_MAX = 600  # characters


def named_right(text: str, words: Words, names: frozenset[str]) -> Reply | None:
    """ "Hun vil ha alt slettet, så dette er sletting": one clause says which right it is.

    Naming a right changes no data. But nothing else may be decided, asked or taken back. A right
    that is said not to be meant is left out; by itself it names none.
    """
    if len(text) > _MAX or HESITATION.search(text) or re.search(r"\d", text):
        return None
    named: dict[str, None] = {}  # by a clause that says so: "dette er…"
    bare: dict[str, None] = {}  # alone: may be the topic of another thing
    denied: set[str] = set()
    understood = True
    for clause in _clauses(text, words):
        said = tokens_of(clause)
        if not said:
            continue
        without = _denied(clause, words, names)
        if without:
            denied |= without
            continue
        spans = spans_of(clause, words, names) or []
        kinds = {span.kind for span in spans}
        if kinds & SUBSTANCE or (not spans and words.doubts.intersection(said)):
            return None
        understood = understood and bool(spans)
        rights = [span.kind[6:] for span in spans if span.kind.startswith("right:")]
        (named if "prefix" in kinds else bare).update(dict.fromkeys(rights))
    if denied and understood and not named:
        named = bare  # "sletting, ikke innsyn" and no more
    if not named or denied.intersection(named):
        return None
    return Reply(decision="right", rights=tuple(named), strong=True)


def _clauses(text: str, words: Words) -> Iterator[str]:
    """Clauses; one begins at "and not" too."""
    negators = "|".join(map(re.escape, sorted(words.negators)))
    joints = "|".join(map(re.escape, sorted(words.conjunctions)))
    split = rf"[.,;:!\n]|\s(?:-|–|—)\s|\b(?:{joints or '(?!)'})?\s+(?=(?:{negators or '(?!)'})\b)"
    yield from re.split(split, text, flags=re.I)


def _denied(clause: str, words: Words, names: frozenset[str]) -> set[str]:
    """The rights of a clause that is a "not" and a right."""
    said = tokens_of(clause)
    if said[0] not in words.negators:
        return set()
    spans = spans_of(" ".join(said[1:]), words, names) or []
    return {span.kind[6:] for span in spans if span.kind.startswith("right:")}
