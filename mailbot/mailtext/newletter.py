"""A letter that an approver wrote anew: "ENDRE:" and the whole text below it."""

import re

from mailbot.mailtext import vocabulary
from mailbot.mailtext.reply import Reply, unclear
from mailbot.mailtext.words import Words, tokens_of

_LETTER = 80  # characters from which a text on the command's own line may be a letter
_LEAD_WORDS = 14
_LEAD = 3  # filled lines among which the announcement of a letter stands


def read_letter(rest: str, signature: str, names: frozenset[str]) -> Reply:
    """A new letter stands on the lines below the word; a remark about the old one is none."""
    match = re.match(r"[ \t]*[:.–-]*[ \t]*\**[ \t]*(\n)?", rest)
    letter = rest[match.end() :] if match else ""
    below = match is not None and match[1] is not None
    if not letter.strip():
        return unclear("edit-without-text")
    if not below and not (rest.lstrip().startswith(":") and len(letter) >= _LETTER):
        return unclear("edit-without-letter")
    whole = letter.strip("\n") + _closing(signature, names)
    return Reply(decision="edit", edited_text=whole.strip(), strong=True)


def announced_letter(
    text: str, signature: str, words: Words, names: frozenset[str]
) -> Reply | None:
    """`The letter is too long. Please replace it with this one:` and the letter below."""
    lines = text.split("\n")
    filled = [i for i, line in enumerate(lines) if line.strip()][:_LEAD]
    for i in filled:
        line = lines[i].strip()
        if not line.endswith(":"):
            continue
        lead = "\n".join(lines[: i + 1])
        if "?" in lead or not _announces(re.split(r"[.!]\s", line)[-1], words):
            return None
        return read_letter(":\n" + "\n".join(lines[i + 1 :]), signature, names)
    return None


def _announces(sentence: str, words: Words) -> bool:
    """Whether a sentence is wholly the command to use another letter."""
    said = tokens_of(sentence)
    if words.doubts.intersection(said) or len(said) > _LEAD_WORDS:
        return False
    if words.letter_verbs.intersection(said) and words.letter_nouns.intersection(said):
        return True
    for at, word in enumerate(said[:4]):
        for phrase in words.commands.get(word, ()):
            if phrase.kind == "edit" and any(len(said) - end <= 2 for end in phrase.ends(said, at)):
                return True
    return False


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
