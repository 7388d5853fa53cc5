"""An answer as JSON: what the HTTP interface returns, and what the pages draw their answer cards from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Substr

from analysis import progress
from analysis.answer.code_places import CodePlaces, Quoted
from analysis.ingest import boxes
from analysis.ingest.parse.signatures import RECORDING
from analysis.ingest.spoken import Times, place_words, seconds_of
from analysis.models import Answer, AnswerStatus, CitationRow, DocumentVersion, Page, PartStatus, SweepPart
from analysis.types import Span

# A place in a source: (version id, start_char, end_char). The same place cited twice is one citation.
Place = tuple[int, int, int]

COVERAGE: dict[str, Any] = {
    "characters_total": 0,
    "characters_read": 0,
    "pages_read": [],
    "pages_skipped": [],
    "tokens_sent": 0,
    "tokens_cached": 0,
    "complete": False,
}
USAGE: dict[str, Any] = {
    "llm": "",
    "prompt_tokens": 0,
    "cached_tokens": 0,
    "completion_tokens": 0,
    "reasoning_tokens": 0,
    "cost_usd": 0.0,
    "saved_usd": 0.0,
    "seconds_to_first_token": 0.0,
    "seconds": 0.0,
}


@dataclass(frozen=True)
class _Cited:
    """A citation row with its document and its quote, as one query brings them."""

    sentence: int
    place: Place
    document_id: str
    document_name: str
    version_number: int
    kind: str
    quote: str
    score: float
    path: str
    repository_id: UUID | None
    current_id: int | None

    @property
    def quoted(self) -> Quoted:
        return Quoted(*self.place, self.quote, self.path, str(self.repository_id or ""), self.current_id)


def answer_payload(answer: Answer) -> dict[str, Any]:
    """Return the answer with its sentences, citations, receipt, plan and error, in a constant number of queries.

    id: the question's. sentences[].citations: indices into citations, which are in order of first appearance.
    answer: "" while it is open (the events carry the text so far), what had been written when it was stopped.
    """
    question = answer.question
    cited = _cited(answer)
    order = {place: index for index, place in enumerate(dict.fromkeys(row.place for row in cited))}
    parts = _parts(answer)
    return {
        "id": str(question.pk),
        "answer_id": str(answer.pk),
        "number": answer.number,
        "purpose": question.purpose,
        "text": question.text,
        "document_ids": _document_ids(answer),
        "repository_ids": _repository_ids(answer),
        "path": question.path,
        "across_workspace": question.across_workspace,
        "parent_id": str(question.parent_id) if question.parent_id else None,
        "status": answer.status,
        "stage": _stage(answer),
        "mode": answer.mode or None,
        "mode_requested": answer.mode_requested,
        "answer": "" if answer.open else answer.text,
        "sentences": _sentences(answer, cited, order),
        "citations": _citations(cited, _snapshots_read(answer)),
        "findings": _findings(parts),
        "parts": _parts_done(parts),
        "reasoning": answer.reasoning,
        "coverage": COVERAGE | answer.coverage,
        "usage": USAGE | {"llm": answer.llm} | answer.usage,
        "plan": answer.plan or None,
        "error": {"code": answer.error_code, "message": answer.error_message} if answer.error_code else None,
        "shared": question.shared,
        "approved_at": answer.approved_at.isoformat() if answer.approved_at else None,
        "approved_by": answer.approved_by.email if answer.approved_by else None,
        "created_at": answer.created_at.isoformat(),
        "finished_at": answer.finished_at.isoformat() if answer.finished_at else None,
    }


@dataclass(frozen=True)
class _Found:
    """A finding of a sweep: number `index` of part `part`."""

    part: int
    index: int
    place: Place
    note: str


def _parts(answer: Answer) -> list[SweepPart]:
    return list(answer.parts.only("ordinal", "version_id", "start_char", "status", "result"))


def _parts_done(parts: list[SweepPart]) -> dict[str, int] | None:
    """Return how many parts of a sweep are settled; None for an answer that is no sweep."""
    settled = sum(1 for part in parts if part.status in {PartStatus.DONE, PartStatus.FAILED})
    return {"done": settled, "total": len(parts)} if parts else None


def _found_in(part: SweepPart) -> list[_Found]:
    """Return the part's findings; as they are kept they are counted from the part's start."""
    return [
        _Found(
            part.ordinal,
            index,
            (part.version_id, part.start_char + each["start_char"], part.start_char + each["end_char"]),
            each.get("note", ""),
        )
        for index, each in enumerate(part.result.get("findings", []))
    ]


def _findings(parts: list[SweepPart]) -> list[dict[str, Any]]:
    """Return what a sweep has found so far, in the order of its parts; part and index name it in the events too."""
    found = [each for part in parts if part.status == PartStatus.DONE for each in _found_in(part)]
    placed = _places([each.place for each in found])
    recordings = {row.place[0] for row in placed if row.kind == RECORDING}
    times = _times(recordings)
    code = CodePlaces(row.quoted for row in placed)
    return [
        _finding(each, row, times) | {"quote": code.quote(row.quoted)} | code.of(row.quoted)
        for each, row in zip(found, placed, strict=True)
    ]


def _finding(found: _Found, row: _Placed, times: dict[int, Times]) -> dict[str, Any]:
    version_id, start_char, end_char = found.place
    page = row.page_number
    spoken = seconds_of(times.get(version_id, ()), Span(start_char, end_char))
    return {
        "document_id": str(row.document_id),
        "document_name": row.document_name,
        "start_char": start_char,
        "end_char": end_char,
        "quote": row.quote,
        "page_number": page or 1,
        "place": place_words(page or 1, spoken),
        "note": found.note,
        "part": found.part,
        "index": found.index,
    }


# As with citations, the quotes are cut by the database: there may be hundreds, in texts of megabytes.
_PLACES = """
    SELECT document.id, document.name, version.kind,
           substr(canonical.text, place.start_char + 1, place.end_char - place.start_char),
           document.path, document.repository_id, document.version_id,
           (SELECT page.number FROM analysis_page page
             WHERE page.version_id = place.version_id AND page.start_char <= place.start_char
             ORDER BY page.start_char DESC, page.number DESC LIMIT 1)
      FROM unnest(%s::bigint[], %s::int[], %s::int[])
           WITH ORDINALITY AS place(version_id, start_char, end_char, ordinal)
      JOIN analysis_documentversion version ON version.id = place.version_id
      JOIN analysis_document document ON document.id = version.document_id
      JOIN analysis_versiontext canonical ON canonical.version_id = version.id
     ORDER BY place.ordinal
"""


@dataclass(frozen=True)
class _Placed:
    """A place with its quote, its document and its page."""

    place: Place
    document_id: UUID
    document_name: str
    kind: str
    quote: str
    path: str
    repository_id: UUID | None
    current_id: int | None
    page_number: int | None

    @property
    def quoted(self) -> Quoted:
        return Quoted(*self.place, self.quote, self.path, str(self.repository_id or ""), self.current_id)


def _places(places: Sequence[Place]) -> list[_Placed]:
    """Return what is known of each place, in one query."""
    if not places:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [list(column) for column in zip(*places, strict=True)])
        return [_Placed(place, *row) for place, row in zip(places, cursor.fetchall(), strict=True)]


def _snapshots_read(answer: Answer) -> dict[str, int]:
    """Return the number of the snapshot that was read, by the id of its repository."""
    return {row["repository_id"]: row["snapshot"] for row in answer.coverage.get("repositories", [])}


def _document_ids(answer: Answer) -> list[str]:
    chosen = answer.question.documents.order_by("uploaded_at", "pk").values_list("pk", flat=True)
    return [str(document_id) for document_id in chosen]


def _repository_ids(answer: Answer) -> list[str]:
    chosen = answer.question.repositories.order_by("added_at", "pk").values_list("pk", flat=True)
    return [str(repository_id) for repository_id in chosen]


def _stage(answer: Answer) -> str | None:
    if not answer.open:
        return None
    last = progress.newest(progress.answer_stream(answer.pk))
    by_event = {"token": "writing", "reasoning": "thinking", "progress": last.data.get("stage") if last else None}
    fallback = "waiting" if answer.status == AnswerStatus.WAITING else str(answer.status)
    return (by_event.get(last.name) if last else None) or fallback


def _cited(answer: Answer) -> list[_Cited]:
    rows = (
        CitationRow.objects.filter(sentence__answer=answer)
        .annotate(
            # Cut by the database, so that no quote can differ from its source but for its secrets, which are masked,
            # and no whole text is fetched for it.
            quote=Coalesce(
                Substr("version__canonical__text", F("start_char") + 1, F("end_char") - F("start_char")), Value("")
            )
        )
        .order_by("sentence__ordinal", "ordinal")
        .values_list(
            "sentence__ordinal",
            "version_id",
            "start_char",
            "end_char",
            "version__document_id",
            "version__document__name",
            "version__number",
            "version__kind",
            "quote",
            "score",
            "version__document__path",
            "version__document__repository_id",
            "version__document__version_id",
        )
    )
    return [_Cited(row[0], (row[1], row[2], row[3]), str(row[4]), *row[5:]) for row in rows]


def _sentences(answer: Answer, cited: list[_Cited], order: dict[Place, int]) -> list[dict[str, Any]]:
    evidence: dict[int, list[int]] = defaultdict(list)
    for row in cited:
        evidence[row.sentence].append(order[row.place])
    return [
        {
            "text": answer.text[sentence.start_char : sentence.end_char],
            "start_char": sentence.start_char,
            "end_char": sentence.end_char,
            "supported": sentence.supported,
            "reason": sentence.reason,
            "citations": evidence[sentence.ordinal],
        }
        for sentence in answer.sentences.all()
    ]


def _citations(cited: list[_Cited], snapshots: dict[str, int]) -> list[dict[str, Any]]:
    first: dict[Place, _Cited] = {}
    for row in cited:
        first.setdefault(row.place, row)
    pages = _pages(row.place for row in first.values() if row.repository_id is None)
    times = _times({row.place[0] for row in cited if row.kind == RECORDING})
    code = CodePlaces((row.quoted for row in first.values()), snapshots)
    return [
        _citation(row, _marks(row.place, pages[row.place[0]]), times)
        | {"quote": code.quote(row.quoted)}
        | code.of(row.quoted)
        for row in first.values()
    ]


def _citation(row: _Cited, marks: list[dict[str, Any]], times: dict[int, Times]) -> dict[str, Any]:
    version_id, start_char, end_char = row.place
    spoken = seconds_of(times.get(version_id, ()), Span(start_char, end_char))
    page_number = marks[0]["page_number"] if marks else 1
    return {
        "document_id": row.document_id,
        "document_name": row.document_name,
        "version": row.version_number,
        "start_char": start_char,
        "end_char": end_char,
        "quote": row.quote,
        "page_number": page_number,
        "place": place_words(page_number, spoken),
        "rectangles": marks[0]["rectangles"] if marks else [],
        "pages": marks,
        "start_seconds": spoken[0] if spoken else None,
        "end_seconds": spoken[1] if spoken else None,
        "score": row.score,
    }


def _times(recordings: set[int]) -> dict[int, Times]:
    """Return the times of those versions; most answers cite none, which costs no query."""
    if not recordings:
        return {}
    rows = DocumentVersion.objects.filter(pk__in=recordings).values_list("pk", "metadata__times")
    return {pk: times or () for pk, times in rows}


def _pages(places: Iterable[Place]) -> dict[int, list[Page]]:
    """Return the pages that the places touch, by version and in order, with their boxes; no other page is loaded."""
    touched = [Q(version_id=version, start_char__lt=end, end_char__gt=start) for version, start, end in places]
    pages: dict[int, list[Page]] = defaultdict(list)
    if touched:
        for page in Page.objects.filter(reduce(or_, touched)).order_by("version_id", "number"):
            pages[page.version_id].append(page)
    return pages


def _marks(place: Place, pages: list[Page]) -> list[dict[str, Any]]:
    """Return the place's rectangles page by page; none on a page of a format that has no image."""
    _, start_char, end_char = place
    marks = []
    for page in pages:
        span = Span(max(start_char, page.start_char), min(end_char, page.end_char))
        if span.start_char < span.end_char:
            marks.append({"page_number": page.number, "rectangles": _rectangles(page, span)})
    return marks


def _rectangles(page: Page, span: Span) -> list[list[float]]:
    if page.boxes is None:
        return []
    found = boxes.rectangles(bytes(page.boxes), page.start_char, span)
    return [[box.x0, box.y0, box.x1, box.y1] for box in found]
