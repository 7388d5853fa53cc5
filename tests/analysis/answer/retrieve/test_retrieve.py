"""Retrieval: what is found, in what order, and what never is."""

from __future__ import annotations

from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.answer.retrieve import meaning, ranking, retrieve
from analysis.answer.retrieve.naming import scope_of
from analysis.models import ChunkVector, Document, Embedder, Lexicon, Posting
from tests.analysis.answer.retrieve.rows import FEES, LAW, LIABILITY, TERM, WARRANTY, put

pytestmark = pytest.mark.django_db


def ask(workspace, query: str, limit: int = 5) -> list[tuple[str, str]]:
    hits = retrieve(query, documents=Document.objects.filter(workspace=workspace), limit=limit)
    return [(hit.document_name, hit.text) for hit in hits]


def test_the_clause_comes_first_with_its_place(cast):
    document = put(cast.workspace, "lease.pdf", FEES, LIABILITY, TERM + LAW, WARRANTY)
    hit = retrieve("Which law applies?", documents=Document.objects.all(), limit=1)[0]
    assert hit.text == LAW.strip()
    assert (hit.document_id, hit.document_name) == (str(document.pk), "lease.pdf")
    assert (hit.version_id, hit.page_number) == (document.version_id, 3)
    start = len(FEES + LIABILITY + TERM)
    assert (hit.start_char, hit.end_char) == (start, start + len(LAW.strip()))
    assert 0 < hit.score < 1


def test_what_is_left_of_the_chunk_comes_later_and_no_character_twice(cast):
    put(cast.workspace, "lease.pdf", TERM + LAW + FEES, WARRANTY, LIABILITY)
    hits = retrieve("governed by the laws of Ireland", documents=Document.objects.all(), limit=10)
    assert hits[0].text == LAW.strip()
    places = [char for hit in hits for char in range(hit.start_char, hit.end_char)]
    assert len(places) == len(set(places))
    assert all(any(clause.strip() in hit.text for hit in hits[1:]) for clause in (TERM, FEES))
    assert [hit.score for hit in hits[1:]] == sorted((hit.score for hit in hits[1:]), reverse=True)


def test_every_passage_is_a_span_of_its_text(cast):
    document = put(cast.workspace, "lease.pdf", FEES, TERM + LAW, WARRANTY + LIABILITY)
    whole = FEES + TERM + LAW + WARRANTY + LIABILITY
    hits = retrieve("liable for fees under the laws", documents=Document.objects.filter(pk=document.pk), limit=10)
    assert [hit.text for hit in hits] == [whole[hit.start_char : hit.end_char] for hit in hits]


def test_a_word_that_no_vector_knows_is_found(cast):
    put(cast.workspace, "a.pdf", FEES, TERM, "Reference QX-77/b applies. ", LAW, WARRANTY)
    assert ask(cast.workspace, "QX-77/b", limit=1) == [("a.pdf", "Reference QX-77/b applies.")]


def test_what_contracts_call_otherwise_is_found(cast):
    put(cast.workspace, "a.pdf", FEES, "It shall be in force until 31 May 2031 unless ended before. ", LAW, WARRANTY)
    (found,) = ask(cast.workspace, "What is the expiration date?", limit=1)
    assert found[1].startswith("It shall be in force until 31 May 2031")


def test_identical_clauses_are_both_kept_and_both_found(cast):
    put(cast.workspace, "one.pdf", LAW, FEES)
    put(cast.workspace, "two.pdf", WARRANTY, FEES, LAW)
    found = ask(cast.workspace, "governed by the laws of Ireland", limit=2)
    assert {name for name, text in found if LAW.strip() in text} == {"one.pdf", "two.pdf"}


def test_only_the_document_that_the_question_names_is_searched(cast):
    for name in ("Acme", "Borealis", "Cyclone", "Dorado"):
        put(cast.workspace, f"{name} supply.pdf", f"Supply agreement with {name} Limited. ", FEES, TERM, LAW)
    found = ask(cast.workspace, "Which law governs the Cyclone agreement?", limit=8)
    assert found[0] == ("Cyclone supply.pdf", LAW.strip())
    assert {name for name, _ in found} == {"Cyclone supply.pdf"}


def test_a_party_names_its_contract_whatever_the_file_is_called(cast):
    for number, name in enumerate(("Acme", "Borealis", "Cyclone", "Dorado")):
        opening = f"SUPPLY AGREEMENT\n\nmade between {name} Limited (the “Supplier”) and Tern plc (the “Buyer”).\n\n"
        put(cast.workspace, f"scan {number}.pdf", opening, FEES, LAW)
    assert ask(cast.workspace, "governing law, Borealis", limit=1) == [("scan 1.pdf", LAW.strip())]


def test_outsider_never_gets_a_passage_even_if_it_is_the_query_itself(cast):
    elsewhere = cast.outsider.workspaces.get()
    put(cast.workspace, "ours.pdf", LAW)
    put(elsewhere, "theirs.pdf", FEES)
    assert ask(elsewhere, LAW) == [("theirs.pdf", FEES.strip())]
    assert ask(cast.workspace, FEES) == [("ours.pdf", LAW.strip())]


def test_nothing_of_another_workspace_is_even_a_candidate(cast):
    elsewhere = cast.outsider.workspaces.get()
    ours = put(cast.workspace, "ours.pdf", LAW, TERM)
    for n in range(4):
        put(elsewhere, f"theirs {n}.pdf", LAW, FEES, LAW)
    ranked = ranking("governed by the laws of Ireland", scope_of(Document.objects.filter(workspace=cast.workspace)))
    assert {chunk.version_id for chunk in ranked.found.chunks} == {ours.version_id}


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
    "query", ["", "   ", "\0", "the of and", "'", "\\", "a & | ! <-> b", "%s %(x)s", "🙂", "合同", "x" * 10**6]
)
def test_any_query_is_answered(cast, query):
    put(cast.workspace, "a.pdf", LAW, FEES)
    assert len(ask(cast.workspace, query)) <= 3


def test_german_and_chinese_are_found_by_their_own_words(cast):
    german = "Der Vertrag kann mit einer Frist von drei Monaten gekündigt werden. "
    chinese = "本合同适用中华人民共和国法律。"
    put(cast.workspace, "de.pdf", german, "Die Vergütung ist monatlich fällig. ", language="de")
    put(cast.workspace, "zh.pdf", "甲方应当支付价款。", chinese, language="zh")
    assert ask(cast.workspace, "Kündigungsfristen", limit=1) == [("de.pdf", german.strip())]
    assert ask(cast.workspace, "适用法律", limit=1) == [("zh.pdf", chinese)]


def test_index_scan_filters_inside_and_finds_the_same(cast, monkeypatch):
    for n in range(30):
        put(cast.outsider.workspaces.get(), f"other {n}.pdf", f"{LAW} {n}", f"{FEES} {n}", f"{TERM} {n}")
    put(cast.workspace, "ours.pdf", FEES, WARRANTY, LAW, LIABILITY)
    exact = ask(cast.workspace, "Which law applies?")
    monkeypatch.setattr(meaning, "EXACT_MAX_CHUNKS", 0)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off")
    assert ask(cast.workspace, "Which law applies?") == exact
    assert exact[0] == ("ours.pdf", LAW.strip())


def test_without_postings_vectors_find_and_without_vectors_words_do(cast):
    put(cast.workspace, "a.pdf", FEES, LAW, WARRANTY)
    Posting.objects.all().delete()
    Lexicon.objects.all().delete()
    assert LAW in ask(cast.workspace, "Which law applies?", limit=1)[0][1]
    ChunkVector.objects.update(embedder=Embedder.objects.create(name="other", dims=384))
    assert ask(cast.workspace, LAW) == []


@settings(max_examples=15)
@given(st.lists(st.sampled_from([LAW, FEES, TERM, LIABILITY, WARRANTY]), min_size=1, max_size=6), st.integers(1, 8))
def test_passages_are_spans_without_overlap_for_any_document(texts, limit):
    from workspaces.models import Workspace

    workspace, _ = Workspace.objects.get_or_create(slug="any", defaults={"name": "Any"})
    document = put(workspace, "any.pdf", *texts)
    hits = retrieve("laws and fees", documents=Document.objects.filter(pk=document.pk), limit=limit)
    whole = "".join(texts)
    places = sorted((hit.start_char, hit.end_char) for hit in hits)
    assert 0 < len(hits) <= limit
    assert all(whole[hit.start_char : hit.end_char] == hit.text for hit in hits)
    assert all(end <= start for (_, end), (start, _) in pairwise(places))
    document.delete()
