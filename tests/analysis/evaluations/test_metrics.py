"""The measures, against values worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.evaluations import metrics
from analysis.evaluations.metrics import Place, PrecisionRecall, Scored
from analysis.types import Span

GOLD = [Place("lease", 100, 200), Place("loan", 0, 50)]
RANKED = [Scored(0.9, True), Scored(0.8, False), Scored(0.7, True), Scored(0.2, False)]


def test_characters_are_counted_over_all_documents_and_once_each() -> None:
    returned = [Place("lease", 150, 250), Place("lease", 160, 180), Place("loan", 0, 25), Place("deed", 0, 50)]
    scores = metrics.character_scores(returned, GOLD, [1, 2, 3, 4, 64])
    assert scores[1] == PrecisionRecall(50 / 100, 50 / 150)
    assert scores[2] == scores[1]  # its characters were all in the first
    assert scores[3] == PrecisionRecall(75 / 125, 75 / 150)
    assert scores[4] == PrecisionRecall(75 / 175, 75 / 150)
    assert scores[64] == scores[4]


def test_gold_spans_that_overlap_are_one() -> None:
    gold = [Place("lease", 0, 10), Place("lease", 5, 20), Place("lease", 7, 8)]
    scores = metrics.character_scores([Place("lease", 0, 10)], gold, [1])
    assert scores[1] == PrecisionRecall(1.0, 0.5)


def test_nothing_returned_and_nothing_to_find() -> None:
    assert metrics.character_scores([], GOLD, [1])[1] == PrecisionRecall(0.0, 0.0)
    assert metrics.character_scores([GOLD[0]], [], [1])[1] == PrecisionRecall(0.0, 1.0)
    assert metrics.character_scores([Place("lease", 9, 9)], GOLD, [1])[1] == PrecisionRecall(0.0, 0.0)


spans = st.builds(lambda d, a, n: Place(d, a, a + n), st.sampled_from("ab"), st.integers(0, 40), st.integers(0, 20))


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8))
def test_as_counted_character_by_character(returned: list[Place], gold: list[Place]) -> None:
    held, wanted = ({(p.document, c) for p in places for c in range(p.start, p.end)} for places in (returned, gold))
    shared = len(held & wanted)
    expected = PrecisionRecall(shared / len(held) if held else 0.0, shared / len(wanted) if wanted else 1.0)
    assert metrics.character_scores(returned, gold, [8])[8] == expected


def test_words_are_compared_as_cuad_compares_them() -> None:
    assert metrics.words_of("Net 30 days, and/or: UPON receipt.") == {
        "net",
        "30",
        "days",
        "and",
        "or",
        "upon",
        "receipt",
    }
    assert metrics.word_jaccard("the term is five years", "Term is five (5) years.") == 4 / 6
    assert metrics.span_match("a b c", "a b d") is True  # 2 of 4
    assert metrics.span_match("a b c", "a d e") is False  # 1 of 5
    assert metrics.word_jaccard("", ".,") == 0.0


def test_the_rank_of_the_first_right_one() -> None:
    assert metrics.reciprocal_rank(["x", "y", "z"], {"y", "z"}) == 0.5
    assert metrics.reciprocal_rank(["x"], {"y"}) == 0.0


def test_recall_counts_each_document_as_one_rank() -> None:
    ranked = ["lease", "lease", "loan", "deed"]
    assert metrics.recall_at(ranked, ["loan", "deed"], 1) == 0.0
    assert metrics.recall_at(ranked, ["loan", "deed"], 2) == 0.5
    assert metrics.recall_at(ranked, ["loan", "deed"], 3) == 1.0
    assert metrics.recall_at(ranked, [], 3) == 1.0


def test_the_precision_recall_curve_and_its_areas() -> None:
    assert metrics.precision_recall_curve(RANKED, 4) == [
        PrecisionRecall(1.0, 0.25),
        PrecisionRecall(1 / 2, 0.25),
        PrecisionRecall(2 / 3, 0.5),
        PrecisionRecall(2 / 4, 0.5),
    ]
    assert metrics.average_precision(RANKED, 4) == pytest.approx(0.25 * 1 + 0.25 * 2 / 3)
    # (0, 1) to (0.25, 1), then down to 2/3, which 1/2 before it is levelled up to
    assert metrics.area_under_curve(RANKED, 4) == pytest.approx(0.25 * 1 + 0.25 * (2 / 3 + 2 / 3) / 2)
    assert metrics.average_precision([], 4) == metrics.average_precision(RANKED[1:2], 0) == 0.0


def test_predictions_of_one_score_come_together() -> None:
    alike = [Scored(0.5, True), Scored(0.5, False)]
    assert metrics.precision_recall_curve(alike, 1) == [PrecisionRecall(0.5, 1.0)]
    assert metrics.average_precision(alike, 1) == metrics.average_precision(alike[::-1], 1) == 0.5


def test_the_best_precision_at_a_recall() -> None:
    assert metrics.precision_at_recall(RANKED, 2, recall=0.8) == 2 / 3
    assert metrics.precision_at_recall(RANKED, 4, recall=0.5) == 2 / 3
    assert metrics.precision_at_recall(RANKED, 4, recall=0.8) == 0.0


def test_precision_recall_and_f1_of_a_label() -> None:
    pairs = [("yes", "yes"), ("yes", "yes"), ("yes", "no"), ("no", "yes"), ("silent", "silent")]
    assert metrics.label_scores(pairs, "yes") == PrecisionRecall(2 / 3, 2 / 3)
    assert metrics.label_scores(pairs, "yes").f1 == pytest.approx(2 / 3)
    assert metrics.label_scores(pairs, "no") == PrecisionRecall(0.0, 0.0)


def test_spans_overlap_when_they_share_a_character() -> None:
    assert metrics.overlaps([Span(0, 5), Span(9, 12)], Span(11, 20))
    assert not metrics.overlaps([Span(0, 5)], Span(5, 9))
