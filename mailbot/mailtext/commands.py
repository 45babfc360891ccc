"""Replies that open with the word of a decision: "BEHOLD 3 og 5: pågående sak"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mailbot.mailtext import vocabulary
from mailbot.mailtext.forms import without_ending
from mailbot.mailtext.phrases import read_phrases, signature_doubts
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.words import WORD, Words, fold, tokens_of

_LETTER = 80  # characters from which a text on the command's own line may be a letter
_MAX_ITEMS = 500
_PLAIN_NO = frozenset({"nei", "nei takk", "no", "no thanks", "no thank you", "nej", "nej tack",
                       "nej tak", "nein", "nein danke"})  # fmt: skip
_AFTER_NO = re.compile(r"[ \t]*(?:[,.!:;\n]|[-–—]\s|$)")
_SIGN = re.compile(r"[ \t]*(:|[-–—](?=\s|$)|,|\.(?=\s|$)|;|!|\n|$)")
_NUMBER = re.compile(r"[ \t]*(?:#|n[or]\.?[ \t]*)?(\d{1,4})(?![\d%.]\d|\w)", re.I)


@dataclass(frozen=True, slots=True)
class _Opening:
    """The command at the head of a text: which, in which words, and what follows them."""

    decision: str
    said: str
    rest: str
    shouted: bool = False


def read_command(text: str, signature: str, words: Words, names: frozenset[str]) -> Reply | None:
    """The decision that a text opens with; None if it opens with none."""
    opening = _opening(text, words)
    if opening is None:
        return None
    if opening.decision == "edit":
        return _edit(opening, signature, names)
    if signature_doubts(signature, words):
        return unclear("signature-speaks")
    if opening.decision in ("keep", "redact"):
        return _with_items(opening, words, names)
    return _with_reason(opening, (), words, names)


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
        size = len(phrase.tokens)
        if tokens[:size] == phrase.tokens and _together(plain, found[:size]):
            said = " ".join(phrase.tokens)
            shouted = plain[: found[size - 1].end()].isupper()
            rest = plain[found[size - 1].end() :].lstrip("*_")
            # Nynorsk "no" is "now", and English "no problem" is no "no".
            if said != "no" or _AFTER_NO.match(rest):
                out.append(_Opening(phrase.kind, said, rest, shouted))
    return out


def _together(text: str, found: Sequence[re.Match[str]]) -> bool:
    """Whether only spaces stand between the words: in "AVVIS: dette er…" the colon ends it."""
    gaps = (text[one.end() : two.start()] for one, two in pairwise(found))
    return all(gap.strip(" \t-") == "" for gap in gaps)


def _edit(opening: _Opening, signature: str, names: frozenset[str]) -> Reply:
    """A new letter stands on the lines below the word; a remark about the old one is none."""
    match = re.match(r"[ \t]*[:.–-]*[ \t]*\**[ \t]*(\n)?", opening.rest)
    letter = opening.rest[match.end() :] if match else ""
    below = match is not None and match[1] is not None
    if not letter.strip():
        return unclear("edit-without-text")
    if not below and not (opening.rest.lstrip().startswith(":") and len(letter) >= _LETTER):
        return unclear("edit-without-letter")
    whole = letter.strip("\n") + _closing(signature, names)
    return Reply(decision="edit", edited_text=whole.strip(), strong=True)


def _closing(signature: str, names: frozenset[str]) -> str:
    """The letter's own closing, which reads as the signature of the mail around it.

    With two sign-offs the first is the letter's, whole. With one that bears the approver's name,
    the name closes the letter; the title and telephone below are the mail's. What a mail program
    marked as signature is never the letter's.
    """
    lines = signature.split("\n")
    end = next((i for i, line in enumerate(lines) if re.fullmatch(r"--\s?", line)), len(lines))
    lines = [line for line in lines[:end] if not vocabulary.MOBILE_FOOTER.fullmatch(line.strip())]
    starts = [i for i, line in enumerate(lines) if vocabulary.SIGN_OFF.fullmatch(line.strip())]
    if not starts or starts[0] != 0:
        return ""
    if len(starts) > 1:
        lines = lines[: starts[1]]
    elif named := [i for i, line in enumerate(lines) if names.intersection(tokens_of(line))]:
        lines = lines[: named[0] + 1]
    return "\n\n" + "\n".join(lines).strip()


def _with_items(opening: _Opening, words: Words, names: frozenset[str]) -> Reply:
    """`BEHOLD 3 og 5: …`, `KEEP items 3-5 because …`; redaction may name no number."""
    numbers, rest = _numbers(opening.rest, words)
    if numbers is None:
        return unclear("numbers")
    if not numbers and opening.decision == "keep":
        return unclear("keep-without-number")
    return _with_reason(replace(opening, rest=rest), numbers, words, names)


def _numbers(text: str, words: Words) -> tuple[tuple[int, ...] | None, str]:
    """The numbers at the head of a text, in order, and what follows; None for a broken list."""
    found: dict[int, None] = {}
    at = 0
    through = False
    last = -1
    while True:
        start = _past_item_words(text, at, words)
        match = _NUMBER.match(text, start)
        if match is None:
            return (None if through else tuple(found)), text[at:]
        number = int(match[1])
        if number == 0:
            return None, text
        if through and 0 <= last < number <= last + _MAX_ITEMS:
            found.update(dict.fromkeys(range(last, number + 1)))
        elif through:
            return None, text
        found[number] = None
        last, through = number, False
        at = match.end()
        joint = _joint(text, at, words)
        if joint is None or _NUMBER.match(text, _past_item_words(text, joint[0], words)) is None:
            return tuple(found), text[at:]
        at, through = joint
        if len(found) > _MAX_ITEMS:
            return None, text


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
        tail = rest[sign.end() :]
        explicit = sign[1] in (":", "\n", "-", "–", "—") or opening.said not in _PLAIN_NO
        if sign[1] in (",", ";", "!", "."):
            explicit = False
        return tail, explicit
    following = tokens_of(rest)[:4]
    for size in range(min(4, len(following)), 0, -1):
        if tuple(following[:size]) in words.because:
            return _past_words(rest, size), opening.said not in _PLAIN_NO
    return _unmarked(opening, words)


def _unmarked(opening: _Opening, words: Words) -> tuple[str, bool] | None:
    """`AVVIS dette er feil person`: a command in capitals needs no colon, if nothing bends it."""
    said = tokens_of(opening.rest)
    begins = [condition for condition in words.conditions if len(condition) == 1]
    bent = words.doubts | words.later | {condition[0] for condition in begins}
    if not opening.shouted or opening.said in _PLAIN_NO or not said or said[0] in bent:
        return None
    if opening.decision == "keep" or _own_words(words).intersection(said):
        return None
    return opening.rest.strip(), False


def _past_words(text: str, count: int) -> str:
    found = list(WORD.finditer(text))
    return text[found[count - 1].end() :].strip()


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
    if not explicit and ("?" in reason or words.later.intersection(said)):
        return "reservation"
    for clause in re.split(r"[.,;!\n]|(?<=\s)[-–—](?=\s)", reason):
        if _is_other_decision(clause, opening, words):
            return "two-decisions"
    if _own_words(words).intersection(said) and words.rest.intersection(said):
        return "two-decisions"
    return ""


def _own_words(words: Words) -> set[str]:
    """The single words that approve by themselves."""
    return {
        phrase.tokens[0]
        for phrases in words.phrases.values()
        for phrase in phrases
        if phrase.kind == "strong" and len(phrase.tokens) == 1
    }


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
    numbered = bool(_NUMBER.match(other.rest))
    return other.decision != opening.decision and (
        shouted or numbered or other.rest.lstrip().startswith(":")
    )
