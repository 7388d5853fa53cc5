"""Sentences near to the question, which count beside what a small model copies."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis.answer.findings import with_nearest
from analysis.answer.findings.nearest import LEAST_NEAR, MOST_NEAREST, nearest
from analysis.llm.catalogue import LLM, catalogue
from analysis.types import Finding
from tests.analysis.answer.findings.sources import START, part, quotes

SMALL = LLM("small", "Small", "", window_tokens=8192, max_output_tokens=500, sweep="nearest")
LARGE = LLM("large", "Large", "", window_tokens=8192, max_output_tokens=500)
TEXT = (
    "The office is painted green. Either party may assign this agreement with consent. "
    "Lunch is served at noon. The auditor may examine the ledgers. Bees live in the orchard."
)
AUDITOR = "The auditor may examine the ledgers."


def cosines(**near: float) -> Callable[[str, list[str]], np.ndarray]:
    """Return a meaning that puts sentences with these words that near, and every other one far."""

    def meaning(question: str, sentences: list[str]) -> np.ndarray:
        held = [max([cos for word, cos in near.items() if word in sentence], default=0.0) for sentence in sentences]
        return np.array(held, np.float32)

    return meaning


def test_the_nearest_come_first_and_the_far_not_at_all() -> None:
    spans = nearest("zebra", part(TEXT), cosines(auditor=0.7, Bees=0.8, Lunch=LEAST_NEAR - 0.01))
    assert [TEXT[start:end] for start, end in spans] == ["Bees live in the orchard.", AUDITOR]


@pytest.mark.parametrize(("cosine", "count"), [(0.05, 1), (0.04, 0)])
def test_shared_words_count_by_how_rare_they_are_in_the_part(cosine: float, count: int) -> None:
    text = "Goods are sold here. Goods are stored there. Ostrich meat is kept."
    # "ostrich goods": log(1 + 3/1) for the one, log(1 + 3/2) for the other: 1.386 of 2.303 is 0.602; the bar is 0.65.
    spans = nearest("ostrich goods", part(text), cosines(Ostrich=cosine))
    assert [text[start:end] for start, end in spans] == ["Ostrich meat is kept."] * count


def test_no_more_than_a_few_sentences_count() -> None:
    spans = nearest("zebra", part(TEXT), lambda question, texts: np.ones(len(texts), np.float32))
    assert [TEXT[start:end] for start, end in spans] == [
        "The office is painted green.",
        "Either party may assign this agreement with consent.",
        "Lunch is served at noon.",
    ]
    assert len(spans) == MOST_NEAREST


def test_a_part_without_sentences_has_nothing_near() -> None:
    assert nearest("zebra", part(" \n "), cosines()) == []


def test_what_is_near_is_a_finding_of_the_version() -> None:
    source = part(TEXT)
    found = with_nearest([], "zebra", source, SMALL, meaning=cosines(auditor=0.7))
    assert quotes(found, source) == [AUDITOR]
    assert found[0].start_char == START + TEXT.index(AUDITOR)


def test_what_was_copied_is_not_found_twice_and_all_stays_in_order() -> None:
    source, start = part(TEXT), START + TEXT.index(AUDITOR)
    copied = [Finding(start, start + len(AUDITOR), "as it was written", 0.8)]
    found = with_nearest(copied, "zebra", source, SMALL, meaning=cosines(auditor=0.9, assign=0.7))
    assert quotes(found, source) == ["Either party may assign this agreement with consent.", AUDITOR]
    assert found[1] == copied[0]


def test_a_model_that_finds_by_itself_decides_alone() -> None:
    assert with_nearest([], "zebra", part(TEXT), LARGE, meaning=cosines(auditor=0.9)) == []


def test_the_bundled_models_need_it_and_no_other() -> None:
    assert {llm.id for llm in catalogue().values() if llm.sweep == "nearest"} == {
        "qwen2.5-coder-0.5b-instruct",
        "qwen2.5-coder-1.5b-instruct",
    }
