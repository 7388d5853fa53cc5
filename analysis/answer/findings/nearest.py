"""The sentences of a part that come nearest to a question, by meaning and by words.

A small language model overlooks much of what it reads in a long text, and its yes or no about a single sentence told
little more than how near the sentence is (docs/measurements.md). So nearness decides beside what it copies.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from analysis.llm.catalogue import LLM
from analysis.sentences import split_sentences
from analysis.types import Finding, Source, Span
from analysis.words import words

Meaning = Callable[[str, list[str]], "np.ndarray"]

MOST_NEAREST = 3
FEWEST_CONTENT_WORDS = 2
# Cosine plus the share of the question's words. Chosen on 12 contracts of CUAD's development side, asked for every
# clause: of those that are there 58 % are found, of those that are not 37 % have a finding (0.6: 62 and 49 %; 0.7: 50
# and 24 %).
LEAST_NEAR = 0.65


def with_nearest(
    found: list[Finding], question: str, part: Source, llm: LLM, *, meaning: Meaning | None = None
) -> list[Finding]:
    """Return what the LLM copied and, where its row says so, the nearest sentences, in the order of the text."""
    if llm.sweep != "nearest":
        return found
    near = [
        Finding(part.start_char + span.start_char, part.start_char + span.end_char)
        for span in nearest(question, part, meaning or _meaning)
    ]
    new = [finding for finding in near if not _overlaps(finding, found)]
    return sorted([*found, *new], key=lambda finding: finding.start_char)


def nearest(question: str, part: Source, meaning: Meaning) -> list[Span]:
    """Return up to MOST_NEAREST sentences at least LEAST_NEAR to the question, the nearest first.

    Spans count from the part's start. meaning: a question and sentences to float32[n] of cosines.
    """
    spans = [span for span in split_sentences(part.text) if len(_stems(part.text, span)) >= FEWEST_CONTENT_WORDS]
    if not spans:
        return []
    cosines = meaning(question, [part.text[start:end] for start, end in spans])
    shares = _shared(question, [_stems(part.text, span) for span in spans])
    nearness = {span: float(cosine) + share for span, cosine, share in zip(spans, cosines, shares, strict=True)}
    near = [span for span in spans if nearness[span] >= LEAST_NEAR]
    return sorted(near, key=lambda span: -nearness[span])[:MOST_NEAREST]


def _meaning(question: str, sentences: list[str]) -> np.ndarray:
    from analysis.ingest.embed import embed_passages, embed_query

    return embed_passages(sentences) @ embed_query(question)


def _shared(question: str, sentences: list[set[str]]) -> list[float]:
    """Return how much of the question's word weight (inverse document frequency in the part) each sentence has."""
    holders = {stem: sum(stem in held for held in sentences) for stem in {word.stem for word in words(question)}}
    weights = {stem: math.log(1 + len(sentences) / (count or 1)) for stem, count in holders.items()}
    total = sum(weights.values()) or 1.0
    return [sum(weight for stem, weight in weights.items() if stem in held) / total for held in sentences]


def _stems(text: str, span: Span) -> set[str]:
    return {word.stem for word in words(text[span.start_char : span.end_char])}


def _overlaps(finding: Finding, others: list[Finding]) -> bool:
    return any(finding.start_char < other.end_char and other.start_char < finding.end_char for other in others)
