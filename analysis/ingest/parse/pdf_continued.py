"""Tables that go on over a page: the part on the next page stands under the headers and the caption of the first."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from analysis.ingest.boxes import decode
from analysis.ingest.parse.grid import is_figure
from analysis.tables import TableText
from analysis.types import ParsedPage, ParsedTable

Extents = dict[int, tuple[float, float]]

_DIGITS = re.compile(r"\d+")
_PAGE_NUMBER = re.compile(
    r"\W*(?:page|seite|p\.|第)?\W*(?:\d{1,4}|[ivxlc]{1,6})\W*(?:(?:of|von|/|页)?\W*\d{0,4})\W*", re.I
)


def with_continued(tables: Sequence[ParsedTable], pages: Sequence[ParsedPage], text: str) -> list[ParsedTable]:
    """Return the tables, those that go on from the page before with its headers and caption.

    One goes on where nothing but what every page has stands between the two, and its columns stand where those of the
    first part do. Headers of its own count; a first row of words, taken for one as it stood on top, is none.
    """
    found = list(tables)
    for number, (above, below) in enumerate(pairwise(tables)):
        first = found[number]
        headers = TableText(first, text).headers(first.row_count)
        if any(headers) and _goes_on(above, below, pages, text):
            own = [TableText(below, text).words(cell) for cell in below.cells if cell.header]
            if not own or (_is_guessed(below, text) and not set(own) <= set(headers)):
                cells = tuple(replace(cell, header=False) for cell in below.cells)
                found[number + 1] = replace(below, cells=cells, headers=tuple(headers), caption=first.caption)
    return found


def _is_guessed(table: ParsedTable, text: str) -> bool:
    """Whether a table of words has its first row for headers: nothing but its place says so."""
    words = TableText(table, text).words
    rows = {cell.row + cell.row_span for cell in table.cells if cell.header}
    return rows == {1} and not any(is_figure(words(cell)) for cell in table.cells if cell.column)


def _goes_on(above: ParsedTable, below: ParsedTable, pages: Sequence[ParsedPage], text: str) -> bool:
    """Whether `below` stands first on the page after that on which `above` is the last, in the same columns."""
    page, following = _page_of(above, pages), _page_of(below, pages)
    if above.column_count != below.column_count or following.number != page.number + 1:
        return False
    heads = _lines(text[page.start_char : above.start_char])
    feet = _lines(text[below.end_char : following.end_char])
    return (
        _is_running(_lines(text[following.start_char : below.start_char]), heads)
        and _is_running(_lines(text[above.end_char : page.end_char]), feet)
        and _agree(_extents(above, page), _extents(below, following))
    )


def _page_of(table: ParsedTable, pages: Sequence[ParsedPage]) -> ParsedPage:
    return pages[bisect_right(pages, table.start_char, key=lambda page: page.start_char) - 1]


def _is_running(lines: list[str], other_page: list[str]) -> bool:
    """Whether all that is said is a page's number, or stands on the other page as well."""
    return all(_PAGE_NUMBER.fullmatch(line) or line in other_page for line in lines)


def _lines(text: str) -> list[str]:
    """Return the lines with words, their numbers made one: a running head may hold the page's."""
    return [_DIGITS.sub("0", line.strip()) for line in text.splitlines() if line.strip()]


def _extents(table: ParsedTable, page: ParsedPage) -> Extents:
    """Return from where to where, as fractions of the page's width, the words of each column stand; not of headers."""
    boxes = decode(page.boxes) if page.boxes else np.zeros((0, 4), np.float32)
    extents: Extents = {}
    for cell in table.cells:
        if cell.header or cell.column_span > 1:
            continue
        ink = boxes[cell.start_char - page.start_char : cell.end_char - page.start_char]
        ink = ink[ink[:, 2] > ink[:, 0]]
        if len(ink):
            x0, x1 = extents.get(cell.column, (np.inf, -np.inf))
            extents[cell.column] = (min(x0, float(ink[:, 0].min())), max(x1, float(ink[:, 2].max())))
    return extents


def _agree(above: Extents, below: Extents) -> bool:
    """Whether each column of `below` stands over its own of `above` and no other."""
    return bool(below) and all(list(_over(extent, above)) == [column] for column, extent in below.items())


def _over(extent: tuple[float, float], columns: Extents) -> Iterator[int]:
    return (column for column, (x0, x1) in columns.items() if extent[0] < x1 and x0 < extent[1])
