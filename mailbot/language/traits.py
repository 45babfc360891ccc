"""A mail reduced to what makes it alike others, with nothing in it that tells of a person.

For learning from what staff decide. Kept are concepts, common words and pairs of these, each as a
number of 20 bits in which several words share a place, so that numbers do not lead back to a text.
Left out are addresses, links and numbers; what is written with a capital inside a sentence; words
that the shipped model does not know, unless the writer uses capitals and wrote them without (so
names of people, streets and firms); the parts of the names and addresses in the header and of the
signature; and what follows a word that introduces a name.
"""

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mailbot.language.concepts import Lexicon
from mailbot.language.features import hash_of
from mailbot.language.functionwords import FUNCTION_WORDS
from mailbot.language.model import Weights
from mailbot.language.normalise import fold
from mailbot.language.reading import Reading

BITS = 20  # some 30,000 words and many more pairs fall into a million places
MOST = 400  # traits of one mail
# A function word, a common word, two words in a row, a concept.
_PLAIN, _WORD, _PAIR, _CONCEPT = 0, 1, 2, 3
_WEIGHTS = (0.1, 0.8, 0.5, 1.0)
_REMEMBERED = 20_000
_MOST_WORDS = 2_000  # of a mail that are looked at
_GAP = (0, _PLAIN)
_INTRODUCES = frozenset(
    "heter heiter hedder heter heisse name named navn namn called kalt frau herr fru hr mr mrs ms"
    " mvh vh hilsen helsing halsning halsningar hilsner regards grusse grussen sincerely".split()
)
# Names of people and places that stand in the corpus, so that the model knows them.
_NAMES = frozenset(
    "agnar ahmed alesund anja arne arnfinn aslaug astrid aud bakke bente berg bergen berit "
    "bodil bronnoysund camilla daniela dawit donald drammen egil eiendom ekstrom eli elias "
    "erik fatima fredrik furuseth geir gerda gunnar gunnhild hamar hammer hansen havnegata "
    "heidi henriette hilde hildegard inge ingrid ivar jessheim jonas jorgen jorunn jostein "
    "kare karen kari kjell knut kragh kristian kurt lars leif lennart lexo lie lillestrom "
    "lillevik lium lunde magne marit marius marte mikkelsen moe molde nils nordli nordtag "
    "okafor okta ola olav oskar oslo ostgaard ottar per peter petra polen popescu preben "
    "prins ragnar ragnhild rasch rasmus roger ruben rudi ruud saas samira sander sandnes "
    "seljord silje siri smes solfrid solveig stal stavanger stian stjordal stord storgata "
    "strand svalbard sven svendborg sverre tangen tegners terje thomas tomas tonsberg tore "
    "trellbo tromso trond trondelag tuva tveit vidar vik wenche wiik yusuf".split()
)
_INSIDE = re.compile(r"(?<=[\w,;] )([^\W\d_][\w'-]*)")
_SMALL = re.compile(r"(?<![\w@.])[^\W\d_A-ZÆØÅÄÖÜ]{3,}(?![\w@])")
_FUNCTION = {language: frozenset(fold(text).split()) for language, text in FUNCTION_WORDS.items()}


def is_concept(trait: int) -> bool:
    """Whether a trait is one of the concepts by which requests are told."""
    return trait & 3 == _CONCEPT


def is_word(trait: int) -> bool:
    """Whether a trait is a common word or a concept (no pair, no function word)."""
    return trait & 1 == 1


@dataclass(frozen=True, slots=True)
class Scale:
    """What traits count; those of everyday language less."""

    common: Mapping[int, float]

    def of(self, trait: int) -> float:
        """The weight of one trait."""
        return _WEIGHTS[trait & 3] * self.common.get(trait, 1.0)

    def vector(self, traits: Collection[int]) -> dict[int, float]:
        """A mail as a vector of length 1 (empty for no traits)."""
        weights = {trait: self.of(trait) for trait in traits}
        size = math.sqrt(sum(weight**2 for weight in weights.values()))
        return {trait: weight / size for trait, weight in weights.items()} if size else {}


@dataclass(frozen=True, slots=True)
class Sentence:
    """The traits of one sentence, and how many of its words were neither kept nor a name."""

    traits: frozenset[int]
    strange: int


@dataclass(frozen=True, slots=True)
class Traits:
    """Traits of a mail, sentence by sentence in the order of its Reading.

    Of a very long mail only the beginning is looked at: sentences beyond it are None.
    """

    sentences: tuple[Sentence | None, ...]
    pairs: frozenset[int]

    @property
    def all(self) -> frozenset[int]:
        """The traits of the whole mail."""
        return self.pairs.union(*(each.traits for each in self.sentences if each))

    def kept(self) -> tuple[int, ...]:
        """What is kept of a mail for learning: in order of number, so that word order is lost."""
        found = sorted(self.all, key=lambda trait: (-_WEIGHTS[trait & 3], trait))
        return tuple(sorted(found[:MOST]))


@dataclass(slots=True)
class TraitFinder:
    """Finds traits; remembers words (bounded). Not safe between threads."""

    lexicon: Lexicon
    words: Weights  # of the shipped model: which words are common
    _known: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)

    def find(self, reading: Reading, language: str, names: Collection[str] = ()) -> Traits:
        """The traits of a mail. `names`: what else must be left out, as `name_words` gives it."""
        openings = [text.lstrip("-–•*>\"' ")[:1] for text in reading.sentences]
        # Who writes everything in small letters writes names so too.
        careful = 2 * sum(sign.isupper() for sign in openings) > len(openings)
        sentences: list[Sentence | None] = []
        pairs: set[int] = set()
        room = _MOST_WORDS
        for text, words in zip(reading.sentences, reading.words, strict=True):
            room -= len(words)
            if room < 0:
                sentences.append(None)
                continue
            capitals = _capitals(text, language)
            small = _small(text) if careful else frozenset()
            row, strange = self._row(words, language, (frozenset(names), capitals, small))
            sentences.append(
                Sentence(frozenset(_trait(*one) for one in row if one != _GAP), strange)
            )
            pairs.update(
                _trait(hash_of(f"{first}|{second}"), _PAIR)
                for (first, kind), (second, other) in zip(row, row[1:], strict=False)
                if kind % 2 and other % 2
            )
        return Traits(tuple(sentences), frozenset(pairs))

    def _row(
        self,
        words: Sequence[str],
        language: str,
        kinds: tuple[frozenset[str], frozenset[str], frozenset[str]],
    ) -> tuple[list[tuple[int, int]], int]:
        """The words of a sentence, each kept or left out; and how many strange ones were left out."""
        names, capitals, small = kinds
        row: list[tuple[int, int]] = []
        strange = introduced = 0
        for word in words:
            found = _GAP
            if (
                word[0] not in "#@?"
                and word != "httplink"
                and word not in names
                and word not in _NAMES
            ):
                found = self._look_up(word, language)
                meant = found[1] == _CONCEPT or (found != _GAP and found[1] == _PLAIN)
                if not meant and (word in capitals or introduced):
                    found = _GAP
                elif found == _GAP and word in small:
                    found = hash_of("w" + word), _WORD
                elif found == _GAP:
                    strange += 1
            row.append(found)
            introduced = 3 if word in _INTRODUCES else max(0, introduced - 1)
        return row, strange

    def _look_up(self, word: str, language: str) -> tuple[int, int]:
        found = self._known.get((word, language))
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[word, language] = self._learn(word, language)
        return found

    def _learn(self, word: str, language: str) -> tuple[int, int]:
        concept = self.lexicon.concept(word, language)
        if concept:
            means = bool(self.lexicon.families[concept])
            return hash_of(f"k{concept}"), _CONCEPT if means else _PLAIN
        number = hash_of("w" + word)
        if not self._common(number):
            return _GAP
        return number, _PLAIN if word in _FUNCTION.get(language, ()) else _WORD

    def _common(self, number: int) -> bool:
        at = int(self.words.hashes.searchsorted(number))
        return at < len(self.words.hashes) and int(self.words.hashes[at]) == number


def name_words(*texts: str) -> frozenset[str]:
    """Every word of names and addresses, folded as the words of a mail are."""
    return frozenset(word for text in texts for word in re.findall(r"[^\W\d_]+", fold(text)))


def _trait(number: int, kind: int) -> int:
    """A number of 20 bits with its kind. CRC-32 spreads well: any 20 of its bits will do."""
    return (number & ((1 << BITS) - 1)) << 2 | kind


def _small(sentence: str) -> frozenset[str]:
    """Words that are written without capitals."""
    return frozenset(fold(word) for word in _SMALL.findall(sentence))


def _capitals(sentence: str, language: str) -> frozenset[str]:
    """Words with a capital inside a sentence. German writes so all nouns; shouting tells nothing."""
    if language == "de" or sentence.isupper():
        return frozenset()
    found = (word for word in _INSIDE.findall(sentence) if word[0].isupper())
    return frozenset(part for word in found if not word.isupper() for part in name_words(word))
