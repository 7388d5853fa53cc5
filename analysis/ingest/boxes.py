"""Character boxes: packed for storage, and turned into highlights and a text layer.

A box is (x0, y0, x1, y1) in fractions of the page as displayed, origin top left. Characters that were inserted by the
parser (line breaks, joining spaces) have boxes without area.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.types import Rectangle, Span

Boxes = NDArray[np.float32]
_Box = tuple[float, float, float, float]
_SCALE = 65535
# Two characters stand on one line when their heights overlap by this share of the lower one.
_SAME_LINE_OVERLAP = 0.5


@dataclass(frozen=True)
class TextLine:
    """A line of a page's text: `page_text[start_char:start_char + len(text)]`, and the box around it as fractions."""

    text: str
    start_char: int
    x0: float
    y0: float
    x1: float
    y1: float


def encode(boxes: Boxes) -> bytes:
    """Return float[n, 4] packed: 16 bits a side, differences from character to character, deflated."""
    units = np.rint(np.clip(np.nan_to_num(boxes), 0.0, 1.0) * _SCALE).astype(np.uint16).reshape(-1, 4)
    differences = np.diff(units, axis=0, prepend=np.zeros((1, 4), np.uint16))
    return zlib.compress(np.ascontiguousarray(differences.T, dtype="<u2").tobytes(), 6)


def decode(data: bytes) -> Boxes:
    """Return the boxes as float32[n, 4], within 1/131070 of what was encoded."""
    differences = np.frombuffer(zlib.decompress(data), dtype="<u2").reshape(4, -1).T
    return (np.cumsum(differences, axis=0, dtype=np.uint16) / np.float32(_SCALE)).astype(np.float32)


def rectangles(boxes: bytes, page_start_char: int, span: Span) -> list[Rectangle]:
    """Return what to highlight for `span` on a page whose text starts at `page_start_char`: one rectangle a line.

    It is the whole page where none of its words is known to stand anywhere.
    """
    start = max(0, span.start_char - page_start_char)
    end = max(start, span.end_char - page_start_char)
    places = decode(boxes)
    if len(places[start:end]) and not len(_inked(places)):
        return [Rectangle(0.0, 0.0, 1.0, 1.0)]
    return [Rectangle(*line) for line in _line_boxes(_inked(places[start:end]))]


def rectangles_of(boxes: bytes, page_start_char: int, spans: Sequence[Span]) -> list[list[Rectangle]]:
    """Return the rectangles of each span, one a line; none where its words are not known to stand anywhere."""
    places = decode(boxes)
    starts = [(max(0, span.start_char - page_start_char), max(0, span.end_char - page_start_char)) for span in spans]
    return [[Rectangle(*line) for line in _line_boxes(_inked(places[start:end]))] for start, end in starts]


def text_lines(boxes: bytes, text: str) -> list[TextLine]:
    """Return the lines of a page's `text` that stand somewhere on it, in order."""
    places = decode(boxes)
    lines: list[TextLine] = []
    start = 0
    for line in text.split("\n"):
        inked = _inked(places[start : start + len(line)])
        if len(inked):
            x0, y0 = inked[:, :2].min(axis=0).tolist()
            x1, y1 = inked[:, 2:].max(axis=0).tolist()
            lines.append(TextLine(line, start, x0, y0, x1, y1))
        start += len(line) + 1
    return lines


def _inked(boxes: Boxes) -> Boxes:
    return boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]


def _line_boxes(boxes: Boxes) -> list[_Box]:
    lines: list[_Box] = []
    before: _Box = (0, 0, 0, 0)
    for box in map(_as_box, boxes.tolist()):
        if lines and (_beside(lines[-1], box) or _below(lines[-1], before, box)):
            (left, top, right, bottom), (x0, y0, x1, y1) = lines[-1], box
            lines[-1] = (min(left, x0), min(top, y0), max(right, x1), max(bottom, y1))
        else:
            lines.append(box)
        before = box
    return lines


def _as_box(sides: list[float]) -> _Box:
    x0, y0, x1, y1 = sides
    return x0, y0, x1, y1


def _beside(line: _Box, box: _Box) -> bool:
    overlap = min(line[3], box[3]) - max(line[1], box[1])
    return overlap > _SAME_LINE_OVERLAP * min(line[3] - line[1], box[3] - box[1])


def _below(line: _Box, before: _Box, box: _Box) -> bool:
    """Whether `box` goes on with a line that runs up or down the page: it touches the character before it."""
    overlap = min(before[2], box[2]) - max(before[0], box[0])
    gap = max(before[1], box[1]) - min(before[3], box[3])
    one_wide = line[2] - line[0] < 1.5 * (box[2] - box[0])
    return one_wide and overlap > 0.8 * (box[2] - box[0]) and gap < 0.1 * (box[2] - box[0])
