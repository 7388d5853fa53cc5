"""Pages as the reader draws them: an image with selectable text over it, or text in paragraphs, and marks on both."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.ingest import boxes
from analysis.ingest.spoken import Times, clock, seconds_of
from analysis.models import Heading, Page
from analysis.types import Rectangle, Span
from analysis.views.leans import Lean, Piece, cut

# Text files break lines where their author's screen ended; only a blank line ends a paragraph there.
HARD_WRAPPED = frozenset({"text", "email"})
_BLANK_LINES = re.compile(r"\n[ \t]*\n\s*")
# The share of a line's box that lies above the baseline, in the common text faces.
_ASCENT = 0.8
_QUOTES = {"'": "['’‘]", '"': '["“”„]', "-": "[-–—‑]"}
QUERY_LIMIT = 200


@dataclass(frozen=True)
class Line:
    """A line of the text layer, in page points. start_char is a document offset."""

    pieces: list[Piece]
    start_char: int
    x: str
    y: str
    width: str
    size: str


@dataclass(frozen=True)
class Box:
    """A highlight, in page points."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class Block:
    """A paragraph or heading of a format without pages. level: 0 for a paragraph."""

    start_char: int
    end_char: int
    level: int
    pieces: list[Piece]


@dataclass(frozen=True)
class Shown:
    """What is shown on the words of a page: the span that a reader was led to, and what leans on other places."""

    mark: Span | None = None
    leans: Sequence[Lean] = ()
    document_id: object = None

    def pieces(self, text: str, start_char: int) -> list[Piece]:
        """Return `text`, which begins at `start_char` of the document, cut where something else is shown."""
        return cut(text, Span(start_char, start_char + len(text)), self.mark, self.leans, self.document_id)


def text_layer(page: Page, text: str, shown: Shown) -> list[Line]:
    """Return the lines of a page's text where they stand on it. Marks are not among it: they have rectangles."""
    if page.boxes is None:
        return []
    lines = boxes.text_lines(bytes(page.boxes), text)
    return [_line(page, line, replace(shown, mark=None)) for line in lines if line.text.strip()]


def _line(page: Page, line: boxes.TextLine, shown: Shown) -> Line:
    indent = len(line.text) - len(line.text.lstrip())
    height = (line.y1 - line.y0) * page.height
    start = page.start_char + line.start_char + indent
    return Line(
        pieces=shown.pieces(line.text.strip(), start),
        start_char=start,
        x=_points(line.x0 * page.width),
        y=_points(line.y0 * page.height + height * _ASCENT),
        width=_points(max(0.1, (line.x1 - line.x0) * page.width)),
        size=_points(max(0.5, height)),
    )


def page_rectangles(page: Page, span: Span) -> list[Rectangle]:
    """Return what to highlight on the page for the part of `span` that lies on it."""
    start, end = max(span.start_char, page.start_char), min(span.end_char, page.end_char)
    if page.boxes is None or start >= end:
        return []
    return boxes.rectangles(bytes(page.boxes), page.start_char, Span(start, end))


def lean_lines(page: Page, leans: Sequence[Lean]) -> list[tuple[str, Box]]:
    """Return the line under each of the page's leans, in page points, with its kind."""
    if page.boxes is None or not leans:
        return []
    spans = [Span(max(lean.start_char, page.start_char), min(lean.end_char, page.end_char)) for lean in leans]
    places = boxes.rectangles_of(bytes(page.boxes), page.start_char, spans)
    return [
        (lean.kind, replace(_box(page, rectangle), y=_points(rectangle.y1 * page.height)))
        for lean, own in zip(leans, places, strict=True)
        for rectangle in own
    ]


def page_marks(page: Page, span: Span | None) -> list[Box]:
    """Return the highlights of `span` on the page, in page points."""
    return [_box(page, rectangle) for rectangle in (page_rectangles(page, span) if span else [])]


def _box(page: Page, rectangle: Rectangle) -> Box:
    return Box(
        _points(rectangle.x0 * page.width),
        _points(rectangle.y0 * page.height),
        _points((rectangle.x1 - rectangle.x0) * page.width),
        _points((rectangle.y1 - rectangle.y0) * page.height),
    )


def _points(value: float) -> str:
    return f"{value:.2f}"


def flow_blocks(page: Page, text: str, headings: Sequence[Heading], *, kind: str, shown: Shown) -> list[Block]:
    """Return a page's text as headings and paragraphs that hold every character that is not white space.

    text: the page's. headings: those that start on it, in order. kind: the version's.
    """
    blocks: list[Block] = []
    at = page.start_char
    for heading in headings:
        start, end = max(at, heading.start_char), min(heading.end_char, page.end_char)
        if start < end:
            blocks += _paragraphs(page, text, Span(at, start), kind, shown)
            blocks.append(_block(page, text, Span(start, end), min(heading.level, 4), shown))
            at = end
    return blocks + list(_paragraphs(page, text, Span(at, page.end_char), kind, shown))


def _paragraphs(page: Page, text: str, span: Span, kind: str, shown: Shown) -> Iterator[Block]:
    start, end = span.start_char - page.start_char, span.end_char - page.start_char
    separator = _BLANK_LINES if kind in HARD_WRAPPED else re.compile(r"\n\s*")
    while start < end:
        gap = separator.search(text, start, end)
        stop = gap.start() if gap else end
        if text[start:stop].strip():
            yield _block(page, text, Span(page.start_char + start, page.start_char + stop), 0, shown)
        start = gap.end() if gap else end


def _block(page: Page, text: str, span: Span, level: int, shown: Shown) -> Block:
    start, end = span
    while start < end and text[start - page.start_char] == "\n":
        start += 1
    return Block(start, end, level, shown.pieces(text[start - page.start_char : end - page.start_char], start))


@dataclass(frozen=True)
class Spoken:
    """A paragraph of a recording, and when it is spoken. clock: "12:34"."""

    block: Block
    start_seconds: str
    end_seconds: str
    clock: str


def spoken_blocks(blocks: Sequence[Block], times: Times) -> list[Spoken]:
    """Return a recording's paragraphs with their seconds; none for any other document."""
    found = ((block, seconds_of(times, Span(block.start_char, block.end_char))) for block in blocks)
    return [Spoken(block, f"{at[0]:.2f}", f"{at[1]:.2f}", clock(at[0])) for block, at in found if at]


def find(text: str, query: str, *, limit: int = 1000) -> list[Span]:
    """Return where `query` stands in `text`, whatever its case, its line breaks and its kind of quotes and dashes."""
    words = query[:QUERY_LIMIT].split()
    if not words:
        return []
    pattern = re.compile(r"\s+".join(_tolerant(word) for word in words), re.IGNORECASE)
    spans: list[Span] = []
    for match in pattern.finditer(text):
        spans.append(Span(match.start(), match.end()))
        if len(spans) == limit:
            break
    return spans


def _tolerant(word: str) -> str:
    plain = word.translate(str.maketrans("’‘“”„–—‑", '\'\'"""---'))
    return "".join(_QUOTES.get(character) or re.escape(character) for character in plain)


def page_at(starts: Sequence[int], start_char: int) -> int:
    """Return the index of the page that holds `start_char`. starts: where the pages begin, in order."""
    return max(0, bisect_right(starts, start_char) - 1)
