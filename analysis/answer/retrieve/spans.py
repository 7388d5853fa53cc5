"""Ranked sentences to passages: first the clause itself, then chunks, joined with a neighbour that ranks near."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from analysis.answer.retrieve.candidates import Candidate, Candidates
from analysis.answer.retrieve.words import Floats
from analysis.models import Document
from analysis.repository.lines import line_tables
from analysis.types import Hit, Span

# Sentences beside the best one whose log odds are so near to its own are the same clause.
SAME_CLAUSE = 0.5
CLAUSE_MAX_CHARACTERS = 4_000
# A shorter one is a heading: what it heads belongs to it.
CLAUSE_LEAST_CHARACTERS = 40
# A chunk and its neighbour are one passage when the neighbour is among the next so many ranks, and as many again for
# each passage before it.
NEAR_RANKS = 2
# Of a longer piece of source code so many lines are quoted: those that match best and what stands around them.
CORE_LINES = 25


class Run(NamedTuple):
    """Sentences `first` to `last` of the candidates, one text. score: log odds of the best of them."""

    first: int
    last: int
    score: float


def passages(found: Candidates, scores: Floats, limit: int) -> list[Hit]:
    """Return at most `limit` passages, best first; no character is in two of them.

    The first is the best sentence with those beside it that score nearly as well. What is left of its chunk ranks as
    other chunks do: by the best of its sentences.
    """
    if not len(scores):
        return []
    clause = _clause(found, scores)
    used = np.zeros(len(scores), bool)
    used[clause.first : clause.last + 1] = True
    runs = [clause]
    for group in _groups(found, np.where(used, -np.inf, scores)):
        runs.extend(_pieces(found, scores, used, group))
        if len(runs) >= limit:
            break
    return [_hit(found, run) for run in runs[:limit]]


def passages_of_code(found: Candidates, scores: Floats, limit: int) -> list[Hit]:
    """Return at most `limit` chunks, best first by the best of their units: each a definition, or a part of one."""
    best = np.full(len(found.chunks), -np.inf)
    np.maximum.at(best, found.owner, scores)
    order = [int(at) for at in np.lexsort((np.arange(len(best)), -best)) if best[at] > -np.inf]
    counts = np.bincount(found.owner, minlength=len(found.chunks))
    runs = (Run(int(found.first[at]), int(found.first[at] + counts[at] - 1), float(best[at])) for at in order[:limit])
    return [replace(_trimmed(_hit(found, run)), core=_core(found, scores, run)) for run in runs]


def _trimmed(hit: Hit) -> Hit:
    """Return the hit without empty lines at its ends, its first line whole."""
    text = hit.text.rstrip() or hit.text
    lead = text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1
    return replace(hit, start_char=hit.start_char + lead, end_char=hit.start_char + len(text), text=text[lead:])


def _core(found: Candidates, scores: Floats, run: Run) -> Span:
    """Return the best unit of the run with those beside it, the better first, as long as they are few lines."""
    text, at = found.chunks[found.owner[run.first]].text, found.chunks[found.owner[run.first]].span.start_char
    first = last = run.first + int(np.argmax(scores[run.first : run.last + 1]))
    while True:
        beside = [n for n in (first - 1, last + 1) if run.first <= n <= run.last]
        better = max(beside, key=lambda n: float(scores[n]), default=None)
        if better is None:
            break
        start, end = found.sentences[min(first, better)].start_char, found.sentences[max(last, better)].end_char
        if len(text[start - at : end - at].rstrip().splitlines()) > CORE_LINES:
            break
        first, last = min(first, better), max(last, better)
    return Span(found.sentences[first].start_char, found.sentences[last].end_char)


def in_lines(hits: Sequence[Hit]) -> list[Hit]:
    """Return the hits with the repository and the lines of those that are in files of one; in two queries."""
    versions = {hit.version_id for hit in hits}
    tables = line_tables(versions)
    repositories = dict(Document.objects.filter(version__in=versions).values_list("version_id", "repository_id"))
    return [
        replace(hit, repository_id=str(repositories[hit.version_id]), start_line=first, end_line=last)
        for hit in hits
        for first, last in [tables[hit.version_id].lines_of(hit.start_char, hit.end_char)]
    ]


def _clause(found: Candidates, scores: Floats) -> Run:
    """Return the best sentence with those beside it, on both sides, that score nearly as well.

    A heading alone is no clause: the sentence after it is taken along.
    """
    best = int(np.argmax(scores))
    near = scores >= scores[best] - SAME_CLAUSE
    first = last = best
    while first > 0 and near[first - 1] and _is_clause(found, first - 1, last):
        first -= 1
    while last + 1 < len(scores) and near[last + 1] and _is_clause(found, first, last + 1):
        last += 1
    if _length(found, first, last) < CLAUSE_LEAST_CHARACTERS and last + 1 < len(scores):
        last += found.owner[last + 1] == found.owner[last]
    return Run(first, int(last), float(scores[best]))


def _length(found: Candidates, first: int, last: int) -> int:
    return found.sentences[last].end_char - found.sentences[first].start_char


def _is_clause(found: Candidates, first: int, last: int) -> bool:
    return _length(found, first, last) <= CLAUSE_MAX_CHARACTERS and _one_text(found, first, last)


def _one_text(found: Candidates, first: int, last: int) -> bool:
    """Whether the chunks of two sentences are the same or follow each other in one version."""
    one, other = found.chunks[found.owner[first]], found.chunks[found.owner[last]]
    gap = found.owner[last] - found.owner[first]
    return bool(one.version_id == other.version_id and other.ordinal - one.ordinal == gap)


def _groups(found: Candidates, scores: Floats) -> Iterator[list[int]]:
    """Yield chunks by their best sentence, each with its neighbours that rank near, in the order of the text."""
    best = np.full(len(found.chunks), -np.inf)
    np.maximum.at(best, found.owner, scores)
    order = [int(at) for at in np.lexsort((np.arange(len(best)), -best)) if best[at] > -np.inf]
    rank = {chunk: place for place, chunk in enumerate(order)}
    taken: set[int] = set()
    for count, chunk in enumerate(order):
        if chunk in taken:
            continue
        beside = [one for one in (chunk + 1, chunk - 1) if one not in taken and _beside(found, chunk, one)]
        near = [one for one in beside if rank.get(one, len(order)) < NEAR_RANKS * (count + 2)]
        group = sorted([chunk, *near[:1]])
        taken.update(group)
        yield group


def _beside(found: Candidates, chunk: int, other: int) -> bool:
    if not 0 <= other < len(found.chunks):
        return False
    one, two = found.chunks[chunk], found.chunks[other]
    return one.version_id == two.version_id and abs(one.ordinal - two.ordinal) == 1


def _pieces(found: Candidates, scores: Floats, used: np.ndarray, group: Sequence[int]) -> list[Run]:
    """Return the group's sentences that are not used yet, in runs, the best first."""
    runs: list[Run] = []
    for at in np.flatnonzero(np.isin(found.owner, group) & ~used):
        if runs and runs[-1].last == at - 1:
            runs[-1] = Run(runs[-1].first, int(at), max(runs[-1].score, float(scores[at])))
        else:
            runs.append(Run(int(at), int(at), float(scores[at])))
    used[np.isin(found.owner, group)] = True
    return sorted(runs, key=lambda run: -run.score)


def _hit(found: Candidates, run: Run) -> Hit:
    chunks = found.chunks[found.owner[run.first] : found.owner[run.last] + 1]
    spans = found.sentences
    start, end = spans[run.first].start_char, spans[run.last].end_char
    first = chunks[0]
    return Hit(
        document_id=first.document_id,
        document_name=first.document_name,
        version_id=first.version_id,
        start_char=start,
        end_char=end,
        page_number=first.page_number,
        text=_text(chunks, start, end),
        score=1 / (1 + math.exp(-run.score)),
        heading_path=first.heading_path,
    )


def _text(chunks: Sequence[Candidate], start: int, end: int) -> str:
    """Return `text[start:end]` of the version; the chunks follow each other without a gap."""
    text = "".join(chunk.text for chunk in chunks)
    return text[start - chunks[0].span.start_char : end - chunks[0].span.start_char]
