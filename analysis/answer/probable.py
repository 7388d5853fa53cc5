"""The sentences that probably answer a question, beside what a small language model makes of the passages.

A question about a kind of clause that the checklist knows is looked up by the clause finder in every sentence of the
documents, as long as they are not too long for somebody who waits; any other in the sentences of the best hits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from analysis.answer.findings import Found, exhaustive
from analysis.answer.material import version_of
from analysis.answer.receipt import page_number
from analysis.models import Document, DocumentVersion
from analysis.review.checklist import Clause, built_in
from analysis.review.finder import find
from analysis.review.kept import sentences_of
from analysis.review.relevance import clause_asked, relevant_in
from analysis.review.sentences import Sentences, embed
from analysis.types import Hit, Source, Span, lines_in_words

MOST_PROBABLE = 3
MOST_PLACES = 5  # in code, where none is sure
# A sentence this probable is stated even when the LLM passes it over. Where there is none, and the question is whether
# there is something or is about a kind of clause whose probabilities are known, the answer says that nothing was found;
# other questions may be answered by what no sentence says alone. Measured: docs/quality.md.
LEAST_PROBABLE = 0.06
MOST_CHARACTERS = 150_000  # of documents whose every sentence is looked at while somebody waits: some three seconds
DOCUMENTS_KEPT = 8  # whose sentences stay in this process's memory for the next question


@dataclass(frozen=True)
class Probable:
    """found: the most probable sentences, best first. absent: there are none, which on this question says something.

    every: all sentences of the documents were looked at, not only those of the hits.
    """

    found: list[Found] = field(default_factory=list)
    absent: bool = False
    every: bool = False


def probable(question: str, hits: Sequence[Hit], documents: Sequence[Document]) -> Probable:
    """Return the sentences that probably answer the question.

    Probabilities are of sentences of documents. Of code the best hits are what probably answers, and that nothing does
    is never sure.
    """
    if any(hit.start_line for hit in hits):
        return Probable(_beside_code(question, hits))
    clause = clause_asked(question, embed)
    if clause is not None and sum(version_of(document).characters for document in documents) <= MOST_CHARACTERS:
        found = _best(_of_clause(clause, documents))
        return Probable(found, absent=not found, every=True)
    found = _best(_of_hits(question, hits))
    return Probable(found, absent=not found and (clause is not None or exhaustive(question)))


def _beside_code(question: str, hits: Sequence[Hit]) -> list[Found]:
    """Return a place of each of the best hits: lines of a file, the most probable sentence of a document."""
    found: list[Found] = []
    for hit in hits[:MOST_PLACES]:
        found += [_of_code(hit)] if hit.start_line else _best(_of_hits(question, [hit]))[:1]
    return found


def _of_code(hit: Hit) -> Found:
    """Return the hit's lines that match best."""
    start, end = hit.core or Span(hit.start_char, hit.end_char)
    start = max(start, hit.start_char)
    at = start - hit.start_char
    text = hit.text[at : end - hit.start_char].rstrip() or hit.text
    first = hit.start_line + hit.text.count("\n", 0, at)
    words = lines_in_words(first, first + text.count("\n"))
    source = Source(hit.document_id, hit.document_name, hit.version_id, start, start + len(text), text)
    return Found(source, 1, f"lines {words}", lines=words)


def _best(scored: Iterable[tuple[float, Found]]) -> list[Found]:
    """Return the most probable of the sentences, the best first, without those that overlap a better one."""
    kept: list[Found] = []
    for probability, found in sorted(scored, key=lambda each: -each[0]):
        if probability >= LEAST_PROBABLE and not any(overlap(found.source, other.source) for other in kept):
            kept.append(found)
    return kept[:MOST_PROBABLE]


def overlap(one: Source, other: Source) -> bool:
    """Return whether two sources share characters."""
    touch = one.start_char < other.end_char and other.start_char < one.end_char
    return one.version_id == other.version_id and touch


def _of_clause(clause: Clause, documents: Sequence[Document]) -> Iterator[tuple[float, Found]]:
    """Yield what the clause finder finds in the documents."""
    checklist = replace(built_in(), clauses=(clause,))
    for document in documents:
        version = version_of(document)
        text, sentences = _sentences(version.pk)
        for each in find(checklist, text, sentences, version.known_identity):
            span = Span(each.start_char, each.end_char)
            source = Source(str(document.pk), document.name, version.pk, *span, text[slice(*span)])
            number = page_number(version.pk, each.start_char)
            yield each.probability, Found(source, number, f"page {number}")


@lru_cache(maxsize=DOCUMENTS_KEPT)
def _sentences(version_id: int) -> tuple[str, Sentences]:
    """Return a version's text and its sentences; neither ever changes."""
    version = DocumentVersion.objects.get(pk=version_id)
    return version.read_text(), sentences_of(version)


def _of_hits(question: str, hits: Sequence[Hit]) -> Iterator[tuple[float, Found]]:
    for hit in hits:
        whole = Source(hit.document_id, hit.document_name, hit.version_id, hit.start_char, hit.end_char, hit.text)
        for span in relevant_in(question, whole)[:MOST_PROBABLE]:
            text = hit.text[span.start_char - hit.start_char : span.end_char - hit.start_char]
            source = replace(whole, start_char=span.start_char, end_char=span.end_char, text=text)
            yield span.probability, Found(source, hit.page_number, f"page {hit.page_number}")
