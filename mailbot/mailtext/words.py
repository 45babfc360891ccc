"""The words by which staff decide, in each language: templates/<language>/decisions.toml.

A phrase is written with choices, "(a|b)", and parts that may be missing, "[a|b]"; it is expanded
here, once, to all its forms.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

from mailbot.errors import ConfigError, Problem

FILE = "decisions.toml"
SHOWN = "words.toml"  # holds the words that approval mails show: they must be understood
COMMANDS = (
    "reject", "edit", "extend", "keep", "ask", "identity", "not_privacy", "assign", "redact",
)  # fmt: skip
_HARMLESS = ("thanks", "praise", "extras")
_MAX_FORMS = 5000  # of one phrase; more is a slip of whoever wrote it

Tokens = tuple[str, ...]
# Possessive: a word is never taken apart to make a pattern around it fit.
WORD = re.compile(r"[^\W_]++(?:['\u2019][^\W_]++)*+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """One form of a phrase, and what it stands for: "strong", "weak", "thanks", "right:access"…"""

    tokens: Tokens
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """All languages together, since an approver may answer in any.

    phrases, commands: by their first word, longest first. known: every word of decisions, never
    to be taken for a name. keywords: per language, the word for each decision as shown to staff.
    """

    phrases: Mapping[str, tuple[Phrase, ...]]
    commands: Mapping[str, tuple[Phrase, ...]]
    known: frozenset[str]
    doubts: frozenset[str]
    only: frozenset[str]
    later: frozenset[str]
    conditions: frozenset[Tokens]
    rest: frozenset[str]
    conjunctions: frozenset[str]
    through: frozenset[Tokens]
    items: frozenset[str]
    because: frozenset[Tokens]
    keywords: Mapping[str, Mapping[str, str]]


def fold(text: str) -> str:
    """Text as it is compared: compatibility forms unified, case folded, apostrophes straight."""
    plain = unicodedata.normalize("NFKC", text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return unicodedata.normalize("NFC", plain.casefold())


def tokens_of(text: str) -> Tokens:
    """The words of a text, folded."""
    return tuple(WORD.findall(fold(text)))


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
        self.keywords: dict[str, Mapping[str, str]] = {}
        self.sets: dict[str, set[Tokens]] = {}

    def add(self, language: str, table: Mapping[str, object]) -> None:
        self.keywords[language] = {
            name: str(word) for name, word in _table(table, "keywords").items()
        }
        approve = _table(table, "approve")
        for strength in ("strong", "weak"):
            self._phrases(_texts(approve, strength), strength)
        if keyword := self.keywords[language].get("approve"):
            self._phrases([keyword], "strong")
        harmless = _table(table, "harmless")
        for name in _HARMLESS:
            self._phrases(_texts(harmless, name), name)
        self._phrases(_texts(harmless, "greetings"), "greeting")
        self._phrases(_texts(harmless, "sign_offs"), "sign_off")
        for name in COMMANDS:
            keyword = self.keywords[language].get(name, "")
            texts = [*_texts(_table(table, "commands"), name), *([keyword] if keyword else [])]
            for tokens in _forms(texts):
                self.commands[Phrase(tokens, name)] = None
        rights = dict(_table(table, "rights"))
        self._phrases(_texts(rights, "prefixes"), "prefix")
        for right in rights:
            if right != "prefixes":
                self._phrases(_texts(rights, right), f"right:{right}")
        for section in ("grammar", "doubt"):
            for name in _table(table, section):
                forms = _forms(_texts(_table(table, section), name))
                self.sets.setdefault(name, set()).update(forms)

    def add_shown(self, table: Mapping[str, object]) -> None:
        """The names of rights and the words of reply, as the approval mail writes them."""
        for right, name in _table(table, "rights").items():
            if right == "not_privacy":
                self._command(str(name), right)
            else:
                # A marketing stop is an objection (art. 21(2)).
                label = "objection" if right == "marketing" else right
                self.phrases[Phrase(tokens_of(str(name)), f"right:{label}")] = None
        for name, word in _table(table, "answers").items():
            if name == "approve":
                self.phrases[Phrase(tokens_of(str(word)), "strong")] = None
            elif name in COMMANDS:
                self._command(str(word), name)

    def _command(self, text: str, decision: str) -> None:
        self.commands[Phrase(tokens_of(text), decision)] = None

    def _phrases(self, texts: Sequence[str], kind: str) -> None:
        for tokens in _forms(texts):
            self.phrases[Phrase(tokens, kind)] = None

    def _single(self, name: str) -> frozenset[str]:
        return frozenset(tokens[0] for tokens in self.sets.get(name, ()) if len(tokens) == 1)

    def built(self) -> Words:
        known = {word for phrase in (*self.phrases, *self.commands) for word in phrase.tokens}
        known.update(word for forms in self.sets.values() for tokens in forms for word in tokens)
        return Words(
            phrases=_by_first(self.phrases),
            commands=_by_first(self.commands),
            known=frozenset(known),
            doubts=self._single("words"),
            only=self._single("only"),
            later=self._single("later"),
            conditions=frozenset(self.sets.get("conditions", ())),
            rest=self._single("rest"),
            conjunctions=self._single("and"),
            through=frozenset(self.sets.get("through", ())),
            items=self._single("items"),
            because=frozenset(self.sets.get("because", ())),
            keywords=self.keywords,
        )


def _by_first(phrases: Iterable[Phrase]) -> dict[str, tuple[Phrase, ...]]:
    found: dict[str, list[Phrase]] = {}
    for phrase in phrases:
        found.setdefault(phrase.tokens[0], []).append(phrase)
    return {
        first: tuple(sorted(several, key=lambda phrase: -len(phrase.tokens)))
        for first, several in found.items()
    }


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


def _forms(texts: Iterable[str]) -> list[Tokens]:
    return [tokens for text in texts for form in expand(text) if (tokens := tokens_of(form))]


def expand(pattern: str) -> list[str]:
    """Every form of "[herved] (a|b)". Raises ValueError if brackets do not match, or too many."""
    pieces = list(_pieces(pattern))
    forms = [""]
    for choices in pieces:
        forms = [f"{form} {choice}".strip() for form in forms for choice in choices]
        if len(forms) > _MAX_FORMS:
            raise ValueError("a phrase has too many forms")
    return forms


def _pieces(pattern: str) -> Iterator[tuple[str, ...]]:
    at = 0
    for match in re.finditer(r"\(([^()\[\]]*)\)|\[([^()\[\]]*)\]", pattern):
        yield (_plain(pattern[at : match.start()]),)
        if match[1] is not None:
            yield tuple(match[1].split("|"))
        else:
            yield ("", *match[2].split("|"))
        at = match.end()
    yield (_plain(pattern[at:]),)


def _plain(text: str) -> str:
    if re.search(r"[()\[\]|]", text):
        raise ValueError("the brackets of a phrase do not match")
    return text.strip()
