"""What passages lean on: the definitions of their terms, and the sections that they refer to.

A clause that says "Change of Control" or "subject to Section 4.2(b)" cannot be read without them. What matters to the
question comes first; a term that stands on every page, as a party's name does, tells least.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from analysis.answer import masked
from analysis.answer.parts import opening_end
from analysis.ingest.understand.uses import TermIndex
from analysis.models import CrossReference, DefinedTerm
from analysis.types import Aim, Source, Span

ASKED_WEIGHT = 4.0  # a term that the question itself uses, against one that only a passage uses
REFERENCE_WEIGHT = 0.25  # a section referred to weighs as much as a term that is used some fifty times
MOST_SHARE = 0.5  # of the budget, for one definition or section
LEAST_CHARACTERS = 30


@dataclass(frozen=True)
class _Leaning:
    """A place that passages lean on. place: what the model is told of it."""

    passage: Source
    span: Span
    place: str
    weight: float


def definitions_for(
    question: str, passages: Sequence[Source], *, limit: int, size: Callable[[str], int]
) -> list[tuple[Source, str]]:
    """Return what the passages lean on and do not hold themselves, most telling first, each with its place in words.

    passages: best first. limit: the most that all of it may take by `size`, which is tokens of a text.
    """
    found: list[tuple[Source, str]] = []
    held = defaultdict[int, list[Span]](list)
    for passage in passages:
        held[passage.version_id].append(Span(passage.start_char, passage.end_char))
    for leaning in sorted(_leanings(question, passages), key=lambda one: -one.weight):
        source = _source(leaning, held[leaning.passage.version_id], min(limit, int(limit * MOST_SHARE) or limit), size)
        if source is None or (taken := size(source.text)) > limit:
            continue
        limit -= taken
        held[source.version_id].append(Span(source.start_char, source.end_char))
        found.append((source, leaning.place))
    return found


def _leanings(question: str, passages: Sequence[Source]) -> Iterator[_Leaning]:
    for version_id in dict.fromkeys(passage.version_id for passage in passages):
        own = [(1 / (rank + 1), one) for rank, one in enumerate(passages) if one.version_id == version_id]
        references = list(CrossReference.objects.filter(version_id=version_id, aim=Aim.HERE))
        yield from _terms(question, own, references)
        yield from _sections(own, references)


def _terms(
    question: str, passages: Sequence[tuple[float, Source]], references: Sequence[CrossReference]
) -> Iterator[_Leaning]:
    """Yield the definitions of the terms that the passages use."""
    rows = DefinedTerm.objects.filter(version_id=passages[0][1].version_id)
    terms = {row.key: row for row in sorted(rows, key=lambda row: not row.points)}  # a pointer gives way
    index = TermIndex(row.term for row in terms.values())
    asked = {use.key for use in index.uses(question)}
    weights: dict[str, float] = defaultdict(float)
    for weight, passage in passages:
        for key in {use.key for use in index.uses(passage.text)}:
            weights[key] += weight
    for key, weight in weights.items():
        row = terms[key]
        rarity = 1 / math.log(3 + row.uses)
        span = Span(row.definition_start_char, row.definition_end_char)
        yield _Leaning(
            passages[0][1],
            _pointed_to(span, references) if row.points else span,
            f"definition of {row.term}",
            weight * rarity * (ASKED_WEIGHT if key in asked else 1),
        )


def _pointed_to(span: Span, references: Iterable[CrossReference]) -> Span:
    """Return where "has the meaning set forth in Section 4.2" leads; the words themselves if that is not known."""
    targets = (_target(one) for one in references if span.start_char <= one.start_char < span.end_char)
    return next(targets, span)


def _sections(passages: Sequence[tuple[float, Source]], references: Sequence[CrossReference]) -> Iterator[_Leaning]:
    """Yield the sections that the passages refer to."""
    for weight, passage in passages:
        for one in references:
            if passage.start_char <= one.start_char < passage.end_char and not one.label.lower().startswith("this "):
                yield _Leaning(passage, _target(one), one.label, weight * REFERENCE_WEIGHT)


def _target(reference: CrossReference) -> Span:
    return Span(reference.target_start_char or 0, reference.target_end_char or 0)


def _source(leaning: _Leaning, held: Sequence[Span], limit: int, size: Callable[[str], int]) -> Source | None:
    """Return the place's text, as many whole sentences of it as fit; None if the passages hold where it begins."""
    start, end = leaning.span
    if any(span.start_char <= start < span.end_char for span in held):
        return None
    end = min([end, *(span.start_char for span in held if span.start_char > start)])
    text = masked.read(leaning.passage.version_id, start, min(end, start + limit * 8)).rstrip()
    if size(text) > limit:
        text = text[: opening_end(text, limit=limit, size=size)].rstrip()
    if len(text) < LEAST_CHARACTERS:
        return None
    return replace(leaning.passage, start_char=start, end_char=start + len(text), text=text)
