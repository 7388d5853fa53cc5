"""A text's sentences as they are scored: their words, what they mean, and the headings that they stand under."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from analysis.sentences import split_sentences
from analysis.types import Span
from analysis.words import words

Vectors = NDArray[np.float32]
Meaning = Callable[[Sequence[str]], Vectors]

FEWEST_CONTENT_WORDS = 2
# Of a longer sentence, which is a table or a list without stops, only the beginning is looked at.
MOST_CHARACTERS = 1500
# "9.4 Term. This Agreement ...", "TERMINATION: ...": a heading that runs into its sentence, or is cut off as one.
_SMALL = "and|of|or|to|on|for|in|the|by|upon"
_RUN_IN = re.compile(
    r"(?:\(?(?:\d[\d.]*|[A-Za-z]|[ivx]+)[.)]?\s+)?"
    rf"(?P<title>[A-Z][A-Za-z/&-]*(?:,? (?:[A-Z][A-Za-z/&-]*|{_SMALL})){{0,6}})[.:](?P<more>\s|$)"
)


class Headed(Protocol):
    """A heading, parsed or stored: its words and the section that it opens."""

    @property
    def title(self) -> str: ...
    @property
    def start_char(self) -> int: ...
    @property
    def section_end_char(self) -> int: ...


@dataclass(frozen=True)
class Sentences:
    """The sentences of a text that say something, in order.

    vectors: float32[n, dims], of unit length. titles: for each sentence the headings that it stands under.
    """

    spans: list[Span]
    texts: list[str]
    titles: list[tuple[str, ...]]
    vectors: Vectors

    @cached_property
    def stems(self) -> list[frozenset[str]]:
        """The content words of each sentence, stemmed."""
        return [frozenset(word.stem for word in words(text)) for text in self.texts]


def sentences_in(text: str, headings: Iterable[Headed], meaning: Meaning) -> Sentences:
    """Return the sentences of `text`. meaning: texts to vectors."""
    spans = sentence_spans(text)
    texts = [beginning(text, span) for span in spans]
    return Sentences(spans, texts, titles_of(spans, texts, headings), meaning(texts))


def sentence_spans(text: str) -> list[Span]:
    """Return the sentences that have at least FEWEST_CONTENT_WORDS."""
    return [span for span in split_sentences(text) if len(words(beginning(text, span))) >= FEWEST_CONTENT_WORDS]


def titles_of(spans: Sequence[Span], texts: Sequence[str], headings: Iterable[Headed]) -> list[tuple[str, ...]]:
    """Return for each sentence the titles of the sections that it stands in, and the title that runs into it."""
    sections = sorted((heading.start_char, heading.section_end_char, heading.title) for heading in headings)
    open_sections: list[tuple[int, int, str]] = []
    titles: list[tuple[str, ...]] = []
    following = 0
    cut_off: tuple[str, ...] = ()
    for span, text in zip(spans, texts, strict=True):
        while following < len(sections) and sections[following][0] <= span.start_char:
            open_sections.append(sections[following])
            following += 1
        open_sections = [section for section in open_sections if section[1] > span.start_char]
        run_in = _RUN_IN.match(text)
        own = (run_in["title"],) if run_in else cut_off
        cut_off = own if run_in and not run_in["more"] else ()
        titles.append((*(section[2].strip(" .:") for section in open_sections), *own))
    return titles


def beginning(text: str, span: Span) -> str:
    """Return what is looked at of a sentence."""
    return text[span.start_char : min(span.end_char, span.start_char + MOST_CHARACTERS)]


def embed(texts: Sequence[str]) -> Vectors:
    """Return the vectors of the texts, by the embedder that is set."""
    from analysis.ingest.embed import embed_passages

    return embed_passages(list(texts))
