"""Whether a reply says that the person was answered beside mailbot: "BESVART: ringte henne".

Read only in a matter that is stopped, which it ends. As narrow as an approval: the words stand
first, the same in every part of the mail, and what follows takes nothing back and decides nothing.
"""

from dataclasses import dataclass

from mailbot.mailtext.decisions import MAX_TEXT, SPOILS, read_reply, read_text
from mailbot.mailtext.forms import without_ending, without_greeting
from mailbot.mailtext.phrases import name_tokens, signature_doubts
from mailbot.mailtext.same import essence
from mailbot.mailtext.words import WORD, Words, fold, tokens_of
from mailbot.message import Automatic, Mail

_SPOILS = frozenset((*SPOILS, "interleaved", "below-quote"))
_SIGNS = frozenset(",.:;!-–—(")  # between the words and how it was done; or a line end
_LONGEST = 2_000  # characters of how it was done that are kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The person was answered; `how`, as the writer tells it ("" if not told)."""

    how: str = ""


def read_answered(mail: Mail, words: Words) -> Answered | None:
    """What the reply says of it; None if it does not say so beyond doubt."""
    if mail.automatic is not Automatic.NO or _SPOILS & set(mail.notes):
        return None
    if read_reply(mail, words).decision != "unclear" or signature_doubts(mail.signature, words):
        return None
    names = name_tokens(mail.sender)
    found = [_read(text, words, names) for text in mail.alternatives or (mail.new_text,)]
    first = found[-1]
    if first is None or any(
        each is None or essence(each.how) != essence(first.how) for each in found
    ):
        return None
    return first


def _read(text: str, words: Words, names: frozenset[str]) -> Answered | None:
    if len(text) > MAX_TEXT or "?" in text:
        return None
    plain = without_greeting(text.strip(), words).lstrip(" \t\n*_")
    found = list(WORD.finditer(plain))[:16]
    if not found or found[0].start() != 0:
        return None
    tokens = [fold(match.group()) for match in found]
    for phrase in words.answered.get(tokens[0], ()):
        for size in phrase.ends(tokens, 0):
            rest = plain[found[size - 1].end() :].lstrip("*_ \t")
            if not rest or rest[0] in _SIGNS or rest[0] == "\n":
                how = without_ending(rest.lstrip("".join(_SIGNS) + " \t\n"), words, names)
                return None if _speaks_against(how, words) else Answered(how=how[:_LONGEST])
    return None


def _speaks_against(how: str, words: Words) -> bool:
    """Whether what follows takes it back, puts it off, or decides something."""
    said = tokens_of(how)
    bent = words.doubts | words.later | words.retract | {first[0] for first in words.conditions}
    return bool(bent.intersection(said)) or read_text(how, words).decision != "unclear"
