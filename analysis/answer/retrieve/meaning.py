"""Nearness in meaning: the chunks whose vectors are nearest to a query's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from analysis.ingest.embedders import query_vector
from analysis.ingest.index import vector_type
from analysis.models import Chunk, ChunkVector

# Up to here every vector is compared; above, an index scan with a filter is faster and finds nearly the same.
EXACT_MAX_CHUNKS = 4000

_CHUNKS = Chunk._meta.db_table
_VECTORS = ChunkVector._meta.db_table


@dataclass(frozen=True)
class Meaning:
    """A query's vector and the embedder that it can be compared under. kind: the vectors' type in SQL."""

    embedder_id: int
    kind: str
    vector: str


def meaning_of(text: str) -> Meaning | None:
    """Return the text's vector; None where no chunk has a vector that it could be compared with."""
    known = query_vector(text)
    if known is None:
        return None
    embedder, numbers = known
    vector = ",".join(f"{x:.7g}" for x in numbers.tolist())
    return Meaning(embedder.pk, vector_type(embedder), f"[{vector}]")


def nearest_chunks(meaning: Meaning, version_ids: Sequence[int], chunk_count: int, limit: int) -> list[tuple[int, int]]:
    """Return (version, ordinal) of the chunks of these versions that are nearest in meaning, nearest first."""
    distance = f"(embedding::{meaning.kind}) <=> %(vector)s::{meaning.kind}"
    rows = f"{_VECTORS} WHERE embedder_id = {meaning.embedder_id:d} AND version_id = ANY(%(versions)s)"
    nearest = f"SELECT chunk_id, {distance} AS distance FROM {rows} ORDER BY {distance} LIMIT {limit:d}"
    if chunk_count <= EXACT_MAX_CHUNKS:
        nearest = (
            f"WITH few AS MATERIALIZED (SELECT chunk_id, embedding FROM {rows}) "
            f"SELECT chunk_id, {distance} AS distance FROM few ORDER BY 2, 1 LIMIT {limit:d}"
        )
    places = f"SELECT c.version_id, c.ordinal FROM ({nearest}) near JOIN {_CHUNKS} c ON c.id = near.chunk_id"
    with connection.cursor() as cursor:
        cursor.execute(f"{places} ORDER BY distance", {"versions": list(version_ids), "vector": meaning.vector})
        return [(version_id, ordinal) for version_id, ordinal in cursor.fetchall()]
