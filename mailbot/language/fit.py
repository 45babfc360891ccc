"""Fit the model to the corpus: `python -m mailbot.language.fit`. Needs scikit-learn and scipy.

First stage: one linear model per column for sentences alone and one for whole mails. Second
stage: from the figures of a mail to its labels, fitted on held-out scores of the first, so that
its probabilities are honest. The same corpus and seed give the same model.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mailbot.language.combine import Scored, figures_of
from mailbot.language.concepts import load_lexicon
from mailbot.language.corpus import Example, read_corpus
from mailbot.language.fitlanguage import fit_languages
from mailbot.language.matrix import Counts, count
from mailbot.language.model import COLUMNS, Model, Weights, save
from mailbot.language.reading import read
from mailbot.language.staleness import digest_of_corpus
from mailbot.language.targets import Mails, composites
from mailbot.language.thresholds import Chosen, choose

SEED = 20160427  # the day the regulation was adopted
FOLDS = 4
STRENGTH = 2.0  # inverse of the penalty, first stage
STRENGTH_2 = 0.1  # second stage, on figures of spread 1

_STEPS = 2047
_LEAST = 8

Array = NDArray[np.float64]


def _fit_column(
    rows: sp.csr_matrix | Array, target: NDArray[np.bool_], weight: Array, strength: float
) -> tuple[Array, float]:
    if target.all() or not target.any():
        return np.zeros(rows.shape[1]), -6.0
    fitted = LogisticRegression(
        C=strength,
        solver="liblinear",
        dual=rows.shape[1] > rows.shape[0],
        max_iter=400,
        tol=0.1,  # a finer one changes no weight that matters
        random_state=SEED,
    ).fit(rows, target, sample_weight=weight)
    return fitted.coef_[0], float(fitted.intercept_[0])


def _fit_columns(
    rows: sp.csr_matrix | Array, targets: NDArray[np.bool_], weights: Array, strength: float
) -> tuple[Array, Array]:
    """One linear model per column: coefficients (features × columns) and biases."""
    found = [
        _fit_column(rows, targets[:, column], weights, strength)
        for column in range(targets.shape[1])
    ]
    return np.stack([each[0] for each in found], axis=1), np.array([each[1] for each in found])


def _ordinary_windows(mails: Mails, train: NDArray[np.bool_]) -> list[NDArray[np.int64]]:
    """Every sentence and pair of sentences of ordinary mail: each is ordinary by itself."""
    found: list[NDArray[np.int64]] = []
    for mail in np.flatnonzero(train & ~mails.targets[: len(train), 0]):
        members = mails.members[mail]
        for width in (1, 2):
            if len(members) > width:
                found.extend(members[at : at + width] for at in range(len(members) - width + 1))
    return found


def _fit_first(counts: Counts, mails: Mails, train: NDArray[np.bool_]) -> tuple[Array, Array]:
    """The first stage from the examples in `train`: coefficients and biases per column."""
    chosen = np.flatnonzero(train)
    windows = _ordinary_windows(mails, train)
    firsts = [int(window[0]) for window in windows]
    owners = [int(owner) for owner in counts.owner[firsts]] if windows else []
    number = np.bincount(owners, minlength=len(train)) if windows else np.zeros(len(train))
    rows = counts.together([mails.members[at] for at in chosen] + windows)
    targets = np.concatenate(
        [mails.targets[chosen], np.zeros((len(windows), len(COLUMNS)), np.bool_)]
    )
    weights = np.concatenate([np.ones(len(chosen)), [0.7 / np.sqrt(number[at]) for at in owners]])
    privacy = _fit_column(rows, targets[:, 0], weights, STRENGTH)
    # What stands in the sentence before tells whether a mail is a request at all, but blurs
    # which right it is about where a mail asks for several.
    inside = np.flatnonzero(~counts.across)
    others = _fit_columns(rows[:, inside].tocsr(), targets[:, 1:], weights, STRENGTH)
    coefficients = np.zeros((rows.shape[1], len(COLUMNS)))
    coefficients[:, 0] = privacy[0]
    coefficients[inside, 1:] = others[0]
    return coefficients, np.concatenate([[privacy[1]], others[1]])


def _figures(
    counts: Counts, mails: Mails, chosen: NDArray[np.int64], first: tuple[Array, Array]
) -> Array:
    """Figures of some mails under a first stage."""
    raw = counts.sentences @ first[0]
    found = []
    for at in chosen:
        own = mails.members[at]
        scored = Scored(raw[own], counts.sizes[own], first[1], bool(counts.subject[own[0]]))
        found.append(figures_of(scored))
    return np.stack(found)


def _held_out(counts: Counts, mails: Mails, folds: NDArray[np.int64]) -> Array:
    """Figures of every mail under first stages that did not see its sentences."""
    size = len(folds)
    made_folds = folds[mails.first]
    figures: Array | None = None
    for fold in range(FOLDS):
        train = folds != fold
        made = made_folds != fold  # all parts of a composed mail are of one fold
        first = _fit_first(counts, mails, train)
        chosen = np.concatenate([np.flatnonzero(~train), size + np.flatnonzero(~made)])
        part = _figures(counts, mails, chosen, first)
        if figures is None:
            figures = np.zeros((size + len(made), *part.shape[1:]))
        figures[chosen] = part
        print(f"  fold {fold + 1} of {FOLDS}", file=sys.stderr)
    assert figures is not None
    return figures


def _fit_second(figures: Array, mails: Mails, rows: NDArray[np.bool_]) -> tuple[Array, Array]:
    """The second stage from some mails: coefficients (columns × figures) and biases."""
    used = figures[rows]
    centre, spread = used.mean(0), used.std(0) + 1e-3
    scaled = (used - centre) / spread
    found = [
        _fit_column(scaled[:, column], mails.targets[rows, column], mails.weights[rows], STRENGTH_2)
        for column in range(len(COLUMNS))
    ]
    coefficients = np.stack([each[0] for each in found]) / spread
    bias = np.array([each[1] for each in found]) - (centre * coefficients).sum(1)
    return coefficients, bias


def held_out_scores(
    examples: Sequence[Example],
) -> tuple[Mails, Array, Counts, Array]:
    """Log-odds of every mail and column, from models that saw neither it nor its sentences."""
    readings = [read(example.subject, example.text) for example in examples]
    assert all(reading.words for reading in readings), "examples without words must be left out"
    counts = count(readings, [example.language for example in examples], load_lexicon())
    folds = folds_of(examples)
    mails = composites(examples, readings, counts, folds, SEED)
    figures = _held_out(counts, mails, folds)
    fold_of_all = np.concatenate([folds, folds[mails.first]])
    scores = np.zeros((len(figures), len(COLUMNS)))
    for fold in range(FOLDS):
        coefficients, bias = _fit_second(figures, mails, fold_of_all != fold)
        own = fold_of_all == fold
        scores[own] = (figures[own] * coefficients).sum(2) + bias
    return mails, scores, counts, figures


def folds_of(examples: Sequence[Example]) -> NDArray[np.int64]:
    """A fold for each example, at random; the same text never in two folds."""
    generator = np.random.default_rng(SEED)
    fold_of_text: dict[str, int] = {}
    return np.array(
        [
            fold_of_text.setdefault(
                " ".join(example.text.lower().split()), int(generator.integers(FOLDS))
            )
            for example in examples
        ],
        np.int64,
    )


def _pack(hashes: NDArray[np.uint32], weights: Array, bias: Array) -> Weights:
    """Twelve bits a weight; rows that say almost nothing are left out."""
    scale = np.maximum(np.abs(weights).max(axis=0) / _STEPS, 1e-9)
    rows = np.rint(weights / scale).astype(np.int16)
    keep = np.abs(rows).max(axis=1) >= _LEAST
    order = np.argsort(hashes[keep])
    return Weights(
        hashes=hashes[keep][order],
        rows=np.ascontiguousarray(rows[keep][order]),
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
    )


def with_words(examples: Sequence[Example]) -> list[Example]:
    """Those examples that hold a word: a mail of one thumb is judged by rule."""
    return [example for example in examples if read(example.subject, example.text).words]


def fit(examples: Sequence[Example]) -> tuple[Model, Chosen]:
    """The model and what it achieved on held-out folds. Deterministic."""
    examples = with_words(examples)
    mails, scores, counts, figures = held_out_scores(examples)
    real = len(examples)
    chosen = choose(scores[:real], mails.targets[:real], scores, mails.targets, mails.weights)
    everything = np.ones(real, np.bool_)
    first = _fit_first(counts, mails, everything)
    second = _fit_second(figures, mails, np.ones(len(figures), np.bool_))
    factor, summand = chosen.privacy
    second[0][0] *= factor
    second[1][0] = second[1][0] * factor + summand
    letters, languages, language_figures = fit_languages(examples, SEED)
    return (
        Model(
            words=_pack(counts.hashes, first[0] * counts.factor[:, None], first[1]),
            mail_weights=second[0].astype(np.float32),
            mail_bias=second[1].astype(np.float32),
            thresholds=chosen.thresholds.astype(np.float32),
            letters=letters,
            languages=languages,
            digest=digest_of_corpus(),
            open_above=chosen.open_above,
            ask_above=chosen.ask_above,
            figures=chosen.figures + "\n" + language_figures,
        ),
        chosen,
    )


def main() -> None:
    """Fit the model to the corpus that ships and write it beside the code."""
    begun = time.monotonic()
    examples = read_corpus()
    model, _ = fit(examples)
    path = Path(__file__).with_name("model.npz")
    save(model, path)
    print(model.figures)
    size = path.stat().st_size / 1e6
    print(f"{len(examples)} examples, {time.monotonic() - begun:.0f} s, {size:.1f} MB: {path.name}")


if __name__ == "__main__":
    main()
