"""The language guesser remembers words; what it remembers must not change what it says."""

import numpy as np

from mailbot.language.languageid import (
    LanguageGuesser,
    letter_features,
    pair_features,
    words_for_language,
)
from mailbot.language.model import load, shipped_model

TEXTS = (
    "Hei, jeg vil gjerne vite hva dere har lagret om meg.",
    "Jag undrar vilka uppgifter ni har om mig och vill ha dem raderade.",
    "Bitte löschen Sie alle meine Daten, die Daten, die Daten.",
    "hei",
)


def test_remembered_words_vote_as_those_seen_for_the_first_time() -> None:
    model = load(shipped_model())
    used = LanguageGuesser(model.letters, model.languages)
    for number in range(40):  # more words than it first makes room for
        used.guess(" ".join(f"ord{chr(97 + at % 26)}{chr(97 + number % 26)}" for at in range(60)))
        used.guess(" ".join(chr(97 + number % 26) * (at + 1) for at in range(20)))
    for text in TEXTS:
        assert used.guess(text) == LanguageGuesser(model.letters, model.languages).guess(text)


def test_a_guess_is_the_sum_of_its_features() -> None:
    model = load(shipped_model())
    guesser = LanguageGuesser(model.letters, model.languages)
    for text in TEXTS:
        words = words_for_language(text)
        votes = sum(
            model.letters.total(each) / np.sqrt(len(each)) for each in map(letter_features, words)
        )
        scores = (votes + model.letters.total(pair_features(words))) / np.sqrt(len(words))
        best = int(np.argmax(scores + model.letters.bias))
        assert guesser.guess(text)[0] == model.languages[best]
