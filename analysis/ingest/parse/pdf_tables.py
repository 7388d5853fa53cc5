"""Tables of figures on a PDF page, found by how their figures stand under one another.

A page only places characters. Rows whose figures stand right of a label are the body of a table; figures that overlap
from left to right are one column. Headers are laid over the columns whose middle theirs is nearest to. A table whose
figures cannot be told apart that way is left as text, and one with doubts says so by its confidence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from analysis.ingest.parse.grid import closes_figure, is_figure, opens_figure
from analysis.ingest.parse.pdf_pieces import Piece

# Two figure rows with this many others between them are of two tables.
_MOST_BETWEEN = 4
_MOST_HEADER_ROWS = 9
# Rows further apart than this, in heights of a line, are of two tables; a header stands nearer to its columns.
_FARTHEST = 4.5
_FARTHEST_HEADER = 2.6
# A line that goes on with the cell above stands no further below it, in heights.
_NEXT_LINE = 1.45
_MOST_COLUMNS = 24
_LEAST_CONFIDENCE = 0.9
# What a column costs that has a rule under it and no header above the rule, in points of distance.
_LEFT_BARE = 3.0
# What each further column under a header costs: of two equally near, the narrower.
_WIDER = 0.01
# A header's rule stands this far below its line at most, in heights.
_RULE_BELOW = 0.6
_UNITS = re.compile(r"\(.*\b(?:in|dollars|millions|thousands|percentages?)\b.*\)", re.IGNORECASE)
_ASIDE = re.compile(r"\(.*\)")
_NOTE = re.compile(r"(?:\(\d{1,2}\)\s?)+:?")
_UNFINISHED = re.compile(r"(?:,|-|\b(?:and|or|of|the|for|in|on|to|from|by|with|at|per|than|a|an|as))$")


@dataclass(frozen=True)
class Item:
    """Words of one line and one column, a figure with its signs. figure_x0: where the figure starts without "$".

    note: the mark of a footnote, "(1)", which is no amount.
    """

    runs: tuple[Piece, ...]
    x0: float
    x1: float
    figure_x0: float
    text: str
    note: bool = False

    @property
    def middle(self) -> float:
        return (self.x0 + self.x1) / 2

    @cached_property
    def is_figure(self) -> bool:
        return not self.note and is_figure(self.text)


@dataclass(frozen=True)
class Row:
    """One line of the page, left to right."""

    items: tuple[Item, ...]
    y0: float
    y1: float

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @cached_property
    def has_figures(self) -> bool:
        """Whether a figure stands right of something, as in the body of a table."""
        return any(item.is_figure for item in self.items[1:])


@dataclass(frozen=True)
class Column:
    """Where the cells of a column stand. x0: with the currency sign; figure_x0: without."""

    x0: float
    figure_x0: float
    x1: float


@dataclass(frozen=True)
class PageCell:
    """A cell: its words, over several lines perhaps, and its place in the grid."""

    items: tuple[Item, ...]
    row: int
    column: int
    column_span: int = 1
    header: bool = False
    row_span: int = 1


@dataclass
class PageTable:
    """A table of a page: its cells, how sure their columns are, and of which of the given rows of the page it is."""

    row_count: int
    column_count: int
    cells: list[PageCell]
    confidence: float = 1.0
    rows: range = range(0)


def row_of(runs: Sequence[Piece]) -> Row:
    """Return a line of the page from its runs, left to right: signs joined to their figures."""
    items: list[Item] = []
    for run in runs:
        before = items[-1] if items else None
        if before and _takes(before, run):
            start = run.x0 if opens_figure(before.text) else before.figure_x0
            text = f"{before.text}{' ' * run.text[0].isalpha()}{run.text}"
            items[-1] = Item((*before.runs, run), before.x0, run.x1, start, text)
        else:
            items.append(Item((run,), run.x0, run.x1, run.x0, run.text, _is_note(before, run)))
    return Row(tuple(items), min(run.y0 for run in runs), max(run.y1 for run in runs))


def _is_note(before: Item | None, run: Piece) -> bool:
    """Whether a number in brackets touches words, as the mark of a footnote does."""
    if before is None or before.is_figure or not _NOTE.fullmatch(run.text):
        return False
    return run.x0 - before.x1 < 0.8 * max(piece.height for piece in before.runs)


def _takes(before: Item, run: Piece) -> bool:
    if opens_figure(before.text):
        return is_figure(run.text) or run.text[:1].isdigit()
    return closes_figure(run.text) and before.text[-1:].isdigit()


class Rule(NamedTuple):
    """A line drawn across the page, in points."""

    x0: float
    x1: float
    y: float


def find_tables(rows: Sequence[Row], rules: Callable[[], Sequence[Rule]]) -> list[PageTable]:
    """Return the tables of a page in order; rows: all its lines, top to bottom.

    rules: gives those that are drawn on the page; asked for only where there may be a table.
    """
    tables: list[PageTable] = []
    free_from = 0
    bodies = list(_bodies(rows))
    drawn = rules() if bodies else ()
    for first, last in bodies:
        table = _table(rows, max(first, free_from), last, free_from, drawn)
        if table:
            tables.append(table)
            free_from = table.rows.stop
    return tables


def _bodies(rows: Sequence[Row]) -> Iterator[tuple[int, int]]:
    """Yield the stretches of rows that begin and end with figures and are not torn apart by prose."""
    figures = [index for index, row in enumerate(rows) if row.has_figures]
    start = 0
    for place in range(1, len(figures) + 1):
        ends = place == len(figures) or not _together(rows, figures[start:place], figures[place])
        if ends:
            if place - start >= 2:
                yield figures[start], figures[place - 1] + 1
            start = place


def _together(rows: Sequence[Row], body: Sequence[int], following: int) -> bool:
    """Whether the figures of row `following` go on with those of the rows `body`."""
    last = body[-1]
    if following - last > _MOST_BETWEEN + 1:
        return False
    stretch = rows[last : following + 1]
    if any(below.y0 - above.y1 > _FARTHEST * above.height for above, below in pairwise(stretch)):
        return False
    left = min(item.figure_x0 for index in body for item in rows[index].items[1:] if item.is_figure)
    wide = [row.items[-1].x1 > left and len(row.items) == 1 for row in rows[last + 1 : following]]
    # Two lines across the figures are prose; one may be a long label.
    return not any(here and after for here, after in pairwise(wide))


def _table(rows: Sequence[Row], first: int, last: int, free_from: int, rules: Sequence[Rule]) -> PageTable | None:
    body = rows[first:last]
    columns = _columns([row for row in body if row.has_figures])
    if not columns or len(columns) > _MOST_COLUMNS or _is_contents(body, columns):
        return None
    top = _header_start(rows, first, free_from, columns)
    edge = _edge(columns)
    headers = next((i + 1 for i in range(first - 1, top - 1, -1) if rows[i].items[-1].middle > edge), top)
    return _Grid(columns, rows[top:last], headers - top, rules).table(top, last)


def _edge(columns: Sequence[Column]) -> float:
    """Return where headers of columns may begin: wider than figures, they stand out to the left of the first column."""
    gap = columns[1].x0 - columns[0].x1 if len(columns) > 1 else columns[0].x1 - columns[0].x0
    return columns[0].x0 - max(0.0, gap) / 2


def _columns(body: Sequence[Row]) -> list[Column]:
    """Return the columns right of the labels, left to right: where figures overlap, and then words between them."""
    figures = [item for row in body for item in row.items[_labels(row) :] if item.is_figure]
    columns = _undivided(_clusters(figures), body)
    words = [
        item
        for row in body
        for item in row.items[1:]
        if not item.is_figure
        and not item.note
        and not any(item.figure_x0 < column.x1 and column.x0 < item.x1 for column in columns)
    ]
    columns += [cluster for cluster in _clusters(words) if sum(_over(cluster, word) for word in words) * 2 > len(body)]
    return sorted(columns, key=lambda column: column.x0)


def _labels(row: Row) -> int:
    """Return how many items open the row as its label: one, unless it starts with an amount."""
    first = row.items[0]
    return 0 if first.is_figure and len(first.runs) > 1 else 1


def _clusters(items: Sequence[Item]) -> list[Column]:
    clusters: list[Column] = []
    for item in sorted(items, key=lambda item: item.figure_x0):
        if clusters and item.figure_x0 < clusters[-1].x1:
            last = clusters[-1]
            clusters[-1] = Column(min(last.x0, item.x0), last.figure_x0, max(last.x1, item.x1))
        else:
            clusters.append(Column(item.x0, item.figure_x0, item.x1))
    return clusters


def _undivided(columns: list[Column], body: Sequence[Row]) -> list[Column]:
    """Return the columns with those put together that are one, unevenly set: near, and never filled side by side."""
    near = max(row.height for row in body)
    joined: list[Column] = []
    for column in columns:
        before = joined[-1] if joined else None
        if before and column.x0 - before.x1 < near and not any(_both(before, column, row) for row in body):
            joined[-1] = Column(before.x0, before.figure_x0, column.x1)
        else:
            joined.append(column)
    return joined


def _both(left: Column, right: Column, row: Row) -> bool:
    return all(any(_over(column, item) for item in row.items) for column in (left, right))


def _over(column: Column, item: Item) -> bool:
    return item.figure_x0 < column.x1 and column.figure_x0 < item.x1


def _is_contents(body: Sequence[Row], columns: Sequence[Column]) -> bool:
    """Whether this is a table of contents: its only figures are page numbers at the ends of lines, and never fall."""
    others = [item for row in body for item in row.items[:-1] if item.is_figure]
    if others or len(columns) > 2:
        return False
    numbers = [row.items[-1].text for row in body if row.has_figures]
    pages = [int(number) for number in numbers if number.isdecimal() and len(number) <= 4]
    return len(pages) == len(numbers) and pages == sorted(pages)


def _header_start(rows: Sequence[Row], first: int, free_from: int, columns: Sequence[Column]) -> int:
    """Return the row in which the headers above row `first` begin."""
    edge = _edge(columns)
    start, crossed = first, 0
    for index in range(first - 1, max(free_from, first - _MOST_HEADER_ROWS) - 1, -1):
        row, below = rows[index], rows[index + 1]
        over = sum(item.middle > edge for item in row.items)
        # A line alone that stands across labels and figures is a title, unless there are headers above it.
        crosses = len(row.items) == 1 and row.items[0].x0 < edge < row.items[0].x1
        crossed += crosses
        far = below.y0 - row.y1 > _FARTHEST_HEADER * row.height
        prose = crosses and row.items[0].x1 > columns[0].x1 and not _ASIDE.fullmatch(row.items[0].text)
        if far or prose or over > len(columns) or crossed > 1:
            break
        if over and not crosses and (not crossed or over == len(row.items)):
            start = index
    while start < first and len(rows[start].items) == 1 and _ASIDE.fullmatch(rows[start].items[0].text):
        start += 1  # the last line of a title
    return start


class _Grid:
    """Puts the items of a table's rows into columns. Column 0 is that of the labels."""

    def __init__(self, columns: list[Column], rows: Sequence[Row], header_count: int, rules: Sequence[Rule]) -> None:
        self.columns = columns
        self.rows = rows
        self.header_count = header_count
        self.rules = rules
        firsts = [row.items[0] for row in rows[header_count:] if row.has_figures]
        self.labels_x1 = max((item.x1 for item in firsts if item.middle < columns[0].x0), default=0.0)
        self.doubts = 0
        self.placed = 0

    def table(self, first: int, last: int) -> PageTable | None:
        """Return the table, or None where too much of it is in doubt."""
        lines = [self._cells(row, number) for number, row in enumerate(self.rows)]
        lines = self._joined(lines)
        cells = [replace(cell, row=number) for number, line in enumerate(lines) for cell in line.cells]
        whole = sum(len(cell.items) for cell in cells) == sum(len(row.items) for row in self.rows)
        confidence = 1 - self.doubts / max(1, self.placed)
        if confidence < _LEAST_CONFIDENCE or len(lines) < 2 or not whole:
            return None
        return PageTable(len(lines), len(self.columns) + 1, cells, round(confidence, 3), range(first, last))

    def _cells(self, row: Row, number: int) -> _GridLine:
        left = _edge(self.columns) if number < self.header_count else self.columns[0].x0
        alone = len(row.items) == 1 and row.items[0].x0 < left
        # As many headers as columns, all right of the labels: wide ones may begin far left of narrow figures.
        each = number < self.header_count and len(row.items) == len(self.columns) and row.items[0].x0 > self.labels_x1
        labels = [item for item in row.items if not each and (alone or item.middle < left)]
        others = row.items[len(labels) :]
        header = number < self.header_count or bool(others and not labels and not any(i.is_figure for i in others))
        cells = [PageCell(tuple(labels), 0, 0)] if labels else []
        cells += self._over_columns(others, row) if header or not row.has_figures else self._in_columns(others)
        return _GridLine(row, [replace(cell, header=header) for cell in cells], header)

    def _in_columns(self, items: Sequence[Item]) -> list[PageCell]:
        """Return the cells of a body row, each in the column that it overlaps most."""
        cells: dict[int, PageCell] = {}
        for item in items:
            self.placed += 1
            overlaps = [min(item.x1, column.x1) - max(item.figure_x0, column.figure_x0) for column in self.columns]
            best = max(range(len(overlaps)), key=lambda index: overlaps[index])
            clear = overlaps[best] > 0 and sum(overlap > 0 for overlap in overlaps) == 1
            self.doubts += not clear or best + 1 in cells
            before = cells[best + 1].items if best + 1 in cells else ()
            cells[best + 1] = PageCell((*before, item), 0, best + 1)
        return [cells[column] for column in sorted(cells)]

    def _over_columns(self, items: Sequence[Item], row: Row) -> list[PageCell]:
        """Return header cells, each over the run of columns whose middle its own is nearest to."""
        groups, distances = _laid_over(items, self.columns, self._ruled(row))
        if len(items) == 1 and _UNITS.fullmatch(items[0].text):
            groups, distances = [(0, len(self.columns))], [0.0]
        self.placed += len(items)
        narrow = min((after.x1 - before.x1 for before, after in pairwise(self.columns)), default=72.0)
        self.doubts += sum(distance > narrow / 2 for distance in distances)
        return [
            PageCell((item,), 0, first + 1, last - first)
            for item, (first, last) in zip(items, groups, strict=True)
            if last > first
        ]

    def _ruled(self, row: Row) -> list[bool]:
        """Return for each column whether a rule is drawn in it just below `row`."""
        low, high = row.y1 - 0.2 * row.height, row.y1 + _RULE_BELOW * row.height
        near = [rule for rule in self.rules if low <= rule.y <= high]
        return [any(rule.x0 < column.x1 and column.figure_x0 < rule.x1 for rule in near) for column in self.columns]

    def _joined(self, lines: list[_GridLine]) -> list[_GridLine]:
        """Return the lines with those joined that are one row: wrapped labels, and headers of several lines."""
        limit = self.columns[0].x0
        joined: list[_GridLine] = []
        for line in lines:
            if joined and (joined[-1].header_goes_on(line) or joined[-1].label_goes_on(line, limit)):
                joined[-1] = joined[-1].with_line(line)
            else:
                joined.append(line)
        return joined


@dataclass(frozen=True)
class _GridLine:
    """A row of the grid as far as it is known; `row` is the last of its lines."""

    row: Row
    cells: list[PageCell]
    header: bool

    def header_goes_on(self, below: _GridLine) -> bool:
        """Whether `below` holds the second lines of these headers: "July 1," and "2023"."""
        if not (self.header and below.header and self._near(below)):
            return False
        places = {(cell.column, cell.column_span) for cell in self.cells if cell.column}
        further = [(cell.column, cell.column_span) for cell in below.cells if cell.column]
        return bool(further) and all(place in places for place in further)

    def label_goes_on(self, below: _GridLine, limit: float) -> bool:
        """Whether the label of `below` is the rest of this one; figures stand beside the first or the last line.

        limit: where the first column begins. Where the next word would have fitted before it, the label has ended.
        """
        if self.header or below.header or not self._near(below):
            return False
        label, rest = self._labels(), below._labels()
        if not label or not rest or (len(self.cells) > 1 and len(below.cells) > 1) or label[-1].text.endswith(":"):
            return False
        first = rest[0]
        word = (first.x1 - first.x0) * len(first.text.split(" ")[0]) / len(first.text)
        full = label[-1].x1 + word > limit and len(self.cells) == 1
        return full or first.text[:1].islower() or bool(_UNFINISHED.search(label[-1].text))

    def with_line(self, below: _GridLine) -> _GridLine:
        """Return this row with the lines of `below` put to its cells."""
        cells = {cell.column: cell for cell in self.cells}
        for cell in below.cells:
            above = cells.get(cell.column)
            cells[cell.column] = replace(above, items=(*above.items, *cell.items)) if above else cell
        return _GridLine(below.row, [cells[column] for column in sorted(cells)], self.header)

    def _near(self, below: _GridLine) -> bool:
        return below.row.y0 - self.row.y0 < _NEXT_LINE * max(self.row.height, below.row.height)

    def _labels(self) -> Sequence[Item]:
        return self.cells[0].items if self.cells and self.cells[0].column == 0 else ()


def _laid_over(
    items: Sequence[Item], columns: Sequence[Column], ruled: Sequence[bool]
) -> tuple[list[tuple[int, int]], list[float]]:
    """Return for each item the columns [first, last) that it stands over, and how far their middles are apart.

    The runs of columns are in order and do not overlap, and the sum of the distances is the least there is, by dynamic
    programming over (items taken, columns passed). A column may have no header; it costs where a rule asks for one.
    """
    bare = [_LEFT_BARE if asks else 0.0 for asks in ruled]
    best: list[tuple[float, list[tuple[int, int]]] | None] = [(sum(bare[:at]), []) for at in range(len(columns) + 1)]
    for item in items:
        following: list[tuple[float, list[tuple[int, int]]] | None] = [None] * (len(columns) + 1)
        for last in range(1, len(columns) + 1):
            found = [
                (reached[0] + _distance(item, columns[first:last]), [*reached[1], (first, last)])
                for first in range(last)
                if (reached := best[first])
            ]
            skipped = following[last - 1]
            if skipped:
                found.append((skipped[0] + bare[last - 1], skipped[1]))
            following[last] = min(found, key=lambda one: one[0], default=None)
        best = following
    end = best[len(columns)]
    groups = end[1] if end else [(0, 0)] * len(items)
    return groups, [_distance(item, columns[a:b]) if b > a else 0.0 for item, (a, b) in zip(items, groups, strict=True)]


def _distance(item: Item, columns: Sequence[Column]) -> float:
    middle = (columns[0].x0 + columns[-1].x1) / 2
    return abs(item.middle - middle) + _WIDER * len(columns)
