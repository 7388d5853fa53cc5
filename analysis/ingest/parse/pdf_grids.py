"""Tables on a PDF page whose cells are closed by lines that are drawn around them, whatever their words.

Nothing is guessed: a cell is an area that lines close on all sides. Where lines do not close around words, or words run
over a line, the whole of it stays text. A single box is none, nor boxes in one row or column, nor a signature block.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.grid import LONGEST_HEADER, GridCell, extent, header_row_count, squeezed
from analysis.ingest.parse.pdf_pieces import Glyphs, Line, Piece
from analysis.ingest.parse.pdf_tables import Item, PageCell, PageTable

# Lines that are nearer than this, in points, are one; ends that are nearer meet.
_NEAR = 2.5
# Of two rows or columns.
_LEAST_WALLS = 3
_MOST_LINES = 4_000
_MOST_PLACES = 6_000
_OUTSIDE, _CROSSING = -1, -2
_CLOSED = 3
# A character's box is wider than its ink; what of it is left when this share is cut off on each side is in one cell.
_TRIM = np.array([0.25, 0.3], np.float32)
_SIGNING = re.compile(
    r"(?:By|Per|Sign(?:ed|ature)|Name|Title|Date|Its|Von|Unterschrift|Datum)\b.{0,20}?(?::|_{3,}|$)", re.I
)
_SIGNS = re.compile(r"(?:By|Per|Sign(?:ed|ature)\b.{0,20}?|Unterschrift)\s*(?::|_{3,})", re.I)


@dataclass(frozen=True)
class Grid:
    """Lines that meet: where they stand, and which cell each place between two of them is part of.

    cells: int32[len(ys) - 1, len(xs) - 1], the number of a closed cell or `_OUTSIDE`. places: of each cell row, column,
    row_span and column_span.
    """

    xs: NDArray[np.float32]
    ys: NDArray[np.float32]
    cells: NDArray[np.int32]
    places: list[tuple[int, int, int, int]]

    def at(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.int32]:
        """Return the cell in which each point is, `_OUTSIDE` for none."""
        framed = np.pad(self.cells, 1, constant_values=_OUTSIDE)
        found: NDArray[np.int32] = framed[np.searchsorted(self.ys, y), np.searchsorted(self.xs, x)]
        return found


def find_grids(lines: NDArray[np.float32]) -> list[Grid]:
    """Return the grids of two rows and two columns and more that `lines` close, from top to bottom.

    lines: float32[n, 4], thin boxes in points.
    """
    lies = lines[:, 2] - lines[:, 0] >= lines[:, 3] - lines[:, 1]
    if len(lines) > _MOST_LINES or min(np.count_nonzero(lies), np.count_nonzero(~lies)) < _LEAST_WALLS:
        return []
    across, down = _walls(lines[lies]), _walls(lines[~lies][:, [1, 0, 3, 2]])
    grids = (_grid(across[of_across], down[of_down]) for of_across, of_down in _meeting(across, down))
    return sorted((grid for grid in grids if grid), key=lambda grid: float(grid.ys[0]))


def _walls(lines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return float32[n, 3], (start, end, height) of lines across: parts joined, almost one height made one."""
    levels: dict[float, list[list[float]]] = defaultdict(list)
    heights = (lines[:, 1] + lines[:, 3]) / 2
    order = np.argsort(heights)
    groups = np.split(order, np.flatnonzero(np.diff(heights[order]) > _NEAR) + 1)
    for group in groups if len(lines) else ():
        level = levels[float(heights[group].mean())]
        for start, end in sorted(lines[group][:, [0, 2]].tolist()):
            if level and start <= level[-1][1] + _NEAR:
                level[-1][1] = max(level[-1][1], end)
            else:
                level.append([start, end])
    walls = [(start, end, height) for height, parts in levels.items() for start, end in parts]
    return np.array(walls, np.float32).reshape(-1, 3)


def _meeting(
    across: NDArray[np.float32], down: NDArray[np.float32]
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the numbers of the walls across and down that hang together, three and more of each."""
    touch = _within(across[:, 2][None, :], down) & _within(down[:, 2][:, None], across, axis=1)
    left = np.ones(len(down), np.bool_)
    while left.any():
        of_down = np.zeros(len(down), np.bool_)
        of_down[np.flatnonzero(left)[0]] = True
        while True:
            of_across = touch[of_down].any(axis=0)
            reached = touch[:, of_across].any(axis=1) | of_down
            if (reached == of_down).all():
                break
            of_down = reached
        left &= ~of_down
        if min(of_across.sum(), of_down.sum()) >= _LEAST_WALLS:
            yield np.flatnonzero(of_across), np.flatnonzero(of_down)


def _within(points: NDArray[np.float32], walls: NDArray[np.float32], axis: int = 0) -> NDArray[np.bool_]:
    starts, ends = walls[:, 0], walls[:, 1]
    if axis == 0:
        starts, ends = starts[:, None], ends[:, None]
    within: NDArray[np.bool_] = (points >= starts - _NEAR) & (points <= ends + _NEAR)
    return within


def _grid(across: NDArray[np.float32], down: NDArray[np.float32]) -> Grid | None:
    """Return the grid of walls that meet; None where a cell is no rectangle, or a wall ends inside of one."""
    ys, xs = np.unique(across[:, 2]), np.unique(down[:, 2])
    if min(len(ys), len(xs)) < _LEAST_WALLS or len(ys) * len(xs) > _MOST_PLACES:
        return None
    over, beside = _drawn(across, ys, xs), _drawn(down, xs, ys).T  # [len(ys), columns], [rows, len(xs)]
    cells = _areas(over == _CLOSED, beside == _CLOSED)
    places: list[tuple[int, int, int, int]] = []
    numbered = np.full_like(cells, _OUTSIDE)
    for number in np.unique(cells[cells > 0]).tolist():
        rows, columns = np.nonzero(cells == number)
        top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        split = over[top + 1 : bottom, left:right].any() or beside[top:bottom, left + 1 : right].any()
        if split or len(rows) != (bottom - top) * (right - left):
            return None
        numbered[top:bottom, left:right] = len(places)
        places.append((int(top), int(left), int(bottom - top), int(right - left)))
    return Grid(xs.astype(np.float32), ys.astype(np.float32), numbered, places)


def _drawn(walls: NDArray[np.float32], heights: NDArray[np.float32], edges: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return int32[len(heights), len(edges) - 1]: `_CLOSED` where a wall is drawn there from edge to edge.

    Elsewhere 0, or 1 where it is drawn in part.
    """
    drawn = np.zeros((len(heights), len(edges) - 1), np.int32)
    for start, end, height in walls:
        row = drawn[np.searchsorted(heights, height)]
        reach = np.minimum(edges[1:], end) - np.maximum(edges[:-1], start)
        row[reach > 2 * _NEAR] |= 1
        row[(edges[:-1] >= start - _NEAR) & (edges[1:] <= end + _NEAR)] |= _CLOSED
    return drawn


def _areas(over: NDArray[np.bool_], beside: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the number of the area that each place is part of; 0 for those that are open to the outside."""
    rows, columns = beside.shape[0], over.shape[1]
    areas = np.pad(np.arange(1, rows * columns + 1, dtype=np.int32).reshape(rows, columns), 1)
    open_down = np.pad(~over, ((0, 0), (1, 1)), constant_values=True)
    open_right = np.pad(~beside, ((1, 1), (0, 0)), constant_values=True)
    while True:
        before = areas.copy()
        low = np.minimum(areas[:-1], areas[1:])
        areas[:-1] = np.where(open_down, low, areas[:-1])
        areas[1:] = np.where(open_down, np.minimum(low, areas[1:]), areas[1:])
        low = np.minimum(areas[:, :-1], areas[:, 1:])
        areas[:, :-1] = np.where(open_right, low, areas[:, :-1])
        areas[:, 1:] = np.where(open_right, np.minimum(low, areas[:, 1:]), areas[:, 1:])
        if (areas == before).all():
            return areas[1:-1, 1:-1]


@dataclass(frozen=True)
class RuledTable:
    """A table and where it stands. inside: of the characters that can be seen, those that are in it."""

    table: PageTable
    y0: float
    y1: float
    inside: NDArray[np.bool_]


def ruled_tables(
    lines: NDArray[np.float32], glyphs: Glyphs, in_lines: Callable[[list[Piece]], list[Line]]
) -> list[RuledTable]:
    """Return the tables that `lines` close, from top to bottom, none inside of another.

    lines: float32[n, 4], thin boxes in points. in_lines: puts the pieces of a cell into lines.
    """
    tables: list[RuledTable] = []
    for grid in find_grids(lines):
        cells = _cells(grid, glyphs.ink)
        apart = not tables or grid.ys[0] > tables[-1].y1 - _NEAR
        table = _table(grid, cells, glyphs, in_lines) if apart and _is_whole(grid, cells, glyphs) else None
        if table:
            tables.append(RuledTable(table, float(grid.ys[0]), float(grid.ys[-1]), cells >= 0))
    return tables


def _table(
    grid: Grid, cells: NDArray[np.int32], glyphs: Glyphs, in_lines: Callable[[list[Piece]], list[Line]]
) -> PageTable | None:
    """Return the table of the words in a grid; None where these are only boxes or signatures."""
    pieces: dict[int, list[Piece]] = defaultdict(list)
    for number, piece in glyphs.grouped(cells):
        pieces[number].append(piece)
    filled = sorted((number for number in pieces if number >= 0), key=lambda number: grid.places[number][:2])
    words = [[_item(piece) for line in in_lines(pieces[number]) for piece in line.pieces] for number in filled]
    stated = [
        GridCell(*grid.places[number], " ".join(item.text for item in items))
        for number, items in zip(filled, words, strict=True)
    ]
    placed = squeezed(stated)
    if min(extent(placed)) < 2 or _is_signed(placed):
        return None
    headers = _header_rows(placed)
    page_cells = [
        PageCell(tuple(items), cell.row, cell.column, cell.column_span, cell.row < headers, cell.row_span)
        for items, cell in zip(words, placed, strict=True)
    ]
    return PageTable(*extent(placed), page_cells)


def _cells(grid: Grid, boxes: NDArray[np.float32]) -> NDArray[np.int32]:
    """Return the cell of each box, `_OUTSIDE` beside the grid, `_CROSSING` where it is in several or on a line."""
    inset = (boxes[:, 2:] - boxes[:, :2]) * _TRIM
    (x0, y0), (x1, y1) = (boxes[:, :2] + inset).T, (boxes[:, 2:] - inset).T
    first = grid.at(x0, y0)
    same = (first == grid.at(x1, y0)) & (first == grid.at(x0, y1)) & (first == grid.at(x1, y1))
    cells: NDArray[np.int32] = np.where(same, first, _CROSSING).astype(np.int32)
    inside = (x1 > grid.xs[0]) & (x0 < grid.xs[-1]) & (y1 > grid.ys[0]) & (y0 < grid.ys[-1])
    cells[inside & (cells == _OUTSIDE)] = _CROSSING
    return cells


def _is_whole(grid: Grid, cells: NDArray[np.int32], glyphs: Glyphs) -> bool:
    """Whether no word runs over a line, none is between open lines, and none beside the grid."""
    if not (cells >= 0).any() or (cells == _CROSSING).any():
        return False
    middles = (glyphs.ink[:, 1] + glyphs.ink[:, 3]) / 2
    if ((cells == _OUTSIDE) & (middles > grid.ys[0]) & (middles < grid.ys[-1])).any():
        return False
    return not (glyphs.touching() & (np.diff(cells) != 0)).any()


def _item(piece: Piece) -> Item:
    return Item((piece,), piece.x0, piece.x1, piece.x0, piece.text)


def _is_signed(cells: Sequence[GridCell]) -> bool:
    """Whether these are the boxes in which parties sign: one says so, and many hold a name, a title or a date."""
    signing = sum(bool(_SIGNING.match(cell.text)) for cell in cells)
    return any(_SIGNS.search(cell.text) for cell in cells) and 3 * signing >= len(cells)


def _header_rows(cells: Sequence[GridCell]) -> int:
    """Return how many rows at the top name columns: more than one only where cells reach over columns or down."""
    rows = [[cell for cell in cells if cell.row == row] for row in range(extent(cells)[0])]
    deep = 1
    while deep < len(rows) and any(cell.column_span > 1 or cell.row + cell.row_span > deep for cell in rows[deep - 1]):
        deep += 1
    if len(rows[0]) == 1 and rows[0][0].column_span == extent(cells)[1]:  # a title stands above the headers
        below = [replace(cell, row=cell.row - 1) for row in rows[1:] for cell in row]
        count = _header_rows(below) if below else 0
        return count + 1 if count else 0
    head = [cell for row in rows[:deep] for cell in row]
    # What stands in the corner, if anything, reaches down beside all of them.
    corner = all(cell.column or not cell.row for cell in head)
    merged = 1 < deep < len(rows) and corner and all(len(cell.text) <= LONGEST_HEADER for cell in head)
    return deep if merged else min(deep, header_row_count(rows))
