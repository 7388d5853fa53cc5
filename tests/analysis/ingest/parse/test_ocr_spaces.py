"""Blanks in recognised lines, from lines drawn here: dark bars for letters."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.ingest.parse.ocr_spaces import with_blanks


def line(*bars: tuple[int, int]) -> np.ndarray:
    """Return a line of print 20 pixels high and 100 wide, inked from the first to the second column of each bar."""
    picture = np.full((20, 100, 3), 255, np.uint8)
    for start, end in bars:
        picture[:, start:end] = 0
    return picture


@pytest.mark.parametrize(
    ("text", "bars", "expected"),
    [
        ("ab", [(0, 20), (30, 50)], "a b"),
        ("ab", [(0, 20), (21, 50)], "ab"),
        ("甲方", [(0, 14), (24, 40)], "甲方"),  # half a square between narrow characters is no blank
        ("甲方", [(0, 20), (45, 65)], "甲 方"),
        ("于A", [(0, 20), (30, 50)], "于 A"),
    ],
)
def test_blanks(text: str, bars: list[tuple[int, int]], expected: str) -> None:
    places = [(start + end) / 200 for start, end in bars]
    read, where = with_blanks(text, places, line(*bars))
    assert read == expected
    assert where == sorted(where)
    assert len(where) == len(read)
