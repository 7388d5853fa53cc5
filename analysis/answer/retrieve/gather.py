"""Candidates for what is asked, by words and by meaning, with all that ranking compares them by."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.answer.retrieve.asking import Asking
from analysis.answer.retrieve.candidates import Candidates, load
from analysis.answer.retrieve.meaning import meaning_of, nearest_chunks
from analysis.answer.retrieve.naming import Member
from analysis.answer.retrieve.words import (
    SCORED_SENTENCES,
    Postings,
    Weighted,
    best_chunks,
    read_postings,
    weighted,
)

Places = list[tuple[int, int]]


@dataclass(frozen=True)
class Gathered:
    """The candidates, the terms that were looked for, and where these stand."""

    found: Candidates
    terms: Weighted
    postings: Postings


def gather(
    asked: Asking,
    scope: Sequence[Member],
    *,
    by_words: int,
    by_meaning: int,
    besides: Callable[[], Places] = list,
) -> Gathered | None:
    """Return at most so many candidates of each kind in the scope; None when there are none.

    besides: the (version, ordinal) of chunks that are candidates for another reason.
    """
    versions = [member.version_id for member in scope]
    terms = weighted(asked.weights, scope)
    postings = read_postings(terms.rarest(SCORED_SENTENCES), versions)
    meaning = meaning_of(asked.text)
    places = best_chunks(postings, terms, by_words)
    if meaning:
        places += nearest_chunks(meaning, versions, sum(member.chunk_count for member in scope), by_meaning)
    found = load(list(dict.fromkeys([*places, *besides()])), meaning)
    if not found.chunks:
        return None
    # The common words, which find nothing by themselves, count in what was found.
    if missing := terms.weights.keys() - postings.keys():
        postings |= read_postings(missing, {chunk.version_id for chunk in found.chunks})
    return Gathered(found, terms, postings)
