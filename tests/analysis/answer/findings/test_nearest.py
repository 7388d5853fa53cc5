"""Sentences that probably answer the question, which count beside what a small model copies."""

from __future__ import annotations

from analysis.answer.findings import with_nearest
from analysis.answer.findings.nearest import MOST_NEAREST, nearest
from analysis.llm.catalogue import LLM, catalogue
from analysis.types import Finding
from tests.analysis.answer.findings.sources import START, part, quotes
from tests.analysis.review.meanings import word_vectors

SMALL = LLM("small", "Small", "", window_tokens=8192, max_output_tokens=500, sweep="nearest")
LARGE = LLM("large", "Large", "", window_tokens=8192, max_output_tokens=500)
TEXT = (
    "The office is painted green. Neither party may assign this agreement without the consent of the other. "
    "Lunch is served at noon. The auditor may examine the ledgers. Bees live in the orchard."
)
ASSIGNMENT = "Neither party may assign this agreement without the consent of the other."
BEES, ABOUT_BEES = "Bees live in the orchard.", "Do bees live in the orchard?"


def test_what_is_improbable_is_not_found_at_all() -> None:
    spans = nearest(ABOUT_BEES, part(TEXT), word_vectors)
    assert [TEXT[start - START : end - START] for start, end in spans] == [BEES]
    assert nearest("Who walks the zebra?", part(TEXT), word_vectors) == []


def test_a_known_clause_is_found_in_other_words_than_the_question() -> None:
    found = with_nearest([], "Is there an anti-assignment clause?", part(TEXT), SMALL, meaning=word_vectors)
    assert quotes(found, part(TEXT)) == [ASSIGNMENT]


def test_no_more_than_a_few_sentences_count() -> None:
    text = " ".join(f"Bees live in the orchard of farm {name}." for name in ("Ash", "Birch", "Cedar", "Elm", "Fir"))
    assert len(nearest(ABOUT_BEES, part(text), word_vectors)) == MOST_NEAREST


def test_a_part_without_sentences_has_nothing_near() -> None:
    assert nearest(ABOUT_BEES, part(" \n "), word_vectors) == []


def test_what_was_copied_is_not_found_twice_and_all_stays_in_order() -> None:
    source, start = part(TEXT), START + TEXT.index(BEES)
    copied = [Finding(start, start + len(BEES), "as it was written", 0.8)]
    found = with_nearest(copied, ABOUT_BEES, source, SMALL, meaning=word_vectors)
    assert found == copied
    both = with_nearest(copied, "Is there an anti-assignment clause?", source, SMALL, meaning=word_vectors)
    assert quotes(both, source) == [ASSIGNMENT, BEES]


def test_a_model_that_finds_by_itself_decides_alone() -> None:
    assert with_nearest([], ABOUT_BEES, part(TEXT), LARGE, meaning=word_vectors) == []


def test_the_bundled_models_need_it_and_no_other() -> None:
    assert {llm.id for llm in catalogue().values() if llm.sweep == "nearest"} == {
        "qwen2.5-coder-0.5b-instruct",
        "qwen2.5-coder-1.5b-instruct",
    }
