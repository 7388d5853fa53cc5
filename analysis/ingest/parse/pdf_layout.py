"""Reading order: a page's characters made into lines, columns and paragraphs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.pdf_chars import LINE_END_HYPHEN, Chars

_SOFT_HYPHEN = 0xAD
_BREAKS = (0x0A, 0x0D)
# Two pieces stand on one line when their heights overlap by this share of the lower one.
_SAME_LINE = 0.5
# A blank this many times a line's height inside a line may be the gap between two columns.
_WIDE_GAP = 1.2
_COLUMN_LINES = 6
_COLUMN_WORDS = 3.5
_PARAGRAPH_PITCH = 1.28
_ENDS_SENTENCE = re.compile(r"[.;:!?][\"'”’)\]]*$")
_OPENS_ITEM = re.compile(r"(?:\(?[0-9ivxlcIVXLC]{1,5}[.)]|\(?[a-zA-Z][.)]|\d+(?:\.\d+)+\.?|[•▪–—\-*])\s+\S")


@dataclass
class Piece:
    """Characters that pdfium wrote side by side: `codes[start:end]`, in points on the displayed page."""

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float
    text: str

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2


@dataclass
class Line:
    """Pieces on one line, left to right. column: lines of different columns never make a paragraph."""

    pieces: list[Piece]
    column: int = 0
    x0: float = field(init=False)
    y0: float = field(init=False)
    x1: float = field(init=False)
    y1: float = field(init=False)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.x0 = min(piece.x0 for piece in self.pieces)
        self.y0 = min(piece.y0 for piece in self.pieces)
        self.x1 = max(piece.x1 for piece in self.pieces)
        self.y1 = max(piece.y1 for piece in self.pieces)
        self.text = " ".join(piece.text for piece in self.pieces)

    @property
    def height(self) -> float:
        return self.y1 - self.y0


@dataclass(frozen=True)
class PageText:
    """A page's text and float32[len(text), 4], a box for each character."""

    text: str
    boxes: NDArray[np.float32]


def lay_out(chars: Chars, width: float, height: float) -> PageText:
    """Return the text of a page of `width` x `height` points in reading order; boxes stay fractions."""
    boxes = chars.boxes * np.array([width, height, width, height], np.float32)
    boxes = _upright(chars.codes, boxes)
    lines = _lines(_pieces(chars.codes, boxes), chars.codes, boxes, float(boxes[:, 2].max(initial=1.0)))
    return _write(lines, chars)


def _upright(codes: NDArray[np.uint32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn the boxes of a page that is written sideways, for ordering only."""
    inked = boxes[_is_ink(codes)]
    if len(inked) < 8:
        return boxes
    steps = np.diff((inked[:, :2] + inked[:, 2:]) / 2, axis=0)
    reach = np.median(inked[:, 3] - inked[:, 1]) * 2
    near = steps[(np.abs(steps) < reach).all(axis=1)]
    down, across = near[:, 1], near[:, 0]
    if np.count_nonzero(np.abs(down) > np.abs(across)) <= 0.6 * len(near):
        return boxes
    if np.median(down) < 0:  # bottom to top: the page's head is at its left
        return np.stack([-boxes[:, 3], boxes[:, 0], -boxes[:, 1], boxes[:, 2]], axis=1)
    return np.stack([boxes[:, 1], -boxes[:, 2], boxes[:, 3], -boxes[:, 0]], axis=1)


def _pieces(codes: NDArray[np.uint32], boxes: NDArray[np.float32]) -> list[Piece]:
    breaks = np.isin(codes, _BREAKS)
    hyphens = codes == LINE_END_HYPHEN
    # A piece starts after a break or a line-end hyphen.
    edges = np.flatnonzero(breaks | np.append(False, hyphens[:-1])) if len(codes) else np.zeros(0, np.int64)
    pieces = []
    for start, end in zip(np.append(0, edges), np.append(edges, len(codes)), strict=True):
        piece = _piece(codes, boxes, int(start), int(end))
        if piece:
            pieces.append(piece)
    return pieces


def _is_ink(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    ink: NDArray[np.bool_] = (codes > 0x20) | (codes == LINE_END_HYPHEN)
    return ink


def _piece(codes: NDArray[np.uint32], boxes: NDArray[np.float32], start: int, end: int) -> Piece | None:
    inked = np.flatnonzero(_is_ink(codes[start:end]))
    if not len(inked):
        return None
    ink = boxes[start + inked]
    start, end = start + int(inked[0]), start + int(inked[-1]) + 1
    x0, y0 = ink[:, :2].min(axis=0).tolist()
    x1, y1 = ink[:, 2:].max(axis=0).tolist()
    return Piece(start, end, x0, y0, x1, y1, text_of(codes[start:end]))


def text_of(codes: NDArray[np.uint32]) -> str:
    """Return the string of Unicode `codes`."""
    return codes.astype("<u4").tobytes().decode("utf-32-le")


def _lines(pieces: list[Piece], codes: NDArray[np.uint32], boxes: NDArray[np.float32], width: float) -> list[Line]:
    segments = [segment for piece in pieces for segment in _segments(piece, codes, boxes)]
    columns = _columns(segments, width)
    if columns is not None:
        return columns
    if _in_order(pieces):
        return _merge_neighbours(pieces)
    return _rows(pieces)


def _segments(piece: Piece, codes: NDArray[np.uint32], boxes: NDArray[np.float32]) -> list[Piece]:
    """Split a piece at wide gaps, where one line may run through two columns."""
    inked = np.flatnonzero(_is_ink(codes[piece.start : piece.end])) + piece.start
    gaps = boxes[inked[1:], 0] - boxes[inked[:-1], 2]
    cuts = inked[1:][gaps > _WIDE_GAP * piece.height]
    if not len(cuts):
        return [piece]
    parts = zip([piece.start, *cuts.tolist()], [*cuts.tolist(), piece.end], strict=True)
    return [part for part in (_piece(codes, boxes, start, end) for start, end in parts) if part]


def _in_order(pieces: list[Piece]) -> bool:
    return all(after.middle > before.middle - 0.5 * before.height for before, after in pairwise(pieces))


def _same_line(first: Piece | Line, second: Piece | Line) -> bool:
    overlap = min(first.y1, second.y1) - max(first.y0, second.y0)
    return overlap > _SAME_LINE * min(first.height, second.height)


def _merge_neighbours(pieces: list[Piece], column: int = 0) -> list[Line]:
    """Keep pdfium's order; pieces that follow each other on one line become one."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        if groups and _same_line(groups[-1][-1], piece) and piece.x0 >= groups[-1][-1].x1 - piece.height:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [Line(group, column) for group in groups]


def _rows(pieces: list[Piece], column: int = 0) -> list[Line]:
    """Order pieces top to bottom and, on one line, left to right."""
    groups: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if groups and _same_line(groups[-1][0], piece):
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [Line(sorted(group, key=lambda piece: piece.x0), column) for group in groups]


def _columns(segments: list[Piece], width: float) -> list[Line] | None:
    """Return the lines of a page set in columns: what is above, left, right, what is below. None for one column."""
    if len(segments) < 2 * _COLUMN_LINES:
        return None
    ordered = sorted(segments, key=lambda segment: segment.middle)
    best = max((_band(ordered, width * share / 100) for share in range(28, 73, 2)), key=lambda band: band[0])
    lines, first, last, gutter = best
    if lines < _COLUMN_LINES:
        return None
    band = ordered[first:last]
    left = [segment for segment in band if segment.x1 <= gutter]
    right = [segment for segment in band if segment.x1 > gutter]
    if not (_is_prose(left) and _is_prose(right)):
        return None
    above = _columns(ordered[:first], width) or _rows(ordered[:first])
    below = _columns(ordered[last:], width) or _rows(ordered[last:], 3)
    return [*above, *_rows(left, 1), *_rows(right, 2), *below]


def _band(ordered: list[Piece], gutter: float) -> tuple[int, int, int, float]:
    """Return the longest run that nothing crosses at x = gutter: (lines of the shorter column, first, last, gutter)."""
    best, first, left, right = (0, 0, 0, gutter), 0, 0, 0
    for index, segment in enumerate(ordered):
        if segment.x0 < gutter < segment.x1:
            first, left, right = index + 1, 0, 0
            continue
        left, right = left + (segment.x1 <= gutter), right + (segment.x1 > gutter)
        if min(left, right) > best[0]:
            best = (min(left, right), first, index + 1, gutter)
        elif min(left, right) == best[0] and first == best[1]:
            best = (best[0], first, index + 1, gutter)
    return best


def _is_prose(column: list[Piece]) -> bool:
    """Whether these lines fill a column as prose does; cells of a table do not."""
    width = max(piece.x1 for piece in column) - min(piece.x0 for piece in column)
    full = sum(piece.x1 - piece.x0 > 0.7 * width for piece in column)
    words = sum(piece.text.count(" ") + 1 for piece in column)
    return full >= 0.5 * len(column) and words >= _COLUMN_WORDS * len(column)


def _write(lines: list[Line], chars: Chars) -> PageText:
    gaps = _gaps(lines)
    places: list[NDArray[np.int64]] = []
    for line, gap in zip(lines, gaps, strict=True):
        for number, piece in enumerate(line.pieces):
            if number:
                places.append(_inserted(" "))
            places.append(np.arange(piece.start, piece.end))
        if gap and chars.codes[line.pieces[-1].end - 1] == _SOFT_HYPHEN:
            # A soft hyphen says that the word goes on: the parts are joined.
            places[-1] = places[-1][:-1]
        else:
            places.append(_inserted(gap))
    return _gather(np.concatenate(places) if places else np.zeros(0, np.int64), chars)


def _inserted(text: str) -> NDArray[np.int64]:
    return np.array([-ord(char) for char in text], np.int64)


def _gather(places: NDArray[np.int64], chars: Chars) -> PageText:
    """places: indices into `chars`, or minus the code of an inserted character."""
    inserted = places < 0
    source = np.where(inserted, 0, places)
    codes = np.where(inserted, -places, chars.codes[source] if len(chars.codes) else 0).astype(np.uint32)
    codes[codes == LINE_END_HYPHEN] = ord("-")
    boxes = chars.boxes[source].copy() if len(chars.boxes) else np.zeros((len(places), 4), np.float32)
    boxes[inserted] = 0
    return PageText(text_of(codes), boxes)


def _gaps(lines: list[Line]) -> list[str]:
    """Return what follows each line: a line break, a paragraph break, or nothing after the last."""
    if not lines:
        return []
    pitches = [after.y0 - before.y0 for before, after in pairwise(lines)]
    usual = [pitch for pitch, line in zip(pitches, lines, strict=False) if 0 < pitch < 3.5 * line.height]
    pitch = median(usual) if usual else 0.0
    right = {line.column: max(other.x1 for other in lines if other.column == line.column) for line in lines}
    pairs = pairwise(lines)
    return [*(_gap(before, after, pitch, right[before.column]) for before, after in pairs), ""]


def _gap(before: Line, after: Line, pitch: float, right: float) -> str:
    if before.column != after.column:
        return "\n\n" if _ENDS_SENTENCE.search(before.text) else "\n"
    step = after.y0 - before.y0
    if step < 0 or step > max(_PARAGRAPH_PITCH * pitch, 1.1 * before.height):
        return "\n\n"
    # The next word would have fitted: the line was ended on purpose.
    room = right - before.x1
    word = len(after.text.split(" ", 1)[0]) / max(1, len(after.text)) * (after.x1 - after.x0)
    ended = room > word + 0.4 * before.height
    starts = after.text[:1].isupper() and _ENDS_SENTENCE.search(before.text)
    return "\n\n" if ended and (starts or _OPENS_ITEM.match(after.text)) else "\n"
