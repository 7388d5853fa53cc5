"""A table's grid: cells put in their rows and columns, what belongs to one figure joined, header rows found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from analysis.types import Span

CELL_SEPARATOR = " | "
# A file may claim any span; no table that is read by people is wider or longer.
WIDEST_SPAN = 200
MOST_CELLS = 50_000
_LONGEST_CAPTION = 300
LONGEST_HEADER = 60
_YEAR = re.compile(r"(?:19|20)\d\d")
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:[.'’ ]\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?)"
_FIGURE = re.compile(
    rf"[$€£¥]?\s?[(+−–-]?\s?[$€£¥]?\s?{_NUMBER}\s?%?\s?\)?\s?%?(?:\s?(?:bps|x|pts?))?"
    r"|[$€£¥]?\s?\(?[—–-]\s?\)?\s?%?|N/?[AM]",
    re.IGNORECASE,
)
_OPENS_FIGURE = re.compile(r"[$€£¥(]|[$€£¥]\s?\(")
_CLOSES_FIGURE = re.compile(r"\)|%|\)\s?%|pts|bps|x")


@dataclass(frozen=True)
class Cell:
    """A cell as a file states it, in its row; its column follows from the cells before it."""

    text: str
    row_span: int = 1
    column_span: int = 1
    header: bool = False


@dataclass(frozen=True)
class GridCell:
    """A cell in its place; rows and columns count from 0."""

    row: int
    column: int
    row_span: int
    column_span: int
    text: str
    header: bool = False

    @property
    def columns(self) -> range:
        return range(self.column, self.column + self.column_span)


def grid_of(rows: Sequence[Sequence[Cell]]) -> list[GridCell]:
    """Return the cells that have words, in the order of the text, on a grid without empty rows or columns.

    The places are those that HTML gives its cells: each takes the first column that no cell from above reaches into.
    """
    return with_headers(squeezed(with_signs(_placed(rows))))


def _placed(rows: Sequence[Sequence[Cell]]) -> list[GridCell]:
    cells: list[GridCell] = []
    free_from: dict[int, int] = defaultdict(int)  # column -> first row that no cell from above reaches into
    for row, stated in enumerate(rows):
        column = 0
        for cell in stated:
            while free_from[column] > row:
                column += 1
            spans = (max(1, min(cell.row_span, len(rows) - row)), max(1, min(cell.column_span, WIDEST_SPAN)))
            placed = GridCell(row, column, *spans, cell.text, cell.header)
            free_from.update(dict.fromkeys(placed.columns, row + spans[0]))
            cells.append(placed)
            column += spans[1]
        if len(cells) > MOST_CELLS:
            break
    return [cell for cell in cells if cell.text]


def with_signs(cells: list[GridCell]) -> list[GridCell]:
    """Return the cells with currency signs and closing brackets, which statements set in columns of their own, joined.

    "$" goes to the figure on its right, ")" and "%" to the one on its left.
    """
    joined: list[GridCell] = []
    for cell in cells:
        before = joined[-1] if joined and joined[-1].row == cell.row else None
        if before and _is_one_figure(before.text, cell.text):
            # The figure's own column counts: the sign is not there in every row.
            figure = before if closes_figure(cell.text) else cell
            joined[-1] = replace(figure, text=before.text + cell.text)
        else:
            joined.append(cell)
    return joined


def _is_one_figure(left: str, right: str) -> bool:
    if opens_figure(left):
        return is_figure(right) or right[:1].isdigit()
    return closes_figure(right) and left[-1:].isdigit()


def opens_figure(text: str) -> bool:
    """Whether `text` is only what stands before a figure: "$", "("."""
    return bool(_OPENS_FIGURE.fullmatch(text))


def closes_figure(text: str) -> bool:
    """Whether `text` is only what stands behind a figure: ")", "%"."""
    return bool(_CLOSES_FIGURE.fullmatch(text))


def squeezed(cells: Sequence[GridCell]) -> list[GridCell]:
    """Return the cells on a grid without the rows and columns that are there for looks.

    No cell starts in such a row or column, or every cell that starts in the one before reaches over it.
    """
    rows = {row: i for i, row in enumerate(sorted({cell.row for cell in cells}))}
    columns = _column_numbers(cells)
    return [
        replace(
            cell,
            row=rows[cell.row],
            column=columns[cell.column],
            row_span=sum(cell.row <= row < cell.row + cell.row_span for row in rows),
            column_span=len({number for column, number in columns.items() if column in cell.columns}),
        )
        for cell in cells
    ]


def _column_numbers(cells: Sequence[GridCell]) -> dict[int, int]:
    """Return the new number of each column that a cell starts in."""
    reaches: dict[int, int] = {}  # where a column's cells start -> how far all of them reach
    for cell in cells:
        reaches[cell.column] = min(cell.columns.stop, reaches.get(cell.column, cell.columns.stop))
    numbers: dict[int, int] = {}
    number, covered = -1, 0
    for column in sorted(reaches):
        if column >= covered:
            number, covered = number + 1, reaches[column]
        else:
            covered = min(covered, reaches[column])
        numbers[column] = number
    return numbers


def extent(cells: Sequence[GridCell]) -> tuple[int, int]:
    """Return how many rows and columns the cells reach over."""
    return max(cell.row + cell.row_span for cell in cells), max(cell.column + cell.column_span for cell in cells)


def with_headers(cells: list[GridCell]) -> list[GridCell]:
    """Return the cells with those of header rows marked; those that the file has marked stay so."""
    rows = _by_row(cells)
    count = 0 if rows and all(cell.header for cell in rows[0]) else header_row_count(rows)
    return [replace(cell, header=True) if cell.row < count else cell for cell in cells]


def _by_row(cells: Iterable[GridCell]) -> list[list[GridCell]]:
    rows: dict[int, list[GridCell]] = defaultdict(list)
    for cell in cells:
        rows[cell.row].append(cell)
    return [rows[row] for row in sorted(rows)]


def header_row_count(rows: Sequence[Sequence[GridCell]]) -> int:
    """Return how many rows at the top are column headers.

    In a table of figures: those above the first figure, up to a row that has a label only. In one of words: the first
    row, if it alone has no label, or if there are three columns and more and it is full of short words; in narrower
    ones names and values cannot be told from headers, and nothing is said.
    """
    figures = next((i for i, row in enumerate(rows) if any(cell.column and is_figure(cell.text) for cell in row)), None)
    if figures is not None:
        count = next((i for i, row in enumerate(rows[:figures]) if all(cell.column == 0 for cell in row)), figures)
        # A title that reaches over the whole table stands above its headers.
        titled = count == 0 and figures > 1 and rows[0][0].column_span > 1
        return figures if titled else count
    columns = max((cell.column + cell.column_span for row in rows for cell in row), default=0)
    first = rows[0] if rows else ()
    if len(rows) > 1 and first[0].column and all(row[0].column == 0 for row in rows[1:]):
        return 1
    full = len(first) == columns and all(len(c.text) <= LONGEST_HEADER and c.text[-1] not in ".:;" for c in first)
    return 1 if full and columns >= 3 and len(rows) >= 3 else 0


def is_figure(text: str) -> bool:
    """Whether `text` is an amount, a share, or the dash that stands for none; a year is a header's word."""
    return bool(_FIGURE.fullmatch(text.strip())) and not _YEAR.fullmatch(text.strip())


def caption_before(paragraph: str, start_char: int) -> Span | None:
    """Return the span of what in `paragraph`, just before a table, introduces it: all of it, or its last sentence.

    start_char: where the paragraph starts. None where neither is short enough to be a caption.
    """
    text = paragraph.rstrip()
    if not text:
        return None
    end = start_char + len(text)
    if len(text) <= _LONGEST_CAPTION:
        return Span(start_char, end)
    from analysis.sentences import split_sentences

    last = split_sentences(text)[-1]
    if text.endswith(":") and last.end_char - last.start_char <= _LONGEST_CAPTION:
        return Span(start_char + last.start_char, end)
    return None
