"""Receipts: each page by how it was read, and when a receipt may say that nothing was missed.

The document is 100 characters on five pages of 20; page 5 is sometimes unreadable.
"""

from __future__ import annotations

import pytest

from analysis.answer.receipt import coverage
from analysis.models import Document, Page
from analysis.types import Mode, ReadingPlan, Source, SweptPart, Usage
from tests.analysis.answer.rows import document
from tests.conftest import Cast

TEXT = "abcdefghijklmnopqrs " * 5
PAGES = 5


@pytest.fixture
def row(cast: Cast) -> Document:
    return document(cast, text=TEXT, pages=PAGES)


def plan(mode: Mode, parts: int = 1) -> ReadingPlan:
    return ReadingPlan(mode, mode, "", "test-llm", [], 25, 40, 0, 4096, 100, 1.0, 0.0, 0.0, parts=parts)


def source(row: Document, start: int, end: int) -> Source:
    return Source(str(row.pk), row.name, row.version_id, start, end, TEXT[start:end])


def part(row: Document, start: int, end: int, state: str = "read") -> SweptPart:
    return SweptPart(row.version_id, start, end, state)


def unreadable(row: Document, number: int) -> None:
    Page.objects.filter(version_id=row.version_id, number=number).update(source="unreadable")


NO_PAGES = {"whole": [], "swept": [], "seen": [], "unreadable": [], "skipped": []}


def test_a_document_read_whole(row: Document) -> None:
    receipt = coverage(plan(Mode.WHOLE), [row], [source(row, 0, 100)], Usage(prompt_tokens=40, cached_tokens=30))
    assert receipt["documents"][0]["pages"] == {**NO_PAGES, "whole": [[1, 5]]}
    assert (receipt["pages_read"], receipt["pages_skipped"], receipt["passages"]) == ([[1, 5]], [], [])
    assert (receipt["characters_read"], receipt["characters_total"]) == (100, 100)
    assert (receipt["tokens_sent"], receipt["tokens_cached"], receipt["complete"]) == (40, 30, True)
    assert receipt["parts"] == {"total": 0, "read": 0, "cached": 0, "failed": 0}


def test_a_passage_makes_the_pages_it_touches_seen(row: Document) -> None:
    receipt = coverage(plan(Mode.PASSAGES), [row], [source(row, 65, 75), source(row, 15, 21)], Usage())
    assert receipt["documents"][0]["pages"] == {**NO_PAGES, "seen": [[1, 2], [4, 4]], "skipped": [[3, 3], [5, 5]]}
    assert (receipt["characters_read"], receipt["pages_read_count"], receipt["complete"]) == (16, 3, False)
    assert [(p["start_char"], p["page_number"]) for p in receipt["passages"]] == [(65, 4), (15, 1)]


def test_passages_that_overlap_are_counted_once(row: Document) -> None:
    receipt = coverage(plan(Mode.PASSAGES), [row], [source(row, 0, 12), source(row, 10, 20)], Usage())
    assert (receipt["characters_read"], receipt["documents"][0]["pages"]["seen"]) == (20, [[1, 1]])


def test_a_sweep_in_parts_of_which_one_was_known(row: Document) -> None:
    swept = [part(row, 0, 30), part(row, 30, 70, "cached"), part(row, 70, 100)]
    receipt = coverage(plan(Mode.SWEEP, parts=3), [row], [], Usage(), swept=swept)
    assert receipt["documents"][0]["pages"] == {**NO_PAGES, "swept": [[1, 5]]}
    assert receipt["parts"] == {"total": 3, "read": 2, "cached": 1, "failed": 0}
    assert (receipt["characters_read"], receipt["passages"], receipt["complete"]) == (100, [], True)


def test_a_failed_part_leaves_a_hole_and_proves_nothing(row: Document) -> None:
    swept = [part(row, 0, 30), part(row, 30, 70, "failed"), part(row, 70, 100)]
    receipt = coverage(plan(Mode.SWEEP, parts=3), [row], [], Usage(), swept=swept)
    pages = receipt["documents"][0]["pages"]
    assert pages == {**NO_PAGES, "swept": [[1, 1], [5, 5]], "seen": [[2, 2], [4, 4]], "skipped": [[3, 3]]}
    assert receipt["parts"] == {"total": 3, "read": 2, "cached": 0, "failed": 1}
    assert (receipt["characters_read"], receipt["complete"]) == (60, False)


def test_parts_that_were_never_read_are_missing_from_the_total(row: Document) -> None:
    receipt = coverage(
        plan(Mode.SWEEP, parts=4), [row], [], Usage(finish_reason="stopped"), swept=[part(row, 0, 20)]
    )  # fmt: skip
    assert receipt["parts"] == {"total": 4, "read": 1, "cached": 0, "failed": 0}
    assert (receipt["documents"][0]["pages"]["skipped"], receipt["complete"]) == ([[2, 5]], False)


def test_an_unreadable_page_is_never_read_and_keeps_the_receipt_open(row: Document) -> None:
    unreadable(row, 5)
    receipt = coverage(plan(Mode.WHOLE), [row], [source(row, 0, 100)], Usage())
    assert receipt["documents"][0]["pages"] == {**NO_PAGES, "whole": [[1, 4]], "unreadable": [[5, 5]]}
    assert (receipt["pages_unreadable"], receipt["characters_read"], receipt["complete"]) == ([[5, 5]], 100, False)


def test_a_blank_page_leaves_nothing_out(cast: Cast) -> None:
    row = document(cast, text=TEXT, pages=PAGES)
    Page.objects.create(version_id=row.version_id, number=6, start_char=100, end_char=100, source="blank")
    receipt = coverage(plan(Mode.SWEEP, parts=1), [row], [], Usage(), swept=[part(row, 0, 100)])
    assert (receipt["documents"][0]["pages"]["swept"], receipt["complete"]) == ([[1, 6]], True)


def test_a_document_that_was_not_ready_keeps_the_receipt_open(cast: Cast, row: Document) -> None:
    other = document(cast, name="late.pdf", status="ingesting")
    receipt = coverage(plan(Mode.WHOLE), [row], [source(row, 0, 100)], Usage(), not_ready=[other])
    assert receipt["not_read_in"] == [{"document_id": str(other.pk), "document_name": "late.pdf"}]
    assert receipt["complete"] is False


def test_several_documents_each_by_its_own_pages(cast: Cast, row: Document) -> None:
    other = document(cast, name="other.pdf", text=TEXT, pages=2)
    receipt = coverage(plan(Mode.PASSAGES), [row, other], [source(row, 0, 100), source(other, 0, 10)], Usage())
    assert [each["pages"] for each in receipt["documents"]] == [
        {**NO_PAGES, "whole": [[1, 5]]},
        {**NO_PAGES, "seen": [[1, 1]], "skipped": [[2, 2]]},
    ]
    assert (receipt["pages_total"], receipt["pages_read_count"], receipt["pages_read"]) == (7, 6, [])
    assert receipt["complete"] is False


def test_reading_that_was_stopped_proves_nothing(row: Document) -> None:
    begun = Usage(completion_tokens=1, finish_reason="stopped")
    receipt = coverage(plan(Mode.WHOLE), [row], [source(row, 0, 100)], begun)
    assert (receipt["complete"], receipt["answer_cut"], receipt["characters_read"]) == (False, False, 100)


def test_nothing_counts_as_read_where_it_was_stopped_before_the_first_word(row: Document) -> None:
    receipt = coverage(plan(Mode.WHOLE), [row], [source(row, 0, 100)], Usage(finish_reason="stopped"))
    assert (receipt["characters_read"], receipt["pages_skipped"], receipt["passages"]) == (0, [[1, 5]], [])


def test_an_answer_at_its_longest_has_read_everything(row: Document) -> None:
    receipt = coverage(plan(Mode.WHOLE), [row], [source(row, 0, 100)], Usage(finish_reason="length"))
    assert (receipt["complete"], receipt["answer_cut"]) == (True, True)
