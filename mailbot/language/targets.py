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
_SEVERAL_WEIGHT = 0.3
# A mail of one sentence cannot tell how sentence, window and whole relate: it weighs less.
_SHORT_WEIGHTS = (0.3, 0.9)
_OTHERS = (1, 1, 2, 3, 6)  # so many examples stand around another in a composed mail
_LENGTHS = (5, 9, 14, 20, 30, 50, 90)  # words


@dataclass(frozen=True, slots=True)
class Mails:
    """Real examples first, then composed mails.

    `targets`: mails × columns. `members`: the sentences of each mail. `first`: the first of
    the examples in each composed mail, all of one fold.
    """

    targets: NDArray[np.bool_]
    weights: NDArray[np.float64]
    members: list[NDArray[np.int64]]
    first: NDArray[np.int64]


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
    """Add mails in which a request is buried in ordinary mail, long ordinary ones, and mails
    that ask for two things.

    Each is put together from a few examples of one language and one fold: the corpus has few long
    mails, the mailbox has many.
    """
    generator = np.random.default_rng(seed)
    targets = np.array([targets_of(example) for example in examples])
    first = np.searchsorted(counts.owner, np.arange(len(examples)))
    last = np.searchsorted(counts.owner, np.arange(len(examples)), side="right")
    members = [np.arange(a, b) for a, b in zip(first, last, strict=True)]
    parts: list[tuple[int, ...]] = []
    groups: dict[tuple[str, int], tuple[list[int], list[int]]] = {}
    for at, example in enumerate(examples):
        group = groups.setdefault((example.language, int(folds[at])), ([], []))
        group[int(example.privacy)].append(at)
    for _, (ordinary, privacy) in sorted(groups.items()):
        if min(len(ordinary), len(privacy)) < max(_OTHERS) + 1:
            continue

        def some(of: list[int], number: int) -> tuple[int, ...]:
            return tuple(int(at) for at in generator.choice(of, number, replace=False))

        for request in privacy[::2]:
            parts.append((request, *some(ordinary, int(generator.choice(_OTHERS)))))
        for _ in range(len(ordinary) // 2):
            parts.append(some(ordinary, 1 + int(generator.choice(_OTHERS))))
        for number in range(len(privacy) // 4):
            parts.append(some(privacy, 2) + some(ordinary, number % 3))
    for one, *others in parts:
        rest = [members[other] for other in others]
        rest[1:] = [member[~counts.subject[member]] for member in rest[1:]]
        members.append(_buried(members[one], np.concatenate(rest), counts.subject, generator))
    composed = np.array([targets[list(each)].any(axis=0) for each in parts])
    together = np.concatenate([targets, composed]) if parts else targets
    several = [bool(targets[one, 0] and targets[other, 0]) for one, other, *_ in parts]
    lengths = np.array([len(member) for member in members[: len(examples)]])
    weights = np.concatenate(
        [
            np.select([lengths == 1, lengths == 2], _SHORT_WEIGHTS, 1.5),
            np.where(several, _SEVERAL_WEIGHT, _COMPOSED_WEIGHT),
        ]
    )
    words = np.array([counts.sizes[member].sum() for member in members])
    return Mails(
        targets=together,
        weights=weights * _balance(words, together[:, 0], weights),
        members=members,
        first=np.array([one for one, *_ in parts], np.int64),
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
