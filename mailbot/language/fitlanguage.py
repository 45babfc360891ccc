"""Fit the language guesser: naive Bayes over sentences of the corpus, whole and in windows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mailbot.language.corpus import Example
from mailbot.language.functionwords import FUNCTION_WORDS
from mailbot.language.languageid import (
    LanguageGuesser,
    letter_features,
    pair_features,
    words_for_language,
)
from mailbot.language.model import Weights

_FOLDS = 4
_SEEN = 3  # texts in which a feature must stand
_SMOOTHING = 0.3

Sample = tuple[list[str], str]


def _samples(examples: Sequence[Example]) -> list[Sample]:
    found = [
        (words_for_language(f"{example.subject} {example.text}"), example.language)
        for example in examples
    ]
    for language, text in sorted(FUNCTION_WORDS.items()):
        words = text.split()
        found.extend(([word], language) for word in words for _ in range(_SEEN))
    return [sample for sample in found if sample[0]]


def _fit(samples: Sequence[Sample]) -> tuple[Weights, tuple[str, ...]]:
    """Log-odds of each feature per language against the mean of all languages."""
    languages = tuple(sorted({language for _, language in samples}))
    texts = np.bincount([languages.index(language) for _, language in samples])
    # Between equal weight for each text and for each language: the corpus has most of nb and en.
    weight = np.sqrt(texts.sum() / len(languages) / texts)
    counts: dict[int, NDArray[np.float64]] = {}
    seen: dict[int, int] = {}
    for words, language in samples:
        column = languages.index(language)
        features = {feature for word in words for feature in letter_features(word)}
        features.update(pair_features(words))
        for feature in features:
            row = counts.get(feature)
            if row is None:
                row = counts[feature] = np.zeros(len(languages))
            row[column] += weight[column]
            seen[feature] = seen.get(feature, 0) + 1
    kept = sorted(feature for feature, number in seen.items() if number >= _SEEN)
    table = np.stack([counts[feature] for feature in kept]) + _SMOOTHING
    odds = np.log(table / table.sum(0))
    odds -= odds.mean(1, keepdims=True)
    scale = np.abs(odds).max() / 127.0
    return (
        Weights(
            hashes=np.array(kept, np.uint32),
            rows=np.rint(odds / scale).astype(np.int16),
            scale=np.full(len(languages), scale, np.float32),
            bias=np.zeros(len(languages), np.float32),
        ),
        languages,
    )


def fit_languages(examples: Sequence[Example], seed: int) -> tuple[Weights, tuple[str, ...], str]:
    """Weights, language codes, and the figures on a held-out fold."""
    fold = np.random.default_rng(seed).integers(_FOLDS, size=len(examples))
    seen = [example for example, own in zip(examples, fold, strict=True) if own]
    unseen = [example for example, own in zip(examples, fold, strict=True) if not own]
    figures = _judge(LanguageGuesser(*_fit(_samples(seen))), unseen)
    weights, languages = _fit(_samples(examples))
    return weights, languages, figures


def _judge(guesser: LanguageGuesser, examples: Sequence[Example]) -> str:
    whole: list[bool] = []
    short: list[bool] = []
    confused: dict[str, int] = {}
    for example in examples:
        guess, _ = guesser.guess(f"{example.subject} {example.text}")
        whole.append(guess == example.language)
        if guess != example.language:
            pair = f"{example.language}→{guess}"
            confused[pair] = confused.get(pair, 0) + 1
        words = example.text.split()
        if len(words) >= 5:
            guess, _ = guesser.guess(" ".join(words[:5]))
            short.append(guess == example.language)
    listed = ", ".join(
        f"{pair} {number}" for pair, number in sorted(confused.items(), key=lambda p: -p[1])[:12]
    )
    return (
        f"language, held out: whole texts {np.mean(whole):.4f}, first five words "
        f"{np.mean(short):.4f}; {listed}"
    )
