"""The first stage: what each sentence of a mail weighs for each question and for each direction
of the network, with numpy alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mailbot.language.combine import Scored
from mailbot.language.concepts import Lexicon
from mailbot.language.features import WordTable, joint_features, local_features, tokens_of
from mailbot.language.model import COLUMNS, Weights
from mailbot.language.network import Network
from mailbot.language.plainwords import PlainWords

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


@dataclass(slots=True)
class _Memory:
    """Scores of the words of one language, each row the sum over the word's local features."""

    sums: Callable[[Sequence[int]], F32]
    table: WordTable
    rows: F32

    def learn(self, number: int, word: str, concept: int) -> None:
        if number >= len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[number] = self.sums(local_features(word, concept))


@dataclass(slots=True)
class Scorer:
    """Scores mails; remembers words (bounded), so that common ones cost a look-up."""

    weights: Weights
    network: Network
    lexicon: Lexicon
    plain: PlainWords = field(init=False)
    _bias: F64 = field(init=False)
    # Rows of the questions and of the network, their scales, and where their sums stand.
    _parts: tuple[tuple[NDArray[Any], F32, slice], ...] = field(init=False)
    _memories: dict[str, _Memory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.plain = PlainWords.of(self.lexicon)
        self._bias = self.weights.bias.astype(np.float64)
        self._parts = (
            (self.weights.rows, self.weights.scale, slice(None, len(COLUMNS))),
            (self.network.rows, self.network.scale, slice(len(COLUMNS), None)),
        )

    def score(self, sentences: Sequence[Sequence[str]], subject: bool, language: str) -> Scored:
        """Score the folded words of a mail's sentences (at least one, none empty)."""
        memory = self._memory(language)
        tokens = tokens_of(sentences, memory.table)
        begins = np.cumsum(tokens.sizes) - tokens.sizes
        words = memory.rows.take(tokens.numbers, axis=0)
        sums = np.add.reduceat(words.astype(np.float64), begins, axis=0)
        joint = joint_features(tokens)
        at, known = self.weights.find(joint.hashes)
        home = joint.sentence[known]
        order = np.argsort(home, kind="stable")
        home = home[order]
        if len(home):
            firsts = np.concatenate([[0], (home[1:] != home[:-1]).nonzero()[0] + 1])
            at = at[order]
            for rows, scale, columns in self._parts:
                # Wider numbers first: numpy adds them up several times faster than it widens.
                found = np.add.reduceat(rows.take(at, axis=0).astype(np.float32), firsts, axis=0)
                sums[home[firsts], columns] += found * scale
        return Scored(
            raw=sums[:, : len(COLUMNS)],
            sizes=tokens.sizes,
            bias=self._bias,
            subject=subject,
            directions=sums[:, len(COLUMNS) :].astype(np.float32),
            plain=self.plain.asked(tokens),
        )

    def _sums(self, hashes: Sequence[int]) -> F32:
        at, _ = self.weights.find(np.array(hashes, np.uint32))
        found = [rows[at].sum(0, dtype=np.int64) * scale for rows, scale, _ in self._parts]
        return np.concatenate(found).astype(np.float32)

    def _memory(self, language: str) -> _Memory:
        memory = self._memories.get(language)
        if memory is None:
            table = WordTable(self.lexicon, language, lambda *_: None)
            width = len(COLUMNS) + len(self.network.scale)
            memory = _Memory(self._sums, table, np.zeros((512, width), np.float32))
            table.on_new = memory.learn
            self._memories[language] = memory
        return memory
