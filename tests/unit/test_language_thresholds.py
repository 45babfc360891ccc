"""The routes: where the fit puts the points at which staff are asked and a case is opened."""

import numpy as np

from mailbot.language.model import COLUMNS
from mailbot.language.thresholds import choose, sigmoid


def test_the_points_chosen_on_the_folds_stand_at_the_configured_probabilities() -> None:
    odds = np.concatenate([np.linspace(-6, 1, 400), np.linspace(-1, 6, 400)])
    targets = np.zeros((800, len(COLUMNS)), np.bool_)
    targets[400:, :2] = True
    scores = np.tile(odds[:, None], (1, len(COLUMNS)))
    weights = np.ones(800)

    plain = np.ones(800, np.bool_)
    plain[::7] = False  # a few mails that are none of a mailbox, and count nothing here
    scores[::7, 0] *= -1
    chosen = choose(scores, targets, scores, targets, weights, plain)

    factor, summand = chosen.privacy
    privacy = sigmoid(odds * factor + summand)
    assert factor > 0  # the order of mails stays
    ordinary, requests = privacy[:400], privacy[400:]
    assert (ordinary >= chosen.open_above).mean() <= 0.02
    # Nowhere else would five times the missed and once the bothersome mail be less.
    cost = [
        5 * (requests < ask).mean() + (ordinary >= ask).mean()
        for ask in np.linspace(0.01, 0.99, 99)
    ]
    asked = chosen.ask_above - 1e-9
    assert 5 * (requests < asked).mean() + (ordinary >= asked).mean() <= min(cost) + 0.01
