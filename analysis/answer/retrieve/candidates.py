"""Chunks that may answer, with their sentences: what ranking compares and what passages are made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from django.db import connection

from analysis.answer.retrieve.meaning import Meaning
from analysis.answer.retrieve.words import CHUNK_BITS, Floats
from analysis.ingest.postings import Integers, unpack_sentences
from analysis.models import Chunk, ChunkVector, Document
from analysis.types import Span

_CHUNKS, _VECTORS, _DOCUMENTS = Chunk._meta.db_table, ChunkVector._meta.db_table, Document._meta.db_table


@dataclass(frozen=True)
class Candidate:
    """A chunk that may answer. sentences: spans of the version's text; cosine: to the query, None without a vector."""

    version_id: int
    ordinal: int
    document_id: str
    document_name: str
    span: Span
    page_number: int
    heading_path: str
    text: str
    cosine: float | None
    sentences: tuple[Span, ...]


@dataclass(frozen=True)
class Candidates:
    """The chunks in the order of version and ordinal, and their sentences one after the other.

    keys: of the chunks, see `words.keys_of`. first: where each chunk's sentences start; owner: the chunk of each.
    """

    chunks: Sequence[Candidate]
    keys: Integers
    first: Integers
    owner: Integers

    @cached_property
    def sentences(self) -> list[Span]:
        return [span for chunk in self.chunks for span in chunk.sentences]


def load(places: Sequence[tuple[int, int]], meaning: Meaning | None) -> Candidates:
    """Return the chunks at these (version, ordinal)."""
    chunks = [_candidate(row) for row in _rows(places, meaning)]
    counts = np.array([len(chunk.sentences) for chunk in chunks], np.int64)
    keys = [chunk.version_id << CHUNK_BITS | chunk.ordinal for chunk in chunks]
    return Candidates(
        chunks, np.array(keys, np.int64), np.cumsum(counts) - counts, np.repeat(np.arange(len(chunks)), counts)
    )


def _rows(places: Sequence[tuple[int, int]], meaning: Meaning | None) -> list[tuple]:  # type: ignore[type-arg]
    cosine, joined = "0.0", ""
    if meaning:
        cosine = f"1 - ((v.embedding::{meaning.kind}) <=> %(vector)s::{meaning.kind})"
        joined = f"LEFT JOIN {_VECTORS} v ON v.chunk_id = c.id AND v.embedder_id = {meaning.embedder_id:d}"
    sql = f"""
        SELECT c.version_id, c.ordinal, c.document_id, d.name, c.start_char, c.end_char, c.page_number, c.heading_path,
               c.text, c.sentences, {cosine}
        FROM unnest(%(versions)s::bigint[], %(ordinals)s::int[]) AS wanted(version_id, ordinal)
        JOIN {_CHUNKS} c ON c.version_id = wanted.version_id AND c.ordinal = wanted.ordinal
        JOIN {_DOCUMENTS} d ON d.id = c.document_id {joined}
        ORDER BY c.version_id, c.ordinal
    """
    columns = {"versions": [version for version, _ in places], "ordinals": [ordinal for _, ordinal in places]}
    with connection.cursor() as cursor:
        cursor.execute(sql, columns | ({"vector": meaning.vector} if meaning else {}))
        return list(cursor.fetchall())


def _candidate(row: tuple) -> Candidate:  # type: ignore[type-arg]
    version_id, ordinal, document_id, name, start, end, page_number, path, text, packed, cosine = row
    span = Span(start, end)
    return Candidate(
        version_id=version_id,
        ordinal=ordinal,
        document_id=str(document_id),
        document_name=name,
        span=span,
        page_number=page_number,
        heading_path=path,
        text=text,
        cosine=cosine,
        # A document that was indexed before there were sentences is ranked by whole chunks until it is indexed again.
        sentences=tuple(unpack_sentences(packed)) or (span,),
    )


def cosines_of(found: Candidates) -> Floats:
    """Return each chunk's cosine to the query, float[chunks].

    One without a vector counts as the middle one of those with one does: as 0 it would be set back behind all of them
    (docs/quality.md, "By words first").
    """
    cosines = np.array([chunk.cosine for chunk in found.chunks], np.float64)
    missing = np.isnan(cosines)
    return np.where(missing, 0.0 if missing.all() else np.nanmedian(cosines), cosines)


def mean_of_best(values: Floats, count: int) -> float:
    """Return the mean of the `count` highest values, 0 of none."""
    return float(np.sort(values)[-count:].mean()) if len(values) else 0.0
