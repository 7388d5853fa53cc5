"""Chunks to postings: for each term of a version, the sentences that have it, packed into a few bytes.

A place is one 32-bit number: the chunk's ordinal (18 bits), the sentence's number in its chunk (8) and how often the
term stands in it (6). Sentences are what search ranks; a chunk's count is the sum of its sentences'.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.code_units import units
from analysis.lexical import CODE, terms
from analysis.sentences import split_sentences
from analysis.types import ChunkSpan, Identity, Span, Standing

OPENING_CHARACTERS = 2_000
SENTENCE_BITS, COUNT_BITS = 8, 6
MOST_CHUNKS, MOST_SENTENCES, MOST_COUNT = 1 << 18, 1 << SENTENCE_BITS, 1 << COUNT_BITS

Integers = NDArray[np.int64]


class Entry(NamedTuple):
    """A term's row. places: uint32, one a sentence that has it."""

    term: str
    standing: int
    sentence_count: int
    places: bytes


class Places(NamedTuple):
    """Unpacked places: sentence `sentences[n]` of chunk `chunks[n]` has the term `counts[n]` times."""

    chunks: Integers
    sentences: Integers
    counts: Integers


def sentences_of(text: str, spans: Sequence[ChunkSpan], language: str = "") -> list[list[Span]]:
    """Return the sentences of each chunk, of source code its units; what a chunk has too many of ends in its last."""
    split = units if language == CODE else split_sentences
    return [_clipped(split(text, span.start_char, span.end_char)) for span in spans[:MOST_CHUNKS]]


def _clipped(sentences: list[Span]) -> list[Span]:
    kept, rest = sentences[: MOST_SENTENCES - 1], sentences[MOST_SENTENCES - 1 :]
    return [*kept, Span(rest[0].start_char, rest[-1].end_char)] if rest else kept


def postings(text: str, sentences: Sequence[Sequence[Span]], language: str, identity: Identity) -> list[Entry]:
    """Return a row for each term of the text, in the order of the alphabet.

    sentences: of each chunk, by ordinal. language: ISO 639-1, "" if unknown. identity: what the text calls itself.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for chunk, of_chunk in enumerate(sentences):
        for number, span in enumerate(of_chunk):
            counted = Counter(term.text for term in terms(text[slice(*span)], language))
            at = (chunk << SENTENCE_BITS | number) << COUNT_BITS
            for term, count in counted.items():
                places[term].append(at | min(count, MOST_COUNT - 1))
    opening = {term.text for term in terms(text[:OPENING_CHARACTERS], language)}
    own = identity_terms(identity, language)
    return [
        Entry(term, _standing(term, opening, own), len(places[term]), np.array(places[term], "<u4").tobytes())
        for term in sorted(places)
    ]


def identity_terms(identity: Identity, language: str) -> set[str]:
    """Return the terms of the title and of the parties' names and short names."""
    names = [identity.title, *(name for party in identity.parties for name in (party.name, *party.roles))]
    return {term.text for name in names for term in terms(name, language)}


def _standing(term: str, opening: set[str], own: set[str]) -> int:
    return (Standing.OPENING if term in opening else 0) | (Standing.IDENTITY if term in own else 0)


def unpack(places: bytes | memoryview) -> Places:
    """Return what `places` holds, in the order of the text."""
    numbers = np.frombuffer(places, "<u4").astype(np.int64)
    at = numbers >> COUNT_BITS
    return Places(at >> SENTENCE_BITS, at & (MOST_SENTENCES - 1), numbers & (MOST_COUNT - 1))


def pack_sentences(sentences: Sequence[Span]) -> bytes:
    """Return (start_char, end_char) of each of a chunk's sentences as uint32, in the order of the text."""
    return np.array(sentences, "<u4").tobytes()


def unpack_sentences(packed: bytes | memoryview) -> list[Span]:
    """Return a chunk's sentences, in the order of the text."""
    return [Span(start, end) for start, end in np.frombuffer(packed, "<u4").reshape(-1, 2).tolist()]
