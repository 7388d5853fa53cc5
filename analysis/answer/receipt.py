"""The coverage receipt: what of the documents was put before the model, and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from analysis.answer.material import version_of
from analysis.models import Document, Page
from analysis.types import PageSource, ReadingPlan, Source, Span, Usage

Ranges = list[list[int]]


def coverage(
    plan: ReadingPlan,
    documents: Sequence[Document],
    sources: Sequence[Source],
    usage: Usage,
    *,
    not_ready: Sequence[Document] = (),
    history_dropped: int = 0,
    parts: int = 1,
) -> dict[str, Any]:
    """Return the receipt as it is stored. pages_* at the top: [first, last] ranges of the one document, if it is one.

    not_read_in: documents of the question that were not ready. passages: what was sent, where it was not the whole.
    answer_cut: the answer was cut off at its longest.
    """
    rows = [_document(document, [s for s in sources if s.document_id == str(document.pk)]) for document in documents]
    one = rows[0] if len(rows) == 1 else {"pages_read": [], "pages_skipped": [], "pages_unreadable": []}
    whole = all(row["characters_read"] == row["characters_total"] for row in rows)
    return {
        "mode": plan.mode,
        "documents": rows,
        "not_read_in": [{"document_id": str(d.pk), "document_name": d.name} for d in not_ready],
        "characters_total": sum(row["characters_total"] for row in rows),
        "characters_read": sum(row["characters_read"] for row in rows),
        "pages_total": sum(row["pages_total"] for row in rows),
        "pages_read_count": sum(_size(row["pages_read"]) for row in rows),
        "pages_read": one["pages_read"],
        "pages_skipped": one["pages_skipped"],
        "pages_unreadable": one["pages_unreadable"],
        "passages": [] if whole else [_passage(source) for source in sources],
        "tokens_sent": usage.prompt_tokens,
        "tokens_cached": usage.cached_tokens,
        "history_dropped": history_dropped,
        "parts": parts,
        "truncated": False,
        "answer_cut": usage.finish_reason == "length",
        "finish_reason": usage.finish_reason,
        "estimate_exact": plan.exact,
    }


def ranges(numbers: Iterable[int]) -> Ranges:
    """Return the numbers, in any order, as [first, last] ranges: 1, 2, 3, 7 is [[1, 3], [7, 7]]."""
    found: Ranges = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that touch or overlap as one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start_char <= found[-1].end_char:
            found[-1] = Span(found[-1].start_char, max(found[-1].end_char, span.end_char))
        else:
            found.append(span)
    return found


def _document(document: Document, sources: list[Source]) -> dict[str, Any]:
    version = version_of(document)
    read = merged(Span(source.start_char, source.end_char) for source in sources)
    pages = list(Page.objects.filter(version=version).values_list("number", "start_char", "end_char", "source"))
    unreadable = {number for number, _, _, source in pages if source == PageSource.UNREADABLE}
    everything = Span(0, version.characters) in read
    seen = {number for number, start, end, _ in pages if everything or _overlaps(Span(start, end), read)} - unreadable
    return {
        "document_id": str(document.pk),
        "document_name": document.name,
        "characters_total": version.characters,
        "characters_read": sum(span.end_char - span.start_char for span in read),
        "pages_total": len(pages),
        "pages_read": ranges(seen),
        "pages_skipped": ranges({number for number, _, _, _ in pages} - seen - unreadable),
        "pages_unreadable": ranges(unreadable),
    }


def _overlaps(page: Span, read: list[Span]) -> bool:
    return any(span.start_char < page.end_char and page.start_char < span.end_char for span in read)


def _passage(source: Source) -> dict[str, Any]:
    page = Page.objects.filter(version_id=source.version_id, start_char__lte=source.start_char).order_by("-number")
    return {
        "document_id": source.document_id,
        "start_char": source.start_char,
        "end_char": source.end_char,
        "page_number": page.values_list("number", flat=True).first() or 1,
    }


def _size(page_ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in page_ranges)
