"""What a reply of staff decides. Only an unmistakable decision is one; all else is "unclear".

An approval lets data be erased for good, so it is read by the narrowest rule there is: take away
greeting, thanks and name, and every word that remains must belong to a phrase of approval. One
unknown word, a number, a question mark, a quotation mark: unclear. The other decisions open with
their word; they change no data by themselves, and still must not contradict themselves.
"""

import re
from collections.abc import Sequence

from mailbot.mailtext.commands import read_command
from mailbot.mailtext.forms import without_greeting
from mailbot.mailtext.handover import read_handover
from mailbot.mailtext.phrases import (
    name_tokens,
    read_phrases,
    signature_doubts,
)
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.rights import named_right
from mailbot.mailtext.same import essence
from mailbot.mailtext.words import Words, load_words, tokens_of
from mailbot.message import Automatic, Mail

__all__ = ["Reply", "Words", "load_words", "read_reply", "read_text"]

_CASE_NUMBER = re.compile(r"\b\d{4}-\d{4,6}\b")
MAX_TEXT = 20_000  # characters; an edited letter is long, a decision is not
# Oddities of a mail that make it another mail for its reader than for us, or its words doubtful.
SPOILS = (
    "hidden-words", "struck-text", "bidi", "truncated", "unparsable", "quote-only", "encrypted",
    "smime-opaque",
)  # fmt: skip


def read_reply(mail: Mail, words: Words) -> Reply:
    """The decision in a reply; `why` names the reason where it is unclear."""
    if mail.automatic is Automatic.AUTO_REPLY:
        return Reply(decision="autoreply", why=mail.automatic_reason)
    if mail.automatic is not Automatic.NO:
        return unclear(f"automatic-{mail.automatic.value}")
    for note in SPOILS:
        if note in mail.notes:
            return unclear(note)
    names = name_tokens(mail.sender)
    cases = frozenset(_CASE_NUMBER.findall(mail.subject))
    texts = mail.alternatives or (mail.new_text,)
    replies = [read_text(text, words, names, mail.signature, cases) for text in texts]
    reply = replies[-1]
    if any(not _same(reply, other) for other in replies):
        return unclear("parts-differ")
    if reply.decision == "unclear":
        return reply
    if "interleaved" in mail.notes:
        # Written between the lines of the question, a yes may be meant for one line only.
        return unclear("interleaved")
    if "below-quote" in mail.notes and not reply.strong:
        return unclear("below-quote")
    if reply.decision == "approve" and _means_another_right(mail.subject, replies, words):
        return unclear("another-right")
    return reply


def _means_another_right(subject: str, replies: Sequence[Reply], words: Words) -> bool:
    """Whether the text names a right ("godkjenner innsynet") that is not the one asked about."""
    asked = _rights_in(tokens_of(subject), words)
    return bool(asked) and any(_rights_in(reply.said, words) - asked for reply in replies)


def _rights_in(said: Sequence[str], words: Words) -> set[str]:
    return {
        right
        for right, names in words.rights.items()
        if any(word.startswith(name) for word in said for name in names)
    }


def _same(one: Reply, other: Reply) -> bool:
    return (
        (one.decision, one.items, one.rights) == (other.decision, other.items, other.rights)
        and essence(one.reason or "") == essence(other.reason or "")
        and essence(one.edited_text or "") == essence(other.edited_text or "")
    )


def read_text(
    text: str,
    words: Words,
    names: frozenset[str] = frozenset(),
    signature: str = "",
    cases: frozenset[str] = frozenset(),
) -> Reply:
    """The decision in a text that somebody typed.

    names: words of the sender's own name. cases: case numbers that the text may mention.
    """
    if not text.strip():
        return unclear("empty")
    if len(text) > MAX_TEXT:
        return unclear("too-long")
    reply = read_phrases(text.strip(), words, names, cases)
    if reply.decision != "right":  # "stop for markedsføring" names a right, and "stop" is a no
        body = without_greeting(text.strip(), words)
        command = read_command(body, signature, words, names)
        if command is not None:
            return _better(command, body, signature, words, names)
    if reply.decision == "unclear":
        body = without_greeting(text.strip(), words)
        named = named_right(text.strip(), words, names) or read_handover(body, words, names)
        if named is None:
            return unclear(_why(text, words) if reply.why == "not-understood" else reply.why)
        reply = named
    if signature_doubts(signature, words):
        return unclear("signature-speaks")
    return reply


def _better(
    command: Reply, body: str, signature: str, words: Words, names: frozenset[str]
) -> Reply:
    """A command that makes no sense as one may still hand the matter to somebody."""
    if command.decision != "unclear" or signature_doubts(signature, words):
        return command
    return read_handover(body, words, names) or command


def _why(text: str, words: Words) -> str:
    """The most telling reason for a text that is no decision."""
    said: Sequence[str] = tokens_of(text)
    if "?" in text:
        return "question"
    if words.doubts.intersection(said):
        return "reservation"
    if re.search(r"\d", text):
        return "numbers"
    return "not-understood" if said else "no-words"
