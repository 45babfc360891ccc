"""Fit the model to the corpus: `python -m mailbot.language.fit`. Needs scikit-learn and scipy.

First stage: a linear model per column over sentences and whole mails. Second stage: from the
figures of a mail to its labels, fitted on held-out scores of the first, so that its probabilities
are honest. Beside both a network over whole mails; the mean of the two readers decides, and the
points at which it does are chosen on a fold that neither saw. The same corpus and seed give the
same model.
"""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from mailbot.language.combine import Scored, figures_of
from mailbot.language.concepts import load_lexicon
from mailbot.language.corpus import Example, read_corpus
from mailbot.language.fitlanguage import fit_languages
from mailbot.language.fitnetwork import Fitted, Fitting
from mailbot.language.matrix import Counts, count
from mailbot.language.model import COLUMNS, Model, Weights, save
from mailbot.language.reading import read
from mailbot.language.staleness import digest_of_corpus
from mailbot.language.targets import Mails, composites
from mailbot.language.thresholds import Chosen, choose

SEED = 20160427  # the day the regulation was adopted
FOLDS = 3
STRENGTH = 2.0  # inverse of the penalty, first stage
STRENGTH_2 = 0.1  # second stage, on figures of spread 1

_PROCESSES = 2
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
    none = np.zeros((len(raw), 0), np.float32)
    found = []
    for at in chosen:
        own = mails.members[at]
        subject = bool(counts.subject[own[0]])
        found.append(figures_of(Scored(raw[own], counts.sizes[own], first[1], subject, none[own])))
    return np.stack(found)


@dataclass(frozen=True, slots=True)
class _Task:
    """What the processes of a fit share (inherited, not sent)."""

    counts: Counts
    mails: Mails
    folds: NDArray[np.int64]

    def fold_of_all(self) -> NDArray[np.int64]:
        """The fold of each mail, real and composed (all parts of a composed mail are of one)."""
        return np.concatenate([self.folds, self.folds[self.mails.first]])

    def linear(self, fold: int) -> tuple[Array, Array, Array]:
        """The first stage without a fold, and the figures of that fold; with -1 of all mails."""
        first = _fit_first(self.counts, self.mails, self.folds != fold)
        own = np.flatnonzero(self.fold_of_all() == fold)
        figures = _figures(self.counts, self.mails, own, first) if len(own) else np.zeros(0)
        return (*first, figures) if fold < 0 else (np.zeros(0), np.zeros(0), figures)

    def network(self, fold: int) -> tuple[Fitted, Array]:
        """A network fitted without a fold, and its log-odds of that fold; with -1 of all mails."""
        fitting = Fitting(self.counts, self.mails, len(self.folds), SEED)
        fitting.run(self.fold_of_all() != fold)
        own = np.flatnonzero(self.fold_of_all() == fold)
        odds = fitting.odds(own) if len(own) else np.zeros((0, len(COLUMNS)))
        return fitting.fitted(), odds


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


def _pack(
    hashes: NDArray[np.uint32], weights: Array, bias: Array
) -> tuple[Weights, NDArray[np.int64]]:
    """Twelve bits a weight, and which features in which order; those that say nothing left out."""
    scale = np.maximum(np.abs(weights).max(axis=0) / _STEPS, 1e-9)
    rows = np.rint(weights / scale).astype(np.int16)
    keep = np.flatnonzero(np.abs(rows).max(axis=1) >= _LEAST)
    keep = keep[np.argsort(hashes[keep])]
    packed = Weights(
        hashes=hashes[keep],
        rows=np.ascontiguousarray(rows[keep]),
        scale=scale.astype(np.float32),
        bias=bias.astype(np.float32),
    )
    return packed, keep


def with_words(examples: Sequence[Example]) -> list[Example]:
    """Those examples that hold a word: a mail of one thumb is judged by rule."""
    return [example for example in examples if read(example.subject, example.text).words]


def fit(examples: Sequence[Example]) -> tuple[Model, Chosen]:
    """The model and what it achieved on held-out folds. Deterministic."""
    examples = with_words(examples)
    readings = [read(example.subject, example.text) for example in examples]
    counts = count(readings, [example.language for example in examples], load_lexicon())
    folds = folds_of(examples)
    mails = composites(examples, readings, counts, folds, SEED)
    task = _Task(counts, mails, folds)
    all_folds = task.fold_of_all()

    # Forked processes inherit the matrices instead of being sent them.
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(_PROCESSES, fork, _share, (task,)) as pool:
        everything = pool.submit(_linear, -1)
        parts = [pool.submit(_linear, fold) for fold in range(FOLDS)]
        networks = [pool.submit(_network, fold) for fold in (-1, 0)]
        coefficients, bias, _ = everything.result()
        held_out = [part.result()[2] for part in parts]
        (network, _), (_, network_odds) = (each.result() for each in networks)
    figures = np.zeros((len(all_folds), *held_out[0].shape[1:]))
    for fold, part in enumerate(held_out):
        figures[all_folds == fold] = part

    judged = all_folds == 0
    mail_weights, mail_bias = _fit_second(figures, mails, ~judged)
    scores = (figures[judged] * mail_weights).sum(2) + mail_bias
    scores = (scores + network_odds) / 2
    real = int(judged[: len(examples)].sum())
    targets = mails.targets[judged]
    plain = np.array([example.plain for example in examples])[judged[: len(examples)]]
    chosen = choose(scores[:real], targets[:real], scores, targets, mails.weights[judged], plain)
    mail_weights, mail_bias = _fit_second(figures, mails, np.ones(len(figures), np.bool_))
    # Their mean: half of each, so that the daemon only adds.
    factor = np.full(len(COLUMNS), 0.5)
    factor[0] *= chosen.privacy[0]
    words, keep = _pack(counts.hashes, coefficients * counts.factor[:, None], bias)
    reader = network.packed(counts.factor, keep)
    layers = replace(
        reader.layers,
        outer=(reader.layers.outer * factor).astype(np.float32),
        outer_bias=(reader.layers.outer_bias * factor).astype(np.float32),
    )
    mail_bias = mail_bias * factor
    mail_bias[0] += chosen.privacy[1]
    letters, languages, language_figures = fit_languages(examples, SEED)
    return (
        Model(
            words=words,
            mail_weights=(mail_weights * factor[:, None]).astype(np.float32),
            mail_bias=mail_bias.astype(np.float32),
            network=replace(reader, layers=layers),
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


_shared: _Task


def _share(task: _Task) -> None:
    global _shared
    _shared = task
    threadpool_limits(1)  # of the linear algebra: the processes share the processors already


def _linear(fold: int) -> tuple[Array, Array, Array]:
    return _shared.linear(fold)


def _network(fold: int) -> tuple[Fitted, Array]:
    return _shared.network(fold)


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
