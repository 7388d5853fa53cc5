"""Transcripts laid over what OCR has read: each word stands where it is on the page."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.ingest.parse.align import aligned_boxes
from analysis.ingest.parse.pdf_write import PageText

ADVANCE, PITCH = 0.01, 0.05  # of a character and of a line, as fractions of the page


def typed(*lines: str) -> PageText:
    """Return lines as OCR would: character c of line n at (0.1 + 0.01 c, 0.1 + 0.05 n)."""
    boxes: list[tuple[float, float, float, float]] = []
    for number, line in enumerate(lines):
        top = 0.1 + PITCH * number
        for column in range(len(line)):
            left = 0.1 + ADVANCE * column
            boxes.append((left, top, left + ADVANCE, top + 0.03))
        boxes.append((0, 0, 0, 0))  # the line break
    return PageText("\n".join(lines), np.array(boxes[:-1], np.float32))


def around(text: str, boxes: np.ndarray, words: str) -> list[float]:
    """Return the box around `words` of `text`, rounded."""
    start = text.index(words)
    inked = boxes[start : start + len(words)]
    inked = inked[inked[:, 2] > inked[:, 0]]
    return [round(float(side), 3) for side in (*inked[:, :2].min(axis=0), *inked[:, 2:].max(axis=0))]


def place(line: int, first: int, last: int) -> list[float]:
    """Return the box of columns `[first, last)` of a line."""
    top = 0.1 + PITCH * line
    return [round(side, 3) for side in (0.1 + ADVANCE * first, top, 0.1 + ADVANCE * last, top + 0.03)]


def test_equal_words_have_the_same_boxes_whatever_the_line_breaks() -> None:
    seen = typed("The Tenant shall pay", "the rent monthly.")
    text = "The Tenant shall\npay the rent\nmonthly."
    boxes = aligned_boxes(text, seen)
    assert boxes.shape == (len(text), 4)
    assert around(text, boxes, "Tenant") == place(0, 4, 10)
    assert around(text, boxes, "pay") == place(0, 17, 20)
    assert around(text, boxes, "monthly.") == place(1, 9, 17)
    breaks = [index for index, char in enumerate(text) if char.isspace()]
    assert not boxes[breaks].any()


def test_a_word_that_ocr_misread_stands_where_it_is() -> None:
    seen = typed("The Tenant shaII pay rnonthly rent.")
    text = "The Tenant shall pay monthly rent."
    boxes = aligned_boxes(text, seen)
    assert around(text, boxes, "shall") == place(0, 11, 16)
    assert around(text, boxes, "monthly") == place(0, 21, 29)
    assert around(text, boxes, "rent.") == place(0, 30, 35)


def test_words_that_ocr_ran_into_one_share_its_box_by_their_length() -> None:
    seen = typed("Section9.Termination of this lease")
    text = "Section 9. Termination of this lease"
    boxes = aligned_boxes(text, seen)
    assert around(text, boxes, "Section") == place(0, 0, 7)
    assert around(text, boxes, "9.") == place(0, 7, 9)
    assert around(text, boxes, "Termination") == place(0, 9, 20)


def test_columns_that_are_read_in_another_order_are_found() -> None:
    seen = typed("Alpha bravo charlie delta", "Echo foxtrot golf hotel", "India juliett kilo lima")
    text = "India juliett kilo lima\nAlpha bravo charlie delta\nEcho foxtrot golf hotel"
    boxes = aligned_boxes(text, seen)
    assert around(text, boxes, "India juliett kilo lima") == place(2, 0, 23)
    assert around(text, boxes, "Echo foxtrot") == place(1, 0, 12)


def test_a_line_that_ocr_could_not_make_out_lies_over_what_it_has_there() -> None:
    seen = typed("Signed in London", "~#xq wv", "Witness present")
    text = "Signed in London\nJ. Smith\nWitness present"
    boxes = aligned_boxes(text, seen)
    left, top, right, bottom = around(text, boxes, "J. Smith")
    assert [left, top, right, bottom] == place(1, 0, 7)


def test_a_line_that_ocr_overlooked_stands_between_its_neighbours() -> None:
    lines = ["The Tenant shall pay", "the rent of the month", "on its first day.", "Late rent bears interest."]
    seen = typed(*lines)
    kept = [index for index, char in enumerate(seen.text) if seen.text[:index].count("\n") not in (1, 2)]
    overlooked = PageText("".join(seen.text[index] for index in kept), seen.boxes[kept])
    text = "\n".join(lines)
    boxes = aligned_boxes(text, overlooked)
    assert around(text, boxes, "rent of the month") == pytest.approx(place(1, 4, 21), abs=0.002)
    assert around(text, boxes, "first day.") == pytest.approx(place(2, 7, 17), abs=0.002)


@pytest.mark.parametrize("seen", [typed(""), typed("Something else altogether")])
def test_words_that_ocr_has_nothing_for_have_no_box_and_none_is_lost(seen: PageText) -> None:
    text = "日本\n\nVertrag" if not seen.text else ""
    boxes = aligned_boxes(text, seen)
    assert boxes.shape == (len(text), 4)
    assert not boxes.any()
