"""Replies that are the word of a decision and its reason: "BEHOLD 3 og 5: pågående sak".

The word stands at the head of the text, or at the head of a later clause whose reasons come first
("Han er fortsatt kunde, så avvis"). What stands around it may give reasons, and must neither take
the decision back nor make another.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mailbot.mailtext.forms import without_ending
from mailbot.mailtext.itemlist import NUMBER, find_numbers, read_numbers
from mailbot.mailtext.newletter import announced_letter, read_letter
from mailbot.mailtext.phrases import mended, read_phrases, signature_doubts
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.words import (
    ITEMS,
    REJECT_AS_TOLD,
    REJECT_IF_REASONED,
    WORD,
    Words,
    fold,
    tokens_of,
)

_AFTER_NO = re.compile(r"[ \t]*(?:[,.!:;\n]|[-–—]\s|$)")
_SIGN = re.compile(r"[ \t]*(:|[-–—](?=\s|$)|,|\.(?=\s|$)|;|!|\n|$|\)|\()")
_CLAUSE = re.compile(r"[.!;:\n]\s*|,\s+|\s[-–—]\s+")
_FILLING = 8  # words that may stand between a command and its "because"


@dataclass(frozen=True, slots=True)
class _Opening:
    """The command at the head of a text: which, in which words, and what follows them."""

    decision: str
    said: str
    rest: str
    shouted: bool = False
    told: str = ""  # the same words as they were written


def read_command(text: str, signature: str, words: Words, names: frozenset[str]) -> Reply | None:
    """The decision that a text, or a clause of it, opens with; None if there is none."""
    letter = announced_letter(text, signature, words, names)
    if letter is not None:
        return letter
    opening = _opening(text, words)
    if opening is not None and opening.decision == "edit":
        return read_letter(opening.rest, signature, names)
    reply = _at_head(text, opening, words, names)
    if reply is None or (reply.decision == "unclear" and reply.why == "not-understood"):
        reply = _at_a_clause(text, words, names) or reply
    if reply is not None and signature_doubts(signature, words):
        return unclear("signature-speaks")
    return reply


def _at_head(
    text: str, opening: _Opening | None, words: Words, names: frozenset[str]
) -> Reply | None:
    if opening is None:
        kept = _items_first(text, words)
        return None if kept is None else _with_reason(*kept, words, names)
    if opening.decision in ("keep", "redact"):
        return _with_items(opening, words, names)
    return _with_reason(_past_no(opening, words), (), words, names)


def _at_a_clause(text: str, words: Words, names: frozenset[str]) -> Reply | None:
    """ "Vi kan ikke slette dette, avvis." What stands before gives the reason."""
    for before, clause in _clauses(text):
        told = _without_so(clause, words)
        opening = _opening(told, words)
        if opening is not None and (
            opening.decision == "edit" or opening.said in words.plain_no or "?" in before
        ):
            continue
        reply = _at_head(told, opening, words, names)
        if reply is None or reply.decision == "unclear":
            continue
        if _speaks_against(before, reply.decision, words):
            return unclear("reservation")
        if reply.reason is None and reply.decision in ("reject", "extend", "keep", "identity"):
            reason = _without_courtesy(" ".join(before.split()), words, names).strip(" ,.;:–-")
            reply = replace(reply, reason=reason or None)
        return reply
    return None


def _clauses(text: str) -> Iterator[tuple[str, str]]:
    """Each later clause with all that stands before it."""
    for match in _CLAUSE.finditer(text[:2000]):
        if text[match.end() :].strip():
            yield text[: match.start()], text[match.end() :]


def _without_so(clause: str, words: Words) -> str:
    """A clause without "so", "therefore", "please" before its command."""
    found = list(WORD.finditer(clause))[:3]
    for size in range(len(found), 0, -1):
        if tuple(fold(match.group()) for match in found[:size]) in words.so:
            return clause[found[size - 1].end() :].lstrip(" \t,:")
    return clause


def _speaks_against(before: str, decision: str, words: Words) -> bool:
    """Whether what stands before a command makes it a condition, delays it, or approves."""
    for clause in re.split(r"[.,;!\n]|(?<=\s)[-–—](?=\s)", before):
        said = tokens_of(clause)
        if any(said[: len(condition)] == condition for condition in words.conditions):
            return True
        if said and (said[0] in words.later or read_phrases(clause, words, _NOBODY).said):
            return True
        other = _opening(clause.strip(), words)
        if other is not None and _family(other.decision) not in (decision, "edit", "reject"):
            return True
    return False


_NOBODY: frozenset[str] = frozenset()


def _past_no(opening: _Opening, words: Words) -> _Opening:
    """ "Nei, ikke et personvernkrav": the no belongs to what follows it."""
    if opening.said not in words.plain_no:
        return opening
    for clause in _CLAUSE.split(opening.rest[:300]):
        behind = _opening(clause.strip(), words)
        if behind is not None and behind.decision == "not_privacy":
            return replace(behind, rest=behind.rest + opening.rest.partition(clause)[2])
    return opening


def _items_first(text: str, words: Words) -> tuple[_Opening, tuple[int, ...]] | None:
    """ "Nummer 3 må vi beholde, det er en kontrakt": the numbers stand first or between."""
    sentence = re.split(r"(?<=[^.]{3})[.!](?=\s|$)|[:;\n]", text, maxsplit=1)[0]
    read = find_numbers(sentence, words)
    if read is None:
        return None
    marked, numbers = read
    marked = (marked + text[len(sentence) :]).lstrip()
    said = tokens_of(marked)[:8]
    for phrase in words.items_first.get(said[0], ()) if said else ():
        for size in phrase.ends(said, 0):
            if ITEMS not in said[:size]:
                continue
            opening = _Opening(phrase.kind, " ".join(said[:size]), _past_words(marked, size))
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
    found = list(WORD.finditer(plain))[:12]
    if not found or found[0].start() != 0:
        return []  # also quoted words: they are somebody else's
    tokens = tuple(mended(fold(match.group()), words) for match in found)
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
                written = plain[: found[size - 1].end()]
                out.append(_Opening(phrase.kind, said, rest, shouted, written))
    return sorted(out, key=lambda opening: len(opening.rest))


def _together(text: str, found: Sequence[re.Match[str]]) -> bool:
    """Whether only spaces stand between the words: in "AVVIS: dette er…" the colon ends it."""
    gaps = (text[one.end() : two.start()] for one, two in pairwise(found))
    return all(gap.strip(" \t-") == "" for gap in gaps)


def _with_items(opening: _Opening, words: Words, names: frozenset[str]) -> Reply:
    """`BEHOLD 3 og 5: …`, `KEEP items 3-5 because …`; redaction may name no number."""
    behind = re.sub(r"^[ \t]*:(?=[ \t]*\S)", "", opening.rest)  # "BEHOLD: 2 og 5"
    numbers, rest = read_numbers(behind, words)
    if not numbers:
        numbers, rest = read_numbers(opening.rest, words)
    if numbers is None:
        return unclear("numbers")
    if numbers:
        return _with_reason(replace(opening, rest=rest), numbers, words, names)
    if opening.decision == "keep":
        return unclear("keep-without-number")
    reply = _with_reason(opening, (), words, names)
    inside = find_numbers(opening.rest, words)
    if reply.decision == "redact" and reply.reason and inside is not None:
        return replace(reply, items=inside[1])  # "Sladd navnet i punkt 3"
    return reply


def _with_reason(
    opening: _Opening, items: tuple[int, ...], words: Words, names: frozenset[str]
) -> Reply:
    """The reason behind a command; unclear if it takes the decision back or makes another one."""
    behind = _reason(opening, words)
    if behind is None:
        return unclear("question" if "?" in opening.rest else "not-understood")
    reason, explicit = behind
    reason = without_ending(reason, words, names)
    problem = _contradiction(opening, reason, explicit, words)
    reason = _without_courtesy(" ".join(reason.split()), words, names)
    if problem:
        return unclear(problem)
    if opening.decision == REJECT_IF_REASONED:
        if not reason:
            return unclear("reservation")
        return Reply(decision="reject", reason=reason, strong=True)
    if opening.decision == REJECT_AS_TOLD:
        told = opening.told + (f": {reason}" if reason else "")
        return Reply(decision="reject", reason=told, strong=True)
    if opening.decision in ("ask", "assign") and not (reason and explicit):
        return unclear(f"{opening.decision}-without-text")
    return Reply(decision=opening.decision, items=items, reason=reason or None, strong=True)


def _reason(opening: _Opening, words: Words) -> tuple[str, bool] | None:
    """The text behind the sign after a command, and whether that sign was as good as a colon."""
    rest = opening.rest
    sign = _SIGN.match(rest)
    if sign is not None:
        loose = opening.said in words.plain_no or opening.decision == REJECT_IF_REASONED
        return rest[sign.end() :], not loose or sign[1] == ":"
    because = _because(opening, words)
    if because is not None:
        return because, opening.said not in words.plain_no
    following = tokens_of(rest)[:1]
    if opening.decision == "ask" and words.asking.intersection(following):
        return rest.strip(), True
    if opening.decision == "redact" and not words.doubts.intersection(tokens_of(rest)):
        return rest.strip(), False
    return _unmarked(opening, words)


def _because(opening: _Opening, words: Words) -> str | None:
    """What stands behind "because", at once or after a few words ("til 15. mars pga …")."""
    clause = re.split(r"[,;:!\n]|\.(?=\s+\D|$)", opening.rest, maxsplit=1)[0]
    said = tokens_of(clause)
    reach = 0 if opening.said in words.plain_no else _FILLING
    for at in range(min(len(said), reach + 1)):
        for size in range(min(4, len(said) - at), 0, -1):
            # "utsett til mandag så ser jeg på den da": a reason has words behind it
            if said[at : at + size] in words.because and (at == 0 or len(said) - at - size > 1):
                return _past_words(opening.rest, at + size).strip()
        if said[at] in words.doubts or said[at] in words.later:
            return None
    return None


def _unmarked(opening: _Opening, words: Words) -> tuple[str, bool] | None:
    """`AVVIS dette er feil person`: a command in capitals needs no colon, if nothing bends it."""
    said = tokens_of(opening.rest)
    begins = [condition for condition in words.conditions if len(condition) == 1]
    bent = words.doubts | words.later | {condition[0] for condition in begins}
    if not opening.shouted or opening.said in words.plain_no or not said or said[0] in bent:
        return None
    if opening.decision == "keep" or words.own.intersection(said):
        return None
    return opening.rest.strip(), False


def _family(decision: str) -> str:
    """The decision that a kind of command makes: three ways to reject are one."""
    return decision.rstrip("?=")


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
    asks = opening.decision == "ask"  # what the person is asked may well begin with "if"
    if not asks and any(said[: len(condition)] == condition for condition in words.conditions):
        return "reservation"
    sentences = [tokens_of(each) for each in re.split(r"[.!;\n]", reason)]
    if any(each[0] in words.retract for each in sentences if each):
        return "reservation"  # "Avvis. Eller nei, vent litt"
    # A bare no is often "not yet" or "not me"; what its first sentence says must not delay.
    if not explicit and ("?" in reason or words.later.intersection(sentences[0])):
        return "reservation"
    colon = opening.rest.lstrip().startswith(":")
    if not asks and any(each[0] in words.later for each in sentences[colon:] if each):
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
    if read_phrases(text, words, _NOBODY).decision == "approve":
        return True
    other = _opening(text, words)
    if other is None or other.said in words.plain_no or other.decision == "edit":
        return False
    shouted = text.split()[0].isupper() and len(text.split()[0]) > 2
    numbered = bool(NUMBER.match(other.rest))
    return _family(other.decision) != _family(opening.decision) and (
        shouted or numbered or other.rest.lstrip().startswith(":")
    )
