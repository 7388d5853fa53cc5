"""Passages for a question, out of chosen documents: by meaning, by words and by the document that is asked about."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet

from analysis.ingest.embed import Vectors
from analysis.ingest.embedders import query_vector
from analysis.ingest.index import WORDS_CONFIG, vector_type
from analysis.models import Chunk, ChunkVector, Document, Embedder, IngestStatus
from analysis.types import Hit

RRF_K = 60
# How deep each ranking goes before they are fused.
DEPTH = 60
# Up to here every vector is compared; above, an index scan with a filter is faster and finds nearly the same.
EXACT_MAX_CHUNKS = 4000
EF_SEARCH = 100
QUERY_MAX_CHARACTERS = 2000
MAX_LEXEMES = 32
# Rare words decide; what the common ones match is not scored beyond this many rows.
COMMON_ROWS = 500
SCORED_ROWS = 1500
# A query names documents when few have nearly all of the rare words that any has.
NAMED_SHARE = 0.8
NAMED_MOST = 3
NAMED_LEAST = 0.6
NAMED_TIMES = 2
OPENING_CHUNKS = 2
# A clause is often cut once; a longer run would hide which part was found.
RUN_MOST = 2

_CHUNKS = Chunk._meta.db_table
_VECTORS = ChunkVector._meta.db_table
_DOCUMENTS = Document._meta.db_table


@dataclass(frozen=True)
class Lexeme:
    """A stemmed word. rows: how many chunks have it, up to `COMMON_ROWS`; versions: of how many versions they are."""

    word: str
    rows: int
    versions: int


def rarity_of(count: int, total: int) -> float:
    """Return the inverse document frequency of what is in `count` of `total` (Sparck Jones 1972, as BM25 has it)."""
    return math.log(1 + (total - count + 0.5) / (count + 0.5))


def retrieve(query: str, *, documents: QuerySet[Document], limit: int) -> list[Hit]:
    """Return at most `limit` passages from the ready ones of `documents`, best first.

    Scores are reciprocal-rank fused (Cormack et al., SIGIR 2009, k=60) from the rankings by vector and by words, taken
    over all documents and again over those that the query names. Two chunks that follow each other are one passage.
    """
    query = query.replace("\0", " ")[:QUERY_MAX_CHARACTERS].strip()
    ready = documents.filter(version__status=IngestStatus.READY).order_by()
    versions = list(ready.values_list("version_id", flat=True))
    if not query or not versions:
        return []
    vector = query_vector(query)
    words = _query_words(query)
    lexemes = _lexemes(words, versions)
    rankings = _rankings(vector, lexemes, versions)
    named, names = _named(lexemes, versions)
    if named:
        # The words that name the document are all over it; what is asked of it stands in the others.
        asked = [word for word in words if word not in names] or words
        rankings += NAMED_TIMES * _rankings(vector, _lexemes(asked, named), named)
    scores = fused(rankings)
    best = sorted(scores, key=lambda pk: (-scores[pk], pk))[:limit]
    return _hits({pk: scores[pk] for pk in best})


def _rankings(vector: tuple[Embedder, Vectors] | None, lexemes: list[Lexeme], versions: list[int]) -> list[list[int]]:
    total = Chunk.objects.filter(version__in=versions).count()
    nearest = [_by_vector(*vector, versions, total)] if vector else []
    return [*nearest, _by_words(lexemes, versions, total)]


def fused(rankings: Iterable[Sequence[int]]) -> dict[int, float]:
    """Return each key's sum of 1 / (60 + rank) over the rankings it stands in; ranks count from 1."""
    scores: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for rank, key in enumerate(ranking, start=1):
            scores[key] += 1 / (RRF_K + rank)
    return scores


def _by_vector(embedder: Embedder, vector: Vectors, versions: list[int], total: int) -> list[int]:
    kind = vector_type(embedder)
    where = f"embedder_id = {embedder.pk:d} AND version_id = ANY(%(versions)s)"
    nearest = (
        f"SELECT chunk_id FROM {_VECTORS} WHERE {where} "
        f"ORDER BY (embedding::{kind}) <=> %(vector)s::{kind} LIMIT {DEPTH}"
    )
    if total <= EXACT_MAX_CHUNKS:
        nearest = (
            f"WITH few AS MATERIALIZED (SELECT chunk_id, embedding FROM {_VECTORS} WHERE {where}) "
            f"SELECT chunk_id FROM few ORDER BY embedding::{kind} <=> %(vector)s::{kind}, chunk_id LIMIT {DEPTH}"
        )
    with transaction.atomic(), connection.cursor() as cursor:
        # Goes on through the index until enough rows pass the filter, instead of filtering the first hundred.
        cursor.execute(f"SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = {EF_SEARCH}")
        cursor.execute(nearest, {"versions": versions, "vector": _literal(vector)})
        return [pk for (pk,) in cursor.fetchall()]


def _literal(vector: Vectors) -> str:
    return "[" + ",".join(f"{x:.7g}" for x in vector.tolist()) + "]"


def _query_words(query: str) -> list[str]:
    """Return the query's words as they are indexed: stemmed, without stop words."""
    sql = f"SELECT lexeme FROM unnest(to_tsvector(%s::regconfig, %s)) LIMIT {MAX_LEXEMES}"
    return [word for (word,) in _rows(sql, [WORDS_CONFIG, query])]


def _lexemes(words: list[str], versions: list[int]) -> list[Lexeme]:
    """Return the words that occur in these versions with how often and in how many of them, rarest first."""
    rows = _rows(
        f"""
        SELECT word, found.chunks, found.versions FROM unnest(%s::text[]) AS word, LATERAL (
            SELECT count(*) AS chunks, count(DISTINCT version_id) AS versions FROM (
                SELECT version_id FROM {_CHUNKS}
                WHERE version_id = ANY(%s) AND words @@ quote_literal(word)::tsquery LIMIT {COMMON_ROWS}
            ) AS few
        ) AS found WHERE found.chunks > 0 ORDER BY found.chunks, word
        """,
        [words, versions],
    )
    return [Lexeme(*row) for row in rows]


def _by_words(lexemes: list[Lexeme], versions: list[int], total: int) -> list[int]:
    """Return chunks by the sum over the query's words of rarity times `ts_rank`, which saturates with their count.

    As BM25, but for the saturation curve and the length, which `ts_rank` divides by as 1 + log(length).
    """
    chosen: list[Lexeme] = []
    scored = 0
    for lexeme in lexemes:
        if chosen and scored + lexeme.rows > SCORED_ROWS:
            break
        chosen.append(lexeme)
        scored += lexeme.rows
    if not chosen:
        return []
    score = " + ".join(f"{rarity_of(one.rows, total):.6f} * ts_rank(words, %s::tsquery, 1)" for one in lexemes)
    queries = [_quoted(lexeme.word) for lexeme in lexemes]
    any_of = " | ".join(_quoted(lexeme.word) for lexeme in chosen)
    where = "version_id = ANY(%s) AND words @@ %s::tsquery"
    sql = f"SELECT id FROM {_CHUNKS} WHERE {where} ORDER BY {score} DESC, id LIMIT {DEPTH}"
    return [pk for (pk,) in _rows(sql, [versions, any_of, *queries])]


def _quoted(word: str) -> str:
    return "'" + word.replace("\\", "\\\\").replace("'", "''") + "'"


def _named(lexemes: list[Lexeme], versions: list[int]) -> tuple[list[int], set[str]]:
    """Return the few versions that the query names by words rare among the documents, and those words; none if none do.

    A document's words of its own are those of its name and its opening, where contracts name the parties.
    """
    if len(versions) < 2:
        return [], set()
    rarity = {one.word: rarity_of(one.versions, len(versions)) for one in lexemes}
    sql = f"""
        SELECT d.version_id, array(
            SELECT lexeme FROM unnest(opening.words || to_tsvector(%s::regconfig, d.name)) WHERE lexeme = ANY(%s)
        )
        FROM {_DOCUMENTS} d JOIN {_CHUNKS} opening ON opening.version_id = d.version_id
        WHERE d.version_id = ANY(%s) AND opening.ordinal < {OPENING_CHUNKS}
    """
    found: dict[int, set[str]] = defaultdict(set)
    for version, own in _rows(sql, [WORDS_CONFIG, list(rarity), versions]):
        found[version].update(own)
    weights = {version: sum(rarity[word] for word in own) for version, own in found.items()}
    best = max(weights.values(), default=0)
    named = [version for version, weight in weights.items() if weight >= NAMED_SHARE * best]
    few = max(1, min(NAMED_MOST, len(versions) // 2))
    stands_out = best >= NAMED_LEAST * math.log(1 + len(versions)) and len(named) <= few
    return (sorted(named), set().union(*(found[version] for version in named))) if stands_out else ([], set())


def _rows(sql: str, parameters: Sequence[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[Any] = cursor.fetchall()
    return rows


def _hits(scores: dict[int, float]) -> list[Hit]:
    """Return the chunks as passages, best first; neighbours are one, with the better of their scores."""
    rows = Chunk.objects.filter(pk__in=list(scores)).select_related("document").order_by("version_id", "ordinal")
    runs: list[list[Chunk]] = []
    for row in rows.defer("words"):
        before = runs[-1][-1] if runs else None
        follows = before and (before.version_id, before.ordinal + 1) == (row.version_id, row.ordinal)
        if follows and len(runs[-1]) < RUN_MOST:
            runs[-1].append(row)
        else:
            runs.append([row])
    hits = [_hit(run, max(scores[row.pk] for row in run)) for run in runs]
    return sorted(hits, key=lambda hit: -hit.score)


def _hit(run: list[Chunk], score: float) -> Hit:
    first, last = run[0], run[-1]
    return Hit(
        document_id=str(first.document_id),
        document_name=first.document.name,
        version_id=first.version_id,
        start_char=first.start_char,
        end_char=last.end_char,
        page_number=first.page_number,
        text="".join(row.text for row in run),
        score=score,
        heading_path=first.heading_path,
    )
