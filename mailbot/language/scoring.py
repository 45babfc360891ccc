"""The first stage: what each sentence of a mail weighs for each question, with numpy alone."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mailbot.language.combine import Scored
from mailbot.language.concepts import Lexicon
from mailbot.language.features import WordTable, joint_features, local_features, tokens_of
from mailbot.language.model import COLUMNS, Weights

F32 = NDArray[np.float32]


@dataclass(slots=True)
class _Memory:
    """Scores of the words of one language, each row the sum over the word's local features."""

    weights: Weights
    table: WordTable
    rows: F32

    def learn(self, number: int, word: str, concept: int) -> None:
        if number >= len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros_like(self.rows)])
        self.rows[number] = self.weights.total(local_features(word, concept))


@dataclass(slots=True)
class Scorer:
    """Scores mails; remembers words (bounded), so that common ones cost a look-up."""

    weights: Weights
    lexicon: Lexicon
    _memories: dict[str, _Memory] = field(default_factory=dict)

    def score(self, sentences: Sequence[Sequence[str]], subject: bool, language: str) -> Scored:
        """Score the folded words of a mail's sentences (at least one, none empty)."""
        memory = self._memory(language)
        tokens = tokens_of(sentences, memory.table)
        begins = np.cumsum(tokens.sizes) - tokens.sizes
        raw = np.add.reduceat(memory.rows[tokens.numbers], begins, axis=0, dtype=np.float64)
        joint = joint_features(tokens)
        at, known = self.weights.find(joint.hashes)
        home = joint.sentence[known]
        order = np.argsort(home, kind="stable")
        home = home[order]
        if len(home):
            firsts = np.concatenate([[0], (home[1:] != home[:-1]).nonzero()[0] + 1])
            sums = np.add.reduceat(self.weights.rows[at[order]], firsts, axis=0, dtype=np.int32)
            raw[home[firsts]] += sums * self.weights.scale.astype(np.float64)
        return Scored(raw, tokens.sizes, self.weights.bias.astype(np.float64), subject)

    def _memory(self, language: str) -> _Memory:
        memory = self._memories.get(language)
        if memory is None:
            table = WordTable(self.lexicon, language, lambda *_: None)
            memory = _Memory(self.weights, table, np.zeros((512, len(COLUMNS)), np.float32))
            table.on_new = memory.learn
            self._memories[language] = memory
        return memory
