"""Line numbers and the characters behind them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.repository.lines import line_table


def test_lines_count_from_one_and_hold_their_break() -> None:
    table = line_table("a\n\nbc\n")
    assert table.count == 3
    assert [table.line_of(char) for char in range(6)] == [1, 1, 2, 3, 3, 3]
    assert table.span_of(2, 3) == (2, 6)
    assert table.lines_of(0, 3) == (1, 2)


@pytest.mark.parametrize(("text", "count"), [("", 1), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)])
def test_a_last_line_break_opens_no_line(text: str, count: int) -> None:
    assert line_table(text).count == count


@given(st.text("ab\n\r", max_size=40))
def test_lines_cover_the_text(text: str) -> None:
    table = line_table(text)
    spans = [table.span_of(line, line) for line in range(1, table.count + 1)]
    assert "".join(text[start:end] for start, end in spans) == text
    for line, (start, end) in enumerate(spans, 1):
        assert all(table.line_of(char) == line for char in range(start, end))
