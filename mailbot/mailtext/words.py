"""The words by which staff decide, in each language: templates/<language>/decisions.toml."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources.abc import Traversable
from pathlib import Path

from mailbot.errors import ConfigError, Problem
from mailbot.mailtext.patterns import (
    WORD,
    Node,
    Tokens,
    bare,
    ends,
    fold,
    has_wild,
    read_pattern,
    tokens_of,
    words_of,
)

__all__ = [
    "COMMANDS", "ITEMS", "WHO", "WORD", "Phrase", "Tokens", "Words", "fold", "load_words",
    "tokens_of",
]  # fmt: skip

FILE = "decisions.toml"
SHOWN = "words.toml"  # holds the words that approval mails show: they must be understood
COMMANDS = (
    "reject", "edit", "extend", "keep", "ask", "identity", "not_privacy", "assign", "redact",
)  # fmt: skip
ITEMS = "itemsno"  # stands for the numbers of actions in a phrase
WHO = "whono"  # stands for a colleague: a name or an address
REJECT_IF_REASONED = "reject?"  # "ikke godkjent": a rejection if a reason follows
REJECT_AS_TOLD = "reject="  # "dette er feil person": the words themselves are the reason
_APPROVING = ("strong", "weak", "assent", "act")
_HARMLESS = ("thanks", "praise", "extras")


@dataclass(frozen=True)
class Phrase:
    """A phrase and what it stands for: "strong", "weak", "assent", "act", "thanks",
    "right:access", or the name of a command."""

    node: Node
    kind: str

    @cached_property
    def open_ended(self) -> bool:
        """Whether a wild card is in it."""
        return has_wild(self.node)

    def ends(
        self, words: Sequence[str], at: int, wild_until: Sequence[int] = ()
    ) -> tuple[int, ...]:
        """Where the phrase may end if it begins at `at`, longest first."""
        found = ends(self.node, words, at, wild_until)
        return tuple(sorted((end for end in found if end > at), reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All languages together, since an approver may answer in any.

    phrases, commands: by their first word. known: every word of decisions, never to be taken for
    a name. own: words that approve all by themselves. keywords: per language, the word for each
    decision as shown to staff.
    """

    phrases: Mapping[str, tuple[Phrase, ...]]
    commands: Mapping[str, tuple[Phrase, ...]]
    items_first: Mapping[str, tuple[Phrase, ...]]
    rights: Mapping[str, frozenset[str]]
    known: frozenset[str]
    bare: Mapping[str, tuple[str, ...]]
    weighty: frozenset[str]
    own: frozenset[str]
    doubts: frozenset[str]
    heavy: frozenset[str]
    small: frozenset[str]
    only: frozenset[str]
    past: frozenset[str]
    later: frozenset[str]
    retract: frozenset[str]
    conditions: frozenset[Tokens]
    rest: frozenset[str]
    conjunctions: frozenset[str]
    by: frozenset[str]
    through: frozenset[Tokens]
    items: frozenset[str]
    because: frozenset[Tokens]
    numbers: Mapping[str, int]
    negators: frozenset[str]
    asking: frozenset[str]
    so: frozenset[Tokens]
    plain_no: frozenset[str]
    letter_verbs: frozenset[str]
    letter_nouns: frozenset[str]
    assign_to: Mapping[str, tuple[Phrase, ...]]
    answered: Mapping[str, tuple[Phrase, ...]]
    closing: re.Pattern[str]
    keywords: Mapping[str, Mapping[str, str]]


def load_words(templates: Path | Traversable, languages: Iterable[str]) -> Words:
    """Read the words of every language that has a file. Raises ConfigError for a broken file, or
    when no language has one."""
    tables: dict[str, Mapping[str, object]] = {}
    problems: list[Problem] = []
    for language in languages:
        file = templates.joinpath(language).joinpath(FILE)
        if not file.is_file():
            continue
        try:
            tables[language] = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            problems.append(_problem(language, "is not valid TOML"))
    if not tables and not problems:
        problems.append(Problem("templates", f"no language has a {FILE}", "restore the file"))
    builder = _Builder()
    for language, table in tables.items():
        try:
            builder.add(language, table)
            builder.add_shown(_shown(templates.joinpath(language)))
        except (ValueError, TypeError, AttributeError) as error:
            problems.append(_problem(language, f"cannot be used ({error})"))
    if problems:
        raise ConfigError(problems)
    return builder.built()


def _shown(folder: Path | Traversable) -> Mapping[str, object]:
    file = folder.joinpath(SHOWN)
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _problem(language: str, what: str) -> Problem:
    return Problem(f"templates/{language}/{FILE}", what, "compare it with the file that ships")


class _Builder:
    """Collects the tables of all languages."""

    def __init__(self) -> None:
        self.phrases: dict[Phrase, None] = {}
        self.commands: dict[Phrase, None] = {}
        self.items_first: dict[Phrase, None] = {}
        self.assign_to: dict[Phrase, None] = {}
        self.answered: dict[Phrase, None] = {}  # read in a stopped case alone: no decision's words
        self.numbers: dict[str, int] = {}
        self.sign_offs: set[str] = set()
        self.keywords: dict[str, Mapping[str, str]] = {}
        self.sets: dict[str, set[Tokens]] = {}
        self.named: dict[str, Node] = {}
        self.parts: set[str] = set()

    def add(self, language: str, table: Mapping[str, object]) -> None:
        self.keywords[language] = {
            name: str(word) for name, word in _table(table, "keywords").items()
        }
        self.named = {}
        for name in _table(table, "parts"):
            choices = [self._node(text) for text in _texts(_table(table, "parts"), name)]
            self.named[name] = Node("any", parts=tuple(choices))
            self.parts.update(words_of(self.named[name]))
        approve, harmless = _table(table, "approve"), _table(table, "harmless")
        for kind in _APPROVING:
            self._phrases(self.phrases, _texts(approve, kind), kind)
        for kind in _HARMLESS:
            self._phrases(self.phrases, _texts(harmless, kind), kind)
        self._phrases(self.phrases, _texts(harmless, "greetings"), "greeting")
        self._phrases(self.phrases, _texts(harmless, "sign_offs"), "sign_off")
        commands = _table(table, "commands")
        for name in COMMANDS:
            self._phrases(self.commands, _texts(commands, name), name)
        self._phrases(self.commands, _texts(commands, "reject_with_reason"), REJECT_IF_REASONED)
        self._phrases(self.commands, _texts(commands, "reject_as_told"), REJECT_AS_TOLD)
        for name in ("keep", "redact"):
            texts = _texts(commands, f"{name}_after")
            after = [text if ITEMS in text else f"{ITEMS} {text}" for text in texts]
            self._phrases(self.items_first, after, name)
        self._phrases(self.assign_to, _texts(commands, "assign_to"), "assign")
        self._phrases(self.answered, _texts(_table(table, "answered"), "phrases"), "answered")
        self.sets.setdefault("plain_no", set()).update(map(tokens_of, _texts(commands, "plain_no")))
        self._phrases(self.commands, _texts(commands, "plain_no"), "reject")
        self.sign_offs.update(
            text for text in _texts(harmless, "sign_offs") if not re.search(r"[\[(<]", text)
        )
        for name, word in self.keywords[language].items():
            self._keyword(name, word)
        rights = _table(table, "rights")
        self._phrases(self.phrases, _texts(rights, "prefixes"), "prefix")
        for right in rights:
            if right != "prefixes":
                self._phrases(self.phrases, _texts(rights, right), f"right:{right}")
        for count, names in enumerate(_texts(_table(table, "grammar"), "numbers"), start=1):
            self.numbers.update(dict.fromkeys(tokens_of(names), count))
        for section in ("grammar", "doubt"):
            for name in _table(table, section):
                texts = _texts(_table(table, section), name)
                self.sets.setdefault(name, set()).update(filter(None, map(tokens_of, texts)))

    def add_shown(self, table: Mapping[str, object]) -> None:
        """The names of rights and the words of reply, as the approval mail writes them."""
        for right, name in _table(table, "rights").items():
            if right == "not_privacy":
                self._keyword(right, str(name))
            else:
                # A marketing stop is an objection (art. 21(2)).
                label = "objection" if right == "marketing" else right
                self._phrases(self.phrases, [str(name)], f"right:{label}")
        for name, word in _table(table, "answers").items():
            self._keyword(name, str(word))
            if name == "answered":
                self._phrases(self.answered, [str(word)], name)

    def _keyword(self, decision: str, word: str) -> None:
        if decision == "approve":
            self._phrases(self.phrases, [word], "strong")
        elif decision in COMMANDS:
            self._phrases(self.commands, [word], decision)

    def _node(self, text: str) -> Node:
        return read_pattern(text, self.named)

    def _phrases(self, into: dict[Phrase, None], texts: Sequence[str], kind: str) -> None:
        for text in texts:
            node = self._node(text)
            # A phrase whose every part may be missing ("[ja] [takk]") would begin anywhere.
            if node.empty or not node.first:
                raise ValueError(f"the phrase {text[:60]!r} may be empty")
            # What an open place may hold is a remark, not a mere courtesy.
            told = "remark" if kind == "extras" and has_wild(node) else kind
            into[Phrase(node, told)] = None

    def _single(self, name: str) -> frozenset[str]:
        return frozenset(tokens[0] for tokens in self.sets.get(name, ()) if len(tokens) == 1)

    def _rights(self) -> dict[str, frozenset[str]]:
        """The single words that name each right, as stems: "sletting" is in "slettingen"."""
        found: dict[str, set[str]] = {}
        for phrase in self.phrases:
            if phrase.kind.startswith("right:") and phrase.node.kind == "word":
                found.setdefault(phrase.kind[6:], set()).add(phrase.node.word)
        return {right: frozenset(word for word in words if len(word) > 4)
                for right, words in found.items()}  # fmt: skip

    def built(self) -> Words:
        every = (*self.phrases, *self.commands, *self.items_first, *self.assign_to)
        known = {word for phrase in every for word in words_of(phrase.node)}
        known.update(word for forms in self.sets.values() for tokens in forms for word in tokens)
        deciding = {
            word
            for phrase in (*self.commands, *self.items_first, *self.phrases)
            if phrase.kind
            in (*COMMANDS, REJECT_IF_REASONED, REJECT_AS_TOLD, "strong", "weak", "act")
            or phrase.kind.startswith("right:")
            for word in phrase.node.first
        } - self._single("small")
        deciding -= self.parts  # what decisions are about, and how; not what is decided
        # "Godkjent. Hun har bedt om innsyn": another right than the one asked about, perhaps.
        deciding |= {word for names in self._rights().values() for word in names}
        heavy = self._single("words") | self._single("later") | self._single("only")
        heavy |= self._single("heavy")
        own = {
            word
            for phrase in self.phrases
            if phrase.kind == "strong"
            for word in phrase.node.first
            if len(word) > 5 and 1 in phrase.ends((word,), 0)
        }
        return Words(
            phrases=_by_first(self.phrases),
            commands=_by_first(self.commands),
            items_first=_by_first(self.items_first),
            rights=self._rights(),
            known=frozenset(known),
            bare=_by_letters(known),
            weighty=frozenset(own | deciding | heavy | self._single("past") | self._single("rest")),
            own=frozenset(own),
            doubts=self._single("words"),
            heavy=self._single("heavy"),
            small=self._single("small"),
            only=self._single("only"),
            past=self._single("past"),
            later=self._single("later"),
            retract=self._single("retract"),
            conditions=frozenset(self.sets.get("conditions", ())),
            rest=self._single("rest"),
            conjunctions=self._single("and"),
            by=self._single("by"),
            through=frozenset(self.sets.get("through", ())),
            items=self._single("items"),
            because=frozenset(self.sets.get("because", ())),
            numbers=self.numbers,
            negators=self._single("not"),
            asking=self._single("asking"),
            so=frozenset(self.sets.get("so", ())),
            plain_no=frozenset(" ".join(tokens) for tokens in self.sets.get("plain_no", ())),
            letter_verbs=self._single("letter_verbs"),
            letter_nouns=self._single("letter_nouns"),
            assign_to=_by_first(self.assign_to),
            answered=_by_first(self.answered),
            closing=_closing(self.sign_offs),
            keywords=self.keywords,
        )


def _by_first(phrases: Iterable[Phrase]) -> dict[str, tuple[Phrase, ...]]:
    found: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        for first in phrase.node.first:
            found.setdefault(first, []).append(phrase)
    return {first: tuple(several) for first, several in found.items()}


def _closing(sign_offs: Iterable[str]) -> re.Pattern[str]:
    """ "Mvh Kari" at the end of a line."""
    known = "|".join(re.escape(each) for each in sorted(sign_offs, key=len, reverse=True))
    return re.compile(
        rf"(?<=[\s,.!])(?:{known or '(?!)'})\b[\s,.!]*+(?:[^\W\d_][\w.'-]*+[ \t]*+){{0,4}}$", re.I
    )


def _by_letters(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for word in sorted(words):
        if len(word) > 3:  # "for" is no "før"
            found.setdefault(bare(word), []).append(word)
    return {letters: tuple(several) for letters, several in found.items()}


def _table(table: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = table.get(name, {})
    if not isinstance(part, Mapping):
        raise TypeError(f"[{name}] is not a table")
    return part


def _texts(table: Mapping[str, object], name: str) -> list[str]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{name} is not a list of texts")
    return [str(each) for each in value]
