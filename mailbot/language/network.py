"""A second reader: a small network over sentences and their neighbours, applied with numpy alone.

The linear stage asks each sentence the model's questions one by one. The network is fitted on
whole mails: it turns each sentence into a few directions of its own choosing, looks at each
together with its neighbours, takes from all of them the strongest and the sum, and answers for
the mail. The two err in different mails; their mean errs less than either.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I8 = NDArray[np.int8]
I64 = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layers:
    """What the network computes with, above the directions of the features.

    `inner`: a sentence, the one before, the one after and its place → what it means there.
    `outer`: strongest and sum over the mail, and its size → log-odds of the columns.
    """

    bias: F32
    inner: F32
    inner_bias: F32
    outer: F32
    outer_bias: F32


@dataclass(frozen=True, slots=True)
class Network:
    """Directions of the features (in the order of the linear stage's hashes) and the layers."""

    rows: I8
    scale: F32
    layers: Layers


@dataclass(frozen=True, slots=True)
class Layout:
    """Which sentences make up which mail of a batch.

    `owner`: the mail of each sentence. `starts`, `sizes`: the first sentence and the number of
    them, per mail. `place`: per sentence whether it is the subject, the first, the last.
    `extent`: per mail, logarithms of sentences and words.
    """

    owner: I64
    starts: I64
    sizes: F32
    place: F32
    extent: F32


@dataclass(frozen=True, slots=True)
class Activations:
    """What each layer made of a batch; the last is the answer, a row a mail."""

    directions: F32
    joined: F32
    meanings: F32
    strongest: F32
    gathered: F32
    odds: F32


def layout(lengths: Sequence[int] | I64, words: I64, subject: NDArray[np.bool_]) -> Layout:
    """The layout of mails of so many sentences each; `words` and `subject` per sentence."""
    sizes = np.asarray(lengths, np.int64)
    starts = np.cumsum(sizes) - sizes
    place = np.zeros((len(words), 3), np.float32)
    place[:, 0] = subject
    place[starts, 1] = 1.0
    place[starts + sizes - 1, 2] = 1.0
    extent = np.log1p(np.stack([sizes, np.add.reduceat(words, starts)], axis=1))
    return Layout(
        owner=np.repeat(np.arange(len(sizes)), sizes),
        starts=starts,
        sizes=sizes.astype(np.float32),
        place=place,
        extent=extent.astype(np.float32),
    )


def forward(
    layers: Layers,
    sums: F32,
    mails: Layout,
    dropped: tuple[F32, F32] | None = None,
) -> Activations:
    """Apply the layers to sentences: `sums` of their features' directions, over √words.

    `dropped`: factors on directions and on what is gathered (fitting only).
    """
    directions: F32 = np.maximum(sums + layers.bias, 0)
    if dropped:
        directions = directions * dropped[0]
    before = np.zeros_like(directions)
    before[1:] = directions[:-1]
    before *= 1 - mails.place[:, 1:2]
    after = np.zeros_like(directions)
    after[:-1] = directions[1:]
    after *= 1 - mails.place[:, 2:3]
    joined = np.concatenate([directions, before, after, mails.place], axis=1)
    meanings = np.maximum(joined @ layers.inner + layers.inner_bias, 0)
    strongest = np.maximum.reduceat(meanings, mails.starts, axis=0)
    summed = np.add.reduceat(meanings, mails.starts, axis=0) / np.sqrt(mails.sizes)[:, None]
    gathered: F32 = np.concatenate([strongest, summed, mails.extent], axis=1)
    if dropped:
        gathered = gathered * dropped[1]
    return Activations(
        directions=directions,
        joined=joined,
        meanings=meanings,
        strongest=strongest,
        gathered=gathered,
        odds=gathered @ layers.outer + layers.outer_bias,
    )


def answer(layers: Layers, sums: F32, words: I64, subject: bool) -> NDArray[np.float64]:
    """Log-odds of the columns for one mail; `sums` of directions and `words` per sentence."""
    # What `layout` gives for one mail, without its general and slower way.
    number = len(words)
    place = np.zeros((number, 3), np.float32)
    place[0, 0] = subject
    place[0, 1] = place[-1, 2] = 1.0
    extent = [math.log1p(number), math.log1p(int(words.sum()))]
    mail = Layout(
        owner=np.zeros(number, np.int64),
        starts=np.zeros(1, np.int64),
        sizes=np.full(1, number, np.float32),
        place=place,
        extent=np.array([extent], np.float32),
    )
    scaled: F32 = (sums / np.sqrt(words)[:, None]).astype(np.float32)
    odds: NDArray[np.float64] = forward(layers, scaled, mail).odds[0].astype(np.float64)
    return odds
