"""What was said as a document: paragraphs, pages of five minutes, and the seconds of any span."""

from __future__ import annotations

import pytest

from analysis.ingest.spoken import Said, clock, page_name, place_words, seconds_of, spoken_document
from analysis.types import PageSource, Span

MEETING = [
    Said(0.0, 4.0, " Good morning,"),
    Said(4.0, 6.0, "everybody. "),
    Said(6.5, 9.0, "We begin."),
    Said(12.0, 14.0, "The rent"),
    Said(17.0, 19.0, "is due."),
    Said(610.0, 612.0, "We close."),
]


def test_sentences_and_pauses_make_paragraphs_with_their_seconds() -> None:
    document = spoken_document(MEETING, 900.0)
    assert document.kind == "recording"
    assert document.text == "Good morning, everybody.\n\nWe begin.\n\nThe rent\n\nis due.\n\nWe close."
    said = [(document.text[int(a) : int(b)], start, end) for a, b, start, end in document.metadata["times"]]
    assert said[:3] == [("Good morning,", 0.0, 4.0), ("everybody.", 4.0, 6.0), ("We begin.", 6.5, 9.0)]
    assert said[-1] == ("We close.", 610.0, 612.0)
    assert document.metadata["length"] == "15:00"


def test_a_page_is_five_minutes_and_one_without_words_is_blank() -> None:
    document = spoken_document(MEETING, 900.0)
    assert [page.source for page in document.pages] == [PageSource.TEXT, PageSource.BLANK, PageSource.TEXT]
    first, second, third = document.pages
    assert document.text[third.start_char : third.end_char] == "We close."
    assert (first.start_char, first.end_char, second.end_char) == (0, third.start_char, third.start_char)
    assert third.end_char == len(document.text)


def test_words_after_a_long_silence_leave_blank_pages_before_them_and_behind() -> None:
    document = spoken_document([Said(400.0, 402.0, "At last.")], 1200.0)
    assert [(page.start_char, page.end_char) for page in document.pages] == [(0, 0), (0, 8), (8, 8), (8, 8)]


def test_a_long_stretch_without_finer_times_is_shared_out_over_its_sentences() -> None:
    document = spoken_document([Said(10.0, 50.0, "Aaaa aaaa. Bbbb bbbb. Cccc cccc.")], 60.0)
    times = document.metadata["times"]
    assert [document.text[a:b] for a, b, _, _ in times] == ["Aaaa aaaa.", "Bbbb bbbb.", "Cccc cccc."]
    # 32 characters in 40 seconds: 1.25 s each; the second sentence is characters 11 to 21.
    assert [(start, end) for _, _, start, end in times] == [(10.0, 22.5), (23.75, 36.25), (37.5, 50.0)]


def test_a_span_is_spoken_from_a_second_before_it_to_its_end() -> None:
    times = [[0, 10, 0.0, 20.0], [12, 22, 30.0, 40.0]]
    assert seconds_of(times, Span(0, 10)) == (0.0, 20.0)
    assert seconds_of(times, Span(5, 10)) == (9.0, 20.0)
    assert seconds_of(times, Span(8, 17)) == (15.0, 35.0)
    assert seconds_of(times, Span(10, 12)) is None
    assert seconds_of((), Span(0, 10)) is None


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (754.9, "12:34"), (3723, "1:02:03"), (36_000, "10:00:00")])
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_places_are_called_as_people_call_them() -> None:
    assert place_words(3, None) == "page 3"
    assert place_words(3, (754.2, 760.0)) == "12:34"
    assert page_name(3, "recording") == "Minutes 10 to 15"
    assert page_name(3, "pdf") == "Page 3"
