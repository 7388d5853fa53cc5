"""Retrieval: what is found, in what order, and what never is."""

from __future__ import annotations

import pytest
from django.db import connection

from analysis.answer import retrieve as module
from analysis.answer.retrieve import fused, rarity_of, retrieve
from analysis.ingest.embed import embed_passages, encoder
from analysis.ingest.index import current_embedder, ensure_vector_index, missing_chunks, page_at, write_chunks
from analysis.models import Chunk, ChunkVector, Document, DocumentVersion, Embedder
from analysis.types import ChunkSpan

pytestmark = pytest.mark.django_db

LAW = "This Agreement is governed by the laws of Ireland."
FEES = "The Customer shall pay the fees within thirty days of the invoice."
TERM = "This Agreement continues for five years from the Effective Date."
LIABILITY = "Neither party is liable for indirect or consequential loss."
WARRANTY = "The Supplier warrants that the Goods are free from defects for twelve months."


def put(workspace, name: str, *texts: str, status: str = "ready") -> Document:
    """Return a document whose chunks are `texts`, each of them a page."""
    document = Document.objects.create(workspace=workspace, name=name)
    version = DocumentVersion.objects.create(document=document, sha256="0", size_bytes=1, status=status)
    document.version = version
    document.save()
    spans, starts = [], [0]
    for ordinal, text in enumerate(texts):
        spans.append(ChunkSpan(ordinal, starts[-1], starts[-1] + len(text), "", len(text.split())))
        starts.append(starts[-1] + len(text))
    embedder = current_embedder(encoder())
    write_chunks(version, embedder, spans, embed_passages(list(texts)), text="".join(texts), page_starts=starts[:-1])
    return document


def ask(workspace, query: str, limit: int = 5) -> list[tuple[str, str]]:
    hits = retrieve(query, documents=Document.objects.filter(workspace=workspace), limit=limit)
    return [(hit.document_name, hit.text) for hit in hits]


def test_best_passage_comes_first_with_its_place(cast):
    document = put(cast.workspace, "lease.pdf", FEES, LIABILITY, LAW, WARRANTY)
    hit = retrieve("Which law applies?", documents=Document.objects.all(), limit=1)[0]
    assert hit.text == LAW
    assert (hit.document_id, hit.document_name) == (str(document.pk), "lease.pdf")
    assert (hit.version_id, hit.page_number) == (document.version_id, 3)
    assert (hit.start_char, hit.end_char) == (len(FEES + LIABILITY), len(FEES + LIABILITY + LAW))
    assert hit.score == pytest.approx(2 / 61)  # first by vector and by words; one document has nothing to prefer


def test_a_word_that_no_vector_knows_is_found(cast):
    put(cast.workspace, "a.pdf", FEES, TERM, "Reference QX-77/b applies.", LAW, WARRANTY)
    assert ask(cast.workspace, "QX-77/b", limit=1) == [("a.pdf", "Reference QX-77/b applies.")]


def test_neighbours_are_one_passage_and_no_more_than_two(cast):
    put(cast.workspace, "a.pdf", LAW, FEES, TERM)
    assert sorted(text for _, text in ask(cast.workspace, "Agreement fees", limit=3)) == sorted([LAW + FEES, TERM])


def test_identical_clauses_are_both_kept_and_both_found(cast):
    put(cast.workspace, "one.pdf", LAW, FEES)
    put(cast.workspace, "two.pdf", WARRANTY, FEES, LAW)
    found = ask(cast.workspace, "governed by the laws of Ireland", limit=2)
    assert sorted(found) == [("one.pdf", LAW), ("two.pdf", LAW)]


def test_identical_clauses_of_one_document_are_both_found(cast):
    put(cast.workspace, "one.pdf", LAW, FEES, LAW)
    hits = retrieve("governed by the laws of Ireland", documents=Document.objects.all(), limit=2)
    assert sorted((hit.text, hit.start_char) for hit in hits) == [(LAW, 0), (LAW, len(LAW + FEES))]


def test_the_document_that_the_question_names_is_preferred(cast):
    for name in ("Acme", "Borealis", "Cyclone", "Dorado"):
        put(cast.workspace, f"{name} supply.pdf", f"Supply agreement with {name} Limited.", FEES, TERM, LAW)
    found = ask(cast.workspace, "Which law governs the Cyclone agreement?", limit=1)
    assert found == [("Cyclone supply.pdf", LAW)]


def test_no_document_is_preferred_when_all_are_alike(cast):
    documents = [put(cast.workspace, f"{n}.pdf", FEES, LAW) for n in range(4)]
    versions = [document.version_id for document in documents]
    lexemes = module._lexemes(module._query_words("Which laws govern the fees?"), versions)
    assert module._named(lexemes, versions) == ([], set())


def test_outsider_never_gets_a_passage_even_if_it_is_the_query_itself(cast):
    elsewhere = cast.outsider.workspaces.get()
    put(cast.workspace, "ours.pdf", LAW)
    put(elsewhere, "theirs.pdf", FEES)
    assert ask(elsewhere, LAW) == [("theirs.pdf", FEES)]
    assert ask(cast.workspace, FEES) == [("ours.pdf", LAW)]


def test_only_the_chosen_documents_are_searched(cast):
    chosen = put(cast.workspace, "a.pdf", FEES)
    put(cast.workspace, "b.pdf", LAW)
    hits = retrieve(LAW, documents=Document.objects.filter(pk=chosen.pk), limit=5)
    assert [hit.document_name for hit in hits] == ["a.pdf"]


def test_deleted_and_unready_documents_are_not_found(cast):
    put(cast.workspace, "a.pdf", LAW).delete()
    put(cast.workspace, "b.pdf", LAW, status="ingesting")
    put(cast.workspace, "c.pdf", LAW, status="failed")
    assert ask(cast.workspace, LAW) == []


@pytest.mark.parametrize(
    "query", ["", "   ", "\0", "the of and", "'", "\\", "a & | ! <-> b", "%s %(x)s", "🙂", "x" * 10**6]
)
def test_any_query_is_answered(cast, query):
    put(cast.workspace, "a.pdf", LAW, FEES)
    assert len(ask(cast.workspace, query)) <= 2


def test_index_scan_filters_inside_and_finds_the_same(cast, monkeypatch):
    for n in range(30):
        put(cast.outsider.workspaces.get(), f"other {n}.pdf", f"{LAW} {n}", f"{FEES} {n}", f"{TERM} {n}")
    put(cast.workspace, "ours.pdf", FEES, WARRANTY, LAW, LIABILITY)
    exact = ask(cast.workspace, "Which law applies?")
    monkeypatch.setattr(module, "EXACT_MAX_CHUNKS", 0)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    assert ask(cast.workspace, "Which law applies?") == exact
    assert exact[0] == ("ours.pdf", LAW + LIABILITY)


def test_vectors_of_another_embedder_are_never_compared(cast):
    put(cast.workspace, "a.pdf", LAW, FEES)
    ChunkVector.objects.update(embedder=Embedder.objects.create(name="other", dims=384))
    Chunk.objects.update(words=None)
    assert ask(cast.workspace, LAW) == []


def test_rank_fusion_adds_reciprocal_ranks():
    assert fused([[7, 8], [8]]) == {7: 1 / 61, 8: 1 / 62 + 1 / 61}


def test_rarity_falls_with_frequency():
    assert rarity_of(1, 10) == pytest.approx(1.9924, abs=1e-4)  # ln(1 + 9.5 / 1.5)
    assert rarity_of(10, 10) == pytest.approx(0.0465, abs=1e-4)  # ln(1 + 0.5 / 10.5)


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
