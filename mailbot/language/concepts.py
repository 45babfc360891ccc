"""What words mean across languages: `concepts.tsv` read into one look-up per language.

A concept lets the statistics of one language speak for all: "slett meg", "radera mig" and
"löschen Sie mich" are the same two concepts, while "slett prosjektet" differs in the second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from mailbot.language.normalise import fold


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Concepts by exact word, by phrase of two words, and by stem, each per language or for all.

    Concepts are numbered from 1; 0 means that a word carries none. `families`: for each concept
    the number of the wider family that it belongs to; 0 for mere function words. `meaningful` and
    `meaningful_stems`: what has a family in any language.
    """

    names: tuple[str, ...]
    families: tuple[int, ...]
    exact: Mapping[str, Mapping[str, int]]
    phrases: Mapping[str, Mapping[tuple[str, str], int]]
    stems: Mapping[str, Mapping[str, int]]
    longest: int
    meaningful: frozenset[str]
    meaningful_stems: frozenset[str]

    def concept(self, word: str, language: str) -> int:
        """The concept of a folded word in a language, or 0."""
        for scope in (language, "*"):
            found = self.exact.get(scope, {}).get(word)
            if found:
                return found
        for scope in (language, "*"):
            stems = self.stems.get(scope, {})
            for end in range(min(len(word), self.longest), 2, -1):
                found = stems.get(word[:end])
                if found:
                    return found
        return 0

    def phrase(self, first: str, second: str, language: str) -> int:
        """The concept of two folded words in a row, or 0."""
        pair = (first, second)
        return self.phrases.get(language, {}).get(pair, 0) or self.phrases.get("*", {}).get(pair, 0)

    def means_something(self, word: str) -> bool:
        """Whether a folded word has a meaning beyond grammar in any language (names have none)."""
        if word in self.meaningful:
            return True
        ends = range(3, min(len(word), self.longest) + 1)
        return any(word[:end] in self.meaningful_stems for end in ends)

    def starts_phrase(self, language: str) -> frozenset[str]:
        """Words with which a phrase begins in a language (to look for phrases only there)."""
        return frozenset(
            first for scope in (language, "*") for first, _ in self.phrases.get(scope, {})
        )


@lru_cache(maxsize=1)
def load_lexicon() -> Lexicon:
    """The lexicon that ships with the package."""
    return parse_lexicon(concepts_text())


def concepts_text() -> str:
    """The text of `concepts.tsv`."""
    return files("mailbot.language").joinpath("concepts.tsv").read_text(encoding="utf-8")


def parse_lexicon(text: str) -> Lexicon:
    """Read the table; the first line that names a word decides."""
    names: list[str] = [""]
    exact: dict[str, dict[str, int]] = {}
    phrases: dict[str, dict[tuple[str, str], int]] = {}
    stems: dict[str, dict[str, int]] = {}
    families: list[list[str]] = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if line.startswith("="):
            families.append(line.split("\t")[1].split())
            continue
        name, scope, words = line.split("\t")
        if name not in names:
            names.append(name)
        number = names.index(name)
        for raw in words.split():
            word = re.sub("^e-", "e", fold(raw)).replace("-", "_").replace("'", "_").strip("_")
            if "_" in word:
                first, second = word.rstrip("*").split("_")[:2]
                phrases.setdefault(scope, {}).setdefault((first, second), number)
            elif word.endswith("*"):
                stems.setdefault(scope, {}).setdefault(word[:-1], number)
            else:
                exact.setdefault(scope, {}).setdefault(word, number)
    longest = max((len(stem) for table in stems.values() for stem in table), default=0)
    family_of = {name: number for number, each in enumerate(families, 1) for name in each}
    family = tuple(family_of.get(name, 0) for name in names)

    def meaningful(tables: Mapping[str, Mapping[str, int]]) -> frozenset[str]:
        return frozenset(
            word for table in tables.values() for word, number in table.items() if family[number]
        )

    return Lexicon(
        names=tuple(names),
        families=family,
        meaningful=meaningful(exact),
        meaningful_stems=meaningful(stems),
        exact=exact,
        phrases=phrases,
        stems=stems,
        longest=longest,
    )
