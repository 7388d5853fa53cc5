from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis.ingest.boxes import decode, encode, rectangles, text_lines
from analysis.types import Rectangle, Span

fractions = arrays(np.float32, st.tuples(st.integers(0, 60), st.just(4)), elements=st.floats(0, 1, width=32))


@given(fractions)
def test_what_is_encoded_comes_back_within_half_a_unit(boxes: np.ndarray) -> None:
    back = decode(encode(boxes))
    assert back.shape == boxes.shape
    assert np.abs(back - boxes).max(initial=0) <= 0.5 / 65535 + 1e-6


def test_what_lies_outside_of_the_page_or_is_no_number_is_brought_inside() -> None:
    assert decode(encode(np.array([[-1, 0.5, 2, np.nan]], np.float32))).tolist() == [[0, 0.5000076293945312, 1, 0]]


# "ab c" on one line, a line break without area, "d" on the next.
_BOXES = np.array(
    [
        [0.1, 0.1, 0.2, 0.12],
        [0.2, 0.1, 0.3, 0.12],
        [0, 0, 0, 0],
        [0.4, 0.1, 0.5, 0.12],
        [0, 0, 0, 0],
        [0.1, 0.2, 0.2, 0.22],
    ],
    np.float32,
)


def close(found: list[Rectangle], expected: list[tuple[float, float, float, float]]) -> None:
    assert len(found) == len(expected)
    for rectangle, corners in zip(found, expected, strict=True):
        assert np.allclose([rectangle.x0, rectangle.y0, rectangle.x1, rectangle.y1], corners, atol=1e-4)


def test_a_highlight_is_one_rectangle_a_line() -> None:
    close(rectangles(encode(_BOXES), 100, Span(100, 106)), [(0.1, 0.1, 0.5, 0.12), (0.1, 0.2, 0.2, 0.22)])
    close(rectangles(encode(_BOXES), 100, Span(101, 102)), [(0.2, 0.1, 0.3, 0.12)])


def test_a_span_that_starts_before_the_page_or_ends_after_it_is_cut_to_it() -> None:
    close(rectangles(encode(_BOXES), 100, Span(40, 101)), [(0.1, 0.1, 0.2, 0.12)])
    close(rectangles(encode(_BOXES), 100, Span(105, 900)), [(0.1, 0.2, 0.2, 0.22)])
    assert rectangles(encode(_BOXES), 100, Span(20, 60)) == []
    assert rectangles(encode(_BOXES), 100, Span(104, 105)) == []


def test_text_lines_know_their_offsets() -> None:
    found = text_lines(encode(_BOXES), "ab c\nd")
    assert [(line.text, line.start_char) for line in found] == [("ab c", 0), ("d", 5)]
    assert np.allclose([found[0].x0, found[0].y0, found[0].x1, found[0].y1], [0.1, 0.1, 0.5, 0.12], atol=1e-4)
    assert text_lines(encode(np.zeros((3, 4), np.float32)), "a\nb") == []


def test_on_a_page_without_any_box_the_whole_page_is_highlighted() -> None:
    nowhere = encode(np.zeros((5, 4), np.float32))
    assert rectangles(nowhere, 10, Span(11, 13)) == [Rectangle(0.0, 0.0, 1.0, 1.0)]
    assert rectangles(nowhere, 10, Span(15, 20)) == []
    first_only = np.zeros((5, 4), np.float32)
    first_only[0] = (0.25, 0.25, 0.5, 0.5)
    assert rectangles(encode(first_only), 10, Span(11, 13)) == []
