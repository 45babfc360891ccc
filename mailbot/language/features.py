"""Sentences as hashed features, by the same code in fitting and in the daemon.

A feature is a 32-bit hash. *Local* features belong to one word (the word, its letter n-grams,
its concept) and are remembered per word; *joint* features (pairs and triples of words and of
concepts) are computed for a whole mail at once with numpy. Scores are sums over features divided
by the root of the number of words, so sums over sentences give the sum over the mail.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain, combinations

import numpy as np
from numpy.typing import NDArray

from mailbot.language.concepts import Lexicon
from mailbot.language.normalise import fold

U32 = NDArray[np.uint32]
I64 = NDArray[np.int64]

MAX_WORDS = 12_000  # of one mail; beyond it sentences are left out and the mail is not complete
_REMEMBERED = 8_000  # words per language; then forgotten, so that memory stays bounded
_LONGEST_WORD = 36
_TOKEN = re.compile(r"[^\W\d_]+|\d+|[?@]")
_LINK = re.compile(r"(?:https?://|www\.)\S+")
_MAIL_ADDRESS = re.compile(r"[^\s@<>()\[\]:;,]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}")
_NOT = re.compile(r"(?<=n)'t\b")
_E_HYPHEN = re.compile(r"\be-(?=[a-z])")
_ARTICLE_WORDS = frozenset(
    "art article articles artikkel artikkelen artikkelene artikel artiklar artiklerne artikeln "
    "articolo articoli articulo articulos artykul artykulu artigo artigos cl clanek clanku clanka "
    "clanak clanku articolul articolului αρθρο αρθρου αρθρα artikla artiklan artt arts gdpr dsgvo "
    "rgpd avg rodo".split()
)
_ARTICLES = frozenset("6 7 12 13 14 15 16 17 18 19 20 21 22 33 34 77 79 82".split())


def words_of(sentence: str) -> list[str]:
    """The folded words of a cleaned sentence; numbers by length, GDPR articles by number."""
    text = fold(sentence)
    if "@" in text:
        text = _MAIL_ADDRESS.sub(" @ ", text)
    if "www." in text or "://" in text:
        text = _LINK.sub(" httplink ", text)
    if "n't" in text:
        text = _NOT.sub("t", text)
    if "e-" in text:
        text = _E_HYPHEN.sub("e", text)
    tokens = _TOKEN.findall(text)
    if not any(map(str.isdigit, tokens)) and max(map(len, tokens), default=0) <= _LONGEST_WORD:
        return tokens
    after_article = 0
    for at, token in enumerate(tokens):
        if token in _ARTICLE_WORDS:
            after_article = 6
        elif token.isdigit():
            if after_article and token in _ARTICLES:
                tokens[at] = "art" + token
                after_article = 4
            else:
                tokens[at] = f"#{min(len(token), 9)}"
        elif len(token) > _LONGEST_WORD:
            tokens[at] = token[:_LONGEST_WORD]
        after_article = max(0, after_article - 1)
    return tokens


def hash_of(text: str) -> int:
    """32 bits, the same on every machine (CRC-32: no adversary gains by a collision here)."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass"))


def local_features(word: str, concept: int) -> list[int]:
    """Hashes of a word itself, its letter n-grams and its concept."""
    # The word and its concept count twice: they tell more than any of the many n-grams.
    found = [hash_of("w" + word)] * 2
    if word[0] != "#" and len(word) > 2:
        framed = f"<{word}>"
        size = len(framed)
        for length in (3, 4, 5, 6):
            if size > length:
                found.extend(
                    hash_of("c" + framed[at : at + length]) for at in range(size - length + 1)
                )
    if concept:
        found.extend([hash_of(f"k{concept}")] * 2)
    return found


@dataclass(slots=True)
class WordTable:
    """Numbers for words of one language, with what is known of each: hash and concept.

    `on_new(number, word, concept)` is told of each new word (the model keeps its score there).
    """

    lexicon: Lexicon
    language: str
    on_new: Callable[[int, str, int], None]
    numbers: dict[str, int] = field(default_factory=dict)
    hashes: U32 = field(default_factory=lambda: np.zeros(256, np.uint32))
    concepts: U32 = field(default_factory=lambda: np.zeros(256, np.uint32))
    phrase_starts: frozenset[str] = frozenset()
    families: U32 = field(default_factory=lambda: np.zeros(1, np.uint32))

    def __post_init__(self) -> None:
        self.families = np.array(self.lexicon.families, np.uint32)
        self.phrase_starts = self.lexicon.starts_phrase(self.language)

    def look_up(self, words: Sequence[str]) -> list[int]:
        """The number of each word, learning words not seen before."""
        get = self.numbers.get
        found = [get(word, -1) for word in words]
        if -1 in found:
            if len(self.numbers) + len(words) > _REMEMBERED:
                self.numbers.clear()
                found = [-1] * len(words)
            for at, number in enumerate(found):
                if number < 0:
                    found[at] = self._learn(words[at])
        return found

    def _learn(self, word: str) -> int:
        known = self.numbers.get(word)
        if known is not None:
            return known
        number = len(self.numbers)
        if number >= len(self.hashes):
            self.hashes = np.concatenate([self.hashes, np.zeros_like(self.hashes)])
            self.concepts = np.concatenate([self.concepts, np.zeros_like(self.concepts)])
        concept = self.lexicon.concept(word, self.language)
        self.numbers[word] = number
        self.hashes[number] = hash_of("w" + word)
        self.concepts[number] = concept
        self.on_new(number, word, concept)
        return number


@dataclass(frozen=True, slots=True)
class Tokens:
    """The words of a mail's sentences in one row."""

    numbers: I64  # of each word, in its table
    sentence: I64  # to which sentence each word belongs, rising
    sizes: I64  # words per sentence
    hashes: U32
    concepts: U32  # 0 for none; phrases of two words counted at the first
    families: U32  # of the concepts; 0 for function words


def tokens_of(sentences: Sequence[Sequence[str]], table: WordTable) -> Tokens:
    """Look the words of all sentences up."""
    flat = [word for sentence in sentences for word in sentence]
    sizes = np.array([len(sentence) for sentence in sentences], np.int64)
    numbers = np.array(table.look_up(flat), np.int64)
    concepts = table.concepts[numbers]
    starts = table.phrase_starts
    for at in [at for at, word in enumerate(flat[:-1]) if word in starts]:
        phrase = table.lexicon.phrase(flat[at], flat[at + 1], table.language)
        if phrase:
            concepts[at] = phrase
    return Tokens(
        numbers=numbers,
        sentence=np.repeat(np.arange(len(sentences), dtype=np.int64), sizes),
        sizes=sizes,
        hashes=table.hashes[numbers],
        concepts=concepts,
        families=table.families[concepts],
    )


# Odd multipliers spread the bits; xor-shifts bring high bits down.
_A, _B, _C = np.uint32(2654435761), np.uint32(2246822519), np.uint32(3266489917)
_PARTS = 4  # a joint feature has at most four parts
# Kinds of joint features; part of the hash.
_TRIPLE_OF_WORDS = 4
_CONCEPTS_BESIDE, _CONCEPTS_NEAR, _CONCEPTS_3, _CONCEPT_AND_WORD = range(10, 14)
_FAMILY, _FAMILIES, _CONTENT, TOGETHER, NEARBY = range(14, 19)
_FIRST_WORD, _LAST_WORD, _LENGTH = range(20, 23)
_CONCEPTS_PAIRED = 24  # at most, of one sentence
_MOST_PAIRS = 60_000  # of one mail


class _Collector:
    """Gathers joint features, then hashes them all at once: few numpy calls make it fast."""

    def __init__(self) -> None:
        self.kinds: list[int] = []
        self.homes: list[I64] = []
        self.columns: list[tuple[U32, ...]] = []

    def add(self, kind: int, home: I64, *columns: U32) -> None:
        if not len(home):
            return
        self.kinds.append(kind)
        self.homes.append(home)
        self.columns.append(columns)

    def hashed(self) -> "Joint":
        if not self.kinds:
            none = np.zeros(0, np.uint32)
            return Joint(none, np.zeros(0, np.int64), none)
        lengths = [len(home) for home in self.homes]
        kinds = np.array(self.kinds, np.uint32).repeat(lengths)
        mixed = kinds * np.uint32(374761393)
        parts = np.zeros((_PARTS, len(kinds)), np.uint32)
        begin = 0
        for length, columns in zip(lengths, self.columns, strict=True):
            for part, column in zip(parts, columns, strict=False):
                part[begin : begin + length] = column
            begin += length
        parts *= _A
        for part in parts:
            mixed ^= part
            mixed *= _B
            mixed ^= mixed >> np.uint32(15)
        mixed *= _C
        return Joint(mixed ^ (mixed >> np.uint32(13)), np.concatenate(self.homes), kinds)


@dataclass(frozen=True, slots=True)
class Joint:
    """Joint features of a mail: hash, sentence and kind of each."""

    hashes: U32
    sentence: I64
    kinds: U32


def joint_features(tokens: Tokens) -> Joint:
    """Pairs and triples of words and concepts of a mail."""
    into = _Collector()
    words, sentence = tokens.hashes, tokens.sentence
    for distance in (1, 2):
        same = (sentence[:-distance] == sentence[distance:]).nonzero()[0]
        into.add(distance, sentence[same], words[same], words[same + distance])
        if distance == 2:
            three = (words[same], words[same + 1], words[same + 2])
            into.add(_TRIPLE_OF_WORDS, sentence[same], *three)
    _add_concepts(tokens, into)
    _add_edges(tokens, into)
    _add_pairs(tokens, into)
    return into.hashed()


def _add_edges(tokens: Tokens, into: _Collector) -> None:
    """How a sentence begins and ends, and how long it is (short ones are often whole requests)."""
    full = tokens.sizes.nonzero()[0]
    sizes = tokens.sizes[full]
    ends = np.cumsum(sizes)
    into.add(_FIRST_WORD, full, tokens.hashes[ends - sizes])
    into.add(_LAST_WORD, full, tokens.hashes[ends - 1])
    into.add(_LENGTH, full, np.minimum(np.log2(sizes + 1), 6).astype(np.uint32))


def _add_concepts(tokens: Tokens, into: _Collector) -> None:
    """The row of concepts with the words between left out; and concepts beside plain words."""
    at = tokens.concepts.nonzero()[0]
    row, home = tokens.concepts[at], tokens.sentence[at]
    for distance in (1, 2, 3, 4):
        same = (home[:-distance] == home[distance:]).nonzero()[0]
        kind = _CONCEPTS_BESIDE if distance == 1 else _CONCEPTS_NEAR
        into.add(kind, home[same], row[same], row[same + distance])
        if distance == 2:
            into.add(_CONCEPTS_3, home[same], row[same], row[same + 1], row[same + 2])
    for distance in (1, 2, 3):
        near = at[: at.searchsorted(len(tokens.hashes) - distance)]
        near = near[tokens.sentence[near] == tokens.sentence[near + distance]]
        into.add(
            _CONCEPT_AND_WORD,
            tokens.sentence[near],
            tokens.concepts[near],
            tokens.hashes[near + distance],
        )
    # Families, and concepts with the function words between left out: "delete … my … data".
    content = tokens.families.nonzero()[0]
    family, meant, home = (
        tokens.families[content],
        tokens.concepts[content],
        tokens.sentence[content],
    )
    same = (home[:-1] == home[1:]).nonzero()[0]
    into.add(_FAMILY, home, family)
    into.add(_FAMILIES, home[same], family[same], family[same + 1])
    into.add(_CONTENT, home[same], meant[same], meant[same + 1])


def _add_pairs(tokens: Tokens, into: _Collector) -> None:
    """Which meanings stand in one sentence, or in two that follow each other, in any order.

    "I have left the company. Can the account go?" says in two sentences what others say in one.
    """
    content = tokens.families.nonzero()[0]
    by_sentence: dict[int, dict[int, None]] = {}
    for where, concept in zip(
        tokens.sentence[content].tolist(), tokens.concepts[content].tolist(), strict=True
    ):
        by_sentence.setdefault(where, {})[concept] = None
    inside: list[tuple[int, int, int]] = []
    across: list[tuple[int, int, int]] = []
    before: list[int] = []
    last = -2
    for where, found in by_sentence.items():
        here = sorted(found)[:_CONCEPTS_PAIRED]
        inside += [(where, a, b) for a, b in combinations(here, 2)]
        if last == where - 1:
            across += [
                (where, a, b) if a < b else (where, b, a) for a in here for b in before if a != b
            ]
        if len(inside) + len(across) > _MOST_PAIRS:
            break
        before, last = here, where
    for kind, pairs in ((TOGETHER, inside), (NEARBY, across)):
        if pairs:
            flat = np.fromiter(chain.from_iterable(pairs), np.int64, 3 * len(pairs))
            table = flat.reshape(-1, 3)
            one, other = table[:, 1].astype(np.uint32), table[:, 2].astype(np.uint32)
            into.add(kind, table[:, 0], one, other)
