"""The export of a workspace: asked for, followed, and fetched by who asked."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from analysis.views.originals import Original, sent
from analysis.views.sse import checked
from workspaces.access import enter, person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.exporting import Export, export_ask, export_of, may_export
from workspaces.models import Member, Role
from workspaces.policy import policy_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def workspace_export(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how the person's export stands; on POST have one written. A script gets the fragment that tells of it."""
    member = enter(request, slug, role=Role.ADMIN)
    if request.method == "POST":
        export_ask(may_export(member.user, member.workspace))
        return redirect("workspace_export", slug=slug)
    page = {"member": member, "workspace": member.workspace, "export": export_of(member), "may_export": _may(member)}
    htmx = request.headers.get("HX-Request")
    return render(request, "workspaces/_export.html" if htmx else "workspaces/export.html", page)


@login_required
@require_safe
@never_cache
async def export_file(request: HttpRequest, slug: str, export_id: str) -> HttpResponseBase:
    """Return the archive, to be saved."""

    def find() -> Export:
        member = may_export(person(request), enter(request, slug, role=Role.ADMIN).workspace)
        export = export_of(member)
        if export is None or export.id != export_id or not export.ready:
            raise Http404
        record(Action.EXPORTED, member.workspace, workspace=member.workspace, file=f"{slug}.zip")
        return export

    export = await checked(find)()
    response = sent(request, Original(f"{slug}.zip", "", export.path, f'"{export.id}"'), "application/zip")
    response["Content-Disposition"] = content_disposition_header(True, f"{slug}.zip") or "attachment"
    return response


def _may(member: Member) -> bool:
    return member.holds(Role(policy_of(member.workspace_id).export_role))
