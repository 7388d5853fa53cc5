"""Texts that nobody writes but somebody may upload: each once took minutes, or had more digits than a number can.

Nothing is timed here. What goes wrong again makes this file run for minutes, which the suite's limit on time ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pytest

from analysis import numerals, words
from analysis.amounts import amounts
from analysis.ingest.understand.references import find_references
from analysis.ingest.understand.uses import undefined_terms
from analysis.review.checklist import ValueKind, built_in
from analysis.review.report import shown_value
from analysis.review.values import values_of
from analysis.review.values.durations import after
from analysis.sentences import split_sentences

CHARACTERS = 40_000


@pytest.mark.parametrize("text", [".", "?!", "1. ", "A. ", "\n1. ", ". . "])
def test_stops_without_end_are_split_in_one_pass(text: str) -> None:
    text = (text * CHARACTERS)[:CHARACTERS] + " End."
    assert "".join(text[start:end] for start, end in split_sentences(text)).count("End.") == 1


@pytest.mark.parametrize("text", [" ", "\t", "§", "1 ", "one ", "one hundred hundred ", "一", "$1 "])
def test_numbers_without_end_are_read_in_one_pass(text: str) -> None:
    text = (text * CHARACTERS)[:CHARACTERS] + " and 7 days"
    assert "7 day" in amounts(text)


@pytest.mark.parametrize(
    ("start", "again"),
    [
        ("", "\n第一条 第一条"),
        ("1. First\n", "Section 1(99999) "),
        ("1. First\n", "(a) Section 1(a) "),
        ("1. First\n", "\n(a) A clause (a) below "),
    ],
)
def test_references_without_end_are_found_in_one_pass(start: str, again: str) -> None:
    assert find_references(start + again * (CHARACTERS // len(again)))


def test_signs_without_end_are_compared_with_every_phrase() -> None:
    held = [built_in().by_id["revenue-sharing"].cues.count(sign * 300) for sign in ("%", " % ", "(", " ")]
    assert held == [0, 0, 0, 0]


@pytest.mark.parametrize("kind", list(ValueKind))
@pytest.mark.parametrize("text", ["$" + "1" * 6_000, "1" * 6_000 + " days", "one" + " hundred" * 4_000 + " percent"])
def test_values_with_thousands_of_digits_can_be_shown(kind: ValueKind, text: str) -> None:
    assert all(shown_value(asdict(value)) for value in values_of(kind, text))


@pytest.mark.parametrize("in_digits", [numerals.in_digits, words.in_digits])
@pytest.mark.parametrize("text", ["一" * 6_000 + "天", "百分之" + "一" * 6_000, "one" + " hundred" * 4_000])
def test_numerals_too_long_for_a_number_are_no_error(in_digits: Callable[[str], str], text: str) -> None:
    assert in_digits(text)


@pytest.mark.parametrize(
    ("start", "length"), [("2026-01-01", "P99999Y"), ("2026-01-01", "P99999M"), ("2026-01", "P1Y")]
)
def test_an_end_past_the_calendar_is_not_worked_out(start: str, length: str) -> None:
    assert after(start, length) is None


def test_a_phrase_longer_than_any_is_no_term() -> None:
    longest = "Such " + "A" + "b" * 119
    assert [term.uses for term in undefined_terms(f"{longest} and. " * 3, [])] == [3]
    assert undefined_terms(f"{longest}b and. " * 3, []) == []
