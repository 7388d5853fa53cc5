"""How well each sentence of the candidates answers: a logistic regression on a few measures, weights as fitted.

`manage.py evaluate legalbench-rag DIR --fit` fits them on half of the documents and prints them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from analysis.answer.retrieve.candidates import Candidates, cosines_of, mean_of_best
from analysis.answer.retrieve.naming import rarity_of
from analysis.answer.retrieve.words import Floats, Postings, Weighted, keys_of, saturated, tallied
from analysis.ingest.postings import Integers, Places
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


class Occurrences(NamedTuple):
    """Where a term stands among the candidates: in chunk `chunks[n]` and sentence `sentences[n]`, `counts[n]` times."""

    chunks: Integers
    sentences: Integers
    counts: Floats


def measures(terms_: Weighted, postings: Postings, found: Candidates) -> dict[str, Floats]:
    """Return each measure of each sentence, float[sentences].

    coverage: the share of the query's rarity that a sentence has; words: BM25 in the same unit, of the sentence and of
    its chunk, less that of the best; heading: coverage by the heading path; cosine: of the chunk, and less that of the
    best chunks; short: 1 if it is hardly a sentence.
    """
    lengths = np.array([end - start for start, end in found.sentences], np.float64)
    chunk_lengths = tallied(found.owner, lengths, len(found.chunks))
    standing = _located(postings, found)
    words, coverage = _by_words(terms_, {term: (at.sentences, at.counts) for term, at in standing.items()}, lengths)
    of_chunks = {term: (at.chunks, at.counts) for term, at in standing.items()}
    chunk_words, _ = _by_words(terms_, of_chunks, chunk_lengths)
    cosines = cosines_of(found)
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


def _located(postings: Postings, found: Candidates) -> dict[str, Occurrences]:
    """Return where each term stands in the candidates."""
    versions = {chunk.version_id for chunk in found.chunks}
    located: dict[str, Occurrences] = {}
    for term, everywhere in postings.items():
        if places := [(version_id, at) for version_id, at in everywhere if version_id in versions]:
            located[term] = _occurrences(places, found)
    return located


def _occurrences(places: Sequence[tuple[int, Places]], found: Candidates) -> Occurrences:
    keys = np.concatenate([keys_of(version_id, at.chunks) for version_id, at in places])
    chunks = np.minimum(np.searchsorted(found.keys, keys), len(found.keys) - 1)
    inside = found.keys[chunks] == keys
    chunks = chunks[inside]
    counts = np.concatenate([at.counts for _, at in places])[inside].astype(np.float64)
    numbers = np.concatenate([at.sentences for _, at in places])[inside]
    # A chunk that is being indexed again may have fewer sentences by now than its postings were made of.
    last = np.diff(found.first, append=len(found.owner)) - 1
    return Occurrences(chunks, found.first[chunks] + np.minimum(numbers, last[chunks]), counts)


def _by_words(
    terms_: Weighted, standing: Mapping[str, tuple[Integers, Floats]], lengths: Floats
) -> tuple[Floats, Floats]:
    """Return BM25 and coverage of texts of these lengths, as shares of what having all terms would give.

    standing: for each term, the texts that have it and how often; a text may come several times.
    """
    relative = lengths / max(float(lengths.mean()), 1.0) if len(lengths) else lengths
    words, coverage = np.zeros(len(lengths)), np.zeros(len(lengths))
    for term, (at, counts) in standing.items():
        rows = np.flatnonzero(np.bincount(at, minlength=len(lengths)))
        tally = tallied(at, counts, len(lengths))[rows]
        words[rows] += terms_.value(term) * saturated(tally, relative[rows])
        coverage[rows] += terms_.value(term)
    return words / terms_.total, coverage / terms_.total


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
