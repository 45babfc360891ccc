"""The network: the gradients it is fitted by, and that the daemon computes what was fitted."""

import numpy as np
import scipy.sparse as sp

from mailbot.language.fitnetwork import DIRECTIONS, MEANINGS, Fitting, backward
from mailbot.language.matrix import Counts
from mailbot.language.model import COLUMNS
from mailbot.language.network import F32, Layers, answer, forward, layout
from mailbot.language.targets import Mails


def _layers(generator: np.random.Generator) -> Layers:
    def some(*shape: int) -> F32:
        return generator.normal(0, 0.3, shape).astype(np.float32)

    return Layers(
        bias=some(DIRECTIONS),
        inner=some(3 * DIRECTIONS + 3, MEANINGS),
        inner_bias=some(MEANINGS),
        outer=some(2 * MEANINGS + 2, len(COLUMNS)),
        outer_bias=some(len(COLUMNS)),
    )


def test_gradients_are_what_small_changes_do() -> None:
    generator = np.random.default_rng(7)
    layers = _layers(generator)
    mails = layout([3, 1, 2], np.array([4, 9, 2, 5, 7, 1]), np.array([1, 0, 0, 0, 1, 0], bool))
    sums = generator.normal(0, 1, (6, DIRECTIONS)).astype(np.float32)
    pull = generator.normal(0, 1, (3, len(COLUMNS))).astype(np.float32)
    all_kept = (
        np.ones((6, DIRECTIONS), np.float32),
        np.ones((3, 2 * MEANINGS + 2), np.float32),
    )

    def loss(changed: F32) -> float:
        return float((forward(layers, changed, mails).odds.astype(np.float64) * pull).sum())

    found = forward(layers, sums, mails, all_kept)
    gradients, directions = backward(layers, found, mails, pull, all_kept)

    step = np.float32(1e-2)
    checked = 0
    for row in range(6):
        for column in range(0, DIRECTIONS, 5):
            nudge = np.zeros_like(sums)
            nudge[row, column] = step
            rise = (loss(sums + nudge) - loss(sums - nudge)) / (2 * step)
            if abs(sums[row, column] + layers.bias[column]) > step:  # not at the corner
                assert abs(rise - directions[row, column]) < 0.05 + 0.05 * abs(rise)
                checked += 1
    assert checked > 30
    assert np.allclose(gradients["outer_bias"], pull.sum(0), atol=1e-5)
    assert gradients["inner"].shape == layers.inner.shape


def test_a_mail_alone_is_judged_as_among_others() -> None:
    generator = np.random.default_rng(8)
    layers = _layers(generator)
    words = np.array([4, 9, 2, 5, 7, 1])
    subject = np.array([True, False, False, False, False, False])
    sums = generator.normal(0, 1, (6, DIRECTIONS)).astype(np.float32)
    scaled = (sums / np.sqrt(words)[:, None]).astype(np.float32)
    together = forward(layers, scaled, layout([3, 3], words, subject)).odds

    alone = answer(layers, sums[:3], words[:3], True)
    other = answer(layers, sums[3:], words[3:], False)

    assert np.allclose(np.stack([alone, other]), together, atol=1e-4)


def test_fitting_learns_what_tells_mails_apart_and_repeats_itself() -> None:
    generator = np.random.default_rng(9)
    number, features = 6_000, 40
    says = generator.random(number) < 0.5
    rows = generator.random((number, features)) * 0.2
    rows[says, 3] += 1.0  # one feature tells
    rows[~says, 4] += 1.0
    counts = Counts(
        sentences=sp.csr_matrix(rows),
        owner=np.arange(number),
        sizes=np.full(number, 4),
        subject=np.zeros(number, np.bool_),
        hashes=np.arange(features, dtype=np.uint32),
        factor=np.ones(features),
        across=np.zeros(features, np.bool_),
    )
    targets = np.zeros((number, len(COLUMNS)), np.bool_)
    targets[:, 0] = says
    mails = Mails(
        targets=targets,
        weights=np.ones(number),
        members=[np.array([at]) for at in range(number)],
        first=np.zeros(0, np.int64),
    )

    def fitted() -> tuple[Fitting, np.ndarray]:
        fitting = Fitting(counts, mails, number, seed=1)
        fitting.run(np.ones(number, np.bool_))
        return fitting, fitting.odds(np.arange(number))

    fitting, odds = fitted()
    _, again = fitted()

    assert np.array_equal(odds, again)
    assert ((odds[:, 0] > 0) == says).mean() > 0.97
    packed = fitting.fitted().packed(np.ones(features), np.arange(features))
    sums = (rows @ (packed.rows * packed.scale)).astype(np.float32)
    daemon = np.stack(
        [answer(packed.layers, sums[[at]], counts.sizes[[at]], False) for at in range(number)]
    )
    assert np.abs(daemon - odds).max() < 0.2  # eight bits a weight cost no more
