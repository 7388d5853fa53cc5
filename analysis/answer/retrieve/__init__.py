"""Passages for a question, out of chosen documents: which documents it names, which chunks, which sentences of them.

naming      query, documents       -> how far the query names each document
asking      query, names           -> what is asked, in its own words and in those of contracts
words       terms, versions        -> chunks by BM25                       \\ candidates
meaning     text, versions         -> chunks by their vectors              /  (gather)
rank        candidates             -> the odds of each sentence
spans       odds                   -> passages: the clause, then chunks

Files of repositories go another way, to hits of the same kind:

repositories query, files          -> the files of the repositories that the query names
mentions    query, files           -> the files and definitions that the query names
code        query, files           -> candidates and the odds of each unit of source code
spans       odds                   -> chunks, with their lines
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.db.models import QuerySet

from analysis.answer.retrieve import rank
from analysis.answer.retrieve.asking import Asking, asking, query_terms, without_names
from analysis.answer.retrieve.candidates import Candidates
from analysis.answer.retrieve.code import ranking_in_code
from analysis.answer.retrieve.database import searching
from analysis.answer.retrieve.gather import gather
from analysis.answer.retrieve.naming import Member, Naming, naming, scope_of
from analysis.answer.retrieve.ranked import Ranked
from analysis.answer.retrieve.repositories import in_named_repositories
from analysis.answer.retrieve.spans import in_lines, passages, passages_of_code
from analysis.answer.retrieve.words import Floats
from analysis.models import Document
from analysis.types import Hit
from config.traces import traced

QUERY_MAX_CHARACTERS = 2000
# How many candidates each way of finding them brings.
BY_WORDS, BY_MEANING = 120, 60


@traced("retrieve", of=lambda hits: {"passages": len(hits)})
def retrieve(query: str, *, documents: QuerySet[Document], limit: int) -> list[Hit]:
    """Return at most `limit` passages from the ready ones of `documents`, best first; no character is in two of them.

    Of documents the first is the clause itself, those after it are chunks with what stands around; of files of
    repositories each is a chunk, with its lines. Scores are the odds, as a share of 1, that the best sentence of a
    passage answers, whichever kind it is of. Where the query names few of the documents by their file names, titles or
    parties, only these are searched, and of the repositories only those that it plainly names; files that it names come
    first.
    """
    query = query.replace("\0", " ")[:QUERY_MAX_CHARACTERS].strip()
    if not query:
        return []
    with searching():
        scope = scope_of(documents)
        contracts, files = [each for each in scope if not each.path], [each for each in scope if each.path]
        ranked = ranking(query, contracts) if contracts else None
        hits = passages(ranked.found, ranked.scores, limit) if ranked else []
        if files:
            coded = ranking_in_code(query, in_named_repositories(query, files))
            hits = merged(hits, in_lines(passages_of_code(coded.found, coded.scores, limit)) if coded else [])
    return hits[:limit]


def merged(hits: Sequence[Hit], others: Sequence[Hit]) -> list[Hit]:
    """Return both kinds of hits, best first; the order within each kind stays."""
    return sorted([*hits, *others], key=lambda hit: -hit.score)


def ranking(query: str, scope: Sequence[Member]) -> Ranked | None:
    """Return the sentences of the scope that may answer, each with its odds; None when there are none."""
    languages = sorted({member.language for member in scope})
    found = query_terms(query, languages)
    names = naming(found, scope)
    named = names.named(len(scope))
    asked = query
    if named:
        naming_terms = set().union(*(names.terms[version_id] for version_id in named))
        asked = without_names(query, found, naming_terms, languages)
        scope = [member for member in scope if member.version_id in named]
    return _ranked(asking(asked, languages), scope, names) if scope else None


def _ranked(asked: Asking, scope: Sequence[Member], names: Naming) -> Ranked | None:
    gathered = gather(asked, scope, by_words=BY_WORDS, by_meaning=BY_MEANING)
    if gathered is None:
        return None
    measures = rank.measures(gathered.terms, gathered.postings, gathered.found)
    scores = rank.log_odds(measures) + _by_name(names, gathered.found)
    return Ranked(gathered.found, measures, scores)


def _by_name(names: Naming, found: Candidates) -> Floats:
    """Return what is taken from each sentence for its document's being named less than the best, if any is named."""
    best = max(names.scores.values(), default=0.0)
    if not best:
        return np.zeros(len(found.owner))
    shares = np.array([names.scores.get(chunk.version_id, 0.0) / best for chunk in found.chunks], np.float64)
    return (rank.NAMING_WEIGHT * min(1.0, names.strength) * (shares - 1))[found.owner]
