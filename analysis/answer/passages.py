"""Evidence for a question in mode *passages*: the best hits that fit, with what is needed to read them.

Each document opens with what it is and who its parties are, and what the passages lean on, the definitions of their
terms and the sections they refer to, stands with them. For an LLM that overlooks much, the sentences of the hits that
probably answer the question are picked out as well: they decide which hits come first, and whether there is anything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from analysis.answer import masked, material
from analysis.answer.findings import Found
from analysis.answer.leaning import definitions_for
from analysis.answer.masked import masked_hits
from analysis.answer.parts import opening_end
from analysis.answer.probable import Probable, overlap, probable
from analysis.answer.prompt import DocumentText, Home, Turn
from analysis.answer.receipt import merged
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_tokens
from analysis.models import Document
from analysis.types import Hit, Source, Span

HITS = 40
OPENING_CHARACTERS = 500  # title, date and parties: what "the Supplier" or "this Agreement" refer to
LEAST_TOKENS = 40  # a shorter piece of a passage says nothing
OPENINGS_SHARE = 0.25  # of the evidence budget
LEAST_AS_GOOD = 0.5  # of contracts and code, whichever matches less is given room across a workspace from here on
LEANING_SHARE = 0.2  # of the evidence budget, for definitions and sections referred to


@dataclass(frozen=True)
class Gathered:
    """What is put before the LLM: documents, each with its `parts`, in the order of its text; and what is probable.

    compared: how many hits there were.
    """

    documents: list[DocumentText]
    probable: Probable = field(default_factory=Probable)
    compared: int = 0


def gather(
    question: str, history: list[Turn], documents: list[Document], llm: LLM, *, everywhere: bool = False
) -> Gathered:
    """Return the evidence, within the LLM's budget. everywhere: the documents are all there are, not chosen ones."""
    asked = query(question, history)
    hits = _hits(asked, documents, everywhere=everywhere)
    by_id = {str(document.pk): document for document in documents}
    if llm.sweep != "nearest":
        return Gathered(_fitted_in(asked, hits, by_id, llm))
    found = probable(asked, hits, documents)
    return Gathered(_fitted_in(asked, _surest_first(hits, found.found), by_id, llm), found, len(hits))


def _hits(asked: str, documents: Sequence[Document], *, everywhere: bool) -> list[Hit]:
    """Return the best hits, best first, masked; where there are documents and code, of both kinds."""
    from analysis.answer.retrieve import retrieve

    files = [document.pk for document in documents if document.repository_id]
    others = [document.pk for document in documents if not document.repository_id]
    found = [
        retrieve(asked, documents=Document.objects.filter(pk__in=ids), limit=HITS) for ids in (others, files) if ids
    ]
    return masked_hits(balanced(*found, least=LEAST_AS_GOOD if everywhere else 0.0) if len(found) > 1 else found[0])


def balanced(one: Sequence[Hit], other: Sequence[Hit], *, least: float = 0.0) -> list[Hit]:
    """Return the hits of both, best first, but at most two of one kind in a row while the other has any left.

    A kind whose best hit scores less than `least` of the other's best takes its chance by score alone.
    """
    tops = [hits[0].score if hits else 0.0 for hits in (one, other)]
    if min(tops) < least * max(tops):
        return sorted([*one, *other], key=lambda hit: -hit.score)[:HITS]
    queues, merged_hits, row = (list(one), list(other)), list[Hit](), list[int]()
    while len(merged_hits) < HITS and any(queues):
        kind = max((0, 1), key=lambda which: queues[which][0].score if queues[which] else -1.0)
        if row[-2:] == [kind, kind] and queues[1 - kind]:
            kind = 1 - kind
        row.append(kind)
        merged_hits.append(queues[kind].pop(0))
    return merged_hits


def query(question: str, history: list[Turn]) -> str:
    """Return what to search for: the question, with the one before it, which a follow-up leans on."""
    return f"{question}\n{history[-1].question}" if history else question


def _surest_first(hits: Sequence[Hit], found: Sequence[Found]) -> list[Hit]:
    """Return the hits with those first that hold a probable sentence, and such sentences as no hit holds."""
    holders = [hit for each in found for hit in hits if overlap(_source(hit), each.source)]
    others = [_hit(each) for each in found if not any(overlap(_source(hit), each.source) for hit in hits)]
    return list(dict.fromkeys([*holders, *others, *hits]))


def _hit(found: Found) -> Hit:
    source = found.source
    return Hit(
        source.document_id, source.document_name, source.version_id, source.start_char, source.end_char,
        found.page_number, source.text, 0.0,
    )  # fmt: skip


def _source(hit: Hit) -> Source:
    return Source(hit.document_id, hit.document_name, hit.version_id, hit.start_char, hit.end_char, hit.text)


def _fitted_in(question: str, hits: Sequence[Hit], by_id: dict[str, Document], llm: LLM) -> list[DocumentText]:
    """Return the documents that have hits, with as many of them as there is room for and what those lean on."""
    held = [by_id[id] for id in dict.fromkeys(hit.document_id for hit in hits)]
    homes = material.homes_of(held)
    opened = _openings([document for document in held if document.repository_id is None], llm)
    openings = [source for source, _ in opened.values()]
    room = llm.passage_tokens - sum(_opening_tokens(by_id[id], source, llm) for id, (source, _) in opened.items())
    leaning = int(llm.passage_tokens * LEANING_SHARE)
    surest = [source for source, _ in _chosen(hits, room - leaning, llm)]
    leant_on = _leant_on(question, surest, openings, leaning, llm)
    # What definitions and sections leave of their share is more passages.
    chosen = _chosen(hits, room - sum(count_tokens(source.text, llm) for source, _ in leant_on), llm)
    places: dict[str, list[tuple[Span, str]]] = defaultdict(list)
    for source, place in [*chosen, *opened.values(), *leant_on]:
        places[source.document_id].append((Span(source.start_char, source.end_char), place))
    return [
        _with_parts(by_id[id], homes.get(by_id[id].repository_id), spans, described=id in opened)
        for id, spans in places.items()
    ]


def _chosen(hits: Sequence[Hit], room: int, llm: LLM) -> list[tuple[Source, str]]:
    """Return the hits that fit, the last one cut to what there is room for, each with its place in words."""
    chosen = []
    for hit in hits:
        if room < LEAST_TOKENS:
            break
        text = _fitted(hit.text, room, llm)
        room -= count_tokens(text, llm)
        source = replace(_source(hit), end_char=hit.start_char + len(text), text=text)
        chosen.append((source, _place(hit)))
    return chosen


def _leant_on(
    question: str, passages: list[Source], openings: list[Source], limit: int, llm: LLM
) -> list[tuple[Source, str]]:
    """Return the definitions and sections that the passages lean on and that are not among them."""
    held = [*passages, *openings]
    return definitions_for(question, held, limit=limit, size=lambda text: count_tokens(text, llm)) if held else []


def _fitted(text: str, room: int, llm: LLM) -> str:
    """Return the text, or as many of its first sentences as there is room for."""
    if count_tokens(text, llm) <= room:
        return text
    return text[: opening_end(text, limit=room, size=lambda piece: count_tokens(piece, llm))]


def _openings(documents: Iterable[Document], llm: LLM) -> dict[str, tuple[Source, str]]:
    """Return the opening of each document, by id, as far as a quarter of the budget goes."""
    room = llm.passage_tokens * OPENINGS_SHARE
    found: dict[str, tuple[Source, str]] = {}
    for document in documents:
        source = _opening(document)
        room -= _opening_tokens(document, source, llm)
        if room < 0:
            break
        found[str(document.pk)] = (source, "opening")
    return found


def _opening_tokens(document: Document, opening: Source, llm: LLM) -> int:
    """Return how much of the budget a document's opening takes, with what is said about the document."""
    return count_tokens(opening.text, llm) + count_tokens(material.about(document), llm)


def _opening(document: Document) -> Source:
    version = material.version_of(document)
    text = masked.read(version, 0, OPENING_CHARACTERS)
    if len(text) == OPENING_CHARACTERS:
        text = text[: max(text.rfind("\n"), text.rfind(". ") + 1, text.rfind(" "))] or text
    return Source(str(document.pk), document.name, version.pk, 0, len(text), text)


def _with_parts(
    document: Document, home: Home | None, places: list[tuple[Span, str]], *, described: bool
) -> DocumentText:
    """Return the document with its passages in the order of the text; those that touch become one."""
    version = material.version_of(document)
    parts = []
    for span in merged(span for span, _ in places):
        place = min(at for at in places if span.start_char <= at[0].start_char < span.end_char)[1]
        text = masked.read(version, *span)
        parts.append((Source(str(document.pk), document.name, version.pk, *span, text), place))
    about = material.about(document) if described else ""
    return replace(material.described_in(document, home), parts=parts, about=about)


def _place(hit: Hit) -> str:
    if hit.start_line:
        return f"lines {hit.lines}, {hit.symbol}" if hit.symbol else f"lines {hit.lines}"
    return f"page {hit.page_number}, {hit.heading_path}" if hit.heading_path else f"page {hit.page_number}"
