"""Source files to chunks: whole symbols as far as they fit, exact in the embedder's tokens, without a gap."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from analysis.ingest.chunk import (
    PATH_MAX_CHARACTERS,
    Tokenizer,
    Tokens,
    even_cuts,
    sentence_runs,
    tokenise,
    word_runs,
)
from analysis.ingest.code_units import units
from analysis.types import PATH_SEPARATOR, ChunkSpan, ParsedCode, Span

CODE_CHUNKER_VERSION = 1
MAX_TOKENS = 320
# A symbol below this is put together with small neighbours; one above stands alone.
SMALL_TOKENS = 80
# What is less than this, such as a closing bracket, goes with whatever stands beside it.
TINY_TOKENS = 16
_LABEL_CHARACTERS = 120
# What stands deeper is taken as part of what it stands in.
_DEEPEST = 12
# A head as people write it on one line.
_TIDY = re.compile(r"(?<=[(\[{])\s+|,?\s+(?=[)\]])")
# What may follow a symbol up to its line's end, and the empty lines after that.
_REST = re.compile(r"[ \t]*[;,]?[ \t]*(?:\n\s*(?:\n|\Z)|\n|\Z)")


@dataclass(frozen=True)
class _Node:
    """A symbol or a cell with the whole lines that it takes, and those that stand in it."""

    start_char: int
    end_char: int
    label: str
    children: list[_Node] = field(default_factory=list)


@dataclass(frozen=True)
class _Piece:
    """Text that may become a chunk. path: labels of what it stands in. parent: as many of them are above it."""

    start_char: int
    end_char: int
    path: tuple[str, ...]
    parent: int
    token_count: int

    @property
    def above(self) -> tuple[str, ...]:
        return self.path[: self.parent]


def chunk_code(text: str, code: ParsedCode, tokenizer: Tokenizer, *, path: str) -> list[ChunkSpan]:
    """Return the chunks of a file of a repository in order: they cover it exactly, without gap or overlap.

    A chunk has `MAX_TOKENS` at most. It is a symbol with its decorators and its comment, or small neighbours under one
    parent, or a part of a symbol that is too long, cut at the symbols in it and else between statements. Its heading
    path is the file's path and the heads of what it stands in ("src/http.py > Session > request(self, url)").
    """
    tokens = tokenise(text, tokenizer)
    chunks: list[ChunkSpan] = []
    for piece in _gathered(_pieces(_tree(text, code), (), tokens)):
        heading = _heading((path, *piece.path))
        for start, end in _fitted(text, piece, tokens, prose=not code.syntax):
            chunks.append(ChunkSpan(len(chunks), start, end, heading, tokens.count(start, end)))
    return chunks


def _tree(text: str, code: ParsedCode) -> _Node:
    """Return the file with its cells and symbols; one that shares lines with another is taken as part of it."""
    root = _Node(0, len(text), "")
    above = [root]
    for node in sorted(_nodes(text, code), key=lambda node: (node.start_char, -node.end_char)):
        while len(above) > 1 and above[-1].end_char <= node.start_char:
            above.pop()
        around = above[-1]
        free = around.children[-1].end_char if around.children else around.start_char
        whole = (node.start_char, node.end_char) == (around.start_char, around.end_char) and around is not root
        if free <= node.start_char and node.end_char <= around.end_char and len(above) <= _DEEPEST and not whole:
            around.children.append(node)
            above.append(node)
    return root


def _nodes(text: str, code: ParsedCode) -> Iterator[_Node]:
    for start, end in code.cells:
        yield _Node(start, end, text[start:end].partition("\n")[0].strip("# %"))
    for symbol in code.symbols:
        at = symbol.signature.find(symbol.name)
        label = _TIDY.sub("", symbol.signature[max(at, 0) :])[:_LABEL_CHARACTERS]
        yield _Node(*_whole_lines(text, symbol.start_char, symbol.end_char), label)


def _whole_lines(text: str, start_char: int, end_char: int) -> Span:
    """Return the span with its first line's indentation, its last line's end and the empty lines after it.

    Where other words stand on these lines, the span is as it was.
    """
    start = start_char
    while start and text[start - 1] in " \t":
        start -= 1
    if start and text[start - 1] != "\n":
        start = start_char
    end = _REST.match(text, end_char)
    return Span(start, end.end() if end else end_char)


def _pieces(node: _Node, path: tuple[str, ...], tokens: Tokens) -> Iterator[_Piece]:
    """Yield the node in one piece if it fits; else what stands in it, and what is between."""
    token_count = tokens.count(node.start_char, node.end_char)
    if token_count <= MAX_TOKENS or not node.children:
        yield _Piece(node.start_char, node.end_char, path, max(len(path) - 1, 0), token_count)
        return
    at = node.start_char
    for child in node.children:
        yield from _between(at, child.start_char, path, tokens)
        yield from _pieces(child, (*path, child.label), tokens)
        at = child.end_char
    yield from _between(at, node.end_char, path, tokens)


def _between(start_char: int, end_char: int, path: tuple[str, ...], tokens: Tokens) -> Iterator[_Piece]:
    if start_char < end_char:
        yield _Piece(start_char, end_char, path, len(path), tokens.count(start_char, end_char))


def _gathered(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """Yield the pieces, small neighbours under one parent put together while they fit a chunk."""
    held: _Piece | None = None
    small = False
    for piece in pieces:
        if held and (together := _together(held, piece, small=small)):
            held = together
            continue
        if held:
            yield held
        held, small = piece, piece.token_count < SMALL_TOKENS
    if held:
        yield held


def _together(left: _Piece, right: _Piece, *, small: bool) -> _Piece | None:
    """Return both as one piece, or None if they should stay two. small: all that is in `left` is."""
    token_count = left.token_count + right.token_count
    if left.above != right.above or token_count > MAX_TOKENS:
        return None
    tiny = min(left, right, key=lambda piece: piece.token_count)
    if tiny.token_count < TINY_TOKENS and tiny.path == tiny.above:
        larger = right if tiny is left else left
        return _Piece(left.start_char, right.end_char, larger.path, larger.parent, token_count)
    if not small or right.token_count >= SMALL_TOKENS:
        return None
    return _Piece(left.start_char, right.end_char, left.above, left.parent, token_count)


def _fitted(text: str, piece: _Piece, tokens: Tokens, *, prose: bool) -> list[Span]:
    """Return the piece, cut between statements or sentences if it has too many tokens."""
    span = Span(piece.start_char, piece.end_char)
    if piece.token_count <= MAX_TOKENS:
        return [span]
    if prose:
        return even_cuts(span, sentence_runs(text, *span, tokens, MAX_TOKENS), tokens, MAX_TOKENS)
    runs = (run for unit in units(text, *span) for run in word_runs(*unit, tokens, MAX_TOKENS))
    return even_cuts(span, runs, tokens, MAX_TOKENS)


def _heading(parts: tuple[str, ...]) -> str:
    """Return the path of a chunk, what stands between its file and its innermost names left out if it is too long."""
    first, *rest = [part for part in parts if part]
    while len(rest) > 1 and len(PATH_SEPARATOR.join((first, *rest))) > PATH_MAX_CHARACTERS:
        del rest[0]
    return PATH_SEPARATOR.join((first, *rest))[:PATH_MAX_CHARACTERS]
