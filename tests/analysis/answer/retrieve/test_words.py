"""BM25 over postings, against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.answer.retrieve.naming import Member, rarity_of
from analysis.answer.retrieve.words import Weighted, best_chunks, chunk_scores, read_postings, saturated, weighted
from analysis.ingest.postings import postings, sentences_of, unpack
from analysis.types import ChunkSpan, Identity
from tests.analysis.answer.retrieve.rows import put

# Three chunks of one sentence each.
TEXT = "fish fish boat. boat. sail."
SPANS = [ChunkSpan(0, 0, 16, "", 3), ChunkSpan(1, 16, 22, "", 1), ChunkSpan(2, 22, 27, "", 1)]
FISH = 0.980829  # ln(1 + 2.5 / 1.5): in one of three sentences
BOAT = 0.470004  # ln(1 + 1.5 / 2.5): in two of three


def test_rarity_falls_with_frequency():
    assert rarity_of(1, 3) == pytest.approx(FISH, abs=1e-6)
    assert rarity_of(2, 3) == pytest.approx(BOAT, abs=1e-6)
    assert rarity_of(10, 10) == pytest.approx(0.0465, abs=1e-4)  # ln(1 + 0.5 / 10.5)


def test_counts_saturate_and_long_texts_weigh_less():
    found = saturated(np.array([1.0, 2.0, 2.0]), np.array([1.0, 1.0, 2.0]))
    # 1 * 2.2 / 2.2; 2 * 2.2 / (2 + 1.2); 2 * 2.2 / (2 + 1.2 * 1.75)
    assert found.tolist() == pytest.approx([1.0, 1.375, 4.4 / 4.1])


def test_chunks_score_as_worked_out_by_hand():
    rows = postings(TEXT, sentences_of(TEXT, SPANS), "en", Identity())
    held = {row.term: [(7, unpack(row.places))] for row in rows if row.term in {"fish", "boat"}}
    terms = Weighted({"fish": FISH, "boat": BOAT}, {"fish": 1.0, "boat": 0.5}, {"fish": 1, "boat": 2})
    keys, scores = chunk_scores(held, terms)
    assert [int(key) & 0x3FFFF for key in keys] == [0, 1]
    assert scores.tolist() == pytest.approx([1.375 * FISH + 0.5 * BOAT, 0.5 * BOAT])
    assert best_chunks(held, terms, 1) == [(7, 0)]
    assert terms.total == pytest.approx(FISH + 0.5 * BOAT)


def test_the_rarest_terms_come_first_and_one_at_least():
    terms = Weighted({}, {"a": 1.0, "b": 1.0, "c": 1.0, "none": 1.0}, {"a": 50, "b": 3, "c": 60})
    assert terms.rarest(60) == ["b", "a"]
    assert terms.rarest(1) == ["b"]


@pytest.mark.django_db
def test_postings_are_read_of_the_chosen_versions_only(cast):
    one, two = (put(cast.workspace, name, "The boat sails. ", "A boat and a boat. ") for name in ("a.pdf", "b.pdf"))
    found = read_postings({"boat", "absent"}, [one.version_id])
    assert list(found) == ["boat"]
    ((version_id, places),) = found["boat"]
    assert version_id == one.version_id
    assert (places.chunks.tolist(), places.counts.tolist()) == ([0, 1], [1, 2])
    members = [Member(one.version_id, "a", "en", 2, 2), Member(two.version_id, "b", "en", 2, 2)]
    terms = weighted({"boat": 1.0, "sail": 0.5, "absent": 1.0, "added": 0.5}, members)
    assert terms.counts == {"boat": 4, "sail": 2}
    assert set(terms.weights) == {"boat", "sail", "absent"}  # nobody asked for "added", and nothing has it
