"""The Clauses tab of a document: what a checklist found in it, from which probability on, and that as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.humanize.templatetags.humanize import intcomma
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from analysis import hub, progress
from analysis.errors import LecternError
from analysis.models import ClauseReview, Document, ReviewStatus
from analysis.review.checklist import built_in
from analysis.review.finder import FINDER_VERSION
from analysis.review.report import (
    LEAST_THRESHOLD,
    MOST_THRESHOLD,
    Entry,
    entries,
    review_of,
    review_payload,
    shown_value,
)
from analysis.views.export import cell
from analysis.views.question import told
from analysis.views.readers import still_sees
from analysis.views.sse import HEARTBEAT, checked, frame, sse_response
from workspaces.access import get_document_or_404, member_of, person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Role
from workspaces.policy import require

STARTING = gettext_lazy("Waiting for a worker")


@dataclass(frozen=True)
class Panel:
    """What the tab shows of a document. entries: of a review that is done; words, permille: of one that goes on."""

    document: Document
    may_ask: bool
    may_edit: bool
    threshold: float
    own_threshold: bool
    review: ClauseReview | None
    entries: list[Entry]
    words: str = ""
    permille: int | None = None

    @property
    def percent(self) -> int:
        return round(100 * self.threshold)

    @property
    def found(self) -> list[Entry]:
        return [entry for entry in self.entries if entry.found]

    @property
    def absent(self) -> list[Entry]:
        return [entry for entry in self.entries if not entry.found]

    @property
    def outdated(self) -> bool:
        return self.review is not None and self.review.finder_version < FINDER_VERSION

    @property
    def clause_count(self) -> int:
        return len(built_in().clauses)

    @property
    def as_text(self) -> str:
        """The clauses that were found, a line each, to paste elsewhere."""
        return "\n".join(_line(entry) for entry in self.found)


def panel_of(request: HttpRequest, document: Document) -> Panel:
    """Return the tab of the document, at the threshold that the address names, else at the workspace's."""
    member = member_of(person(request), document.workspace)
    review = review_of(document)
    own = _named_threshold(request)
    threshold = own if own is not None else document.workspace.clause_threshold
    listed = entries(review, threshold) if review and review.finished_at and not review.open else []
    words, permille = _how_far(review)
    may_ask, may_edit = member.may(Role.REVIEWER), member.may(Role.EDITOR)
    return Panel(document, may_ask, may_edit, threshold, own is not None, review, listed, words, permille)


@login_required
@require_http_methods(["GET", "POST"])
@never_cache
def clauses(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Return the tab's content; on POST have the document gone through first."""
    if request.method == "POST":
        return _run(request, document_id)
    found = get_document_or_404(person(request), document_id)
    if not request.headers.get("HX-Request"):
        query = f"&threshold={request.GET['threshold']}" if _named_threshold(request) is not None else ""
        return redirect(f"{reverse('document', args=[found.pk])}?tab=clauses{query}")
    return render(request, "_clauses.html", {"panel": panel_of(request, found)})


def _run(request: HttpRequest, document_id: UUID) -> HttpResponse:
    from analysis.review.run import review_ask

    found = get_document_or_404(person(request), document_id, role=Role.REVIEWER)
    try:
        review_ask(document=found, user=person(request))
    except LecternError as error:
        return told(request, error, reverse("document", args=[found.pk]))
    if not request.headers.get("HX-Request"):
        return redirect(f"{reverse('document', args=[found.pk])}?tab=clauses")
    return render(request, "_clauses.html", {"panel": panel_of(request, found)})


@login_required
@require_POST
def clauses_threshold(request: HttpRequest, document_id: UUID) -> HttpResponse:
    """Keep the threshold for everybody in the workspace."""
    found = get_document_or_404(person(request), document_id, role=Role.EDITOR)
    threshold = _threshold(request.POST.get("threshold", ""))
    if threshold is not None:
        found.workspace.clause_threshold = threshold
        found.workspace.save(update_fields=["clause_threshold"])
    return redirect(f"{reverse('document', args=[found.pk])}?tab=clauses")


@login_required
@require_GET
@never_cache
def clauses_export(request: HttpRequest, document_id: UUID, kind: str) -> HttpResponse:
    """Return the review as a file to save, `kind` being csv or json."""
    panel = panel_of(request, get_document_or_404(person(request), document_id))
    if kind not in EXPORTS or panel.review is None:
        raise Http404
    write, content_type = EXPORTS[kind]
    reply = HttpResponse(write(panel.review, panel.threshold), content_type=f"{content_type}; charset=utf-8")
    name = f"clauses-{document_id}.{kind}"
    require(member_of(person(request), panel.document.workspace), "export")
    record(Action.EXPORTED, panel.document, workspace=panel.document.workspace, file=name)
    reply["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return reply


def as_csv(review: ClauseReview, threshold: float) -> str:
    """Return a row for each place of a clause that was found, and one for each clause that is absent."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["clause", "found", "probability", "value", "page", "start_char", "end_char", "quote"])
    for clause in review_payload(review, threshold)["clauses"]:
        for place in clause["places"] or [None]:
            writer.writerow([cell(value) for value in [clause["title"], *_cells(clause, place)]])
    return out.getvalue()


def as_json(review: ClauseReview, threshold: float) -> str:
    """Return the review as the HTTP interface states it."""
    return json.dumps(review_payload(review, threshold), ensure_ascii=False, indent=1)


EXPORTS = {"csv": (as_csv, "text/csv"), "json": (as_json, "application/json")}


def _cells(clause: dict[str, Any], place: dict[str, Any] | None) -> list[Any]:
    if place is None:
        return ["absent", clause["probability"], "", "", "", "", ""]
    value = shown_value(place["value"] or {})
    where = [place["page_number"], place["start_char"], place["end_char"]]
    return ["found", place["probability"], value, *where, place["quote"]]


@login_required
@require_GET
async def clauses_events(request: HttpRequest, document_id: UUID) -> StreamingHttpResponse:
    """Return the stream of a review that goes on: how far it is, then the finished tab, then `done`."""
    document = await checked(lambda: get_document_or_404(person(request), document_id))()
    return sse_response(_frames(request, document))


async def _frames(request: HttpRequest, document: Document) -> AsyncIterator[bytes]:
    """Yield messages until the review is over. Each replaces its region, so none has to be replayed."""
    review = await checked(review_of)(document)
    if review is not None and review.open:
        async for events in hub.follow(progress.review_stream(review.pk)):
            if not await still_sees(person(request).pk, document.workspace_id, "document", document.pk):
                return
            current = await checked(review_of)(document)
            if current is None or not current.open:
                break
            yield _progress(events[-1]) if events else HEARTBEAT
    yield frame(await checked(_finished)(request, document)) + frame("", event="done")


def _progress(event: progress.Event) -> bytes:
    words, permille = _in_words(event)
    html = render_to_string("_clauses_progress.html", {"words": words, "permille": permille, "partial": True})
    return frame(html, id=event.id)


def _finished(request: HttpRequest, document: Document) -> str:
    html = render_to_string("_clauses.html", {"panel": panel_of(request, document)}, request=request)
    return f'<hx-partial hx-target="#clauses" hx-swap="innerHTML">{html}</hx-partial>'


def _how_far(review: ClauseReview | None) -> tuple[str, int | None]:
    if review is None or review.status not in (ReviewStatus.QUEUED, ReviewStatus.RUNNING):
        return "", None
    newest = progress.newest(progress.review_stream(review.pk))
    return _in_words(newest) if newest else (str(STARTING), None)


def _in_words(event: progress.Event) -> tuple[str, int | None]:
    done, total = event.data.get("done", 0), event.data.get("total", 0)
    message = event.data.get("message", STARTING)
    return (
        (
            gettext("%(message)s: %(done)s of %(total)s")
            % {"message": message, "done": intcomma(done), "total": intcomma(total)},
            round(1000 * done / total),
        )
        if total
        else (message, None)
    )


def _line(entry: Entry) -> str:
    places = "; ".join(
        f"{place.stated + ': ' if place.stated else ''}“{' '.join(place.quote.split())}” (page {place.page_number})"
        for place in entry.places
    )
    return f"{entry.clause.title}: {places}"


def _named_threshold(request: HttpRequest) -> float | None:
    return _threshold(request.GET.get("threshold", ""))


def _threshold(percent: str) -> float | None:
    """Return the threshold that a person gave in percent, None if it is no number between the ends of the scale."""
    if not (percent.isascii() and percent.isdigit() and len(percent) < 4):
        return None
    return min(MOST_THRESHOLD, max(LEAST_THRESHOLD, int(percent) / 100))
