"""The corpus as sparse matrices (fitting only; the daemon never imports scipy)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from mailbot.language.concepts import Lexicon
from mailbot.language.features import (
    NEARBY,
    TOGETHER,
    WordTable,
    joint_features,
    local_features,
    tokens_of,
)
from mailbot.language.reading import Reading

# Pairs and triples tell more than single words: a weaker penalty on them.
_JOINT_WEIGHT, _PAIR_WEIGHT = 2.0, 3.0
_SEEN_IN = 4  # mails in which a feature must stand to be kept


@dataclass(frozen=True, slots=True)
class Counts:
    """Feature counts of every sentence of every mail.

    `sentences`: a row each, weighted counts. `owner`: the mail of each sentence. `sizes`: words
    per sentence. `subject`: which sentences are subject lines. `hashes`: of each column; `factor`: its
    weight per occurrence; `across`: whether it joins two sentences.
    """

    sentences: sp.csr_matrix
    owner: NDArray[np.int64]
    sizes: NDArray[np.int64]
    subject: NDArray[np.bool_]
    hashes: NDArray[np.uint32]
    factor: NDArray[np.float64]
    across: NDArray[np.bool_]

    def together(self, runs: Sequence[NDArray[np.int64]]) -> sp.csr_matrix:
        """Runs of sentences, each put together from those numbered in it and scaled."""
        rows = np.repeat(np.arange(len(runs)), [len(run) for run in runs])
        gather = sp.csr_matrix(
            (np.ones(len(rows)), (rows, np.concatenate(runs))),
            shape=(len(runs), len(self.sizes)),
        )
        return (sp.diags(1.0 / np.sqrt(gather @ self.sizes)) @ gather @ self.sentences).tocsr()


_Row = tuple[NDArray[np.uint32], NDArray[np.float64], NDArray[np.bool_]]


class _Lister:
    """Local features of each word of each language, listed once."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon = lexicon
        self.tables: dict[str, WordTable] = {}
        self.local: dict[str, dict[int, NDArray[np.uint32]]] = {}

    def features(self, reading: Reading, language: str) -> list[_Row]:
        """Per sentence: hashes of its features, what each counts, which reach across sentences."""
        if language not in self.tables:
            local: dict[int, NDArray[np.uint32]] = {}

            def learn(number: int, word: str, concept: int) -> None:
                local[number] = np.array(local_features(word, concept), np.uint32)

            self.local[language] = local
            self.tables[language] = WordTable(self.lexicon, language, learn)
        tokens = tokens_of(reading.words, self.tables[language])
        joint = joint_features(tokens)
        across = joint.kinds == NEARBY
        weights = np.where(across | (joint.kinds == TOGETHER), _PAIR_WEIGHT, _JOINT_WEIGHT)
        known = self.local[language]
        found = []
        ends = np.cumsum(tokens.sizes)
        for at, (end, size) in enumerate(zip(ends, tokens.sizes, strict=True)):
            words = np.concatenate([known[int(n)] for n in tokens.numbers[end - size : end]])
            own = joint.sentence == at
            found.append(
                (
                    np.concatenate([words, joint.hashes[own]]),
                    np.concatenate([np.ones(len(words)), weights[own]]),
                    np.concatenate([np.zeros(len(words), np.bool_), across[own]]),
                )
            )
        return found


def count(readings: Sequence[Reading], languages: Sequence[str], lexicon: Lexicon) -> Counts:
    """Count the features of all sentences of all mails; rare features are left out."""
    lister = _Lister(lexicon)
    rows: list[_Row] = []
    owner: list[int] = []
    for at, (reading, language) in enumerate(zip(readings, languages, strict=True)):
        found = lister.features(reading, language)
        rows.extend(found)
        owner.extend([at] * len(found))
    flat = np.concatenate([row[0] for row in rows])
    value = np.concatenate([row[1] for row in rows])
    lengths = [len(row[0]) for row in rows]
    hashes, column = np.unique(flat, return_inverse=True)
    # The weight of a column for a count of 1, before scipy adds duplicates up in place.
    weight = np.zeros(len(hashes))
    weight[column] = value
    across = np.zeros(len(hashes), np.bool_)
    across[column] = np.concatenate([row[2] for row in rows])
    pointers = np.concatenate([[0], np.cumsum(lengths)])
    matrix = sp.csr_matrix((value, column, pointers), shape=(len(rows), len(hashes)))
    matrix.sum_duplicates()
    homes = np.array(owner, np.int64)
    spread = _spread(matrix, homes, len(readings))
    keep = spread >= _SEEN_IN
    rarity = np.sqrt(np.log(len(readings) / spread[keep]) + 1.0)
    factor = rarity / rarity.mean()
    return Counts(
        sentences=matrix[:, keep] @ sp.diags(factor),
        owner=homes,
        sizes=np.array([len(words) for reading in readings for words in reading.words], np.int64),
        subject=np.array(
            [
                reading.subject and number == 0
                for reading in readings
                for number in range(len(reading.words))
            ]
        ),
        hashes=hashes[keep],
        factor=factor * weight[keep],
        across=across[keep],
    )


def _spread(matrix: sp.csr_matrix, owner: NDArray[np.int64], mails: int) -> NDArray[np.int64]:
    """In how many mails each feature stands."""
    gather = sp.csr_matrix(
        (np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(mails, len(owner))
    )
    present = (gather @ matrix).tocsr()
    return np.bincount(present.indices, minlength=matrix.shape[1])
