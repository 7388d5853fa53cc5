"""How well each sentence of the candidates answers: a logistic regression on a few measures, weights as fitted.

`manage.py evaluate legalbench-rag DIR --fit` fits them on half of the documents and prints them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from analysis.answer.retrieve.candidates import Candidates, mean_of_best
from analysis.answer.retrieve.naming import rarity_of
from analysis.answer.retrieve.words import Floats, Postings, Weighted, keys_of, saturated, tallied
from analysis.ingest.postings import Integers
from analysis.lexical import terms

# What each measure of a sentence adds to the logarithm of its odds. See `measures`.
WEIGHTS = {
    "coverage": 3.88,
    "words": 4.63,
    "chunk_words": 3.42,
    "heading": 3.15,
    "cosine": 0.80,
    "relative_cosine": 3.89,
    "short": -0.49,
}
INTERCEPT = -3.54
# How far a document's being named less than the best one counts against what stands in it.
NAMING_WEIGHT = 4.0
BEST = 5
SHORT_CHARACTERS = 60


def measures(terms_: Weighted, postings: Postings, found: Candidates) -> dict[str, Floats]:
    """Return each measure of each sentence, float[sentences].

    coverage: the share of the query's rarity that a sentence has; words: BM25 in the same unit, of the sentence and of
    its chunk, less that of the best; heading: coverage by the heading path; cosine: of the chunk, and less that of the
    best chunks; short: 1 if it is hardly a sentence.
    """
    lengths = np.array([end - start for start, end in found.sentences], np.float64)
    chunk_lengths = tallied(found.owner, lengths, len(found.chunks))
    words, coverage = _by_words(terms_, postings, found, lengths)
    chunk_words, _ = _by_words(terms_, postings, found, chunk_lengths, of_chunks=True)
    cosines = np.array([chunk.cosine for chunk in found.chunks], np.float64)
    return {
        "coverage": coverage,
        "words": words - mean_of_best(words, BEST),
        "chunk_words": (chunk_words - mean_of_best(chunk_words, BEST))[found.owner],
        "heading": _by_heading(terms_, found)[found.owner],
        "cosine": cosines[found.owner],
        "relative_cosine": (cosines - mean_of_best(cosines, BEST))[found.owner],
        "short": (lengths < SHORT_CHARACTERS).astype(np.float64),
    }


def log_odds(values: Mapping[str, Floats]) -> Floats:
    """Return the logarithm of each sentence's odds to answer."""
    total = INTERCEPT + sum(WEIGHTS[name] * values[name] for name in WEIGHTS)
    return np.asarray(total, np.float64)


def _by_words(
    terms_: Weighted, postings: Postings, found: Candidates, lengths: Floats, *, of_chunks: bool = False
) -> tuple[Floats, Floats]:
    """Return BM25 and coverage, of sentences or of chunks, as shares of what having all terms would give."""
    relative = lengths / max(float(lengths.mean()), 1.0) if len(lengths) else lengths
    words, coverage = np.zeros(len(lengths)), np.zeros(len(lengths))
    for term, places in postings.items():
        at, counts = _located(places, found, of_chunks)
        rows = np.flatnonzero(np.bincount(at, minlength=len(lengths)))
        tally = tallied(at, counts, len(lengths))[rows]
        words[rows] += terms_.value(term) * saturated(tally, relative[rows])
        coverage[rows] += terms_.value(term)
    return words / terms_.total, coverage / terms_.total


def _located(places: list, found: Candidates, of_chunks: bool) -> tuple[Integers, Floats]:  # type: ignore[type-arg]
    """Return which sentences or chunks of the candidates have a term, and how often."""
    keys = np.concatenate([keys_of(version_id, at.chunks) for version_id, at in places])
    chunk = np.minimum(np.searchsorted(found.keys, keys), len(found.keys) - 1)
    inside = found.keys[chunk] == keys
    counts = np.concatenate([at.counts for _, at in places])[inside].astype(np.float64)
    if of_chunks:
        return chunk[inside], counts
    numbers = np.concatenate([at.sentences for _, at in places])
    return (found.first[chunk] + numbers)[inside], counts


def _by_heading(terms_: Weighted, found: Candidates) -> Floats:
    """Return the share of the terms that each chunk's heading path has, weighed by rarity among these paths."""
    paths = [path_terms(chunk.heading_path) & terms_.weights.keys() for chunk in found.chunks]
    rarity = {term: rarity_of(sum(term in path for path in paths), len(paths)) for term in terms_.weights}
    total = sum(rarity.values()) or 1.0
    return np.array([sum(rarity[term] for term in path) / total for path in paths], np.float64)


@lru_cache(maxsize=20_000)
def path_terms(path: str) -> frozenset[str]:
    """Return the terms of a heading path."""
    return frozenset(term.text for term in terms(path))
