"""A file's skeleton: the heads of its definitions and what their comments say first, as code that can be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from analysis.types import ParsedSymbol, Span

# What a file without definitions shows of itself, and the longest line that is taken whole.
FIRST_LINES = 12
LINE_CHARACTERS = 240
_PARAGRAPH_END = re.compile(r"\n[ \t/*#!;-]*\n")
_OPENING = re.compile(r"\s*(?:#!.*\n)?\s*(?:\"\"\"|'''|/\*|//|#|--|<!--)")
_HEADING = re.compile(r"^(?:#{1,6} \S.*|[^\s#].*\n(?:=+|-+|~+)[ \t]*)$", re.M)


def skeleton(text: str, symbols: Sequence[ParsedSymbol]) -> list[Span]:
    """Return the spans of `text` that make its skeleton, in order and apart from each other, in whole lines.

    Of each definition they hold the head and the first paragraph of its comment; of the file, the first paragraph of
    what it opens with. Bodies and imports are left out. A file without definitions shows its first lines and headings.
    """
    if not symbols:
        return _joined(text, [*_first_lines(text), *(Span(*match.span()) for match in _HEADING.finditer(text))])
    return _joined(text, [*_opening(text, symbols[0].start_char), *_of_symbols(text, symbols)])


def head_of(text: str, symbol: ParsedSymbol) -> Span:
    """Return where the words of the symbol's signature stand in `text`."""
    start = _start(text, symbol)
    left = sum(not char.isspace() for char in symbol.signature)
    at = start
    while left and at < symbol.end_char:
        left -= not text[at].isspace()
        at += 1
    return Span(start, max(at, symbol.name_end_char))


def _start(text: str, symbol: ParsedSymbol) -> int:
    """Return where the signature starts: so far before the name that it has the same words there."""
    before = "".join(text[symbol.start_char : symbol.name_start_char].split())
    at = symbol.signature.find(symbol.name)
    while at > 0 and not before.endswith("".join(symbol.signature[:at].split())):
        at = symbol.signature.find(symbol.name, at + 1)
    left = sum(not char.isspace() for char in symbol.signature[: max(at, 0)])
    start = symbol.name_start_char
    while left and start > symbol.start_char:
        start -= 1
        left -= not text[start].isspace()
    return start


def _of_symbols(text: str, symbols: Iterable[ParsedSymbol]) -> Iterator[Span]:
    for symbol in symbols:
        yield head_of(text, symbol)
        if symbol.doc:
            yield _first_paragraph(text, symbol.doc)


def _first_paragraph(text: str, span: Span) -> Span:
    end = _PARAGRAPH_END.search(text, span.start_char, span.end_char)
    return Span(span.start_char, end.start() if end else span.end_char)


def _opening(text: str, first_symbol: int) -> Iterator[Span]:
    """Yield the first paragraph of the comment that a file opens with."""
    opening = _OPENING.match(text, 0, first_symbol)
    if opening:
        yield _first_paragraph(text, Span(0, first_symbol))


def _first_lines(text: str) -> Iterator[Span]:
    end = 0
    for _ in range(FIRST_LINES):
        end = text.find("\n", end) + 1 or len(text)
    yield Span(0, min(end, FIRST_LINES * LINE_CHARACTERS))


def _joined(text: str, spans: Iterable[Span]) -> list[Span]:
    """Return the spans in whole lines, those that touch put together."""
    found: list[Span] = []
    for span in sorted(_whole_lines(text, each) for each in spans):
        if found and span.start_char <= found[-1].end_char:
            found[-1] = Span(found[-1].start_char, max(found[-1].end_char, span.end_char))
        elif span.start_char < span.end_char:
            found.append(span)
    return found


def _whole_lines(text: str, span: Span) -> Span:
    """Return the span from the start of its first line to the end of its last, as far as these are not too long."""
    line_start = text.rfind("\n", 0, span.start_char) + 1
    line_end = text.find("\n", max(span.start_char, span.end_char - 1)) + 1 or len(text)
    start = line_start if span.start_char - line_start <= LINE_CHARACTERS else span.start_char
    end = line_end if line_end - span.end_char <= LINE_CHARACTERS else span.end_char
    return Span(start, end)
