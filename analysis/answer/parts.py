"""Parts: a document cut into pieces that a language model reads one at a time, along its sections."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from analysis.sentences import split_sentences
from analysis.types import Span


def parts_of(text: str, section_starts: Sequence[int], *, limit: int, size: Callable[[str], int]) -> list[Span]:
    """Return spans that cover the text in order without gap or overlap, each at most `limit` by `size`.

    A part ends before a section where one starts in its last half, else after a sentence, else wherever the limit is.
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


def _furthest(text: str, start: int, limit: int, size: Callable[[str], int]) -> int:
    """Return the furthest end at which the piece still is within the limit; at least one character further."""
    end = min(len(text), start + limit * 6)
    while end - start > 1 and (tokens := size(text[start:end])) > limit:
        # Proportional steps, a little short of the goal, converge in a few tries where halving needs many.
        end = start + max(1, min(end - start - 1, int((end - start) * limit / tokens * 0.98)))
    return end


def _natural_end(text: str, start: int, end: int, section_starts: Sequence[int]) -> int:
    half = start + (end - start) // 2
    section = max((place for place in section_starts if half < place <= end), default=0)
    if section:
        return section
    sentences = split_sentences(text, start, end)
    # The last sentence may go on past the limit, so the part ends where it starts.
    return sentences[-1].start_char if len(sentences) > 1 and sentences[-1].start_char > half else end
