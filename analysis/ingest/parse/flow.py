"""Text that grows paragraph by paragraph, with headings, tables and page breaks noted by their spans."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from analysis.ingest.parse.canonical import flow_pages
from analysis.ingest.parse.grid import CELL_SEPARATOR, Cell, GridCell, caption_before, extent, grid_of
from analysis.ingest.parse.headings import Found, close_sections, heading_end, split_label
from analysis.types import ParsedDocument, ParsedTable, Span, TableCell, Warning

_UNKEEPABLE = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufffe\uffff\ud800-\udfff\u200b\u2060\ufeff\u00ad]")
_SPACES = re.compile("[\t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000 ]+")
_AROUND_BREAK = re.compile(r"[ \t]*\f[ \t\f]*")


def tidy(text: str) -> str:
    """Return `text` with runs of blanks made one space and what cannot be shown or stored left out."""
    # A form feed ends a page and is not blank here.
    lines = (_SPACES.sub(" ", line).strip(" \r") for line in _UNKEEPABLE.sub("", text).split("\n"))
    return "\n".join(lines).strip("\n")


def _keep_blank(match: re.Match[str]) -> str:
    return " \f" if match.group().strip("\f") else "\f"


class FlowText:
    """Builds the canonical text of a format without pages of its own."""

    def __init__(self) -> None:
        self.headings: list[Found] = []
        self.tables: list[ParsedTable] = []
        self.breaks: list[int] = []
        self._texts: list[str] = []
        self._length = 0
        self._break_waits = False
        self._last = ""  # the paragraph before, "" after anything else

    def paragraph(self, text: str, *, level: int = 0, label: str = "", gap: str = "\n\n") -> None:
        """Append a paragraph; level above 0 makes it a heading. label: its number, if known, as it stands in `text`.

        A form feed in `text` ends a page.
        """
        pieces = tidy(_AROUND_BREAK.sub(_keep_blank, text)).split("\f")
        text = "".join(pieces)
        if not text:
            self._break_waits |= len(pieces) > 1 and self._length > 0
            return
        self._break_waits |= not pieces[0] and self._length > 0
        start = self._open(gap)
        for number, piece in enumerate(pieces):
            if number and 0 < self._length - start < len(text):
                self.breaks.append(self._length)
            self._put(piece)
        self._break_waits = len(pieces) > 1 and not pieces[-1]
        self._last = text
        if level:
            self._heading(text, level, label, start)

    def _heading(self, text: str, level: int, label: str, start: int) -> None:
        """Note a heading. Where a whole clause is set as one, its first words are the title."""
        end = heading_end(text)
        if not end:
            return
        found_label, title = (label, text[:end].removeprefix(label).strip()) if label else split_label(text[:end])
        if found_label or title:
            self.headings.append(Found(level, found_label, title.rstrip(".: "), start, start + end))

    def table(self, rows: list[list[Cell]]) -> None:
        """Append a table: the positions of its grid separated by " | ", rows by line breaks.

        The words of a cell that reaches over several stand in the first; empty ones that end a row are left out.
        """
        cells = grid_of([[replace(cell, text=tidy(cell.text).replace("\n", " ")) for cell in row] for row in rows])
        if not cells:
            return
        caption = self._caption()
        start = self._open("\n\n")
        row_count, column_count = extent(cells)
        placed = [cell for row in range(row_count) for cell in self._row(row, cells)]
        self.tables.append(ParsedTable(start, self._length, row_count, column_count, tuple(placed), caption))
        self._last = ""

    def page_break(self) -> None:
        """Note that a new page starts with whatever comes next."""
        self._break_waits = self._length > 0

    def document(self, kind: str, metadata: dict[str, Any], warnings: list[Warning]) -> ParsedDocument:
        """Return the finished document."""
        text = "".join(self._texts)
        headings = close_sections(self.headings, len(text))
        pages = flow_pages(text, self.breaks)
        return ParsedDocument(kind, text, pages, headings, metadata, warnings, self.tables)

    def _row(self, row: int, cells: list[GridCell]) -> Iterator[TableCell]:
        self._put("\n" if row else "")
        column = 0
        for cell in (one for one in cells if one.row == row):
            self._put(CELL_SEPARATOR * (cell.column - column))
            column = cell.column
            start = self._length
            self._put(cell.text)
            spans = (cell.row_span, cell.column_span)
            yield TableCell(row, column, *spans, start, self._length, cell.header)

    def _caption(self) -> Span | None:
        """Return the span of what introduces a table that starts here."""
        return caption_before(self._last, self._length - len(self._last))

    def _open(self, gap: str) -> int:
        if self._length:
            self._put(gap)
        if self._break_waits:
            self.breaks.append(self._length)
            self._break_waits = False
        return self._length

    def _put(self, text: str) -> None:
        self._texts.append(text)
        self._length += len(text)
