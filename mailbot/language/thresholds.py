"""Thresholds chosen on held-out folds of the corpus, and the figures reached there."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mailbot.language.model import COLUMNS, RIGHTS

Array = NDArray[np.float64]

_OPEN, _ASK = 0.85, 0.15  # the configured defaults (config/mailbot.toml)
_MISSED_COUNTS = 5.0  # a missed request is as bad as five bothers: the goals are 1 % and 5 %
_MOST_OPENED = 0.02  # of ordinary mail


@dataclass(frozen=True, slots=True)
class Chosen:
    """Per column the probability from which it counts; the routes; a table for people.

    `privacy`: factor and summand for the log-odds of privacy that bring the points chosen on the
    folds to the probabilities of the routes (the corpus has more requests than a mailbox has).
    """

    thresholds: Array
    privacy: tuple[float, float]
    open_above: float
    ask_above: float
    figures: str


def sigmoid(logits: Array) -> Array:
    """Log-odds to probability."""
    return np.asarray(1.0 / (1.0 + np.exp(-logits)))


def labels_of(probability: Array, thresholds: Array) -> NDArray[np.bool_]:
    """The rights said in each mail: those above their threshold, else the likeliest."""
    rights = slice(1, 1 + len(RIGHTS))
    said: NDArray[np.bool_] = probability[:, rights] >= thresholds[rights]
    best = np.argmax(probability[:, rights], axis=1)
    none = ~said.any(axis=1)
    said[none, best[none]] = True
    return said


def choose(
    scores: Array,
    targets: NDArray[np.bool_],
    all_scores: Array,
    all_targets: NDArray[np.bool_],
    all_weights: Array,
    plain: NDArray[np.bool_],
) -> Chosen:
    """Raise and lower each label's threshold while the exact label set gets better.

    The routes begin where missed and bothersome mail cost least, and where little ordinary mail
    would be opened, among the `plain` of the real mails: the rest of the corpus holds hard cases
    far more often than a mailbox does, and composed mails are long.
    """
    factor, summand = _routes(scores[plain, 0], targets[plain, 0])
    scores, all_scores = scores.copy(), all_scores.copy()
    for each in (scores, all_scores):
        each[:, 0] = each[:, 0] * factor + summand
    probability = sigmoid(scores)
    thresholds = np.full(len(COLUMNS), 0.5)
    rights = slice(1, 1 + len(RIGHTS))
    privacy = all_targets[:, 0]
    weight = all_weights[privacy]
    judged, truth = sigmoid(all_scores[privacy]), all_targets[privacy][:, rights]

    def exact() -> float:
        right = (labels_of(judged, thresholds) == truth).all(axis=1)
        return float(np.average(right, weights=weight))

    best = exact()
    for _ in range(2):
        for column in range(rights.start, rights.stop):
            for value in np.arange(0.2, 0.75, 0.05):
                before = thresholds[column]
                thresholds[column] = value
                now = exact()
                if now > best + 1e-9:
                    best = now
                else:
                    thresholds[column] = before
    return Chosen(
        thresholds=thresholds,
        privacy=(factor, summand),
        open_above=_OPEN,
        ask_above=_ASK,
        figures=_table(probability, targets, thresholds, sigmoid(all_scores), all_targets, plain),
    )


def _routes(odds: Array, privacy: NDArray[np.bool_]) -> tuple[float, float]:
    """Factor and summand that put the best points of the routes at their probabilities."""
    order = np.argsort(odds, kind="stable")
    odds, privacy = odds[order], privacy[order]
    requests = privacy.astype(np.float64)
    ordinary = 1.0 - requests
    missed = (np.cumsum(requests) - requests) / requests.sum()  # asking from here on
    bother = 1.0 - (np.cumsum(ordinary) - ordinary) / ordinary.sum()
    ask = float(odds[int(np.argmin(_MISSED_COUNTS * missed + bother))])
    opened = float(odds[int(np.argmax(bother <= _MOST_OPENED))])
    low, high = (float(np.log(each / (1 - each))) for each in (_ASK, _OPEN))
    factor = (high - low) / max(opened - ask, 1.0)
    return factor, low - factor * ask


def _table(
    probability: Array,
    targets: NDArray[np.bool_],
    thresholds: Array,
    all_probability: Array,
    all_targets: NDArray[np.bool_],
    plain: NDArray[np.bool_],
) -> str:
    privacy = targets[:, 0]
    rights = slice(1, 1 + len(RIGHTS))
    said = labels_of(probability[privacy], thresholds)
    truth = targets[privacy][:, rights]
    lines = ["held-out folds of the corpus:"]
    for name, odds, truths in (
        ("plain mail", probability[plain, 0], privacy[plain]),
        ("corpus", probability[:, 0], privacy),
        ("with composed mails", all_probability[:, 0], all_targets[:, 0]),
    ):
        for ask in (0.05, 0.1, _ASK, 0.3, 0.5):
            missed = float((odds[truths] < ask).mean())
            bother = float((odds[~truths] >= ask).mean())
            lines.append(f"  {name}: ask_above {ask:.2f}: missed {missed:.3f} bother {bother:.3f}")
    lines.append(f"  exact set {(said == truth).all(axis=1).mean():.3f}")
    lines.append(f"  any right among the labels {(said & truth).any(axis=1).mean():.3f}")
    for column, right in enumerate(RIGHTS):
        hit = float((said[:, column] & truth[:, column]).sum())
        lines.append(
            f"  {right.value}: precision {hit / max(1, said[:, column].sum()):.3f} "
            f"recall {hit / max(1, truth[:, column].sum()):.3f} n {int(truth[:, column].sum())}"
        )
    return "\n".join(lines)
