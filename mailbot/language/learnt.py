"""What staff taught: a local correction over the shipped model, for mails alike to what they saw.

Each lesson pulls the log-odds of mails that are alike (see `traits`) towards what staff said, by
little; several lessons add up. Mails that are like none are judged by the shipped model alone, to
the last bit. Bounds, since strangers choose what staff see:

- one sender counts little more than once, and all senders without proof together as two;
- a mail moves by one route at most: what would open a case is never left alone, only asked about;
- a lesson excuses only what staff saw: the other sentences of a mail are judged by themselves.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mailbot.language.combine import Scored
from mailbot.language.lessons import Layer, Lesson
from mailbot.language.model import COLUMNS, RIGHTS
from mailbot.language.reading import Reading
from mailbot.language.traits import (
    Scale,
    Sentence,
    TraitFinder,
    Traits,
    is_concept,
    is_word,
)

F64 = NDArray[np.float64]

_STEP = 1.6  # log-odds of one lesson of the same mail
_FULL_AFTER = 0.15  # of likeness beyond the reach, where a lesson speaks with its whole weight
_ONE_SENDER, _ALL_UNPROVEN = 1.5, 2.0  # lessons' worth
_RIGHTS_MOST = 3.0  # log-odds by which a right is moved
_COVERED = 0.6  # of a sentence's words that staff must have seen


@dataclass(frozen=True, slots=True)
class _Near:
    """A lesson that is alike to a mail, and how strongly it speaks (0 to 1)."""

    at: int
    strength: float


@dataclass(slots=True)
class Corrector:
    """Applies a layer. Not safe between threads."""

    layer: Layer
    finder: TraitFinder
    open_odds: float
    ask_odds: float
    _scale: Scale = field(init=False)
    _postings: dict[int, list[tuple[int, float]]] = field(default_factory=dict)
    _targets: list[F64] = field(default_factory=list)
    _groups: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._scale = Scale(dict(self.layer.common))
        for at, lesson in enumerate(self.layer.lessons):
            for trait, weight in self._scale.vector(lesson.traits).items():
                self._postings.setdefault(trait, []).append((at, weight))
            self._targets.append(_target(lesson))
            self._groups.append(lesson.sender if lesson.proven else "")

    def correct(
        self,
        reading: Reading,
        scored: Scored,
        odds: F64,
        language: str,
        log_odds: Callable[[Scored], F64],
    ) -> F64:
        """The log-odds of a mail with what staff taught about mails like it."""
        traits = self.finder.find(reading, language)
        near = self._near(traits)
        if not near:
            return odds
        shift = self._shift(near)
        corrected = odds.copy()
        corrected[: len(shift)] += shift
        if shift[0] < 0:
            rest = self._rest(scored, traits, near)
            if rest is not None:
                corrected[0] = max(corrected[0], min(odds[0], log_odds(rest)[0]))
        corrected[0] = self._one_route(float(odds[0]), float(corrected[0]))
        return corrected

    def _near(self, traits: Traits) -> list[_Near]:
        found: dict[int, float] = {}
        for trait, own in sorted(self._scale.vector(traits.all).items()):
            for at, weight in self._postings.get(trait, ()):
                found[at] = found.get(at, 0.0) + own * weight
        reach = self.layer.reach
        return [
            _Near(at, min(1.0, (alike - reach) / _FULL_AFTER))
            for at, alike in sorted(found.items())
            if alike > reach
        ]

    def is_near(self, traits: Traits) -> bool:
        """Whether any lesson has anything to say of a mail."""
        return bool(self._near(traits))

    def _shift(self, near: Sequence[_Near]) -> F64:
        groups: dict[str, F64] = {}
        for each in near:
            group = self._groups[each.at]
            told = self._targets[each.at] * each.strength
            groups[group] = groups.get(group, np.zeros(1 + len(RIGHTS))) + told
        total: F64 = np.zeros(1 + len(RIGHTS))
        for group, told in groups.items():
            most = _ONE_SENDER if group else _ALL_UNPROVEN
            total += told.clip(-most, most)
        shift = total * _STEP
        shift[1:] = shift[1:].clip(-_RIGHTS_MOST, _RIGHTS_MOST)
        return shift

    def _rest(self, scored: Scored, traits: Traits, near: Sequence[_Near]) -> Scored | None:
        """The sentences that staff did not see in any like mail; None if they saw all."""
        seen: set[int] = set()
        for each in near:
            lesson = self.layer.lessons[each.at]
            if lesson.privacy is False:
                seen.update(lesson.traits)
        kept = np.array([not _covered(sentence, seen) for sentence in traits.sentences])
        if not kept.any():
            return None
        return scored.only(np.flatnonzero(kept))

    def _one_route(self, before: float, after: float) -> float:
        if before >= self.open_odds:
            return max(after, min(before, self.ask_odds + 0.1))
        if before < self.ask_odds:
            return min(after, max(before, self.open_odds - 0.1))
        return after


def _target(lesson: Lesson) -> F64:
    target = np.zeros(1 + len(RIGHTS))
    if lesson.privacy is not None:
        target[0] = 1.0 if lesson.privacy else -1.0
    for rights, value in ((lesson.denied, -1.0), (lesson.said, 1.0)):
        for right in rights:
            target[COLUMNS.index(right.value)] = value
    return target


def _covered(sentence: Sentence | None, seen: set[int]) -> bool:
    """Whether staff saw a sentence like this: every concept of it, and most of its words."""
    if sentence is None:
        return False
    words = [trait for trait in sentence.traits if is_word(trait)]
    known = sum(trait in seen for trait in words)
    whole = all(trait in seen for trait in words if is_concept(trait))
    return whole and known >= _COVERED * (len(words) + sentence.strange)


def log_odds(probability: float) -> float:
    """The log-odds of a probability, kept finite."""
    bounded = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(bounded / (1 - bounded))
