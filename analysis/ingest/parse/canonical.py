"""The canonical text as it grows page by page, and pages for formats that have none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.boxes import encode
from analysis.types import PageSource, ParsedPage, ParsedTable, Span

FLOW_PAGE_CHARS = 3000
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*$")


class PagedText:
    """Canonical text of a paged file. One page waits until the next one shows how the two are separated."""

    def __init__(self) -> None:
        self.pages: list[ParsedPage] = []
        self._texts: list[str] = []
        self._length = 0
        self.tables: list[ParsedTable] = []
        self._waiting: tuple[str, NDArray[np.float32], PageSource, float, float] | None = None

    def add(
        self,
        text: str,
        boxes: NDArray[np.float32],
        *,
        source: PageSource,
        width: float,
        height: float,
        tables: Iterable[ParsedTable] = (),
    ) -> None:
        """Append a page; `boxes` is float[len(text), 4], and the spans of `tables` count from the page's start."""
        self._flush(text)
        self._waiting = (text, boxes, source, width, height)
        self.tables += [_moved(table, self._length) for table in tables]

    def finish(self) -> str:
        """Return the whole text; `pages` is complete after this."""
        self._flush(None)
        return "".join(self._texts)

    def _flush(self, following: str | None) -> None:
        if self._waiting is None:
            return
        text, boxes, source, width, height = self._waiting
        separator = _separator(text, following)
        start = self._length
        self._texts.append(text + separator)
        self._length += len(text) + len(separator)
        packed = encode(np.concatenate([boxes, np.zeros((len(separator), 4), np.float32)]))
        self.pages.append(ParsedPage(len(self.pages) + 1, start, self._length, source, width, height, packed))
        self._waiting = None


def _moved(table: ParsedTable, by: int) -> ParsedTable:
    cells = (replace(c, start_char=c.start_char + by, end_char=c.end_char + by) for c in table.cells)
    caption = table.caption and Span(table.caption.start_char + by, table.caption.end_char + by)
    start, end = table.start_char + by, table.end_char + by
    return replace(table, start_char=start, end_char=end, cells=tuple(cells), caption=caption)


def _separator(text: str, following: str | None) -> str:
    if following is None or not text:
        return ""
    # A sentence that runs over the page's end stays one paragraph.
    runs_on = following[:1].islower() and not _SENTENCE_END.search(text)
    return "\n" if runs_on else "\n\n"


def flow_pages(text: str, breaks: list[int] | None = None) -> list[ParsedPage]:
    """Return pages that cover `text`: cut at `breaks`, or every 3,000 characters or so at a paragraph's end."""
    cuts = sorted({cut for cut in breaks or [] if 0 < cut < len(text)}) or _paragraph_cuts(text)
    edges = [0, *cuts, len(text)]
    return [ParsedPage(number, start, end) for number, (start, end) in enumerate(pairwise(edges), 1)]


def _paragraph_cuts(text: str) -> list[int]:
    cuts: list[int] = []
    start = 0
    while len(text) - start > FLOW_PAGE_CHARS * 1.5:
        start = _cut(text, start)
        cuts.append(start)
    return cuts


def _cut(text: str, start: int) -> int:
    """Return the best place to end a page that starts at `start`: after a paragraph, a line, a word, or anywhere."""
    low, aim, high = start + FLOW_PAGE_CHARS // 2, start + FLOW_PAGE_CHARS, start + FLOW_PAGE_CHARS * 3 // 2
    for mark in ("\n\n", "\n", " "):
        after, before = text.find(mark, aim, high), text.rfind(mark, low, aim)
        found = [place for place in (after, before) if place >= 0]
        if found:
            place = min(found, key=lambda place: abs(place - aim))
            return place + len(mark)
    return aim
