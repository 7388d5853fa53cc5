"""The sentences of a part that probably answer a question, by meaning, words and headings.

A small language model overlooks much of what it reads in a long text, and its yes or no about a single sentence told
little more than how near the sentence is (docs/measurements.md). So probability decides beside what it copies.
"""

from __future__ import annotations

from analysis.llm.catalogue import LLM
from analysis.review.relevance import relevant_in
from analysis.review.sentences import Meaning
from analysis.types import Finding, Source, Span

MOST_NEAREST = 3
# Of the clauses that are in CUAD's 26 development contracts 82 % have a sentence this probable, of those that are not
# 11 %. Nearness without calibration, which this replaced, found 79 % and was wrong in 28 % (docs/quality.md).
LEAST_PROBABLE = 0.08


def with_nearest(
    found: list[Finding], question: str, part: Source, llm: LLM, *, meaning: Meaning | None = None
) -> list[Finding]:
    """Return what the LLM copied and, where its row says so, what is probable, in the order of the text."""
    if llm.sweep != "nearest":
        return found
    near = [Finding(*span) for span in nearest(question, part, meaning)]
    new = [finding for finding in near if not _overlaps(finding, found)]
    return sorted([*found, *new], key=lambda finding: finding.start_char)


def nearest(question: str, part: Source, meaning: Meaning | None = None) -> list[Span]:
    """Return up to MOST_NEAREST sentences of the version, each at least LEAST_PROBABLE, the most probable first."""
    probable = [span for span in relevant_in(question, part, meaning) if span.probability >= LEAST_PROBABLE]
    return [Span(span.start_char, span.end_char) for span in probable[:MOST_NEAREST]]


def _overlaps(finding: Finding, others: list[Finding]) -> bool:
    return any(finding.start_char < other.end_char and other.start_char < finding.end_char for other in others)
