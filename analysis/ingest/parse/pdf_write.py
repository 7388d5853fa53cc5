"""Lines and tables of a page written as text, with a box for each character."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise, zip_longest
from statistics import median

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.grid import CELL_SEPARATOR, caption_before
from analysis.ingest.parse.pdf_chars import LINE_END_HYPHEN, Chars
from analysis.ingest.parse.pdf_pieces import Line, Piece, text_of
from analysis.ingest.parse.pdf_tables import PageCell, PageTable
from analysis.types import ParsedTable, Span, TableCell

_SOFT_HYPHEN = 0xAD
_PARAGRAPH_PITCH = 1.28
_LONGEST_TITLE = 150
_NOTE = re.compile(r"\(\d{1,2}\)\s")  # a footnote of the table above
_ENDS_SENTENCE = re.compile(r"[.;:!?][\"'”’)\]]*$")
_OPENS_ITEM = re.compile(r"(?:\(?[0-9ivxlcIVXLC]{1,5}[.)]|\(?[a-zA-Z][.)]|\d+(?:\.\d+)+\.?|[•▪–—\-*])\s+\S")


@dataclass(frozen=True)
class PageText:
    """A page's text and float32[len(text), 4], a box for each character. tables: their spans count from its start."""

    text: str
    boxes: NDArray[np.float32]
    tables: tuple[ParsedTable, ...] = ()


def write(blocks: Sequence[Line | PageTable], chars: Chars) -> PageText:
    """Return the page's text: lines with the gaps between them, tables row by row."""
    writer = _Writer(chars)
    gaps = iter(_gaps([block for block in blocks if isinstance(block, Line)]))
    for block, following in zip_longest(blocks, blocks[1:]):
        if isinstance(block, PageTable):
            writer.table(block)
            writer.insert("\n\n" if following else "")
        elif block:
            gap = next(gaps)
            writer.line(block, "\n\n" if isinstance(following, PageTable) else gap)
    return writer.page()


class _Writer:
    """Collects the places of a page's characters: indices into `chars`, or minus the code of an inserted character."""

    def __init__(self, chars: Chars) -> None:
        self.chars = chars
        self.tables: list[ParsedTable] = []
        self._places: list[NDArray[np.int64]] = []
        self._length = 0

    def page(self) -> PageText:
        places = np.concatenate(self._places) if self._places else np.zeros(0, np.int64)
        text, boxes = _gather(places, self.chars)
        tables = (replace(table, caption=_caption(text, table.start_char)) for table in self.tables)
        return PageText(text, boxes, tuple(tables))

    def line(self, line: Line, gap: str) -> None:
        self._words(line.pieces)
        if not (gap and self._drop_soft_hyphen()):
            self.insert(gap)

    def table(self, table: PageTable) -> None:
        """Append a table as `flow.FlowText` does: positions separated by " | ", rows by line breaks."""
        start, cells = self._length, list[TableCell]()
        for number, row in groupby(table.cells, key=lambda cell: cell.row):
            self.insert("\n" if cells else "")
            column = 0
            for cell in row:
                self.insert(CELL_SEPARATOR * (cell.column - column))
                column = cell.column
                first = self._length
                self._cell(cell)
                spans = (cell.row_span, cell.column_span)
                cells.append(TableCell(number, column, *spans, first, self._length, cell.header))
        size = (table.row_count, table.column_count)
        self.tables.append(ParsedTable(start, self._length, *size, tuple(cells), None, table.confidence))

    def insert(self, text: str) -> None:
        """Append characters that the page does not have."""
        self._put(np.array([-ord(char) for char in text], np.int64))

    def _cell(self, cell: PageCell) -> None:
        for number, item in enumerate(cell.items):
            if number and not self._drop_soft_hyphen():
                self.insert(" ")
            for place, run in enumerate(item.runs):  # the signs of a figure touch it
                self.insert(" " if place and run.text[0].isalpha() else "")
                self._put(np.arange(run.start, run.end))

    def _words(self, pieces: Sequence[Piece]) -> None:
        for number, piece in enumerate(pieces):
            self.insert(" " if number else "")
            self._put(np.arange(piece.start, piece.end))

    def _drop_soft_hyphen(self) -> bool:
        """Take back a soft hyphen that was written last: it says that the word goes on, so the parts are joined."""
        last = int(self._places[-1][-1])
        if last < 0 or self.chars.codes[last] != _SOFT_HYPHEN:
            return False
        self._places[-1] = self._places[-1][:-1]
        self._length -= 1
        return True

    def _put(self, places: NDArray[np.int64]) -> None:
        if len(places):
            self._places.append(places)
            self._length += len(places)


def _caption(text: str, table_start: int) -> Span | None:
    """Return the span of a table's title and units: what stands above it, short and without a full stop."""
    before = text[:table_start].rstrip()
    first = before.rfind("\n\n") + 2 if "\n\n" in before else 0
    caption = None if _NOTE.match(before[first:]) else caption_before(before[first:], first)
    while caption and first > 2 and len(before) - first < _LONGEST_TITLE and not before.endswith(":"):
        above = before.rfind("\n\n", 0, first - 2)
        start = above + 2 if above >= 0 else 0
        if first - start > _LONGEST_TITLE or _ENDS_SENTENCE.search(before[:first].rstrip()):
            break
        first = start
        caption = Span(start, len(before))
    return caption


def _gather(places: NDArray[np.int64], chars: Chars) -> tuple[str, NDArray[np.float32]]:
    inserted = places < 0
    source = np.where(inserted, 0, places)
    codes = np.where(inserted, -places, chars.codes[source] if len(chars.codes) else 0).astype(np.uint32)
    codes[codes == LINE_END_HYPHEN] = ord("-")
    boxes = chars.boxes[source].copy() if len(chars.boxes) else np.zeros((len(places), 4), np.float32)
    boxes[inserted] = 0
    return text_of(codes), boxes


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
