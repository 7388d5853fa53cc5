"""What a table says: the headers over a cell, the label of a row, and the grid as lines of cells."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property

from analysis.types import ParsedTable, Span, TableCell


class TableText:
    """A table with its words. text: the canonical text, or the part of it that starts at `offset`."""

    def __init__(self, table: ParsedTable, text: str, offset: int = 0) -> None:
        self.table = table
        self._text = text
        self._offset = offset

    def words(self, span: TableCell | Span) -> str:
        """Return the words of a cell or a span, without line breaks."""
        return " ".join(self._text[span.start_char - self._offset : span.end_char - self._offset].split())

    @property
    def caption(self) -> str:
        return self.words(self.table.caption) if self.table.caption else ""

    @cached_property
    def rows(self) -> list[list[TableCell]]:
        """The cells of each row, left to right; a cell that reaches down is in its first row only."""
        rows: dict[int, list[TableCell]] = defaultdict(list)
        for cell in self.table.cells:
            rows[cell.row].append(cell)
        return [rows[row] for row in range(self.table.row_count)]

    @cached_property
    def row_spans(self) -> list[Span]:
        """Where each row stands, line break included: together they cover the table."""
        starts = [self.table.start_char]
        for row in self.rows[1:]:
            first = row[0].start_char if row else starts[-1]
            line = self._text.rfind("\n", 0, first - self._offset) + 1 + self._offset
            starts.append(max(starts[-1], line))
        return [Span(*edges) for edges in zip(starts, [*starts[1:], self.table.end_char], strict=True)]

    def is_header(self, row: int) -> bool:
        """Whether the row names columns."""
        return bool(self.rows[row]) and all(cell.header for cell in self.rows[row])

    def headers(self, row: int) -> list[str]:
        """Return what stands over each column of `row`: "Three Months Ended July 1, 2023"; "" over one without header.

        Of several groups of headers in a table, the nearest above the row that names the column counts, and after them
        those of the table that this one goes on from.
        """
        found = [""] * self.table.column_count
        for group in self._header_groups(row):
            names: dict[int, list[str]] = defaultdict(list)
            for cell in group:
                for column in range(cell.column, cell.column + cell.column_span):
                    names[column].append(self.words(cell))
            for column, words in names.items():
                if column < len(found):
                    found[column] = found[column] or " ".join(dict.fromkeys(words))
        inherited = self.table.headers or found
        return [own or above for own, above in zip(found, inherited, strict=True)]

    def _header_groups(self, row: int) -> Iterable[list[TableCell]]:
        """Yield the cells of each run of header rows above `row`, the nearest first, top row first in each."""
        group: list[TableCell] = []
        for above in range(row - 1, -1, -1):
            if self.is_header(above):
                group = [*self.rows[above], *group]
            elif group:
                yield group
                group = []
        if group:
            yield group

    def label(self, row: int) -> str:
        """Return what the row is called: the words of its first column; "" if it has none."""
        cells = self.rows[row]
        return self.words(cells[0]) if cells and cells[0].column == 0 else ""

    def group(self, row: int) -> str:
        """Return the label that stands over this row and others, as "Net sales:" over "Services"; "" if none does."""
        if self._opens_group(row):
            return ""
        for above in range(row - 1, -1, -1):
            if self.is_header(above):
                return ""
            if self._opens_group(above):
                return self.label(above)
        return ""

    def _opens_group(self, row: int) -> bool:
        return len(self.rows[row]) == 1 and self.rows[row][0].column == 0 and self.table.column_count > 1

    def lines(self) -> list[list[str]]:
        """Return the grid: a string for each position, "" where no cell starts."""
        grid = [[""] * self.table.column_count for _ in range(self.table.row_count)]
        for cell in self.table.cells:
            grid[cell.row][cell.column] = self.words(cell)
        return grid


# A spreadsheet takes for a formula what starts with one of these, unless it is a number.
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,]+%?$)")


def as_csv(table: TableText) -> str:
    """Return the grid as CSV; what a spreadsheet would take for a formula is quoted by an apostrophe."""
    file = io.StringIO()
    csv.writer(file).writerows([[_plain(cell) for cell in line] for line in table.lines()])
    return file.getvalue()


def _plain(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
