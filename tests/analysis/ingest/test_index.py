"""Rows of chunks and vectors: written once, found again, and indexed by their width."""

from __future__ import annotations

import pytest
from django.db import connection

from analysis.ingest.embed import encoder
from analysis.ingest.index import current_embedder, ensure_vector_index, missing_chunks, page_at
from analysis.models import ChunkVector, Embedder
from analysis.types import ChunkSpan
from tests.analysis.answer.retrieve.rows import FEES, LAW, TERM, put

pytestmark = pytest.mark.django_db


def test_embedder_has_one_partial_index_of_its_width(cast):
    embedder = current_embedder(encoder())
    assert current_embedder(encoder()) == embedder
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"chunk_embedding_{embedder.pk}"])
        (definition,) = cursor.fetchone()
    assert "hnsw (((embedding)::vector(384)) vector_cosine_ops)" in definition
    assert definition.endswith(f"WHERE (embedder_id = {embedder.pk})")


@pytest.mark.parametrize(("dims", "kind"), [(2000, "vector"), (2560, "halfvec"), (4096, None)])
def test_wide_vectors_are_indexed_in_half_precision_and_wider_ones_not_at_all(db, dims, kind):
    embedder = Embedder.objects.create(name="wide", dims=dims)
    ensure_vector_index(embedder)
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"chunk_embedding_{embedder.pk}"])
        found = [definition for (definition,) in cursor.fetchall()]
    assert [f"::{kind}({dims})) {kind}_cosine_ops" in definition for definition in found] == ([True] if kind else [])


def test_missing_chunks_are_those_without_a_vector(cast):
    version = put(cast.workspace, "a.pdf", LAW, FEES).version
    embedder = current_embedder(encoder())
    ends = [0, len(LAW), len(LAW + FEES), len(LAW + FEES + TERM)]
    spans = [ChunkSpan(n, ends[n], ends[n + 1], "", 1) for n in range(3)]
    assert missing_chunks(version, embedder, spans) == [spans[2]]
    ChunkVector.objects.filter(chunk__ordinal=0).delete()
    assert missing_chunks(version, embedder, spans) == [spans[0], spans[2]]
    assert version.chunks.count() == 2
    moved = [ChunkSpan(0, 0, 5, "", 1), ChunkSpan(1, 5, ends[2], "", 1)]
    assert missing_chunks(version, embedder, moved) == moved
    assert version.chunks.count() == 0


@pytest.mark.parametrize(("char", "page"), [(0, 1), (9, 1), (10, 2), (24, 2), (25, 3), (999, 3)])
def test_page_at(char, page):
    assert page_at([0, 10, 25], char) == page


def test_page_of_a_text_without_pages_is_the_first():
    assert page_at([], 5) == 1
