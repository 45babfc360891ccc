"""Which language a mail is written in, down to the difference between nb, nn, da and sv.

Each word votes by itself and by its letters; votes are remembered per word. Fitted from the
corpus (fit.py); letters keep their diacritics here, since å, ä, ø and ß tell much.
"""

import re
from dataclasses import dataclass, field
from itertools import pairwise
from zlib import crc32

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
    """Hashes of each two words in a row (as `LanguageGuesser` takes them from hashes begun)."""
    return [hash_of(f"B{one} {other}") for one, other in pairwise(words)]


@dataclass(slots=True)
class LanguageGuesser:
    """Names the language of a text; the same text always gives the same answer."""

    weights: Weights
    languages: tuple[str, ...]
    _known: dict[str, tuple[int, bytes, int]] = field(default_factory=dict)
    _votes: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

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
        known = self._known
        if len(known) > _REMEMBERED:
            known.clear()
        found = [known.get(word) or self._learn(word) for word in words]
        total: NDArray[np.float32] = self._votes[[number for number, _, _ in found]].sum(0)
        pairs = [crc32(other, begun) for (_, _, begun), (_, other, _) in pairwise(found)]
        return total + self.weights.total(pairs) * _PAIR_WEIGHT

    def _learn(self, word: str) -> tuple[int, bytes, int]:
        """Where its vote stands, its octets, and the hash of a pair that begins with it."""
        number = len(self._known)
        if number >= len(self._votes):
            more = np.zeros((max(256, number), len(self.languages)), np.float32)
            self._votes = np.concatenate([self._votes, more]) if number else more
        features = letter_features(word)
        self._votes[number] = self.weights.total(features) / np.float32(np.sqrt(len(features)))
        self._known[word] = found = (
            number,
            word.encode("utf-8", "surrogatepass"),
            hash_of(f"B{word} "),
        )
        return found
