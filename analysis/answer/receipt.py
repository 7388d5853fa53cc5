"""The coverage receipt: what of the documents was put before the model, how, and what was not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from analysis.answer.material import version_of
from analysis.answer.receipt_code import repositories_read
from analysis.models import Document, Page
from analysis.repository.lines import LineTable, line_tables
from analysis.types import Extent, Mode, PageSource, ReadingPlan, Source, Span, SweptPart, Usage

Ranges = list[list[int]]

WHOLE, SWEPT, SEEN, UNREADABLE, SKIPPED = WAYS = ("whole", "swept", "seen", "unreadable", "skipped")
FAILED = "failed"


@dataclass(frozen=True)
class Parts:
    """How the parts of a sweep came out. total: of the plan; cached: read for an earlier sweep."""

    total: int = 0
    read: int = 0
    cached: int = 0
    failed: int = 0


def coverage(
    plan: ReadingPlan,
    documents: Sequence[Document],
    sources: Sequence[Source],
    usage: Usage,
    *,
    not_ready: Sequence[Document] = (),
    history_dropped: int = 0,
    swept: Sequence[SweptPart] = (),
    path: str = "",
) -> dict[str, Any]:
    """Return the receipt as it is stored. pages_* at the top: [first, last] ranges of the one document, if it is one.

    documents: a row for each document; repositories: a row for each of these, on its files (`receipt_code`). path: the
    folder or file that the question was about.

    not_read_in: documents of the question that were not ready. passages: what was sent, where it was not the whole.
    complete: every character of every document was read, so that what was not found is not there. answer_cut: the
    answer was cut off at its longest. swept: the settled parts of a sweep.
    """
    sources = [] if _never_began(usage) else sources
    rows = [_document(document, sources, swept) for document in documents if document.repository_id is None]
    files = [document for document in documents if document.repository_id is not None]
    skeletons = (file.document_id for file in plan.files if file.extent is Extent.SKELETON)
    repositories = repositories_read(files, _read(sources, swept), skeletons, path=path) if files else []
    read = [*rows, *repositories]
    one = rows[0] if len(read) == len(rows) == 1 else {"pages_read": [], "pages_skipped": [], "pages_unreadable": []}
    whole = all(row["characters_read"] == row["characters_total"] for row in read)
    return {
        "mode": plan.mode,
        "documents": rows,
        "repositories": repositories,
        "not_read_in": [{"document_id": str(d.pk), "document_name": d.name} for d in not_ready],
        "characters_total": sum(row["characters_total"] for row in read),
        "characters_read": sum(row["characters_read"] for row in read),
        "pages_total": sum(row["pages_total"] for row in rows),
        "pages_read_count": sum(size(row["pages_read"]) for row in rows),
        "pages_read": one["pages_read"],
        "pages_skipped": one["pages_skipped"],
        "pages_unreadable": one["pages_unreadable"],
        "complete": bool(read) and whole and not not_ready and _nothing_missed(rows, swept, usage),
        "passages": [] if whole or swept or plan.files else passages_of(sources),
        "tokens_sent": usage.prompt_tokens,
        "tokens_cached": usage.cached_tokens,
        "history_dropped": history_dropped,
        "parts": asdict(_parts(plan, swept)),
        "truncated": False,
        "answer_cut": usage.finish_reason == "length",
        "finish_reason": usage.finish_reason,
        "estimate_exact": plan.exact,
    }


def page_number(version_id: int, start_char: int) -> int:
    """Return the number of the page that a place stands on; 1 for a document without pages."""
    before = Page.objects.filter(version_id=version_id, start_char__lte=start_char).order_by("-number")
    return before.values_list("number", flat=True).first() or 1


def ranges(numbers: Iterable[int]) -> Ranges:
    """Return the numbers, in any order, as [first, last] ranges: 1, 2, 3, 7 is [[1, 3], [7, 7]]."""
    found: Ranges = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def size(page_ranges: Iterable[Sequence[int]]) -> int:
    """Return how many pages there are in [first, last] ranges."""
    return sum(last - first + 1 for first, last in page_ranges)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, those that touch or overlap as one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start_char <= found[-1].end_char:
            found[-1] = Span(found[-1].start_char, max(found[-1].end_char, span.end_char))
        else:
            found.append(span)
    return found


def _read(sources: Sequence[Source], parts: Sequence[SweptPart]) -> dict[int, list[Span]]:
    """Return what was put before the model, by version."""
    spans: dict[int, list[Span]] = defaultdict(list)
    for source in sources:
        spans[source.version_id].append(Span(source.start_char, source.end_char))
    for part in parts:
        if part.state != FAILED:
            spans[part.version_id].append(Span(part.start_char, part.end_char))
    return {version_id: merged(held) for version_id, held in spans.items()}


def _document(document: Document, sources: Sequence[Source], parts: Sequence[SweptPart]) -> dict[str, Any]:
    version = version_of(document)
    sent = merged(Span(s.start_char, s.end_char) for s in sources if s.version_id == version.pk)
    swept = merged(Span(p.start_char, p.end_char) for p in parts if p.version_id == version.pk and p.state != FAILED)
    read = merged([*sent, *swept])
    pages = Page.objects.filter(version=version).only("number", "start_char", "end_char", "source")
    ways = _ways(pages, version.characters, sent, swept)
    return {
        "document_id": str(document.pk),
        "document_name": document.name,
        "characters_total": version.characters,
        "characters_read": sum(span.end_char - span.start_char for span in read),
        "pages_total": sum(len(numbers) for numbers in ways.values()),
        "pages_read": ranges([*ways[WHOLE], *ways[SWEPT], *ways[SEEN]]),
        "pages_skipped": ranges(ways[SKIPPED]),
        "pages_unreadable": ranges(ways[UNREADABLE]),
        "pages": {way: ranges(ways[way]) for way in WAYS},
    }


def _ways(pages: Iterable[Page], characters: int, sent: list[Span], swept: list[Span]) -> dict[str, list[int]]:
    """Return the numbers of the pages by how each was read. Seen: a passage or a part that was read touches it."""
    everything = _within(Span(0, characters), sent)
    ways: dict[str, list[int]] = defaultdict(list)
    for page in pages:
        span = Span(page.start_char, page.end_char)
        if page.source == PageSource.UNREADABLE:
            way = UNREADABLE
        elif _within(span, swept):
            way = SWEPT
        elif everything:
            way = WHOLE
        else:
            way = SEEN if _overlaps(span, [*sent, *swept]) else SKIPPED
        ways[way].append(page.number)
    return ways


def _within(span: Span, read: list[Span]) -> bool:
    """Return whether all of the span was read; of an empty one nothing was left out."""
    return any(each.start_char <= span.start_char and span.end_char <= each.end_char for each in read)


def _overlaps(page: Span, read: list[Span]) -> bool:
    return any(span.start_char < page.end_char and page.start_char < span.end_char for span in read)


def _never_began(usage: Usage) -> bool:
    """Return whether it was stopped before the first word: then nobody knows how much of the prompt had been read."""
    return usage.finish_reason == "stopped" and not usage.completion_tokens


def _nothing_missed(rows: list[dict[str, Any]], swept: Sequence[SweptPart], usage: Usage) -> bool:
    """Return whether what was sent was read: no part failed, no page is unreadable, and nobody stopped the reading."""
    failed = any(part.state == FAILED for part in swept)
    unreadable = any(row["pages_unreadable"] for row in rows)
    return not (failed or unreadable or usage.finish_reason == "stopped")


def _parts(plan: ReadingPlan, swept: Sequence[SweptPart]) -> Parts:
    if not swept and plan.mode != Mode.SWEEP:
        return Parts()
    states = [part.state for part in swept]
    return Parts(max(plan.parts, len(states)), states.count("read"), states.count("cached"), states.count(FAILED))


def passages_of(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Return the passages that were sent, with their pages, or their lines in a file of a repository."""
    tables = line_tables(source.version_id for source in sources)
    return [_passage(source, tables.get(source.version_id)) for source in sources]


def _passage(source: Source, table: LineTable | None) -> dict[str, Any]:
    start_line, end_line = table.lines_of(source.start_char, source.end_char) if table else (0, 0)
    return {
        "document_id": source.document_id,
        "start_char": source.start_char,
        "end_char": source.end_char,
        "page_number": 1 if table else page_number(source.version_id, source.start_char),
        "start_line": start_line,
        "end_line": end_line,
    }
