"""The clause finder: every sentence of a document scored for every clause of a checklist, the best places kept.

What is kept does not depend on a threshold: that is a person's, and may move without the document being read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from analysis.review.checklist import Checklist, Clause, ValueKind
from analysis.review.scoring import clause_probabilities
from analysis.review.sentences import Meaning, Sentences, embed
from analysis.review.values import values_of
from analysis.types import ClauseFinding, ClauseValue, Identity, Party, Span

# Raise it when the same text would give other findings; documents that were reviewed before then say so.
FINDER_VERSION = 1
MOST_KEPT = 12
LEAST_KEPT = 0.02
OPENING_CHARACTERS = 4_000
# Of the titles that documents are known by, and of their parties' names, so many are what people marked as such (CUAD's
# development contracts).
TITLE_PROBABILITY = 0.9
PARTY_PROBABILITY = 0.85
ROLE_WITHIN_CHARACTERS = 900

OnClause = Callable[[int, int], None]


def find(
    checklist: Checklist,
    text: str,
    sentences: Sentences,
    identity: Identity,
    *,
    meaning: Meaning = embed,
    on_clause: OnClause = lambda done, total: None,
    weights: NDArray[np.float64] | None = None,
) -> list[ClauseFinding]:
    """Return the best places of each clause, the most probable first, in the order of the checklist.

    identity: the text's title and parties, which two of the clauses are. on_clause: told how many clauses are done;
    what it raises ends the work. weights: instead of those in use.
    """
    found: list[ClauseFinding] = []
    for number, clause in enumerate(checklist.clauses):
        on_clause(number, len(checklist.clauses))
        found += _best(_known(clause, identity, text) or _scored(clause, text, sentences, meaning, weights))
    on_clause(len(checklist.clauses), len(checklist.clauses))
    return found


def _best(findings: Iterable[ClauseFinding]) -> list[ClauseFinding]:
    """Return the most probable findings, each place once."""
    places: dict[tuple[int, int], ClauseFinding] = {}
    for finding in sorted(findings, key=lambda each: -each.probability):
        if finding.probability >= LEAST_KEPT:
            places.setdefault((finding.start_char, finding.end_char), finding)
    return list(places.values())[:MOST_KEPT]


def _known(clause: Clause, identity: Identity, text: str) -> list[ClauseFinding]:
    """Return what is known of the document's title or parties since it was read in, if the clause is that."""
    if clause.value is ValueKind.TITLE and identity.title:
        span = Span(identity.start_char, identity.end_char)
        return [_named(clause, span, identity.title, TITLE_PROBABILITY)]
    if clause.value is ValueKind.PARTIES:
        return [finding for party in identity.parties for finding in _party(clause, party, text)]
    return []


def _party(clause: Clause, party: Party, text: str) -> Iterator[ClauseFinding]:
    """Yield the party's name, and its short names where the contract gives them to it."""
    yield _named(clause, Span(party.start_char, party.end_char), party.name, PARTY_PROBABILITY, ", ".join(party.roles))
    for role in party.roles:
        start = text.find(role, party.end_char, party.end_char + ROLE_WITHIN_CHARACTERS)
        if start >= 0:
            yield _named(clause, Span(start, start + len(role)), role, PARTY_PROBABILITY, party.name)


def _named(clause: Clause, span: Span, name: str, probability: float, note: str = "") -> ClauseFinding:
    value = ClauseValue(clause.value, name, span.start_char, span.end_char, note)
    return ClauseFinding(clause.id, span.start_char, span.end_char, probability, value)


def _scored(
    clause: Clause, text: str, sentences: Sentences, meaning: Meaning, weights: NDArray[np.float64] | None
) -> Iterator[ClauseFinding]:
    """Yield the probable sentences with the value that each states; a date is itself the place, as people mark it."""
    probabilities = clause_probabilities(clause, sentences, meaning, weights)
    for index in np.flatnonzero(probabilities >= LEAST_KEPT):
        span = sentences.spans[index]
        if clause.opening and span.start_char >= OPENING_CHARACTERS:
            continue
        value = _value(clause, text, span)
        if value is None and clause.needs_value:
            continue
        place = value if value and clause.value is ValueKind.DATE else span
        yield ClauseFinding(clause.id, place.start_char, place.end_char, float(probabilities[index]), value)


def _value(clause: Clause, text: str, span: Span) -> ClauseValue | None:
    """Return the value that stands nearest to what marks the clause in the sentence, as a span of the text."""
    words = text[span.start_char : span.end_char]
    values = values_of(clause.value, words)
    if not values:
        return None
    marks = clause.cues.places(words)
    nearest = min(values, key=lambda value: min((_apart(value, mark) for mark in marks), default=value.start_char))
    start, end = span.start_char + nearest.start_char, span.start_char + nearest.end_char
    return replace(nearest, start_char=start, end_char=end)


def _apart(value: ClauseValue, mark: Span) -> int:
    """Return how many characters are between the value and the mark; 0 where they overlap."""
    return max(0, value.start_char - mark.end_char, mark.start_char - value.end_char)
