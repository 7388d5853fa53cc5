"""The files of repositories that a query is about, and their lines: words and meaning, and what the query names.

A unit of source code (`analysis.ingest.code_units`) stands where a contract has a sentence. Beside what ranks
sentences, it counts whether the query names the file or the definition, how much of the query the whole file has, and
whether the file is a test or says in prose what the code does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import connection

from analysis.answer.retrieve import rank
from analysis.answer.retrieve.asking import Asking, query_terms, request_terms
from analysis.answer.retrieve.candidates import Candidates, mean_of_best
from analysis.answer.retrieve.gather import gather
from analysis.answer.retrieve.mentions import Definition, Mentions, mentions
from analysis.answer.retrieve.naming import Member
from analysis.answer.retrieve.ranked import Ranked
from analysis.answer.retrieve.words import (
    Floats,
    Postings,
    Weighted,
    saturated,
)
from analysis.lexical import CODE, UNKNOWN_READ_AS
from analysis.lexical import terms as lexical_terms
from analysis.models import Chunk
from analysis.types import Span

# How many candidates each way of finding them brings.
BY_WORDS, BY_MEANING, BY_NAME = 160, 80, 60
MOST_TERMS = 64
# What each measure of a unit adds to the logarithm of its odds; see `measures`.
WEIGHTS = {
    "coverage": 1.6,
    "words": 2.2,
    "chunk_words": 3.5,
    "heading": 2.2,
    "cosine": 2.0,
    "relative_cosine": 3.5,
    "file_words": 2.8,
    "named_file": 3.0,
    "named_chunk": 2.0,
    "named_alone": 4.0,
    "named_inside": 0.8,
    "file_names": 0.5,
    "test": -3.0,
    "prose": -2.5,
}
INTERCEPT = -3.5

_TEST = re.compile(
    r"(?:^|/)(?:tests?|testing|specs?|__tests__)/|(?:^|/)test_[^/]*$|[._-](?:test|tests|spec)\.\w+$|(?:^|/)conftest\.py$",
    re.IGNORECASE,
)
_ASKS_FOR_TESTS = re.compile(r"\btest(?:s|ed|ing)?\b|\btest_\w+|\bspecs?\b", re.IGNORECASE)
_PROSE = re.compile(
    r"\.(?:md|rst|txt|adoc)$|(?:^|/)(?:licen[cs]e|authors|notice|readme|history|changelog|changes)[^/]*$", re.IGNORECASE
)
_ASKS_FOR_PROSE = re.compile(
    r"\b(?:documentation|docs|readme|changelog|licen[cs]e|release notes|history)\b", re.IGNORECASE
)


def ranking_in_code(query: str, scope: Sequence[Member]) -> Ranked | None:
    """Return the units of the files in the scope that may answer, each with its odds; None when there are none."""
    asked = asking_in_code(query, sorted({UNKNOWN_READ_AS, *(member.language for member in scope)}))
    named = mentions(query, scope)
    gathered = gather(
        asked,
        scope,
        by_words=BY_WORDS,
        by_meaning=BY_MEANING,
        besides=lambda: _defining_chunks(named.definitions, BY_NAME),
    )
    if gathered is None:
        return None
    members = {member.version_id: member for member in scope}
    values = measures(Matched(query, named, gathered.terms, gathered.postings, members), gathered.found)
    return Ranked(gathered.found, values, log_odds(values))


def asking_in_code(text: str, languages: Sequence[str]) -> Asking:
    """Return what to look for: all words of the query, as code and as each of the languages has them."""
    requests = request_terms(UNKNOWN_READ_AS) | request_terms(CODE)
    terms = [term.text for term in query_terms(text, languages) if term.text not in requests]
    return Asking(text, dict.fromkeys(list(dict.fromkeys(terms))[:MOST_TERMS], 1.0))


@dataclass(frozen=True)
class Matched:
    """A query, what it names, and where its terms stand. members: the files that are searched, by version."""

    query: str
    named: Mentions
    terms: Weighted
    postings: Postings
    members: Mapping[int, Member]

    def share(self, name: str) -> float:
        """Return the share of the query's rarity that is in a name's words."""
        held = {term.text for term in lexical_terms(name, CODE)} & self.terms.weights.keys()
        return sum(self.terms.value(term) for term in held) / self.terms.total


def measures(matched: Matched, found: Candidates) -> dict[str, Floats]:
    """Return each measure of each unit, float[units]: those of `rank.measures`, and of what the query names.

    file_words: BM25 of the whole file, less that of the best files. named_file: how far the file's path is named;
    named_chunk, named_inside, file_names: how surely a definition is meant whose head stands in the chunk, whose body
    the unit is in, that stands anywhere in the file; named_alone: the first, by the share of the query that it is.
    test, prose: 1 if the file is such and none is asked for.
    """
    versions = [chunk.version_id for chunk in found.chunks]
    paths = [matched.members[version].path for version in versions]
    tests = 0.0 if _ASKS_FOR_TESTS.search(matched.query) else 1.0
    prose = 0.0 if _ASKS_FOR_PROSE.search(matched.query) else 1.0
    of_chunks = {
        "file_words": _by_file(matched, versions),
        "named_file": np.array([matched.named.files.get(version, 0.0) for version in versions]),
        "test": np.array([tests * bool(_TEST.search(path)) for path in paths]),
        "prose": np.array([prose * bool(_PROSE.search(path)) for path in paths]),
    }
    values = rank.measures(matched.terms, matched.postings, found)
    values |= {name: of[found.owner] for name, of in of_chunks.items()}
    return values | _by_definition(matched, found)


def log_odds(values: Mapping[str, Floats]) -> Floats:
    """Return the logarithm of each unit's odds to answer."""
    return np.asarray(INTERCEPT + sum(weight * values[name] for name, weight in WEIGHTS.items()), np.float64)


def _by_file(matched: Matched, versions: Sequence[int]) -> Floats:
    """Return BM25 of the file of each chunk, as a share of what having all terms would give, less that of the best."""
    lengths = {version: member.sentence_count for version, member in matched.members.items()}
    mean = max(sum(lengths.values()) / max(len(lengths), 1), 1.0)
    scores: dict[int, float] = defaultdict(float)
    for term, places in matched.postings.items():
        counts = np.array([at.counts.sum() for _, at in places], np.float64)
        relative = np.array([lengths[version] / mean for version, _ in places])
        for (version, _), score in zip(places, matched.terms.value(term) * saturated(counts, relative), strict=True):
            scores[version] += float(score)
    values = np.array([scores[version] for version in versions])
    return (values - mean_of_best(np.array(list(scores.values())), rank.BEST)) / matched.terms.total


def _by_definition(matched: Matched, found: Candidates) -> dict[str, Floats]:
    """Return how surely a definition is meant that each unit belongs to, in the ways of `measures`."""
    heads, alone, files = (np.zeros(len(found.chunks)) for _ in range(3))
    inside = np.zeros(len(found.owner))
    of_version: dict[int, list[int]] = defaultdict(list)
    for number, chunk in enumerate(found.chunks):
        of_version[chunk.version_id].append(number)
    for each in matched.named.definitions:
        for number in of_version.get(each.version_id, ()):
            span = found.chunks[number].span
            files[number] = max(files[number], each.value)
            if span.start_char <= each.name_start_char < span.end_char:
                heads[number] = max(heads[number], each.value)
                alone[number] = max(alone[number], each.value * matched.share(each.name))
            if _overlap(span, each.span):
                at = [n for n, unit in enumerate(found.chunks[number].sentences) if _overlap(unit, each.span)]
                place = found.first[number] + np.array(at, np.int64)
                inside[place] = np.maximum(inside[place], each.value)
    of_chunks = {"named_chunk": heads, "named_alone": alone, "file_names": files}
    return {name: of[found.owner] for name, of in of_chunks.items()} | {"named_inside": inside}


def _overlap(one: Span, other: Span) -> bool:
    return one.start_char < other.end_char and other.start_char < one.end_char


def _defining_chunks(definitions: Sequence[Definition], limit: int) -> list[tuple[int, int]]:
    """Return (version, ordinal) of the chunks that hold the heads of the surest definitions."""
    surest = sorted(definitions, key=lambda each: -each.value)[:limit]
    sql = f"""
        SELECT DISTINCT c.version_id, c.ordinal
        FROM unnest(%s::bigint[], %s::int[]) AS wanted(version_id, place)
        JOIN {Chunk._meta.db_table} c
          ON c.version_id = wanted.version_id AND c.start_char <= wanted.place AND wanted.place < c.end_char
    """
    with connection.cursor() as cursor:
        cursor.execute(sql, [[each.version_id for each in surest], [each.name_start_char for each in surest]])
        return list(cursor.fetchall())
