"""Markdown's pipe tables, as spans of the file itself (GitHub Flavored Markdown, section 4.10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from analysis.ingest.parse.grid import caption_before
from analysis.types import ParsedTable, Span, TableCell

_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_FENCE = re.compile(r" {0,3}(?:```|~~~)")
_BAR = re.compile(r"(?<!\\)\|")


def markdown_tables(text: str) -> list[ParsedTable]:
    """Return the tables of `text`: a row with bars, a rule of as many columns under it, and the rows that follow."""
    lines = list(_lines(text))
    tables: list[ParsedTable] = []
    at = 0
    while at + 1 < len(lines):
        end = _end(text, lines, at)
        if end:
            tables.append(_table(text, lines[at], lines[at + 2 : end]))
        at = end or at + 1
    return tables


def _lines(text: str) -> Iterator[Span]:
    """Yield each line's span without its line break; lines of code blocks are empty spans."""
    start, fenced = 0, False
    for line in text.split("\n"):
        fence = bool(_FENCE.match(line))
        yield Span(start, start if fence or fenced else start + len(line))
        fenced ^= fence
        start += len(line) + 1


def _end(text: str, lines: list[Span], at: int) -> int:
    """Return the line after the table that starts at line `at`; 0 if none does."""
    head, rule = (text[slice(*lines[i])] for i in (at, at + 1))
    if "|" not in head or not _RULE.fullmatch(rule):
        return 0
    if len(_cells(text, lines[at])) != len(_cells(text, lines[at + 1])):
        return 0
    end = at + 2
    while end < len(lines) and "|" in text[slice(*lines[end])]:
        end += 1
    return end


def _table(text: str, head: Span, body: list[Span]) -> ParsedTable:
    columns = len(_cells(text, head))
    cells = [
        TableCell(row, column, 1, 1, *span, header=row == 0)
        for row, line in enumerate([head, *body])
        for column, span in enumerate(_cells(text, line)[:columns])
        if span.start_char < span.end_char
    ]
    caption = _caption(text, head.start_char)
    end = (body or [head])[-1].end_char
    return ParsedTable(head.start_char, end, 1 + len(body), columns, tuple(cells), caption)


def _caption(text: str, start_char: int) -> Span | None:
    before = text[:start_char].rstrip()
    first = before.rfind("\n\n") + 2 if "\n\n" in before else 0
    return caption_before(before[first:], first)


def _cells(text: str, line: Span) -> list[Span]:
    """Return the spans between a line's bars, without blanks; bars at its ends are frame."""
    row = text[slice(*line)]
    bars = [match.start() for match in _BAR.finditer(row)]
    edges = [-1, *bars, len(row)]
    spans = [_stripped(row, first + 1, last, line.start_char) for first, last in pairwise(edges)]
    if bars and not row[: bars[0]].strip():
        spans = spans[1:]
    if bars and not row[bars[-1] + 1 :].strip():
        spans = spans[:-1]
    return spans


def _stripped(row: str, start: int, end: int, offset: int) -> Span:
    words = row[start:end]
    left = len(words) - len(words.lstrip())
    return Span(offset + start + left, offset + start + left + len(words.strip()))
