"""Tables in search: rows stay whole, and each piece of a table is found by its caption and column headers as well."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from analysis.tables import TableText
from analysis.types import ParsedTable, Span

# Of the tokens of a chunk, what says which table its rows are of.
CONTEXT_MAX_TOKENS = 100
CONTEXT_MAX_CHARACTERS = 480
HEADER_SEPARATOR = " | "


def parts(section: Span, tables: Sequence[ParsedTable]) -> Iterator[tuple[Span, ParsedTable | None]]:
    """Yield the section end to end: what is in a table, with it, and what is between tables, with None."""
    at = section.start_char
    for table in tables:
        start, end = max(at, table.start_char), min(table.end_char, section.end_char)
        if start >= end:
            continue
        if at < start:
            yield Span(at, start), None
        yield Span(start, end), table
        at = end
    if at < section.end_char:
        yield Span(at, section.end_char), None


def row_starts(table: TableText, part: Span) -> list[int]:
    """Return where rows begin inside of `part`, which starts one itself."""
    inner = [span.start_char for span in table.row_spans if part.start_char < span.start_char < part.end_char]
    return [part.start_char, *inner]


def context(table: TableText, start_char: int, path: str, separator: str, count: Callable[[str], int]) -> str:
    """Return the heading path of rows that begin at `start_char`: headings, caption, column headers, group of rows.

    Where that is too long, what is outermost is left out first. count: the embedder's tokens of a text.
    """
    row = max(0, bisect_right([span.start_char for span in table.row_spans], start_char) - 1)
    first_body = next((i for i in range(row, table.table.row_count) if not table.is_header(i)), row)
    headers = [header for header in dict.fromkeys(table.headers(first_body)) if header]
    names = [path, table.caption, HEADER_SEPARATOR.join(headers), table.group(row)]
    names = [name.rstrip(":") for name in names if name]
    for first in range(len(names)):
        whole = separator.join(names[first:])
        if len(whole) <= CONTEXT_MAX_CHARACTERS and count(whole) <= CONTEXT_MAX_TOKENS:
            return whole
    return path
