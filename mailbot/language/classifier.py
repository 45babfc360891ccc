"""The classifier: what a mail asks for under GDPR, how sure that is, and by which sentences."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mailbot.case import Classification, Evidence, Label, Route
from mailbot.language.combine import Scored, figures_of
from mailbot.language.concepts import load_lexicon
from mailbot.language.corpus import TOPICS
from mailbot.language.judgement import Judgement, judge
from mailbot.language.languageid import UNKNOWN, LanguageGuesser
from mailbot.language.learnt import Corrector, log_odds
from mailbot.language.lessons import Layer
from mailbot.language.model import (
    AUTOMATED,
    COLUMNS,
    MARKETING,
    RIGHTS,
    Model,
    load,
    shipped_model,
)
from mailbot.language.network import answer
from mailbot.language.reading import Reading, read
from mailbot.language.scoring import Scorer
from mailbot.language.traits import TraitFinder, name_words

F64 = NDArray[np.float64]

_MODEL_NAME = "model.npz"
_MOST_EVIDENCE = 6
_LONGEST_EVIDENCE = 300


@dataclass(frozen=True, slots=True)
class Classifier:
    """Classifies mails. The same mail always gets the same answer. Not safe between threads.

    `corrector`: what staff taught here, if anything.
    """

    model: Model
    scorer: Scorer
    guesser: LanguageGuesser
    finder: TraitFinder
    open_above: float
    ask_above: float
    corrector: Corrector | None = None

    @classmethod
    def load(
        cls,
        open_above: float | None = None,
        ask_above: float | None = None,
        folder: Path | None = None,
        layer: Layer | None = None,
    ) -> "Classifier":
        """Load the model: the one in `folder` if there is one, else the one that ships.

        `open_above`, `ask_above`: probabilities of the routes; None takes the model's own.
        `layer`: what staff taught here. Raises Permanent if no model can be read.
        """
        own = folder / _MODEL_NAME if folder is not None else None
        model = load(own if own is not None and own.is_file() else shipped_model())
        plain = cls(
            model=model,
            scorer=Scorer(model.words, model.network, load_lexicon()),
            guesser=LanguageGuesser(model.letters, model.languages),
            finder=TraitFinder(load_lexicon(), model.words),
            open_above=model.open_above if open_above is None else open_above,
            ask_above=model.ask_above if ask_above is None else ask_above,
        )
        return plain.taught(layer)

    def taught(self, layer: Layer | None) -> "Classifier":
        """The same classifier with other lessons."""
        if layer is None or not layer.lessons:
            return replace(self, corrector=None)
        corrector = Corrector(
            layer, self.finder, log_odds(self.open_above), log_odds(self.ask_above)
        )
        return replace(self, corrector=corrector)

    def traits(self, subject: str, text: str, *names: str) -> tuple[int, ...]:
        """What is kept of a mail for learning; `names` of the sender are masked (see `traits`)."""
        reading = read(subject, text)
        language = self._language(reading, subject)
        return self.finder.find(reading, language, name_words(*names)).kept()

    def classify(self, subject: str, text: str, attachments: bool = False) -> Classification:
        """Judge one mail by its subject and the text that its sender wrote.

        `attachments`: whether files came along; a mail that says nothing but carries a file is
        asked about, since the request may stand in it. Any text is accepted; time and memory are
        bounded.
        """
        reading = read(subject, text)
        language = self._language(reading, subject)
        if not reading.sentences:
            return self._silent(attachments or not reading.complete, language)
        scored = self.scorer.score(reading.words, reading.subject, language)
        odds = self._log_odds(scored)
        if self.corrector is not None:
            odds = self.corrector.correct(reading, scored, odds, language, self._log_odds)
        judgement = judge(reading, scored, odds, self.model.thresholds)
        return self._answer(reading, scored, judgement, language, attachments)

    def _language(self, reading: Reading, subject: str) -> str:
        language, _ = self.guesser.guess(reading.body)
        if language == UNKNOWN:
            language, _ = self.guesser.guess(subject)
        return language

    def _log_odds(self, scored: Scored) -> F64:
        weighed = figures_of(scored) * self.model.mail_weights
        linear: F64 = weighed.sum(1) + self.model.mail_bias
        layers = self.model.network.layers
        return linear + answer(layers, scored.directions, scored.sizes, scored.subject)

    def _silent(self, ask: bool, language: str) -> Classification:
        """A mail without words: asked about where a request may hide in a file."""
        return Classification(
            route=Route.ASK if ask else Route.LEAVE,
            labels=() if ask else (Label.NOT_PRIVACY,),
            privacy=max(self.ask_above, 0.5) if ask else 0.0,
            language=language,
        )

    def _answer(
        self,
        reading: Reading,
        scored: Scored,
        judgement: Judgement,
        language: str,
        attachments: bool,
    ) -> Classification:
        privacy = judgement.privacy
        if privacy >= self.open_above:
            route = Route.OPEN
        elif privacy >= self.ask_above or not reading.complete or (attachments and reading.pointer):
            route = Route.ASK
        else:
            route = Route.LEAVE
        if route is Route.LEAVE:
            return Classification(
                route=route,
                labels=(Label.NOT_PRIVACY,),
                privacy=privacy,
                language=language,
            )
        return Classification(
            route=route,
            labels=judgement.labels,
            privacy=privacy,
            language=language,
            evidence=_evidence(reading, scored, judgement.labels),
            marketing=MARKETING in judgement.details,
            automated=AUTOMATED in judgement.details,
            topics=tuple(topic for topic in TOPICS if topic in judgement.details),
        )


def _evidence(reading: Reading, scored: Scored, labels: tuple[Label, ...]) -> tuple[Evidence, ...]:
    """The sentences that speak for each label, in the order of the mail."""
    found: list[tuple[int, Evidence]] = []
    alone = scored.alone
    for label in labels:
        column = COLUMNS.index(RIGHTS[RIGHTS.index(label)].value)
        weights = alone[:, column]
        best = int(np.argmax(weights))
        for at in np.flatnonzero((weights > 0) | (np.arange(len(weights)) == best)):
            found.append(
                (
                    int(at),
                    Evidence(
                        text=reading.sentences[at][:_LONGEST_EVIDENCE],
                        label=label.value,
                        weight=round(float(weights[at]), 3),
                    ),
                )
            )
    strongest = sorted(found, key=lambda each: -each[1].weight)[:_MOST_EVIDENCE]
    return tuple(evidence for _, evidence in sorted(strongest, key=lambda each: each[0]))
