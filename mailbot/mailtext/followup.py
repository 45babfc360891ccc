"""What a person says when they write again about their case: templates/<language>/followups.toml.

What is read here decides nothing. It tells approvers what to look at, and lets a mere word of
thanks leave the plan alone; every other mail of the person has the plan made anew.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources.abc import Traversable
from pathlib import Path

from mailbot.errors import ConfigError, Problem
from mailbot.mailtext.patterns import Node, ends, read_pattern, tokens_of
from mailbot.mailtext.phrases import signature_doubts, spans_of
from mailbot.mailtext.words import Words
from mailbot.message import Mail

FILE = "followups.toml"
_MOST = 6000  # characters that are read
_THANKING = frozenset({"thanks", "praise", "greeting", "sign_off", "name", "assent", "extras"})


class Says(StrEnum):
    """What a follow-up says, the gravest first."""

    DENIES = "denies"  # that they asked at all
    WITHDRAWS = "withdraws"
    NARROWS = "narrows"
    REMINDS = "reminds"
    MORE = "more"  # anything else: more of the same, another right, a question
    THANKS = "thanks"  # and nothing more


_LOOKED_FOR = (Says.DENIES, Says.WITHDRAWS, Says.NARROWS, Says.REMINDS)
GRAVE = frozenset({Says.DENIES, Says.WITHDRAWS, Says.NARROWS})


@dataclass(frozen=True, slots=True)
class FollowupWords:
    """The phrases of all languages by their first word: a person may write in any."""

    phrases: Mapping[str, tuple[tuple[Says, Node], ...]]


def load_followup_words(templates: Path | Traversable, languages: Iterable[str]) -> FollowupWords:
    """Read the phrases of every language that has a file. Raises ConfigError for a broken file."""
    phrases: dict[str, list[tuple[Says, Node]]] = {}
    problems: list[Problem] = []
    for language in languages:
        file = templates.joinpath(language).joinpath(FILE)
        if not file.is_file():
            continue
        try:
            table = tomllib.loads(file.read_text(encoding="utf-8"))
            for says in _LOOKED_FOR:
                for text in table.get(says.value, []):
                    node = read_pattern(text, {})
                    # One that may begin with anything is tried at every word.
                    for first in node.first | ({""} if node.wild else set()):
                        phrases.setdefault(first, []).append((says, node))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, ValueError, TypeError):
            what, remedy = "cannot be used", "compare it with the file that ships"
            problems.append(Problem(f"templates/{language}/{FILE}", what, remedy))
    if problems:
        raise ConfigError(problems)
    return FollowupWords({first: tuple(several) for first, several in phrases.items()})


@dataclass(frozen=True, slots=True)
class Listener:
    """The words by which follow-ups are read."""

    words: Words
    followups: FollowupWords

    def hear(self, mail: Mail) -> Says:
        """What a mail says; mere thanks only if nothing else is in it or under it."""
        said = says(mail.new_text, self.words, self.followups)
        more = mail.attachments or mail.alternatives or mail.notes
        if said is Says.THANKS and (more or signature_doubts(mail.signature, self.words)):
            return Says.MORE
        return said


def says(text: str, words: Words, followups: FollowupWords) -> Says:
    """What the new text of a follow-up says; MORE wherever it is not plain."""
    if mere_thanks(text, words):
        return Says.THANKS
    found: set[Says] = set()
    for sentence in re.split(r"[.!?;\n]+", text[:_MOST]):
        tokens = tokens_of(sentence)
        until = [len(tokens)] * len(tokens)
        for at, word in enumerate(tokens):
            for said, node in (*followups.phrases.get(word, ()), *followups.phrases.get("", ())):
                if said not in found and ends(node, tokens, at, until):
                    found.add(said)
    return next((said for said in _LOOKED_FOR if said in found), Says.MORE)


def mere_thanks(text: str, words: Words) -> bool:
    """Whether a text is thanks and courtesies through and through: no other word in it."""
    spans = spans_of(text.strip(), words, frozenset()) if len(text) <= 400 else None
    kinds = {span.kind for span in spans or ()} - {"joint"}
    return "thanks" in kinds and kinds <= _THANKING
