"""Finds a quote in the text it was copied from, however the copy's white space, quotes and dashes came out."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analysis.answer.cite import cite
from analysis.sentences import split_sentences
from analysis.types import Source, Span
from analysis.words import words

# A quote that is not in the text word for word must share this much of its words' weight with the place it garbles;
# numbers, names and negations must agree besides (`cite`).
ENOUGH_ALIKE = 0.75
MOST_ALIKE = 0.99
# A quote is widened to the sentences that it stands in while these stay this short, in characters.
WIDEST_SENTENCE = 480
FEWEST_CONTENT_WORDS = 2

_SAME = str.maketrans(
    {
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
    }
)


class Place(NamedTuple):
    """Where a quote stands in a text. score: in [0, 1], 1 when it stands there word for word."""

    span: Span
    score: float


@dataclass(frozen=True)
class Folded:
    """A text with what copies differ in made equal. at: for each of its characters the place in the text; one more."""

    text: str
    at: list[int]


def fold(text: str) -> Folded:
    """Return `text` in lower case with plain quotes, dashes, ligatures and single spaces."""
    folded: list[str] = []
    at: list[int] = []
    for index, character in enumerate(text):
        for plain in unicodedata.normalize("NFKC", character).translate(_SAME).lower():
            if not plain.isspace():
                folded.append(plain)
                at.append(index)
            elif folded and folded[-1] != " ":
                folded.append(" ")
                at.append(index)
    return Folded("".join(folded), [*at, len(text)])


class Part:
    """A part's text, ready to have quotes looked up in it."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.folded = fold(source.text)
        self.sentences = split_sentences(source.text)

    def holds(self, quote: str) -> bool:
        """Return whether `quote` stands in the part's text word for word."""
        return fold(quote).text.strip() in self.folded.text

    def locate(self, quote: str, *, taken: list[Span]) -> Place | None:
        """Return where in the part's text `quote` stands, or None; another place than `taken` if there is one."""
        spans = self._verbatim(quote)
        if spans:
            span = next((span for span in spans if span not in taken), spans[0])
            return Place(span, 1.0)
        return self._alike(quote)

    def _verbatim(self, quote: str) -> list[Span]:
        wanted = fold(quote).text.strip()
        if not wanted:
            return []
        places = (match.start() for match in re.finditer(re.escape(wanted), self.folded.text))
        spans = [Span(self.folded.at[place], self.folded.at[place + len(wanted) - 1] + 1) for place in places]
        return [self._widened(span) for span in spans if self._says_something(span)]

    def _says_something(self, span: Span) -> bool:
        """Return whether the span is more than a stray word: some words of content, or a line or sentence by itself."""
        text = self.source.text
        if len(words(text[span.start_char : span.end_char])) >= FEWEST_CONTENT_WORDS:
            return True
        before = text[text.rfind("\n", 0, span.start_char) + 1 : span.start_char]
        after = text[span.end_char :].partition("\n")[0]
        return not before.strip() and not after.strip()

    def _widened(self, span: Span) -> Span:
        """Return the sentences that the span stands in, or the span up to whole words where they are too long."""
        inside = [s for s in self.sentences if s.start_char < span.end_char and span.start_char < s.end_char]
        start, end = inside[0].start_char, inside[-1].end_char
        if end - start <= max(WIDEST_SENTENCE, span.end_char - span.start_char):
            return Span(start, end)
        return _whole_words(self.source.text, span)

    def _alike(self, quote: str) -> Place | None:
        """Return the sentence that `quote` garbles, if one is near enough by its words."""
        source = self.source
        found = [sentence.citations[0] for sentence in cite(quote, [source], embed=_no_meaning) if sentence.citations]
        if not found or min(citation.score for citation in found) < ENOUGH_ALIKE:
            return None
        start = min(citation.start_char for citation in found) - source.start_char
        end = max(citation.end_char for citation in found) - source.start_char
        return Place(self._widened(Span(start, end)), min(MOST_ALIKE, *(citation.score for citation in found)))


def _no_meaning(texts: list[str]) -> np.ndarray:
    """Return vectors that are alike for no two texts: a copy is known by its words alone."""
    return np.zeros((len(texts), 1), np.float32)


def _whole_words(text: str, span: Span) -> Span:
    start, end = span
    while start > 0 and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and not text[end].isspace():
        end += 1
    return Span(start, end)
