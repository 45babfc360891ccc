"""Which language a mail is written in, down to the difference between nb, nn, da and sv.

Each word votes by itself and by its letters; votes are remembered per word. Fitted from the
corpus (fit.py); letters keep their diacritics here, since å, ä, ø and ß tell much.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mailbot.language.features import hash_of
from mailbot.language.model import Weights

UNKNOWN = "und"  # ISO 639-2: no language could be determined
_WORD = re.compile(r"[^\W\d_]+")
_NOISE = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+")
_GREEK = re.compile("[\u0370-\u03ff]")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_MAX_WORDS = 400  # enough to be sure; a mail's beginning is in its writer's language
_REMEMBERED = 10_000
_LONGEST = 24
_PAIR_WEIGHT = np.float32(1.0)


def words_for_language(text: str) -> list[str]:
    """The lower-case words by which the language is told, at most 400."""
    text = _NOISE.sub(" ", text[:6_000]).lower()
    return [word[:_LONGEST] for word in _WORD.findall(text)[:_MAX_WORDS]]


def letter_features(word: str) -> list[int]:
    """Hashes of a word (thrice: it tells more than a part) and its letter n-grams."""
    framed = f"<{word}>"
    found = [hash_of("W" + word)] * 3
    for length in (2, 3, 4):
        found.extend(
            hash_of("L" + framed[at : at + length]) for at in range(len(framed) - length + 1)
        )
    return found


def pair_features(words: list[str]) -> list[int]:
    """Hashes of each two words in a row."""
    return [hash_of(f"B{one} {other}") for one, other in pairwise(words)]


@dataclass(slots=True)
class LanguageGuesser:
    """Names the language of a text; the same text always gives the same answer."""

    weights: Weights
    languages: tuple[str, ...]
    _votes: dict[str, NDArray[np.float32]] = field(default_factory=dict)

    def guess(self, text: str) -> tuple[str, float]:
        """The ISO 639-1 code and a probability; ("und", 0.0) where no words of ours stand."""
        words = words_for_language(text)
        if not words:
            return UNKNOWN, 0.0
        letters = "".join(words)
        for script, name in ((_GREEK, "el"), (_CYRILLIC, "ru")):
            if len(script.findall(letters)) * 2 > len(letters):
                return name, 1.0
        scores = self._sum(words) / np.sqrt(np.float32(len(words))) + self.weights.bias
        best = int(np.argmax(scores))
        odds = np.exp(scores - scores[best])
        return self.languages[best], float(1.0 / odds.sum())

    def _sum(self, words: list[str]) -> NDArray[np.float32]:
        votes = self._votes
        if len(votes) > _REMEMBERED:
            votes.clear()
        found = []
        for word in words:
            vote = votes.get(word)
            if vote is None:
                features = letter_features(word)
                vote = self.weights.total(features) / np.float32(np.sqrt(len(features)))
                votes[word] = vote
            found.append(vote)
        total: NDArray[np.float32] = np.sum(found, axis=0)
        return total + self.weights.total(pair_features(words)) * _PAIR_WEIGHT
