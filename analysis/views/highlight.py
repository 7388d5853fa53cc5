"""Source code as lines of HTML: coloured by Pygments, each name that the repository defines a link, secrets covered.

Colours are classes of our own (static/code.css), few enough to tell apart. A part of a file is read from the top-level
symbol that it begins in, where every lexer is in its first state: the last lines of a long file cost no more than the
first.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_for_filename, get_lexer_by_name
from pygments.lexers.special import TextLexer
from pygments.token import Comment, Error, Generic, Keyword, Literal, Name, Number, Operator, Punctuation, String
from pygments.util import ClassNotFound

from analysis.repository.lines import LineTable
from analysis.types import Span

# How far before a part its file is read at most: beyond, the colours of a part may start out wrong.
LEAD_CHARACTERS = 200_000
# Whose first state is outside of the code, so that no part of them can be read by itself.
MIXED = frozenset({"html", "php", "vue", "svelte", "jsp", "erb", "twig", "markdown", "rst"})
CLASSES = {
    Comment: "c",
    Keyword.Constant: "v",
    Keyword: "k",
    Operator.Word: "k",
    String.Doc: "c",
    String: "s",
    Number: "v",
    Literal: "s",
    Name.Function: "f",
    Name.Class: "t",
    Name.Exception: "t",
    Name.Namespace: "n",
    Name.Decorator: "d",
    Name.Builtin: "b",
    Name.Constant: "v",
    Name.Tag: "k",
    Name.Attribute: "f",
    Generic.Heading: "h",
    Generic.Subheading: "h",
    Generic.Deleted: "s",
    Generic.Inserted: "f",
    Generic.Strong: "h",
    Error: "",
    Punctuation: "",
    Operator: "",
}


@dataclass(frozen=True)
class Mark:
    """Characters that stand out: `text[start_char:end_char]`. said: about them; css: how they are drawn."""

    start_char: int
    end_char: int
    said: str = ""
    css: str = "secret"

    @property
    def secret(self) -> bool:
        return self.css == "secret"


@dataclass(frozen=True)
class Line:
    """A line of a file. html: its text and nothing else, the line break included, in coloured pieces.

    css: how the line as a whole is drawn. cell: what the cell of a notebook is called that it is the head of.
    """

    number: int
    start_char: int
    html: SafeString
    secret: str = ""
    css: str = ""
    cell: str = ""


@dataclass(frozen=True)
class Piece:
    """A run of characters of one line that are drawn alike. name: an identifier that may lead somewhere."""

    start_char: int
    end_char: int
    css: str
    name: bool = False
    mark: Mark | None = None


# What a name leads to: its attributes as they stand in the link; "" for a name that leads nowhere.
Linked = Callable[[str, int], str]


def lexer_for(path: str, syntax: str) -> Lexer:
    """Return the lexer of a file, by what it was read in as, else by its name; plain text for what is unknown."""
    return _lexer(path.rpartition("/")[2], syntax)


@lru_cache(256)
def _lexer(name: str, syntax: str) -> Lexer:
    options = {"stripnl": False, "ensurenl": False}
    if syntax:
        try:
            return get_lexer_by_name(syntax, **options)
        except ClassNotFound:
            pass
    found = find_lexer_class_for_filename(name)
    return found(**options) if found else TextLexer(**options)


@dataclass(frozen=True)
class Token:
    """A run of characters of one colour, which may reach over several lines. name: it is an identifier."""

    start_char: int
    end_char: int
    css: str
    name: bool = False


class Part:
    """The lines of a file from `span.start_char` to `span.end_char`, both of them ends of lines, as tokens.

    starts_at: where a lexer may begin for them, at or before the span.
    """

    def __init__(self, text: str, span: Span, lexer: Lexer, starts_at: int) -> None:
        self.text = text
        self.span = span
        self.tokens = list(_tokens(text, span, lexer, starts_at))

    @property
    def names(self) -> set[str]:
        """The identifiers that are drawn."""
        return {self.text[token.start_char : token.end_char] for token in self.tokens if token.name}

    def lines(self, table: LineTable, marks: Sequence[Mark], linked: Linked) -> list[Line]:
        """Return the lines, each drawn. marks: secrets and others, in order and apart from each other."""
        pieces = list(_pieces(self.text, self.tokens, marks))
        first, last = table.lines_of(*self.span)
        lines, at = [], 0
        for number in range(first, last + 1):
            start, end = table.span_of(number, number)
            begin = at
            while at < len(pieces) and pieces[at].start_char < end:
                at += 1
            lines.append(_line(self.text, number, start, pieces[begin:at], linked))
        return lines


def _line(text: str, number: int, start_char: int, pieces: Sequence[Piece], linked: Linked) -> Line:
    html = mark_safe("".join(_drawn(text, piece, linked) for piece in pieces))  # noqa: S308  # each piece is escaped
    secrets = dict.fromkeys(piece.mark.said for piece in pieces if piece.mark and piece.mark.secret)
    return Line(number, start_char, html, ", ".join(secrets))


def _drawn(text: str, piece: Piece, linked: Linked) -> str:
    words = escape(text[piece.start_char : piece.end_char])
    if piece.mark and piece.mark.secret:
        return f'<span class="secret" title="{escape(piece.mark.said)}">{words}</span>'
    link = linked(text[piece.start_char : piece.end_char], piece.start_char) if piece.name else ""
    if link:
        drawn = f'<a class="lean {piece.css}" tabindex="-1" {link}>{words}</a>'
    else:
        drawn = f'<i class="{piece.css}">{words}</i>' if piece.css else words
    return f'<span class="{piece.mark.css}">{drawn}</span>' if piece.mark else drawn


def _tokens(text: str, span: Span, lexer: Lexer, starts_at: int) -> Iterator[Token]:
    """Yield the tokens that touch `span`, clipped to it, without a gap. Lexers are lazy: what follows is not read."""
    starts_at = starts_at if span.start_char - starts_at <= LEAD_CHARACTERS else span.start_char
    at = span.start_char
    for index, kind, value in lexer.get_tokens_unprocessed(text[starts_at:]):
        start, end = max(at, starts_at + index), min(starts_at + index + len(value), span.end_char)
        if start >= span.end_char:
            break
        if start >= end:
            continue
        if start > at:  # what a lexer passed over
            yield Token(at, start, "")
        yield Token(start, end, _class(kind), kind in Name and value.isidentifier())
        at = end
    if at < span.end_char:
        yield Token(at, span.end_char, "")


@lru_cache(512)
def _class(kind: object) -> str:
    while kind is not None:
        if kind in CLASSES:
            return CLASSES[kind]
        kind = getattr(kind, "parent", None)
    return ""


def _pieces(text: str, tokens: Sequence[Token], marks: Sequence[Mark]) -> Iterator[Piece]:
    """Yield the tokens cut at line breaks and at the edges of marks."""
    edges = sorted({edge for mark in marks for edge in (mark.start_char, mark.end_char)})
    starts = [mark.start_char for mark in marks]
    for token in tokens:
        cuts = {token.start_char, token.end_char}
        cuts |= set(edges[bisect_right(edges, token.start_char) : bisect_left(edges, token.end_char)])
        at = text.find("\n", token.start_char, token.end_char)
        while at >= 0:
            cuts.add(at + 1)
            at = text.find("\n", at + 1, token.end_char)
        for first, last in pairwise(sorted(cuts)):
            place = bisect_right(starts, first) - 1
            mark = marks[place] if place >= 0 and first < marks[place].end_char else None
            yield Piece(first, last, token.css, token.name and len(cuts) == 2, mark)


def known_only(names: Collection[str], attributes: Callable[[str, int], str]) -> Linked:
    """Return what links those names that are in `names`."""
    return lambda name, start: attributes(name, start) if name in names else ""
