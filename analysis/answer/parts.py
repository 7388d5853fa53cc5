"""Parts: a document cut into pieces that a language model reads one at a time, along its sections.

Where a part ends depends on the words around the place and not on how far it is from the document's start (content-
defined chunking, as in Muthitacharoen et al., LBFS, SOSP 2001; a local minimum takes the place of a fixed mask, so that
no part is ever longer than the limit). So an amended document has the same parts as before it, but for a few around
each change, and what was found in the others still holds.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence

from analysis.sentences import split_sentences
from analysis.types import Span

_WORDS_AHEAD = 200  # characters that speak for a place
_PARAGRAPH = re.compile(r"\n[ \t]*\n\s*")
_NO_LETTERS = re.compile(r"[\W\d_]+")

Size = Callable[[str], int]


def parts_of(text: str, section_starts: Sequence[int], *, limit: int, size: Size) -> list[Span]:
    """Return spans that cover the text in order without gap or overlap, each at most `limit` by `size`.

    A part ends in its last half: before a section if one starts there, else before a paragraph, else before a sentence,
    else wherever the limit is.
    size: tokens of a text; it must not grow by much when texts are joined.
    """
    found: list[Span] = []
    start = 0
    while start < len(text):
        end = _furthest(text, start, limit, size)
        if end < len(text):
            end = _natural_end(text, start, end, section_starts)
        found.append(Span(start, end))
        start = end
    return found


def opening_end(text: str, *, limit: int, size: Size) -> int:
    """Return where the longest run of whole sentences ends that is within `limit`; the limit itself if none is."""
    end = _furthest(text, 0, limit, size)
    return end if end == len(text) else max(_sentence_starts(text, 0, end), default=end)


def _furthest(text: str, start: int, limit: int, size: Size) -> int:
    """Return the furthest end at which the piece still is within the limit; at least one character further."""
    end = min(len(text), start + limit * 6)
    while end - start > 1 and (tokens := size(text[start:end])) > limit:
        # Proportional steps, a little short of the goal, converge in a few tries where halving needs many.
        end = start + max(1, min(end - start - 1, int((end - start) * limit / tokens * 0.98)))
    return end


def _natural_end(text: str, start: int, end: int, section_starts: Sequence[int]) -> int:
    half = start + (end - start) // 2
    kinds: list[Callable[[], Iterable[int]]] = [
        lambda: section_starts,
        lambda: (match.end() for match in _PARAGRAPH.finditer(text, half, end)),
        lambda: _sentence_starts(text, start, end),
    ]
    for places in kinds:
        within = [place for place in places() if half < place <= end]
        if within:
            return min(within, key=lambda place: (_digest(text, place), place))
    return end


def _sentence_starts(text: str, start: int, end: int) -> list[int]:
    # The last sentence may go on past the limit: it starts here all the same.
    return [sentence.start_char for sentence in split_sentences(text, start, end)[1:]]


def _digest(text: str, place: int) -> bytes:
    """Return what tells this place from others by the letters that follow: a new number leaves a clause the same."""
    words = _NO_LETTERS.sub("", text[place : place + _WORDS_AHEAD])[: _WORDS_AHEAD // 2]
    return hashlib.sha256(words.lower().encode()).digest()
