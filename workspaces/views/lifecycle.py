"""The end of a workspace and what comes before: archive, deletion with time to think again, another owner."""

from __future__ import annotations

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from analysis.errors import UserError
from workspaces import lifecycle, recipes
from workspaces.access import ending_for, enter
from workspaces.forms import DeleteForm, HandOverForm
from workspaces.models import Member, Role


@login_required
@require_POST
def workspace_archive(request: HttpRequest, slug: str) -> HttpResponse:
    """Let the workspace only be read from now on."""
    lifecycle.workspace_archive(enter(request, slug, role=Role.ADMIN).workspace)
    messages.success(request, _("The workspace is archived: it can be read, searched and exported."))
    return redirect("workspace_settings", slug=slug)


@login_required
@require_POST
def workspace_reopen(request: HttpRequest, slug: str) -> HttpResponse:
    """Let an archived workspace be worked in again."""
    lifecycle.workspace_reopen(enter(request, slug, role=Role.ADMIN).workspace)
    messages.success(request, _("The workspace is open again."))
    return redirect("workspace_settings", slug=slug)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_delete(request: HttpRequest, slug: str) -> HttpResponse:
    """Set the workspace's deletion once its name has been typed and the owner has given proof."""
    member = enter(request, slug, role=Role.OWNER)
    form = DeleteForm(request.POST or None, workspace=member.workspace)
    if form.is_valid():
        raise_if_reauthentication_required(request, app="account")
        lifecycle.workspace_end(member.workspace)
        return redirect("workspace_ending", slug=slug)
    page = {"member": member, "workspace": member.workspace, "form": form}
    page["grace_days"] = settings.WORKSPACE_GRACE_DAYS
    page["document_count"] = member.workspace.documents.filter(repository=None).count()
    page["member_count"] = member.workspace.members.count()
    return render(request, "workspaces/delete.html", page, status=422 if form.errors else 200)


@login_required
@require_safe
@never_cache
def workspace_ending(request: HttpRequest, slug: str) -> HttpResponse:
    """Say until when the workspace can be brought back. For its owners."""
    member = ending_for(request, slug)
    if member is None:
        return redirect("workspace_settings", slug=slug)
    return _ending_page(request, member, DeleteForm(workspace=member.workspace))


@login_required
@require_POST
def workspace_restore(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the deletion back."""
    member = ending_for(request, slug)
    if member is not None:
        try:
            lifecycle.workspace_restore(member.workspace)
        except UserError as error:
            messages.error(request, error.message)
            return redirect("home")
        messages.success(request, _("%(name)s is back, as it was.") % {"name": member.workspace.name})
    return redirect("workspace", slug=slug)


@login_required
@require_POST
def workspace_delete_now(request: HttpRequest, slug: str) -> HttpResponse:
    """Delete the workspace without waiting for the end of its time, once its name has been typed."""
    member = ending_for(request, slug)
    if member is None:
        return redirect("workspace_delete", slug=slug)
    form = DeleteForm(request.POST, workspace=member.workspace)
    if not form.is_valid():
        return _ending_page(request, member, form, status=422)
    raise_if_reauthentication_required(request, app="account")
    recipes.workspace_delete(member.workspace)
    messages.success(request, _("%(name)s is deleted for good.") % {"name": member.workspace.name})
    return redirect("home")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_hand_over(request: HttpRequest, slug: str) -> HttpResponse:
    """Hand the workspace over to another member, once the owner has given proof."""
    member = enter(request, slug, role=Role.OWNER)
    form = HandOverForm(request.POST or None, owner=member)
    if form.is_valid():
        raise_if_reauthentication_required(request, app="account")
        heir, leave = form.cleaned_data["heir"], form.cleaned_data["then"] == "leave"
        lifecycle.workspace_hand_over(member, heir, leave=leave)
        told = _("%(name)s belongs to %(heir)s now.") % {"name": member.workspace.name, "heir": heir.user}
        messages.success(request, told)
        return redirect("home") if leave else redirect("members", slug=slug)
    page = {"member": member, "workspace": member.workspace, "form": form}
    return render(request, "workspaces/hand_over.html", page, status=422 if form.errors else 200)


def _ending_page(request: HttpRequest, member: Member, form: DeleteForm, status: int = 200) -> HttpResponse:
    page = {"member": member, "workspace": member.workspace, "form": form}
    return render(request, "workspaces/ending.html", page, status=status)
