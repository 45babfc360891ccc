"""Replies that are phrases through and through: an approval, or the name of a right."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from mailbot.mailtext import vocabulary
from mailbot.mailtext.addresses import domain_of
from mailbot.mailtext.quotes import is_disclaimer
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.words import WORD, Phrase, Words, fold, tokens_of
from mailbot.message import Address

MAX_WORDS = 60  # a decision with all its courtesies is shorter
_MAX_NAMES = 4
# Signs that change nothing. Everything that is neither a word nor here makes a text unclear.
_SIGNS = re.compile(r"[\s,;:!*_.–—-]")
_HESITATION = re.compile(r"\.\s?\.|…|\?|¿|!\s*\?")
_GLAD = re.compile("[\U0001f44d\U0001f44c\u2705\u2714\U0001f642\U0001f600\U0001f60a\U0001f64f]"
                   "[\U0001f3fb-\U0001f3ff]?|(?<!\\S):-?[)D](?!\\S)")  # fmt: skip
_SUBSTANCE = frozenset({"strong", "weak"})


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the text, folded; `capital`: as a name is written; `line`: where it stands;
    `apart`: a comma, a stop or a dash stands before it."""

    text: str
    capital: bool
    line: int
    apart: bool


def name_tokens(sender: Address | None) -> frozenset[str]:
    """The words of a sender's name, as they may stand under a reply: "Kari", "Leder", "KL"."""
    if sender is None:
        return frozenset()
    shown = tokens_of(sender.name)
    local = tokens_of(re.sub(r"[._+\d-]+", " ", sender.address.partition("@")[0]))
    initials = "".join(word[0] for word in shown) if len(shown) > 1 else ""
    company = tokens_of(domain_of(sender.address).rpartition(".")[0].replace("-", " "))
    names = {word for word in (*shown, *local, initials) if len(word) > 1}
    return frozenset(names - set(company)) if len(names) > len(company) else frozenset(names)


def read_phrases(text: str, words: Words, names: frozenset[str]) -> Reply:
    """An approval or a right, if every word of the text is accounted for."""
    text = _without_block(text, words, names)
    if _HESITATION.search(text):
        return unclear("question" if "?" in text else "hesitation")
    found = _words(text)
    if found is None:
        return unclear("odd-signs" if tokens_of(text) else "no-words")
    if len(found) > MAX_WORDS:
        return unclear("too-long")
    if not found:
        return unclear("no-words")
    phrases = _cover(found, words, names)
    return unclear("not-understood") if phrases is None else _decision(phrases)


def _decision(phrases: Sequence[Phrase]) -> Reply:
    kinds = [phrase.kind for phrase in phrases]
    rights = tuple(dict.fromkeys(kind[6:] for kind in kinds if kind.startswith("right:")))
    said = [phrase.tokens for phrase in phrases if phrase.kind in _SUBSTANCE]
    if rights:
        if "strong" in kinds:
            return unclear("two-decisions")
        return Reply(decision="right", rights=rights, strong=True)
    if not said:
        return unclear("no-decision")
    if {"prefix", "joint"} & set(kinds):
        return unclear("not-understood")
    if len(set(said)) < len(said):
        return unclear("repeated")  # "ja, ja": resigned or mocking, not plain
    return Reply(decision="approve", strong="strong" in kinds)


def _words(text: str) -> list[_Word] | None:
    """The words; None if anything stands between them that may mean something."""
    plain = _GLAD.sub(" ", unicodedata.normalize("NFKC", text))
    if plain.count("*") % 2:
        return None  # a footnote, not emphasis
    found: list[_Word] = []
    at = 0
    for match in WORD.finditer(plain):
        if _SIGNS.sub("", plain[at : match.start()]):
            return None
        word = match.group()
        if any(c.isdigit() for c in word):
            return None
        line = plain.count("\n", 0, match.start())
        apart = bool(plain[at : match.start()].strip())
        found.append(_Word(fold(word), word[:1].isupper(), line, apart))
        at = match.end()
        if len(found) > 2 * MAX_WORDS:
            break
    return None if _SIGNS.sub("", plain[at:]) else found


def _cover(found: Sequence[_Word], words: Words, names: frozenset[str]) -> list[Phrase] | None:
    """The fewest phrases that account for every word, in order; None if some word is left."""
    best: list[list[Phrase] | None] = [None] * (len(found) + 1)
    best[0] = []
    for at in range(len(found)):
        so_far = best[at]
        if so_far is None:
            continue
        for phrase, end in _options(found, at, words, names, so_far):
            known = best[end]
            if known is None or len(known) > len(so_far) + 1:
                best[end] = [*so_far, phrase]
    return best[len(found)]


def _options(
    found: Sequence[_Word],
    at: int,
    words: Words,
    names: frozenset[str],
    so_far: Sequence[Phrase],
) -> list[tuple[Phrase, int]]:
    out: list[tuple[Phrase, int]] = []
    for phrase in words.phrases.get(found[at].text, ()):
        end = at + len(phrase.tokens)
        if tuple(word.text for word in found[at:end]) != phrase.tokens:
            continue
        if phrase.kind == "greeting":
            if not so_far:
                out.append((phrase, _past_name(found, end, words)))
            continue
        out.append((phrase, end))
        if phrase.kind == "sign_off" and _only_names(found[end:], words, names, _MAX_NAMES):
            out.append((phrase, len(found)))
    if found[at].text in words.conjunctions and so_far and so_far[-1].kind.startswith("right:"):
        out.append((Phrase((found[at].text,), "joint"), at + 1))
    apart = at > 0 and (found[at].apart or found[at].line > found[at - 1].line)
    if apart and all(word.text in names for word in found[at:]) and _sober(found[at:], words):
        out.append((Phrase((found[at].text,), "name"), len(found)))
    return out


def _past_name(found: Sequence[_Word], at: int, words: Words) -> int:
    """Behind the name of a greeting, which must be alone with it on the first line."""
    end = at
    while end < len(found) and end < at + _MAX_NAMES and found[end].line == found[0].line:
        if not found[end].capital or found[end].text in words.known:
            return at
        end += 1
    same_line = end < len(found) and found[end].line == found[0].line
    return at if same_line else end


def _only_names(found: Sequence[_Word], words: Words, names: frozenset[str], most: int) -> bool:
    """Whether only names follow: the sender's own, or capitalised words that mean nothing else."""
    return len(found) <= most and all(
        word.text in names or (word.capital and word.text not in words.known) for word in found
    )


def _sober(found: Sequence[_Word], words: Words) -> bool:
    """A sender whose name is a word of reservation cannot sign with it."""
    return not any(word.text in words.doubts for word in found)


def _without_block(text: str, words: Words, names: frozenset[str]) -> str:
    """The text above a signature that begins with the sender's own name on a line of its own."""
    lines = text.split("\n")
    for at in range(1, len(lines)):
        said = tokens_of(lines[at])
        if not said or not set(said) <= names or len(said) > _MAX_NAMES:
            continue
        block = "\n".join(lines[at:])
        if len(lines) - at <= 14 and not signature_doubts(block, words):
            return "\n".join(lines[:at])
    return text


def signature_doubts(signature: str, words: Words) -> bool:
    """Whether something in a signature may be meant: "PS: not number 3" below the name.

    Notices of lawyers and printers, addresses and links are passed over; so is the name.
    """
    for paragraph in re.split(r"\n\s*\n", signature[:20_000]):
        if is_disclaimer(" ".join(paragraph.split())):
            continue
        for line in paragraph.split("\n"):
            if is_disclaimer(line) or vocabulary.MOBILE_FOOTER.fullmatch(line.strip(" -*_")):
                continue
            plain = re.sub(r"\S{0,200}[@/]\S*+|\b[\w-]{1,80}(?:\.[\w-]{1,80})+\b", " ", line)
            if vocabulary.AFTERTHOUGHT.match(plain) or re.search(r"\w\s*\?", plain):
                return True
            if _speaks(plain, words):
                return True
    return False


def _speaks(line: str, words: Words) -> bool:
    """Whether a line below the name reserves, decides or points at an item."""
    said = tokens_of(line)
    if (words.doubts | words.only).intersection(said) or _commands(line, words):
        return True
    small = [word.isdigit() and len(word) <= 3 for word in said]
    if any(small) and all(
        is_small or word in words.conjunctions for word, is_small in zip(said, small, strict=True)
    ):
        return True  # "3 og 5"
    for at, word in enumerate(said[:-1]):
        longer = at + 2 < len(said) and said[at + 2].isdigit()  # "tlf. nr. 900 00 000"
        if word in words.items and small[at + 1] and not longer:
            return True
    return False


def _commands(line: str, words: Words) -> bool:
    """Whether a line opens with the word of a decision and goes on as one: "BEHOLD 3"."""
    tokens = tokens_of(line)
    for phrase in words.commands.get(tokens[0], ()) if tokens else ():
        size = len(phrase.tokens)
        if tokens[:size] == phrase.tokens:
            rest = tokens[size:]
            if not rest or rest[0].isdigit() or re.match(r"[^:]{1,60}:", line):
                return True
    return False
