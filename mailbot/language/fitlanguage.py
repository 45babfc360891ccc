"""Fit the language guesser: sentences of the corpus, whole and in short windows."""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from mailbot.language.corpus import Example
from mailbot.language.functionwords import FUNCTION_WORDS
from mailbot.language.languageid import LanguageGuesser, letter_features, words_for_language
from mailbot.language.model import Weights

_WINDOWS = (3, 5, 8)
_FOLDS = 4
_STRENGTH = 30.0


def _samples(
    examples: Sequence[Example], generator: np.random.Generator
) -> list[tuple[list[str], str]]:
    """Whole texts, and windows of a few words, since short mails are the hard ones."""
    found: list[tuple[list[str], str]] = []
    for example in examples:
        words = words_for_language(f"{example.subject} {example.text}")
        if not words:
            continue
        found.append((words, example.language))
        for width in _WINDOWS:
            if len(words) > width:
                at = int(generator.integers(len(words) - width + 1))
                found.append((words[at : at + width], example.language))
    return found


def _function_samples() -> list[tuple[list[str], str]]:
    found = []
    for language, text in sorted(FUNCTION_WORDS.items()):
        words = text.split()
        found.extend(([word], language) for word in words)
        found.extend((words[at : at + 6], language) for at in range(0, len(words), 6))
    return found


def _matrix(
    samples: Sequence[tuple[list[str], str]], hashes: NDArray[np.uint32] | None
) -> tuple[sp.csr_matrix, NDArray[np.uint32]]:
    features: dict[str, list[int]] = {}
    flat: list[int] = []
    value: list[float] = []
    pointers = [0]
    for words, _ in samples:
        for word in words:
            own = features.get(word)
            if own is None:
                own = features[word] = letter_features(word)
            flat.extend(own)
            value.extend([1.0 / np.sqrt(len(own)) / np.sqrt(len(words))] * len(own))
        pointers.append(len(flat))
    stream = np.array(flat, np.uint32)
    if hashes is None:
        hashes, seen = np.unique(stream, return_counts=True)
        hashes = hashes[seen >= 3]
    at = np.minimum(np.searchsorted(hashes, stream), len(hashes) - 1)
    weight = np.where(hashes[at] == stream, np.array(value), 0.0)
    matrix = sp.csr_matrix((weight, at, pointers), shape=(len(samples), len(hashes)))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    return matrix, hashes


def _fit(samples: Sequence[tuple[list[str], str]], seed: int) -> tuple[Weights, tuple[str, ...]]:
    matrix, hashes = _matrix(samples, None)
    languages = tuple(sorted({language for _, language in samples}))
    truth = np.array([languages.index(language) for _, language in samples])
    share = np.bincount(truth) / len(truth)
    weight = np.sqrt(1.0 / len(languages) / share)[truth]
    columns, biases = [], []
    for column in range(len(languages)):
        fitted = LogisticRegression(
            C=_STRENGTH, solver="liblinear", dual=True, max_iter=300, tol=0.02, random_state=seed
        ).fit(matrix, truth == column, sample_weight=weight)
        columns.append(fitted.coef_[0])
        biases.append(float(fitted.intercept_[0]))
    coefficients = np.stack(columns, axis=1)
    scale = np.maximum(np.quantile(np.abs(coefficients), 0.9999, axis=0) / 127.0, 1e-9)
    rows = np.clip(np.rint(coefficients / scale), -127, 127).astype(np.int8)
    keep = np.abs(rows).max(axis=1) >= 4
    return (
        Weights(
            hashes[keep], rows[keep], scale.astype(np.float32), np.array(biases, np.float32)
        ),
        languages,
    )


def fit_languages(
    examples: Sequence[Example], seed: int
) -> tuple[Weights, tuple[str, ...], str]:
    """Weights, language codes, and the figures on a held-out fold."""
    generator = np.random.default_rng(seed)
    fold = generator.integers(_FOLDS, size=len(examples))
    seen = [example for example, own in zip(examples, fold, strict=True) if own]
    unseen = [example for example, own in zip(examples, fold, strict=True) if not own]
    trial = LanguageGuesser(*_fit(_samples(seen, generator) + _function_samples(), seed))
    figures = _judge(trial, unseen)
    weights, languages = _fit(_samples(examples, generator) + _function_samples(), seed)
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
