"""From sentences to the mail: the figures by which the second stage judges a whole mail.

A request may be one sentence of a long mail or spread over several, so one linear model is
applied to every window of one, two and three sentences and to the whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mailbot.language.model import RIGHTS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_LOW = -4.0  # what a sentence that is not there would have scored
_BOUND = 8.0
_BEST_AND_WHOLE = [0, 4]
_FIGURES = 21
_AFTER_RIGHTS = 1 + len(RIGHTS)


@dataclass(frozen=True, slots=True)
class Scored:
    """A mail after the first stage.

    `raw`: sums of weights, a row a sentence, a column a question. `sizes`: words per sentence.
    `bias`: per column. `subject`: whether the first sentence is the subject line. `directions`:
    sums for the network, a row a sentence. `plain`: whether a sentence asks in the plainest words.
    """

    raw: F64
    sizes: I64
    bias: F64
    subject: bool
    directions: F32
    plain: bool = False

    @property
    def alone(self) -> F64:
        """Log-odds of each sentence by itself."""
        return self.window(1)

    def window(self, width: int) -> F64:
        """Log-odds of each run of `width` sentences; of the whole mail if it has fewer."""
        raw, sizes = self.raw, self.sizes
        if len(raw) <= width:
            raw, sizes = raw.sum(0, keepdims=True), sizes.sum(keepdims=True)
        elif width > 1:
            raw = sum((raw[at : len(raw) - width + 1 + at] for at in range(width)), np.zeros(()))
            sizes = np.convolve(sizes, np.ones(width, np.int64), "valid")
        return raw / np.sqrt(sizes)[:, None] + self.bias

    def without_subject(self) -> "Scored":
        """The body alone, where there is one."""
        if self.subject and len(self.raw) > 1:
            return self.only(np.arange(1, len(self.raw)))
        return self

    def only(self, kept: I64) -> "Scored":
        """The mail reduced to some of its sentences (at least one, by number, rising)."""
        return Scored(
            raw=self.raw[kept],
            sizes=self.sizes[kept],
            bias=self.bias,
            subject=self.subject and int(kept[0]) == 0,
            directions=self.directions[kept],
            plain=self.plain,
        )


def figures_of(mail: Scored) -> F64:
    """A row per column: what the second stage looks at to answer that question.

    Best and second sentence, best windows, the whole and the subject; the same of `privacy`; the
    strongest rights but the column's own; and sizes, since a long mail has more chances of a
    high sentence by accident.
    """
    columns = len(mail.bias)
    body = mail.without_subject()
    alone = body.window(1)
    second = np.partition(alone, -2, axis=0)[-2] if len(alone) > 1 else np.full(columns, _LOW)
    subject = mail.raw[0] / np.sqrt(mail.sizes[0]) + mail.bias
    words = np.log1p(float(mail.sizes.sum()))
    own = np.stack(
        [
            alone.max(0),
            second,
            body.window(2).max(0),
            body.window(3).max(0),
            mail.window(len(mail.raw))[0],
            subject if mail.subject else np.full(columns, _LOW),
        ],
        axis=1,
    ).clip(-_BOUND, _BOUND)
    figures = np.empty((columns, _FIGURES))
    figures[:, :6] = own
    figures[:, 6:8] = own[:, _BEST_AND_WHOLE] * words
    figures[:, 8:14] = own[0]
    figures[:, 14:16] = _rivals(own[:, 0])
    figures[:, 16:18] = _rivals(own[:, 4])
    figures[:, 18:] = np.log1p(len(body.raw)), words, float(mail.subject)
    return figures


def _rivals(scores: F64) -> F64:
    """For each column the two highest scores among the rights other than itself."""
    rights = scores[1:_AFTER_RIGHTS]
    order = np.argsort(-rights, kind="stable")[:3]
    best = rights[order]
    found = np.empty((len(scores), 2))
    found[:] = best[:2]
    found[1 + order[0]] = best[1:]
    found[1 + order[1]] = best[[0, 2]]
    return found
