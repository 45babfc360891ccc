"""Fit the network of `network.py` to the corpus by stochastic gradient descent (fitting only)."""

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from mailbot.language.matrix import Counts
from mailbot.language.model import COLUMNS
from mailbot.language.network import F32, Activations, Layers, Layout, Network, forward, layout
from mailbot.language.targets import Mails

DIRECTIONS, MEANINGS = 32, 48
_EPOCHS, _BATCH = 4, 64
_COMPOSED = 0.3  # of the composed mails, other ones each time round
_STEP, _FEATURE_STEP = 0.002, 0.05
_DROP_FEATURES, _DROP_DIRECTIONS, _DROP_MEANINGS = 0.2, 0.2, 0.3
_DECAY = 0.001
_HEAVIEST = 4.0  # times the mean weight of an example


@dataclass(slots=True)
class _Adam:
    """Moments of one array of the layers."""

    mean: F32
    square: F32

    def step(self, gradient: F32, number: int) -> F32:
        self.mean = 0.9 * self.mean + 0.1 * gradient
        self.square = 0.999 * self.square + 0.001 * gradient * gradient
        found: F32 = (self.mean / (1 - 0.9**number)) / (
            np.sqrt(self.square / (1 - 0.999**number)) + 1e-8
        )
        return found


@dataclass(frozen=True, slots=True)
class Fitted:
    """A network as it was fitted: directions of every feature, and the layers."""

    weights: F32
    layers: Layers

    def packed(self, factor: NDArray[np.float64], keep: NDArray[np.int64]) -> Network:
        """Eight bits a weight; `factor` per feature, `keep`: which of them, in which order."""
        weights = self.weights[keep] * factor[keep, None]
        scale = np.maximum(np.abs(weights).max(axis=0) / 127, 1e-9)
        rows = np.rint(weights / scale).astype(np.int8)
        return Network(rows=rows, scale=scale.astype(np.float32), layers=self.layers)


class Fitting:
    """A network being fitted. Deterministic for the same corpus, seed and library versions."""

    def __init__(self, counts: Counts, mails: Mails, real: int, seed: int) -> None:
        self.generator = np.random.default_rng(seed)
        scaled = sp.diags(1.0 / np.sqrt(counts.sizes)) @ counts.sentences
        self.rows: sp.csr_matrix = scaled.tocsr().astype(np.float32)
        self.counts, self.mails, self.real = counts, mails, real
        features = self.rows.shape[1]
        self.weights = np.zeros((features, DIRECTIONS), np.float32)
        self.seen = np.full(features, 1e-6, np.float32)
        self.layers = Layers(
            bias=np.full(DIRECTIONS, 0.1, np.float32),
            inner=self._random(3 * DIRECTIONS + 3, MEANINGS),
            inner_bias=np.zeros(MEANINGS, np.float32),
            outer=self._random(2 * MEANINGS + 2, len(COLUMNS)) * np.float32(0.3),
            outer_bias=np.full(len(COLUMNS), -2.0, np.float32),
        )
        self.moments = {
            name: _Adam(np.zeros_like(array), np.zeros_like(array))
            for name, array in _arrays(self.layers).items()
        }
        self.steps = 0
        heavy = mails.weights.copy()
        heavy[real:] /= _COMPOSED
        self.heavy = np.minimum(heavy / heavy[:real].mean(), _HEAVIEST).astype(np.float32)

    def run(self, train: NDArray[np.bool_]) -> None:
        """Go through the mails in `train` (real, then composed) several times."""
        own = np.flatnonzero(train[: self.real])
        composed = self.real + np.flatnonzero(train[self.real :])
        for epoch in range(_EPOCHS):
            some = self.generator.choice(composed, int(len(composed) * _COMPOSED), replace=False)
            order = self.generator.permutation(np.concatenate([own, some]))
            for at in range(0, len(order) - _BATCH + 1, _BATCH):
                done = (epoch + at / len(order)) / _EPOCHS
                # Warm up within the first third of an epoch, then fall to nothing.
                self._step(order[at : at + _BATCH], (1 - done) * min(1.0, 0.1 + done * _EPOCHS * 3))

    def odds(self, chosen: NDArray[np.int64]) -> NDArray[np.float64]:
        """Log-odds of some mails, a row each."""
        sums = self.rows @ self.weights
        found = []
        for at in range(0, len(chosen), 512):
            members, mails = self._layout(chosen[at : at + 512])
            found.append(forward(self.layers, sums[members], mails).odds)
        return np.concatenate(found).astype(np.float64)

    def fitted(self) -> "Fitted":
        """What was found so far."""
        return Fitted(self.weights, self.layers)

    def _random(self, rows: int, columns: int) -> F32:
        found: F32 = self.generator.normal(0, 1 / np.sqrt(rows), (rows, columns)).astype(np.float32)
        return found

    def _kept(self, shape: tuple[int, ...], dropped: float) -> F32:
        """Factors: nothing for what is dropped, so much more for the rest."""
        kept = self.generator.random(shape, dtype=np.float32) >= dropped
        return kept.astype(np.float32) / np.float32(1 - dropped)

    def _layout(self, chosen: NDArray[np.int64]) -> tuple[NDArray[np.int64], Layout]:
        runs = [self.mails.members[at] for at in chosen]
        members = np.concatenate(runs)
        counts = self.counts
        lengths = [len(run) for run in runs]
        return members, layout(lengths, counts.sizes[members], counts.subject[members])

    def _step(self, chosen: NDArray[np.int64], pace: float) -> None:
        members, mails = self._layout(chosen)
        rows = self.rows[members]
        rows.data = rows.data * self._kept(rows.data.shape, _DROP_FEATURES)
        sums = rows @ self.weights
        dropped = (
            self._kept((len(members), DIRECTIONS), _DROP_DIRECTIONS),
            self._kept((len(chosen), 2 * MEANINGS + 2), _DROP_MEANINGS),
        )
        dropped[1][:, -2:] = 1.0  # the extent is always known
        found = forward(self.layers, sums, mails, dropped)
        wrong = 1 / (1 + np.exp(-found.odds)) - self.mails.targets[chosen]
        wrong = (wrong * self.heavy[chosen, None] / len(chosen)).astype(np.float32)
        gradients, directions = backward(self.layers, found, mails, wrong, dropped)
        self._change_features(rows, directions, pace)
        self.steps += 1
        changed = {}
        for name, array in _arrays(self.layers).items():
            step = self.moments[name].step(gradients[name], self.steps)
            decay = _DECAY * array if array.ndim == 2 else 0.0
            changed[name] = (array - _STEP * pace * (step + decay)).astype(np.float32)
        self.layers = replace(self.layers, **changed)

    def _change_features(self, rows: sp.csr_matrix, directions: F32, pace: float) -> None:
        """Adagrad with one rate a feature: rare ones keep moving, common ones settle."""
        used, inverse = np.unique(rows.indices, return_inverse=True)
        shape = (rows.shape[0], len(used))
        compact = sp.csr_matrix((rows.data, inverse.astype(np.int32), rows.indptr), shape=shape)
        gradient = compact.T @ directions
        self.seen[used] += (gradient * gradient).mean(1)
        step = gradient / np.sqrt(self.seen[used])[:, None]
        self.weights[used] -= np.float32(_FEATURE_STEP * pace) * step


def _arrays(layers: Layers) -> dict[str, F32]:
    return {name: getattr(layers, name) for name in Layers.__slots__}


def backward(
    layers: Layers,
    found: Activations,
    mails: Layout,
    wrong: F32,
    dropped: tuple[F32, F32],
) -> tuple[dict[str, F32], F32]:
    """Gradients of the layers, and of the sums that came in."""
    gathered = (wrong @ layers.outer.T) * dropped[1]
    strongest = gathered[:, :MEANINGS]
    summed = gathered[:, MEANINGS : 2 * MEANINGS] / np.sqrt(mails.sizes)[:, None]
    is_strongest = found.meanings == found.strongest[mails.owner]
    meanings = summed[mails.owner] + strongest[mails.owner] * is_strongest
    meanings = meanings * (found.meanings > 0)
    joined = meanings @ layers.inner.T
    directions = joined[:, :DIRECTIONS].copy()
    before = joined[:, DIRECTIONS : 2 * DIRECTIONS] * (1 - mails.place[:, 1:2])
    after = joined[:, 2 * DIRECTIONS : 3 * DIRECTIONS] * (1 - mails.place[:, 2:3])
    directions[:-1] += before[1:]
    directions[1:] += after[:-1]
    directions = (directions * dropped[0] * (found.directions > 0)).astype(np.float32)
    gradients = {
        "bias": directions.sum(0),
        "inner": found.joined.T @ meanings,
        "inner_bias": meanings.sum(0),
        "outer": found.gathered.T @ wrong,
        "outer_bias": wrong.sum(0),
    }
    return gradients, directions
