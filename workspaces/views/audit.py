"""The audit log: of a workspace for its owners and admins, of everything for administrators."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from workspaces.access import enter, staff_or_404
from workspaces.audit import record
from workspaces.audit.actions import SUBJECTS, WAYS, Action
from workspaces.audit.listing import PAGE, Filter, as_csv, as_json, events_in
from workspaces.models import AuditEvent, Role, Workspace

EXPORTS: dict[str, tuple[Callable[[QuerySet[AuditEvent]], Iterator[str]], str]] = {
    "csv": (as_csv, "text/csv"),
    "json": (as_json, "application/json"),
}


@login_required
@never_cache
@require_safe
def workspace_audit(request: HttpRequest, slug: str) -> HttpResponse:
    """Show who did what in a workspace. For admins: it tells what each person looks at."""
    return _page(request, "workspaces/audit.html", enter(request, slug, role=Role.ADMIN).workspace)


@login_required
@never_cache
@require_safe
def workspace_audit_export(request: HttpRequest, slug: str, kind: str) -> HttpResponseBase:
    """Return a workspace's entries, filtered as on the page, as a file."""
    return _export(request, enter(request, slug, role=Role.ADMIN).workspace, kind, f"audit-{slug}")


@login_required
@never_cache
@require_safe
def audit(request: HttpRequest) -> HttpResponse:
    """Show who did what in the whole installation, for administrators."""
    staff_or_404(request)
    return _page(request, "workspaces/audit_all.html", None)


@login_required
@never_cache
@require_safe
def audit_export(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Return the installation's entries, filtered as on the page, as a file."""
    staff_or_404(request)
    return _export(request, None, kind, "audit")


def _page(request: HttpRequest, template: str, workspace: Workspace | None) -> HttpResponse:
    wanted = Filter.of(request.GET)
    events = list(events_in(workspace, wanted)[: PAGE + 1])
    query = request.GET.copy()
    query.pop("before", None)
    older = query.copy()
    if len(events) > PAGE:
        older["before"] = str(events[PAGE - 1].pk)
    context = {
        "workspace": workspace,
        "wanted": wanted,
        "subjects": SUBJECTS,
        "events": [(event, Action(event.action).label, WAYS.get(event.via, event.via)) for event in events[:PAGE]],
        "older": older.urlencode() if "before" in older else "",
        "query": query.urlencode(),
    }
    return render(request, template, context)


def _export(request: HttpRequest, workspace: Workspace | None, kind: str, name: str) -> HttpResponseBase:
    if kind not in EXPORTS:
        raise Http404
    write, content_type = EXPORTS[kind]
    # What is exported ends before the entry that tells of it.
    rows = events_in(workspace, Filter.of(request.GET))
    last = AuditEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    record(Action.EXPORTED, workspace, workspace=workspace, file=f"{name}.{kind}")
    reply = StreamingHttpResponse(write(rows.filter(pk__lte=last)), content_type=f"{content_type}; charset=utf-8")
    reply["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return reply
