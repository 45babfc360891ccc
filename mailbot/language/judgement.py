"""From log-odds to labels: thresholds of the statistics, corrected by the grammar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mailbot.case import Label
from mailbot.language import grammar
from mailbot.language.combine import Scored
from mailbot.language.corpus import TOPICS
from mailbot.language.model import AUTOMATED, COLUMNS, MARKETING, RIGHTS
from mailbot.language.reading import Reading

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

_FIRST_DETAIL = 1 + len(RIGHTS)
_DOUBTFUL = -3.0  # log-odds below which a label needs no second look
_CLEAR = 2.5  # log-odds of a sentence that is a request by itself, whatever stands around it
_SAID_YES = 2.0  # added where someone takes up a quoted question: "shall we delete …?" "Yes."


@dataclass(frozen=True, slots=True)
class Judgement:
    """Probability of privacy, the rights said (never none), and details of objection and info."""

    privacy: float
    labels: tuple[Label, ...]
    details: frozenset[str]


def judge(reading: Reading, scored: Scored, odds: F64, thresholds: F32) -> Judgement:
    """Decide labels and details from the log-odds of a mail."""
    odds = _corrected(reading, scored, odds)
    probability = 1.0 / (1.0 + np.exp(-odds))
    rights = probability[1:_FIRST_DETAIL]
    said = rights >= thresholds[1:_FIRST_DETAIL]
    if not said.any():
        said[int(np.argmax(rights))] = True
    labels = tuple(right for right, yes in zip(RIGHTS, said, strict=True) if yes)
    return Judgement(float(probability[0]), labels, _details(labels, probability, thresholds))


def _details(
    labels: tuple[Label, ...], probability: NDArray[np.float64], thresholds: F32
) -> frozenset[str]:
    allowed: list[str] = []
    if Label.OBJECTION in labels:
        allowed.append(MARKETING)
    if Label.INFO in labels:
        allowed.extend((AUTOMATED, *TOPICS))
    return frozenset(
        name
        for name in allowed
        if probability[COLUMNS.index(name)] >= thresholds[COLUMNS.index(name)]
    )


def _corrected(reading: Reading, scored: Scored, odds: F64) -> F64:
    """Correct what the statistics hear in long mails, in questions taken up, in refusals."""
    odds = odds.copy()
    if reading.taken_up:
        odds[0] += _SAID_YES
    if scored.plain or scored.alone[:, 0].max() >= _CLEAR:
        odds[0] = max(odds[0], 0.0)  # hundreds of ordinary sentences do not drown it
    erasure = COLUMNS.index(Label.ERASURE.value)
    if odds[erasure] < _DOUBTFUL:
        return odds
    refusals = [grammar.refuses_erasure(sentence) for sentence in reading.sentences]
    refused = any(refusals)
    speaking = refused and any(
        each > -1.0 and not refusal
        for each, refusal in zip(scored.alone[:, erasure], refusals, strict=True)
    )
    if not refused or speaking:
        return odds
    odds[erasure] = min(odds[erasure], -3.0)
    return odds
