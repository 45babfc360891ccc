"""Replies that open with the word of a decision: "BEHOLD 3 og 5: pågående sak"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mailbot.mailtext.forms import without_ending
from mailbot.mailtext.itemlist import NUMBER, read_numbers
from mailbot.mailtext.newletter import announced_letter, read_letter
from mailbot.mailtext.phrases import read_phrases, signature_doubts
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.words import REJECT_IF_REASONED, WORD, Words, fold, tokens_of

_PLAIN_NO = frozenset({"nei", "nei takk", "no", "no thanks", "no thank you", "nej", "nej tack",
                       "nej tak", "nein", "nein danke"})  # fmt: skip
_AFTER_NO = re.compile(r"[ \t]*(?:[,.!:;\n]|[-–—]\s|$)")
_SIGN = re.compile(r"[ \t]*(:|[-–—](?=\s|$)|,|\.(?=\s|$)|;|!|\n|$)")


@dataclass(frozen=True, slots=True)
class _Opening:
    """The command at the head of a text: which, in which words, and what follows them."""

    decision: str
    said: str
    rest: str
    shouted: bool = False


def read_command(text: str, signature: str, words: Words, names: frozenset[str]) -> Reply | None:
    """The decision that a text opens with; None if it opens with none."""
    letter = announced_letter(text, signature, words, names)
    if letter is not None:
        return letter
    opening = _opening(text, words)
    if opening is not None and opening.decision == "edit":
        return read_letter(opening.rest, signature, names)
    kept = _kept_after(text, words) if opening is None else None
    if opening is None and kept is None:
        return None
    if signature_doubts(signature, words):
        return unclear("signature-speaks")
    if kept is not None:
        return _with_reason(*kept, words, names)
    if opening is None:
        return None
    if opening.decision in ("keep", "redact"):
        return _with_items(opening, words, names)
    return _with_reason(_past_no(opening, words), (), words, names)


def _past_no(opening: _Opening, words: Words) -> _Opening:
    """ "Nei, ikke et personvernkrav": the no belongs to what follows it."""
    if opening.said not in _PLAIN_NO:
        return opening
    behind = _opening(re.sub(r"^[ \t]*[,.!:–-]?[ \t]*", "", opening.rest), words)
    return behind if behind is not None and behind.decision == "not_privacy" else opening


def _kept_after(text: str, words: Words) -> tuple[_Opening, tuple[int, ...]] | None:
    """ "Nummer 3 må vi beholde, det er en kontrakt": the numbers stand first."""
    numbers, rest = read_numbers(text, words)
    said = tokens_of(rest)[:6]
    if not numbers or not said:
        return None
    for phrase in words.keep_after.get(said[0], ()):
        for size in phrase.ends(said, 0):
            opening = _Opening("keep", " ".join(said[:size]), _past_words(rest, size))
            if _reason(opening, words) is not None:
                return opening, numbers
    return None


def _opening(text: str, words: Words) -> _Opening | None:
    """The command that the text begins with: the longest after which the text still makes sense."""
    possible = _openings(text, words)
    sensible = (
        each
        for each in possible
        if each.decision in ("keep", "redact", "edit") or _reason(each, words) is not None
    )
    return next(sensible, possible[0] if possible else None)


def _openings(text: str, words: Words) -> list[_Opening]:
    """Every command that the text begins with, longest first."""
    plain = text.lstrip(" \t\n*_>-")
    found = list(WORD.finditer(plain))[:8]
    if not found or found[0].start() != 0:
        return []  # also quoted words: they are somebody else's
    tokens = tuple(fold(match.group()) for match in found)
    out: list[_Opening] = []
    for phrase in words.commands.get(tokens[0], ()):
        for size in phrase.ends(tokens, 0):
            if not _together(plain, found[:size]):
                continue
            said = " ".join(tokens[:size])
            shouted = plain[: found[size - 1].end()].isupper()
            rest = plain[found[size - 1].end() :].lstrip("*_")
            # Nynorsk "no" is "now", and English "no problem" is no "no".
            if said != "no" or _AFTER_NO.match(rest):
                out.append(_Opening(phrase.kind, said, rest, shouted))
    return sorted(out, key=lambda opening: len(opening.rest))


def _together(text: str, found: Sequence[re.Match[str]]) -> bool:
    """Whether only spaces stand between the words: in "AVVIS: dette er…" the colon ends it."""
    gaps = (text[one.end() : two.start()] for one, two in pairwise(found))
    return all(gap.strip(" \t-") == "" for gap in gaps)


def _with_items(opening: _Opening, words: Words, names: frozenset[str]) -> Reply:
    """`BEHOLD 3 og 5: …`, `KEEP items 3-5 because …`; redaction may name no number."""
    numbers, rest = read_numbers(opening.rest, words)
    if numbers is None:
        return unclear("numbers")
    if not numbers and opening.decision == "keep":
        return unclear("keep-without-number")
    return _with_reason(replace(opening, rest=rest), numbers, words, names)


def _with_reason(
    opening: _Opening, items: tuple[int, ...], words: Words, names: frozenset[str]
) -> Reply:
    """The reason behind a command; unclear if it takes the decision back or makes another one."""
    told = _reason(opening, words)
    if told is None:
        return unclear("question" if "?" in opening.rest else "not-understood")
    reason, explicit = told
    reason = without_ending(reason, words, names)
    problem = _contradiction(opening, reason, explicit, words)
    reason = _without_courtesy(" ".join(reason.split()), words, names)
    if problem:
        return unclear(problem)
    if opening.decision == REJECT_IF_REASONED:
        if not reason:
            return unclear("reservation")
        return Reply(decision="reject", reason=reason, strong=True)
    if opening.decision in ("ask", "assign") and not (reason and explicit):
        return unclear(f"{opening.decision}-without-text")
    return Reply(decision=opening.decision, items=items, reason=reason or None, strong=True)


def _reason(opening: _Opening, words: Words) -> tuple[str, bool] | None:
    """The text behind the sign after a command, and whether that sign was as good as a colon."""
    rest = opening.rest
    if opening.decision == "assign" and (match := re.match(r"[ \t]+(\S+@\S+)\s*$", rest)):
        return match[1], True
    sign = _SIGN.match(rest)
    if sign is not None:
        loose = opening.said in _PLAIN_NO or opening.decision == REJECT_IF_REASONED
        return rest[sign.end() :], not loose or sign[1] == ":"
    following = tokens_of(rest)[:4]
    for size in range(min(4, len(following)), 0, -1):
        if tuple(following[:size]) in words.because:
            return _past_words(rest, size).strip(), opening.said not in _PLAIN_NO
    return _unmarked(opening, words)


def _unmarked(opening: _Opening, words: Words) -> tuple[str, bool] | None:
    """`AVVIS dette er feil person`: a command in capitals needs no colon, if nothing bends it."""
    said = tokens_of(opening.rest)
    begins = [condition for condition in words.conditions if len(condition) == 1]
    bent = words.doubts | words.later | {condition[0] for condition in begins}
    if not opening.shouted or opening.said in _PLAIN_NO or not said or said[0] in bent:
        return None
    if opening.decision == "keep" or words.own.intersection(said):
        return None
    return opening.rest.strip(), False


def _past_words(text: str, count: int) -> str:
    found = list(WORD.finditer(text))
    return text[found[count - 1].end() :]


def _without_courtesy(reason: str, words: Words, names: frozenset[str]) -> str:
    """ "AVVIS. Takk!" gives no reason."""
    if reason and read_phrases(reason, words, names).why == "no-decision":
        return ""
    return reason


def _contradiction(opening: _Opening, reason: str, explicit: bool, words: Words) -> str:
    """What speaks against taking the command at its word, by name; "" if nothing does."""
    said = tokens_of(reason)
    if not said:
        return "question" if "?" in reason else ""
    if any(said[: len(condition)] == condition for condition in words.conditions):
        return "reservation"
    sentences = [tokens_of(each) for each in re.split(r"[.!;\n]", reason)]
    if any(each[0] in words.retract for each in sentences if each):
        return "reservation"  # "Avvis. Eller nei, vent litt"
    # A bare no is often "not yet" or "not me"; what its first sentence says must not delay.
    if not explicit and ("?" in reason or words.later.intersection(sentences[0])):
        return "reservation"
    colon = opening.rest.lstrip().startswith(":")
    if any(each[0] in words.later for each in sentences[colon:] if each):
        return "reservation"
    for clause in re.split(r"[.,;!\n]|(?<=\s)[-–—](?=\s)", reason):
        if _is_other_decision(clause, opening, words):
            return "two-decisions"
    if words.own.intersection(said) and words.rest.intersection(said):
        return "two-decisions"
    return ""


def _is_other_decision(clause: str, opening: _Opening, words: Words) -> bool:
    """Whether part of a reason is a decision of its own."""
    text = clause.strip()
    if not text:
        return False
    if read_phrases(text, words, frozenset()).decision == "approve":
        return True
    other = _opening(text, words)
    if other is None or other.said in _PLAIN_NO or other.decision == "edit":
        return False
    shouted = text.split()[0].isupper() and len(text.split()[0]) > 2
    numbered = bool(NUMBER.match(other.rest))
    return other.decision != opening.decision and (
        shouted or numbered or other.rest.lstrip().startswith(":")
    )
