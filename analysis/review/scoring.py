"""How probable it is that a sentence is a certain clause, or answers a certain question.

Both are logistic regressions on a handful of features that a person can read off the sentence. Their weights stand in
weights.toml, with the command that found them; docs/quality.md has how well the probabilities hold. The features of a
clause say nothing about which clause it is, so that a checklist of a firm's own is scored like the built-in one.
"""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from analysis.review.checklist import Clause
from analysis.review.sentences import Meaning, Sentences, Vectors
from analysis.words import words

Features = NDArray[np.float64]

# What the columns of the features are, in order; weights.toml names them too.
CLAUSE_FEATURES = ("meaning", "cue", "second_cue", "hints", "against", "heading", "length")
QUESTION_FEATURES = ("meaning", "words", "heading", "length")
MOST_HINTS, MOST_AGAINST = 3, 2


def clause_probabilities(
    clause: Clause, sentences: Sentences, meaning: Meaning, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return for each sentence how probable it is, in [0, 1], that it is the clause. weights: those in use if None."""
    used = _weights("clause", CLAUSE_FEATURES) if weights is None else weights
    return probabilities(clause_features(clause, sentences, meaning), used)


def question_probabilities(question: str, sentences: Sentences, meaning: Meaning) -> NDArray[np.float64]:
    """Return for each sentence how probable it is, in [0, 1], that it answers the question."""
    return probabilities(question_features(question, sentences, meaning), _weights("question", QUESTION_FEATURES))


def clause_features(clause: Clause, sentences: Sentences, meaning: Meaning) -> Features:
    """Return float[n, 7]: CLAUSE_FEATURES of each sentence."""
    nearness = (sentences.vectors @ _examples(clause, meaning).T).max(axis=1, initial=-1.0)
    counts = np.array(
        [(clause.cues.count(text), clause.hints.count(text), clause.against.count(text)) for text in sentences.texts]
    ).reshape(-1, 3)
    headed = [any(clause.headings.whole(title) for title in titles) for titles in sentences.titles]
    columns = [
        nearness,
        counts[:, 0] > 0,
        counts[:, 0] > 1,
        np.minimum(counts[:, 1], MOST_HINTS),
        np.minimum(counts[:, 2], MOST_AGAINST),
        np.array(headed, bool),
        _lengths(sentences),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def question_features(question: str, sentences: Sentences, meaning: Meaning) -> Features:
    """Return float[n, 4]: QUESTION_FEATURES of each sentence."""
    vector = meaning([question])[0]
    titles = sorted({title for titles in sentences.titles for title in titles})
    nearness = dict(zip(titles, meaning(titles) @ vector, strict=True)) if titles else {}
    headed = [max((nearness[title] for title in titles), default=0.0) for titles in sentences.titles]
    columns = [sentences.vectors @ vector, word_shares(question, sentences.stems), headed, _lengths(sentences)]
    return np.stack(columns, axis=1).astype(np.float64)


def word_shares(question: str, stems: Sequence[frozenset[str]]) -> list[float]:
    """Return how much of the question's word weight (inverse document frequency in the text) each sentence has."""
    holders = Counter(stem for held in stems for stem in held)
    asked = {word.stem for word in words(question)}
    weights = {stem: math.log(1 + len(stems) / (holders[stem] or 1)) for stem in asked}
    total = sum(weights.values()) or 1.0
    return [sum(weights[stem] for stem in asked & held) / total for held in stems]


def probabilities(features: Features, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logistic function of the weighted features. weights: float[k + 1], the last one stands by itself."""
    odds = np.exp(-(features @ weights[:-1] + weights[-1]))
    return np.asarray(1.0 / (1.0 + odds), np.float64)


@cache
def _weights(name: str, features: tuple[str, ...]) -> NDArray[np.float64]:
    table = tomllib.loads((Path(__file__).parent / "weights.toml").read_text())[name]
    return np.array([table[feature] for feature in (*features, "by_itself")])


def _examples(clause: Clause, meaning: Meaning) -> Vectors:
    """Return the vectors of the clause's examples, kept for the next document."""
    return _example_vectors(meaning, clause.examples)


@cache
def _example_vectors(meaning: Meaning, examples: tuple[str, ...]) -> Vectors:
    return meaning(examples)


def _lengths(sentences: Sentences) -> NDArray[np.float64]:
    return np.log([max(len(held), 1) for held in sentences.stems])
