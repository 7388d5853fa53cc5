"""Evidence for a question in mode *passages*: the best hits that fit, with each document's opening."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from analysis.answer import material
from analysis.answer.parts import opening_end
from analysis.answer.prompt import DocumentText, Turn
from analysis.answer.receipt import merged
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_tokens
from analysis.models import Document
from analysis.types import Hit, Source, Span

HITS = 40
OPENING_CHARACTERS = 500  # title, date and parties: what "the Supplier" or "this Agreement" refer to
LEAST_TOKENS = 40  # a shorter piece of a passage says nothing
OPENINGS_SHARE = 0.25  # of the evidence budget


def gather(question: str, history: list[Turn], documents: list[Document], llm: LLM) -> list[DocumentText]:
    """Return the documents with their `parts`: within the LLM's evidence budget, in the order of each text."""
    from analysis.answer.retrieve import retrieve

    rows = Document.objects.filter(pk__in=[document.pk for document in documents])
    hits = retrieve(query(question, history), documents=rows, limit=HITS)
    by_id = {str(document.pk): document for document in documents}
    opened = _openings([by_id[id] for id in dict.fromkeys(hit.document_id for hit in hits)], llm)
    room = llm.passage_tokens - sum(count_tokens(source.text, llm) for source, _ in opened.values())
    spans: dict[str, list[tuple[Span, str]]] = defaultdict(list)
    for hit in hits:
        if room < LEAST_TOKENS:
            break
        text = _fitted(hit.text, room, llm)
        room -= count_tokens(text, llm)
        spans[hit.document_id].append((Span(hit.start_char, hit.start_char + len(text)), _place(hit)))
    return [_with_parts(by_id[id], opened.get(id), spans[id]) for id in spans]


def _fitted(text: str, room: int, llm: LLM) -> str:
    """Return the text, or as many of its first sentences as there is room for."""
    if count_tokens(text, llm) <= room:
        return text
    return text[: opening_end(text, limit=room, size=lambda piece: count_tokens(piece, llm))]


def query(question: str, history: list[Turn]) -> str:
    """Return what to search for: the question, with the one before it, which a follow-up leans on."""
    return f"{question}\n{history[-1].question}" if history else question


def _openings(documents: Iterable[Document], llm: LLM) -> dict[str, tuple[Source, str]]:
    """Return the opening of each document, by id, as far as a quarter of the budget goes."""
    room = llm.passage_tokens * OPENINGS_SHARE
    found: dict[str, tuple[Source, str]] = {}
    for document in documents:
        source = _opening(document)
        room -= count_tokens(source.text, llm)
        if room < 0:
            break
        found[str(document.pk)] = (source, "opening")
    return found


def _opening(document: Document) -> Source:
    version = material.version_of(document)
    text = version.read_text(0, OPENING_CHARACTERS)
    if len(text) == OPENING_CHARACTERS:
        text = text[: max(text.rfind("\n"), text.rfind(". ") + 1, text.rfind(" "))] or text
    return Source(str(document.pk), document.name, version.pk, 0, len(text), text)


def _with_parts(document: Document, opening: tuple[Source, str] | None, hits: list[tuple[Span, str]]) -> DocumentText:
    """Return the document with its passages in the order of the text; those that touch become one."""
    version = material.version_of(document)
    places = [*hits, *([(Span(opening[0].start_char, opening[0].end_char), opening[1])] if opening else [])]
    parts = []
    for span in merged(span for span, _ in places):
        place = min(at for at in places if span.start_char <= at[0].start_char < span.end_char)[1]
        text = version.read_text(span.start_char, span.end_char)
        parts.append((Source(str(document.pk), document.name, version.pk, *span, text), place))
    return replace(material.described(document), parts=parts)


def _place(hit: Hit) -> str:
    return f"page {hit.page_number}, {hit.heading_path}" if hit.heading_path else f"page {hit.page_number}"
