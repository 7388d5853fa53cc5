"""Parts cover the document without gap, within the limit, along its sections."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analysis.answer.parts import parts_of
from analysis.answer.receipt import merged, ranges
from analysis.types import Span


def words(text: str) -> int:
    return len(text.split())


@given(st.text(alphabet="ab. \n", max_size=400), st.integers(1, 40), st.lists(st.integers(0, 400), max_size=8))
def test_parts_cover_the_text_in_order_and_keep_to_the_limit(text: str, limit: int, starts: list[int]) -> None:
    parts = parts_of(text, starts, limit=limit, size=len)
    assert "".join(text[start:end] for start, end in parts) == text
    assert all(0 < end - start <= limit for start, end in parts)


def test_a_part_ends_where_a_section_starts() -> None:
    text = "one two three four\nSECTION five six seven eight"
    assert parts_of(text, [0, 19], limit=6, size=words) == [Span(0, 19), Span(19, 47)]


def test_without_a_section_a_part_ends_with_a_sentence() -> None:
    text = "One two three four. Five six seven eight nine."
    assert [text[a:b] for a, b in parts_of(text, [], limit=6, size=words)] == [
        "One two three four. ",
        "Five six seven eight nine.",
    ]


def test_ranges() -> None:
    assert ranges([3, 1, 2, 7, 7]) == [[1, 3], [7, 7]]
    assert ranges([]) == []


def test_merged_joins_what_touches_or_overlaps() -> None:
    assert merged([Span(5, 9), Span(0, 3), Span(3, 4), Span(8, 12), Span(20, 21)]) == [
        Span(0, 4), Span(5, 12), Span(20, 21),
    ]  # fmt: skip
