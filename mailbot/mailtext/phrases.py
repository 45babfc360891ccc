"""Replies that are phrases through and through: an approval, or the name of a right."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from mailbot.mailtext import vocabulary
from mailbot.mailtext.addresses import domain_of
from mailbot.mailtext.patterns import bare
from mailbot.mailtext.quotes import is_disclaimer
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.words import WORD, Words, fold, tokens_of
from mailbot.message import Address

MAX_WORDS = 60  # a decision with all its courtesies is shorter
_MAX_NAMES = 4
# Signs that change nothing. Everything that is neither a word nor here makes a text unclear.
_SIGNS = re.compile(r"[\s,;:!*_.–—-]")
HESITATION = re.compile(r"\.\s?\.|…|\?|¿|!\s*\?")
_GLAD = re.compile("[\U0001f44d\U0001f44c\u2705\u2714\U0001f642\U0001f600\U0001f60a\U0001f64f]"
                   "[\U0001f3fb-\U0001f3ff]?|(?<!\\S):-?[)D](?!\\S)")  # fmt: skip
_LISTED = 2  # words behind an "and" that may still be of a list
CASE = "caseno"  # stands for the case's own number in a reply
SUBSTANCE = frozenset({"strong", "weak", "assent", "act"})
_JOINT = "joint"


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of the text, folded; `capital`: as a name is written; `line`: where it stands;
    `apart`: a comma, a stop or a dash stands before it."""

    text: str
    capital: bool
    line: int
    apart: bool


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the text that a phrase accounts for."""

    kind: str
    said: tuple[str, ...]


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


def read_phrases(
    text: str, words: Words, names: frozenset[str], cases: frozenset[str] = frozenset()
) -> Reply:
    """An approval or a right, if every word of the text is accounted for."""
    text = _without_block(text, words, names)
    for case in cases:
        text = text.replace(case, CASE)
    if HESITATION.search(text):
        return unclear("question" if "?" in text else "hesitation")
    text = _unquoted(text)
    found = _words(text, words)
    if found is None:
        return unclear("odd-signs" if tokens_of(text) else "no-words")
    if len(found) > MAX_WORDS:
        return unclear("too-long")
    if not found:
        return unclear("no-words")
    spans = _cover(found, words, names)
    return unclear("not-understood") if spans is None else _decision(spans)


def spans_of(text: str, words: Words, names: frozenset[str]) -> list[Span] | None:
    """The phrases that a clause consists of; None if it does not, or is too strange to be read."""
    found = None if HESITATION.search(text) else _words(text, words)
    return _cover(found, words, names) if found else None


def _unquoted(text: str) -> str:
    """«GODKJENN»: one word in the angles in which the approval mail shows it. Other quotation
    marks say that somebody else said it, or that it is not meant."""
    match = re.fullmatch(r"\s*«([A-ZÆØÅÄÖ ]{4,30})»[.!]?\s*", text)
    return match[1] if match else text


def _decision(spans: Sequence[Span]) -> Reply:
    kinds = {span.kind for span in spans}
    rights = tuple(dict.fromkeys(s.kind[6:] for s in spans if s.kind.startswith("right:")))
    said = [span.said for span in spans if span.kind in SUBSTANCE]
    if rights:
        if kinds & {"strong", "act"}:
            return unclear("two-decisions")
        return Reply(decision="right", rights=rights, strong=True)
    if "prefix" in kinds:
        return unclear("not-understood")
    if not said:
        return unclear("no-decision")
    if len(set(said)) < len(said):
        return unclear("repeated")  # "ja, ja": resigned or mocking, not plain
    if not kinds & {"strong", "weak"} and not {"assent", "act"} <= kinds:
        # "Ok" may say no more than "seen"; "slett alt" may be a joke. Together they decide.
        return unclear("merely-seen" if "assent" in kinds else "no-assent")
    told = tuple(word for words in said for word in words)
    return Reply(decision="approve", strong="strong" in kinds, said=told)


def _words(text: str, words: Words) -> list[_Word] | None:
    """The words; None if anything stands between them that may mean something."""
    plain = _GLAD.sub(" ", unicodedata.normalize("NFKC", text))
    if plain.count("*") % 2:
        return None  # a footnote, not emphasis
    plain = re.sub(r"(?m)^\s*/\s?(?=[^\W\d_]+\s*$)", "", plain)  # "/Hasse" below a mail
    found: list[_Word] = []
    at = 0
    for match in WORD.finditer(plain):
        between = plain[at : match.start()]
        if _SIGNS.sub("", between):
            return None
        word = match.group()
        if any(c.isdigit() for c in word):
            return None
        line = plain.count("\n", 0, match.start())
        found.append(
            _Word(mended(fold(word), words), word[:1].isupper(), line, bool(between.strip()))
        )
        at = match.end()
        if len(found) > 2 * MAX_WORDS:
            break
    return None if _SIGNS.sub("", plain[at:]) else found


def mended(word: str, words: Words) -> str:
    """A word as the lists have it: "godkant" for "godkänt"; a word of approval with one slip of the
    finger ("Godkjnet"), but not its past tense. Of several, the one that speaks against."""
    if word in words.known:
        return word
    alike = words.bare.get(bare(word), ())
    if alike:
        return next((each for each in alike if each in words.weighty), alike[0])
    if len(word) < 6:
        return word
    return next((own for own in sorted(words.own) if _one_slip(word, own)), word)


def _one_slip(one: str, other: str) -> bool:
    """Whether two words differ by one letter missing, added, changed or swapped, not the first."""
    if one[0] != other[0] or abs(len(one) - len(other)) > 1:
        return False
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if same is None:
        return len(one) != len(other)
    rest, wanted = one[same:], other[same:]
    return (
        rest[1:] == wanted
        or rest == wanted[1:]
        or rest[1:] == wanted[1:]
        or (rest[1::-1] == wanted[:2] and rest[2:] == wanted[2:] and len(rest) > 1)
    )


def _cover(found: Sequence[_Word], words: Words, names: frozenset[str]) -> list[Span] | None:
    """The fewest phrases that account for every word, in order; None if some word is left."""
    texts = tuple(word.text for word in found)
    wild_until = _meaningless(found, words)
    best: list[list[Span] | None] = [None] * (len(found) + 1)
    best[0] = []
    for at in range(len(found)):
        so_far = best[at]
        if so_far is None:
            continue
        for kind, end in _options(found, texts, wild_until, at, words, names, so_far):
            known = best[end]
            # What decides before what only happens to fit an open place ("fint med mig").
            plainer = known and len(known) == len(so_far) + 1 and known[-1].kind == "remark"
            if known is None or len(known) > len(so_far) + 1 or (plainer and kind in SUBSTANCE):
                best[end] = [*so_far, Span(kind, texts[at:end])]
    whole = best[len(found)]
    return None if whole and whole[-1].kind == _JOINT else whole


def _meaningless(found: Sequence[_Word], words: Words) -> tuple[int, ...]:
    """For each place, how far a run of words reaches that mean nothing here, in one clause.

    An "and" may begin a thought of its own ("I checked and the orders remain"): only a word or
    two behind it still belong to what was listed.
    """
    until = [0] * len(found)
    clause = len(found)  # where the clause ends
    for at in range(len(found) - 1, -1, -1):
        following = at + 1
        ends_here = (
            following == len(found)
            or found[following].apart
            or found[following].line != found[at].line
        )
        clause = following if ends_here else clause
        if found[at].text in words.weighty or (
            found[at].text in words.conjunctions and clause - following > _LISTED
        ):
            until[at] = at
        else:
            until[at] = following if ends_here else max(following, until[following])
    return tuple(until)


def _options(
    found: Sequence[_Word],
    texts: tuple[str, ...],
    wild_until: tuple[int, ...],
    at: int,
    words: Words,
    names: frozenset[str],
    so_far: Sequence[Span],
) -> list[tuple[str, int]]:
    """What may stand at a place: the kind of phrase, and where it ends."""
    out: list[tuple[str, int]] = []
    for phrase in words.phrases.get(texts[at], ()):
        for end in phrase.ends(texts, at, wild_until):
            if phrase.open_ended and not _in_one_clause(phrase.kind, found, at, end, so_far):
                continue
            if phrase.kind == "greeting":
                if not so_far:
                    out.append((phrase.kind, _past_name(found, end, words)))
                continue
            out.append((phrase.kind, end))
            if phrase.kind == "sign_off" and _only_names(found[end:], words, names):
                out.append((phrase.kind, len(found)))
    if texts[at] in words.conjunctions and so_far and so_far[-1].kind != "greeting":
        out.append((_JOINT, at + 1))
    if texts[at] in words.by and texts[at + 1 :] and set(texts[at + 1 :]) <= names:
        out.append(("name", len(found)))  # "godkjent av Kari Leder", who is the sender
    if (
        at > 0
        and _begins_clause(found, at)
        and all(text in names for text in texts[at:])
        and not words.doubts.intersection(texts[at:])
    ):
        out.append(("name", len(found)))
    return out


def _in_one_clause(
    kind: str, found: Sequence[_Word], at: int, end: int, so_far: Sequence[Span]
) -> bool:
    """Whether a phrase with a wild card keeps to its clause: "ja takk. for det meste" gives no
    thanks, and "godkjent det jeg har sett" does not say that all was seen."""
    if any(_begins_clause(found, i) for i in range(at + 1, end)):
        return False
    free = kind == "thanks" or not so_far or so_far[-1].kind in (_JOINT, "greeting", "sign_off")
    return free or _begins_clause(found, at)


def _begins_clause(found: Sequence[_Word], at: int) -> bool:
    return found[at].apart or found[at].line > found[at - 1].line


def _past_name(found: Sequence[_Word], at: int, words: Words) -> int:
    """Behind the name of a greeting, which must be alone with it on the first line."""
    end = at
    while end < len(found) and end < at + _MAX_NAMES and found[end].line == found[0].line:
        if not found[end].capital or found[end].text in words.known:
            return at
        end += 1
    same_line = end < len(found) and found[end].line == found[0].line
    return at if same_line else end


def _only_names(found: Sequence[_Word], words: Words, names: frozenset[str]) -> bool:
    """Whether only names follow: the sender's own, or capitalised words that mean nothing else."""
    return len(found) <= _MAX_NAMES and all(
        word.text in names or (word.capital and word.text not in words.known) for word in found
    )


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
    if not vocabulary.LOOKS_LIKE_DETAILS.search(line) and _is_sentence(line, words):
        return True
    if _NUMBERS.fullmatch(line.strip()):
        return True  # "3 og 5"
    for at, word in enumerate(said[:-1]):
        longer = at + 2 < len(said) and said[at + 2].isdigit()  # "tlf. nr. 900 00 000"
        if word in words.items and said[at + 1].isdigit() and len(said[at + 1]) <= 3 and not longer:
            return True
    return False


def _is_sentence(line: str, words: Words) -> bool:
    """Whether a line is talk rather than a name, a title or a firm: "fakturaene blir liggende"."""
    found = WORD.findall(line)
    plain = [fold(word) for at, word in enumerate(found)
             if word[:1].islower() or (at == 0 and len(found) > 2)]  # fmt: skip
    if (words.heavy | words.past).intersection(plain):
        return True
    if not found or not found[0][:1].islower():
        return False
    return bool((words.small | words.weighty).intersection(plain)) or plain == ["no"]


_NUMBERS = re.compile(r"#?\d{1,2}(?:(?:\s*[,&+/]\s*|\s+[^\W\d_]{1,4}\s+)#?\d{1,2}){0,9}\.?")


def _commands(line: str, words: Words) -> bool:
    """Whether a line opens with the word of a decision and goes on as one: "BEHOLD 3"."""
    tokens = tokens_of(line)
    for phrase in words.commands.get(tokens[0], ()) if tokens else ():
        for end in phrase.ends(tokens, 0):
            rest = tokens[end:]
            if not rest or rest[0].isdigit() or re.match(r"[^:]{1,60}:", line):
                return True
    return False
