"""Reading order: a page's characters made into lines, columns and paragraphs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.grid import is_figure
from analysis.ingest.parse.pdf_chars import Chars
from analysis.ingest.parse.pdf_grids import RuledTable, ruled_tables
from analysis.ingest.parse.pdf_pieces import Glyphs, Line, Piece, is_ink, same_line
from analysis.ingest.parse.pdf_tables import PageTable, Rule, find_tables, row_of
from analysis.ingest.parse.pdf_write import PageText, write

# A blank this many times a line's height inside a line may be the gap between two columns.
_WIDE_GAP = 1.2
_COLUMN_LINES = 6
_COLUMN_WORDS = 3.5
# With fewer lines that end with a figure a page has no table of figures.
_LEAST_FIGURES = 3
# With fewer pieces beside others a page has no table of two rows and two columns.
_LEAST_PAIRS = 2
# A rule under a header is longer than this, in points.
_SHORTEST_RULE = 10.0

Boxes = NDArray[np.float32]


def lay_out(
    chars: Chars, width: float, height: float, rules: Callable[[], NDArray[np.float32]] | None = None
) -> PageText:
    """Return the text of a page of `width` x `height` points in reading order; boxes stay fractions.

    rules: gives the lines that are drawn on the page as float32[n, 4] fractions; asked for only where tables may be.
    """
    size = np.array([width, height, width, height], np.float32)
    turn = _turn(chars.codes, chars.boxes * size)
    glyphs = Glyphs(chars.codes, turn(chars.boxes * size))
    drawn = cache(lambda: turn(rules() * size) if rules else np.zeros((0, 4), np.float32))
    pieces = glyphs.pieces()
    segments = _segments(pieces, glyphs)
    if rules and _may_hold_grids(segments):
        ruled = ruled_tables(drawn(), glyphs, _text_lines)
        if ruled:
            return write(_around(ruled, glyphs, drawn), chars)
    return write(_read(pieces, segments, glyphs, drawn), chars)


def _segments(pieces: list[Piece], glyphs: Glyphs) -> list[Piece]:
    return [part for piece in pieces for part in glyphs.split(piece, _WIDE_GAP)]


def _may_hold_grids(segments: list[Piece]) -> bool:
    """Whether more than one line has something beside something else; looked at before anything that takes long."""
    ordered = sorted(segments, key=lambda segment: segment.middle)
    return sum(same_line(above, below) for above, below in pairwise(ordered)) >= _LEAST_PAIRS


def _around(ruled: list[RuledTable], glyphs: Glyphs, drawn: Callable[[], Boxes]) -> list[Line | PageTable]:
    """Return the ruled tables in their places between what stands above, between and below them."""
    inside = np.logical_or.reduce([one.inside for one in ruled]).astype(np.int32)
    others = [piece for is_inside, piece in glyphs.grouped(inside) if not is_inside]
    edges = [-np.inf, *(one.y0 for one in ruled), np.inf]
    stretches = [[piece for piece in others if low <= piece.middle < high] for low, high in pairwise(edges)]
    read = [_read(stretch, _segments(stretch, glyphs), glyphs, drawn) for stretch in stretches]
    return [*read[0], *(block for one, below in zip(ruled, read[1:], strict=True) for block in (one.table, *below))]


def _read(
    pieces: list[Piece], segments: list[Piece], glyphs: Glyphs, drawn: Callable[[], Boxes]
) -> list[Line | PageTable]:
    """Return lines and tables of figures in reading order."""
    columns = _columns(segments, float(glyphs.boxes[:, 2].max(initial=1.0)))
    if columns is not None:
        return [*columns]
    if not _may_hold_tables(segments):
        return [*_text_lines(pieces)]
    return _blocks([(piece, glyphs.runs(piece)) for piece in pieces], lambda: _rules(drawn()))


def _rules(lines: NDArray[np.float32]) -> list[Rule]:
    """Return the lines across the page, but not those down."""
    return [Rule(x0, x1, y0) for x0, y0, x1, y1 in lines.tolist() if x1 - x0 > _SHORTEST_RULE and x1 - x0 > y1 - y0]


def _may_hold_tables(segments: list[Piece]) -> bool:
    """Whether enough lines end with a figure; looked at before anything that takes long."""
    return sum(is_figure(segment.text.rpartition(" ")[2]) for segment in segments) >= _LEAST_FIGURES


def _blocks(pieces: list[tuple[Piece, list[Piece]]], rules: Callable[[], list[Rule]]) -> list[Line | PageTable]:
    """Return the tables in their places between the lines of the rest; pieces: each with the runs that make it up."""
    rows = _rows([run for _, runs in pieces for run in runs])
    row_numbers = {run.start: number for number, row in enumerate(rows) for run in row.pieces}
    blocks: list[Line | PageTable] = []
    at = 0
    for table in find_tables([row_of(row.pieces) for row in rows], rules):
        blocks += [*_text_lines(_between(pieces, row_numbers, at, table.rows.start)), table]
        at = table.rows.stop
    return [*blocks, *_text_lines(_between(pieces, row_numbers, at, len(rows)))]


def _between(
    pieces: list[tuple[Piece, list[Piece]]], row_numbers: dict[int, int], first: int, last: int
) -> list[Piece]:
    """Return what stands in the rows [first, last): whole pieces, or those runs of a piece that do."""
    found: list[Piece] = []
    for piece, runs in pieces:
        inside = [run for run in runs if first <= row_numbers[run.start] < last]
        found += [piece] if len(inside) == len(runs) else inside
    return found


def _text_lines(pieces: list[Piece]) -> list[Line]:
    return _merge_neighbours(pieces) if _in_order(pieces) else _rows(pieces)


def _turn(codes: NDArray[np.uint32], boxes: Boxes) -> Callable[[Boxes], Boxes]:
    """Return what turns boxes of a page that is written sideways, for ordering only."""
    inked = boxes[is_ink(codes)]
    if len(inked) < 8:
        return _as_is
    steps = np.diff((inked[:, :2] + inked[:, 2:]) / 2, axis=0)
    reach = np.median(inked[:, 3] - inked[:, 1]) * 2
    near = steps[(np.abs(steps) < reach).all(axis=1)]
    down, across = near[:, 1], near[:, 0]
    if np.count_nonzero(np.abs(down) > np.abs(across)) <= 0.6 * len(near):
        return _as_is
    # Bottom to top: the page's head is at its left.
    return _from_left if np.median(down) < 0 else _from_right


def _as_is(boxes: Boxes) -> Boxes:
    return boxes


def _from_left(boxes: Boxes) -> Boxes:
    return np.stack([-boxes[:, 3], boxes[:, 0], -boxes[:, 1], boxes[:, 2]], axis=1)


def _from_right(boxes: Boxes) -> Boxes:
    return np.stack([boxes[:, 1], -boxes[:, 2], boxes[:, 3], -boxes[:, 0]], axis=1)


def _in_order(pieces: list[Piece]) -> bool:
    return all(after.middle > before.middle - 0.5 * before.height for before, after in pairwise(pieces))


def _merge_neighbours(pieces: list[Piece], column: int = 0) -> list[Line]:
    """Keep pdfium's order; pieces that follow each other on one line become one."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        if groups and same_line(groups[-1][-1], piece) and piece.x0 >= groups[-1][-1].x1 - piece.height:
            groups[-1].append(piece)
        else:
            groups.append([piece])
    return [Line(group, column) for group in groups]


def _rows(pieces: list[Piece], column: int = 0) -> list[Line]:
    """Order pieces top to bottom and, on one line, left to right."""
    groups: list[list[Piece]] = []
    for piece in sorted(pieces, key=lambda piece: piece.middle):
        if groups and same_line(groups[-1][0], piece):
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
