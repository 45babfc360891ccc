"""Replies that hand the matter to a colleague: "Ta denne du, Per", "assign this to per@…"."""

import re

from mailbot.mailtext.phrases import read_phrases
from mailbot.mailtext.reply import Reply
from mailbot.mailtext.words import WHO, WORD, Words, fold, tokens_of

_ADDRESS = re.compile(r"<?[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}>?")
_MAX_WORDS = 14


def read_handover(text: str, words: Words, names: frozenset[str]) -> Reply | None:
    """To whom a matter is handed; None if the text is no such sentence, or holds more than it."""
    sentences = [each for each in re.split(r"(?<!\d)[.!](?=\s|$)|\n", text) if tokens_of(each)]
    if not sentences:
        return None
    sentence, *more = sentences
    if any(read_phrases(each, words, names).why != "no-decision" for each in more):
        return None
    if "?" in text or len(sentence.split()) > _MAX_WORDS:
        return None
    for marked, who in _marked(sentence, words):
        said = tokens_of(marked)
        for phrase in words.assign_to.get(said[0], ()) if said else ():
            if len(said) in phrase.ends(said, 0):
                return Reply(decision="assign", reason=who, strong=True)
    return None


def _marked(sentence: str, words: Words) -> list[tuple[str, str]]:
    """The sentence with its one address, or one of its names, marked as such."""
    addresses = _ADDRESS.findall(sentence)
    if len(addresses) == 1:
        return [(sentence.replace(addresses[0], f" {WHO} "), addresses[0].strip("<>"))]
    if addresses:
        return []
    # A name may be a word elsewhere ("per", "tom"); one of these is hardly ever a name.
    unlikely = words.weighty | words.small | words.negators
    out = []
    for match in re.finditer(rf"(?:{WORD.pattern})(?: {WORD.pattern})?", sentence):
        for name in {match.group(), *match.group().split()}:
            parts = name.split()
            if all(part[:1].isupper() and fold(part) not in unlikely for part in parts):
                pattern = rf"(?<!\w){re.escape(name)}(?!\w)"
                out.append((re.sub(pattern, f" {WHO} ", sentence, count=1), name))
    return sorted(out, key=lambda each: -len(each[1]))
