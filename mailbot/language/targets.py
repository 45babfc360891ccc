"""What the corpus says in numbers, and longer mails composed from it (fitting only)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mailbot.language.corpus import TOPICS, Example
from mailbot.language.matrix import Counts
from mailbot.language.model import RIGHTS
from mailbot.language.reading import Reading

_COMPOSED_WEIGHT = 0.3
_LENGTHS = (5, 9, 14, 20, 30, 50, 90)  # words


@dataclass(frozen=True, slots=True)
class Mails:
    """Real examples first, then composed mails.

    `targets`: mails × columns. `members`: the sentences of each mail. `parts`: the two examples
    of each composed mail, both of one fold.
    """

    targets: NDArray[np.bool_]
    weights: NDArray[np.float64]
    members: list[NDArray[np.int64]]
    parts: NDArray[np.int64]


def targets_of(example: Example) -> list[bool]:
    """An example's answers to every column of the model, in their order."""
    return [
        example.privacy,
        *(right in example.labels for right in RIGHTS),
        example.marketing,
        example.automated,
        *(topic in example.topics for topic in TOPICS),
    ]


def composites(
    examples: Sequence[Example],
    readings: Sequence[Reading],
    counts: Counts,
    folds: NDArray[np.int64],
    seed: int,
) -> Mails:
    """Add mails in which a request is buried in ordinary mail, and long ordinary ones.

    Each is put together from two examples of one language and one fold: the corpus has few long
    mails, the mailbox has many.
    """
    generator = np.random.default_rng(seed)
    targets = np.array([targets_of(example) for example in examples])
    first = np.searchsorted(counts.owner, np.arange(len(examples)))
    last = np.searchsorted(counts.owner, np.arange(len(examples)), side="right")
    members = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    parts: list[tuple[int, int]] = []
    groups: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for at, example in enumerate(examples):
        group = groups.setdefault((example.language, int(folds[at])), ([], []))
        group[int(example.privacy)].append(at)
    for _, (ordinary, privacy) in sorted(groups.items()):
        if len(ordinary) < 4:
            continue
        for request in privacy[::2]:
            parts.append((request, int(generator.choice(ordinary))))
        for _ in range(len(ordinary) // 2):
            one, other = generator.choice(ordinary, 2, replace=False)
            parts.append((int(one), int(other)))
    for one, other in parts:
        body, rest = members[one], members[other]
        members.append(_buried(body, rest, counts.subject, generator))
    composed = np.array([targets[one] | targets[other] for one, other in parts])
    together = np.concatenate([targets, composed]) if parts else targets
    weights = np.concatenate([np.ones(len(examples)), np.full(len(parts), _COMPOSED_WEIGHT)])
    words = np.array([counts.sizes[member].sum() for member in members])
    return Mails(
        targets=together,
        weights=weights * _balance(words, together[:, 0], weights),
        members=members,
        parts=np.array(parts, np.int64).reshape(-1, 2),
    )


def _balance(
    words: NDArray[np.int64], privacy: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Factors that make privacy and ordinary mail weigh the same at every length.

    Writers of a corpus give requests more room than ordinary mail; a mailbox does not. Without
    this, length itself would count as evidence.
    """
    length = np.digitize(words, _LENGTHS)
    factors = np.ones(len(words))
    for group in np.unique(length):
        inside = length == group
        for side in (True, False):
            own = inside & (privacy == side)
            if own.any():
                share = 0.5 * weights[inside].sum() / weights[own].sum()
                factors[own] = np.clip(share, 0.4, 3.0)
    return factors


def _buried(
    request: NDArray[np.int64],
    rest: NDArray[np.int64],
    subject: NDArray[np.bool_],
    generator: np.random.Generator,
) -> NDArray[np.int64]:
    """The request within or after the other mail, under the other mail's subject."""
    own = request[~subject[request]]
    own = own if len(own) else request
    head = int(subject[rest[0]])
    at = int(generator.integers(head, len(rest) + 1)) if generator.random() < 0.5 else len(rest)
    return np.concatenate([rest[:at], own, rest[at:]])
