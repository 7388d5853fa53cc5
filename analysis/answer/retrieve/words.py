"""BM25 (Robertson and Zaragoza 2009) over postings: of chunks, to find candidates, and of their sentences, to rank.

Deviation: a term's rarity is that of the sentences that have it, for chunks too, so that one count serves both; and
lengths are in characters, which need no count of their own. Candidates are found without regard to length.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from analysis.answer.retrieve.naming import Member, rarity_of
from analysis.ingest.postings import Integers, Places, unpack
from analysis.models import Posting

K1, B = 1.2, 0.75
# In many documents, what the common words match is left out of finding candidates beyond this many sentences.
SCORED_SENTENCES = 60_000
CHUNK_BITS = 18

Floats = NDArray[np.float64]
Postings = dict[str, list[tuple[int, Places]]]
_POSTINGS = Posting._meta.db_table


@dataclass(frozen=True)
class Weighted:
    """The terms to look for: how rare each is among `sentence_count` sentences, and what it weighs."""

    rarity: Mapping[str, float]
    weights: Mapping[str, float]
    counts: Mapping[str, int]

    @property
    def total(self) -> float:
        """What a sentence scores that has all terms."""
        return sum(self.value(term) for term in self.weights) or 1.0

    def value(self, term: str) -> float:
        return self.weights[term] * self.rarity[term]

    def rarest(self, most_sentences: int) -> list[str]:
        """Return the terms from the rarest on, as long as not more sentences than that have them; at least one."""
        chosen: list[str] = []
        seen = 0
        for term in sorted((t for t in self.weights if self.counts.get(t)), key=lambda t: (self.counts[t], t)):
            seen += self.counts[term]
            if chosen and seen > most_sentences:
                break
            chosen.append(term)
        return chosen


def weighted(weights: Mapping[str, float], members: Sequence[Member]) -> Weighted:
    """Return the terms with their rarity in these versions; an added term that none has weighs nothing."""
    rows = f"{_POSTINGS} WHERE term = ANY(%s) AND version_id = ANY(%s)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT term, sum(sentence_count) FROM {rows} GROUP BY term",
            [sorted(weights), [member.version_id for member in members]],
        )
        counts = {term: int(count) for term, count in cursor.fetchall()}
    total = sum(member.sentence_count for member in members)
    kept = {term: weight for term, weight in weights.items() if term in counts or weight >= 1}
    return Weighted({term: rarity_of(counts.get(term, 0), max(total, 1)) for term in kept}, kept, counts)


def read_postings(terms: Collection[str], version_ids: Collection[int]) -> Postings:
    """Return where each term stands, version by version in the order of their ids."""
    sql = (
        f"SELECT term, version_id, places FROM {_POSTINGS} "
        "WHERE term = ANY(%s) AND version_id = ANY(%s) ORDER BY term, version_id"
    )
    found: Postings = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(sql, [sorted(terms), sorted(version_ids)])
        for term, version_id, places in cursor.fetchall():
            found[term].append((version_id, unpack(places)))
    return found


def best_chunks(postings: Postings, terms: Weighted, limit: int) -> list[tuple[int, int]]:
    """Return (version, ordinal) of the chunks that score best, best first."""
    keys, scores = chunk_scores(postings, terms)
    best = np.lexsort((keys, -scores))[:limit]
    return [(int(key) >> CHUNK_BITS, int(key) & ((1 << CHUNK_BITS) - 1)) for key in keys[best]]


def chunk_scores(postings: Postings, terms: Weighted) -> tuple[Integers, Floats]:
    """Return the keys of the chunks that have any of the terms, in order, and the BM25 score of each."""
    scored = [_added(places, terms.value(term)) for term, places in postings.items()]
    if not scored:
        return np.empty(0, np.int64), np.empty(0)
    keys, place = np.unique(np.concatenate([keys for keys, _ in scored]), return_inverse=True)
    values = np.concatenate([values for _, values in scored])
    return keys, tallied(place, values, len(keys))


def _added(places: Sequence[tuple[int, Places]], value: float) -> tuple[Integers, Floats]:
    """Return the keys of the chunks that have a term, in order, and what it adds to the score of each."""
    keys = np.concatenate([keys_of(version_id, at.chunks) for version_id, at in places])
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.add.reduceat(np.concatenate([at.counts for _, at in places]).astype(np.float64), first)
    return keys[first], value * saturated(counts, np.ones(1))


def keys_of(version_id: int, chunks: Integers) -> Integers:
    """Return one number for each chunk of a version, in the order of version and chunk."""
    return np.int64(version_id) << CHUNK_BITS | chunks


def tallied(at: Integers, values: Floats, size: int) -> Floats:
    """Return float64[size]: the sum of the values at each place."""
    return np.bincount(at, values, size).astype(np.float64)


def saturated(counts: Floats, relative_lengths: Floats) -> Floats:
    """Return what a count adds of a term's rarity: less and less with each, and less in a long text."""
    return counts * (K1 + 1) / (counts + K1 * (1 - B + B * relative_lengths))
