"""Canonical text to chunks: exact in the embedder's tokens, without a gap, along sections, sentences and words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.ingest import table_rows
from analysis.sentences import split_sentences
from analysis.tables import TableText
from analysis.types import PATH_SEPARATOR, ChunkSpan, ParsedHeading, ParsedTable, Span

CHUNKER_VERSION = 2
# What is embedded is the heading path and the text. MiniLM reads 256 tokens; the rest is for the document's name.
MAX_TOKENS = 200
PATH_MAX_TOKENS = 60
PATH_MAX_CHARACTERS = 300
# A section below this says too little to be found by itself.
SMALL_TOKENS = 40
# Tokenised at a time, so that memory does not grow with the document.
BLOCK_CHARACTERS = 50_000
BATCH_BLOCKS = 8


class Tokenizer(Protocol):
    """A fast tokenizer of transformers, as far as chunking needs it."""

    def __call__(self, text: list[str], *, add_special_tokens: bool, verbose: bool) -> TokenizedBatch: ...


class TokenizedBatch(Protocol):
    """What a fast tokenizer returns; one encoding per text."""

    @property
    def encodings(self) -> Sequence[Encoding] | None: ...


class Encoding(Protocol):
    """The tokens of one text: where each stands, and which word it belongs to."""

    @property
    def offsets(self) -> list[tuple[int, int]]: ...
    @property
    def word_ids(self) -> list[int | None]: ...


@dataclass(frozen=True)
class Tokens:
    """Where the tokens of a text start, in order. opens_word: whether a cut before the token keeps words whole."""

    start_chars: NDArray[np.int64]
    opens_word: NDArray[np.bool_]

    def count(self, start_char: int, end_char: int) -> int:
        """Return how many tokens start in `text[start_char:end_char]`."""
        first, last = np.searchsorted(self.start_chars, (start_char, end_char))
        return int(last - first)


@dataclass(frozen=True)
class Section:
    """Text from one heading to the next, or several such that were too small to stand alone.

    ancestors: the headings that its path names, outermost first, as indexes into the sorted headings. parent: those
    above it and above each section that may be put to it; None for text before the first heading.
    """

    start_char: int
    end_char: int
    ancestors: tuple[int, ...]
    parent: tuple[int, ...] | None
    token_count: int


def chunk(
    text: str, headings: Sequence[ParsedHeading], tokenizer: Tokenizer, tables: Sequence[ParsedTable] = ()
) -> list[ChunkSpan]:
    """Return the chunks of `text` in order: they cover it exactly, without gap or overlap.

    A chunk's own tokens and those of its heading path are `MAX_TOKENS` together at most. No chunk crosses into another
    section, except that small neighbours under one parent are put together, nor into a table or out of it. The rows of
    a table stay whole, and their path goes on with the table's caption and column headers.
    """
    tokens = tokenise(text, tokenizer)
    headings = _in_order(headings, len(text))
    chunks: list[ChunkSpan] = []
    paths: dict[tuple[int, ...], tuple[str, int]] = {}
    for section in _gathered(_sections(len(text), headings, tokens)):
        if section.ancestors not in paths:
            paths[section.ancestors] = _path([headings[i] for i in section.ancestors], tokenizer)
        path, path_tokens = paths[section.ancestors]
        for part, table in table_rows.parts(Span(section.start_char, section.end_char), tables):
            if table:
                pieces = _row_pieces(TableText(table, text), part, path, tokens, tokenizer)
            else:
                units = sentence_runs(text, *part, tokens, MAX_TOKENS - path_tokens)
                pieces = [(cut, path) for cut in even_cuts(part, units, tokens, MAX_TOKENS - path_tokens)]
            for (start, end), piece_path in pieces:
                chunks.append(ChunkSpan(len(chunks), start, end, piece_path, tokens.count(start, end)))
    return chunks


def _row_pieces(
    table: TableText, part: Span, path: str, tokens: Tokens, tokenizer: Tokenizer
) -> list[tuple[Span, str]]:
    """Return the pieces of a table, each some whole rows unless one is too long, with their paths."""

    def count(words: str) -> int:
        return len(tokenise(words, tokenizer).start_chars)

    budget = MAX_TOKENS - table_rows.CONTEXT_MAX_TOKENS
    rows = pairwise([*table_rows.row_starts(table, part), part.end_char])
    units = (piece for row in rows for piece in word_runs(*row, tokens, budget))
    cuts = even_cuts(part, units, tokens, budget)
    return [(cut, table_rows.context(table, cut.start_char, path, PATH_SEPARATOR, count)) for cut in cuts]


def tokenise(text: str, tokenizer: Tokenizer) -> Tokens:
    """Return where the tokens of `text` start. Read in blocks that end at white space, where no token crosses."""
    starts: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    opens: list[NDArray[np.bool_]] = [np.empty(0, np.bool_)]
    blocks = list(_blocks(text))
    for at in range(0, len(blocks), BATCH_BLOCKS):
        batch = blocks[at : at + BATCH_BLOCKS]
        encodings = tokenizer([text[a:b] for a, b in batch], add_special_tokens=False, verbose=False).encodings or ()
        for (block_start, _), encoding in zip(batch, encodings, strict=True):
            starts.append(np.array([start for start, _ in encoding.offsets], np.int64) + block_start)
            words = np.array([-1 if word is None else word for word in encoding.word_ids], np.int64)
            opens.append(np.diff(words, prepend=-2) != 0)
    return Tokens(np.concatenate(starts), np.concatenate(opens))


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(text):
        end = min(start + BLOCK_CHARACTERS, len(text))
        while end < len(text) and not text[end].isspace():
            end += 1
        yield start, end
        start = end


def _in_order(headings: Sequence[ParsedHeading], length: int) -> list[ParsedHeading]:
    """Return the headings inside the text by place, the first of those that share one."""
    by_place = {h.start_char: h for h in sorted(headings, key=lambda h: -h.level) if 0 <= h.start_char < length}
    return [by_place[start] for start in sorted(by_place)]


def _sections(length: int, headings: Sequence[ParsedHeading], tokens: Tokens) -> Iterator[Section]:
    """Yield what stands before the first heading, then from each heading to the next one of any level."""
    starts = [heading.start_char for heading in headings]
    ancestors: tuple[int, ...] = ()
    for index, (start, end) in enumerate(pairwise([0, *starts, length]), start=-1):
        if index >= 0:
            level = headings[index].level
            ancestors = (*(i for i in ancestors if headings[i].level < level), index)
        if start < end:
            yield Section(start, end, ancestors, ancestors[:-1] if ancestors else None, tokens.count(start, end))


def _gathered(sections: Iterator[Section]) -> Iterator[Section]:
    """Yield the sections, small ones put together with the next while both stand under one parent and fit a chunk."""
    held: Section | None = None
    for section in sections:
        together = held and _together(held, section)
        if held and not together:
            yield held
        held = together or section
    if held:
        yield held


def _together(left: Section, right: Section) -> Section | None:
    """Return both as one section, or None if they should stay two. A heading goes with its first child."""
    size = left.token_count + right.token_count
    if left.token_count >= SMALL_TOKENS or size > MAX_TOKENS - PATH_MAX_TOKENS:
        return None
    if left.parent is None or right.parent not in (left.parent, left.ancestors):
        return None
    # A heading alone adds its words to its child's section; siblings stand under what is above both.
    is_child = right.parent != left.parent
    ancestors = right.ancestors if is_child else left.parent
    return Section(left.start_char, right.end_char, ancestors, right.parent, size)


def _path(headings: Sequence[ParsedHeading], tokenizer: Tokenizer) -> tuple[str, int]:
    """Return ("ARTICLE IV > 4.2 Fees", its tokens), without the outermost headings where that would be too long."""
    parts = [_heading_line(heading) for heading in headings]
    parts = [part for part in parts if part]
    for first in range(len(parts)):
        path = PATH_SEPARATOR.join(parts[first:])[:PATH_MAX_CHARACTERS].strip()
        size = len(tokenise(path, tokenizer).start_chars)
        if size <= PATH_MAX_TOKENS:
            return path, size
    return "", 0


def _heading_line(heading: ParsedHeading) -> str:
    title = " ".join(heading.title.split())
    return title if title.startswith(heading.label) else f"{heading.label} {title}".strip()


def even_cuts(part: Span, units: Iterable[tuple[int, int]], tokens: Tokens, budget: int) -> list[Span]:
    """Return `part` cut between its units so that no piece has more than `budget` tokens."""
    cuts = [part.start_char]
    token_count = tokens.count(*part)
    pieces = -(-token_count // budget)
    # Even pieces: cutting at the limit would leave a last piece of a few words.
    aim = token_count / pieces if pieces else 0
    for start, end in units:
        held = tokens.count(cuts[-1], start)
        if held and (held >= aim or held + tokens.count(start, end) > budget):
            cuts.append(start)
    return [Span(*edges) for edges in pairwise([*cuts, part.end_char])]


def sentence_runs(text: str, start_char: int, end_char: int, tokens: Tokens, budget: int) -> Iterator[tuple[int, int]]:
    """Yield what should stay whole, end to end: sentences, lines of one too long, runs of words of such a line."""
    starts = [span.start_char for span in split_sentences(text, start_char, end_char)]
    for start, end in pairwise([start_char, *starts[1:], end_char]):
        if tokens.count(start, end) <= budget:
            yield start, end
            continue
        for line_start, line_end in _lines(text, start, end):
            yield from word_runs(line_start, line_end, tokens, budget)


def _lines(text: str, start_char: int, end_char: int) -> Iterator[tuple[int, int]]:
    while start_char < end_char:
        line_end = text.find("\n", start_char, end_char) + 1 or end_char
        yield start_char, line_end
        start_char = line_end


def word_runs(start_char: int, end_char: int, tokens: Tokens, budget: int) -> Iterator[tuple[int, int]]:
    """Yield runs of at most `budget` tokens, cut where a word opens; inside a word only if it alone is longer."""
    first, last = (int(i) for i in np.searchsorted(tokens.start_chars, (start_char, end_char)))
    while last - first > budget:
        opens = np.flatnonzero(tokens.opens_word[first + 1 : first + budget + 1])
        cut_at = first + 1 + int(opens[-1]) if len(opens) else first + budget
        cut = int(tokens.start_chars[cut_at])
        if cut > start_char:
            yield start_char, cut
        start_char, first = cut, cut_at
    yield start_char, end_char
