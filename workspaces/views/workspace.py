"""A workspace's own pages: make one, rename, set what it allows, leave."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST

from analysis.errors import UserError
from analysis.llm.budget import month_of
from analysis.llm.registry import llms
from workspaces import recipes
from workspaces.access import enter, person
from workspaces.forms import PolicyForm, SettingsForm, WorkspaceForm
from workspaces.models import Member, Role, Workspace
from workspaces.policy import policy_change, policy_of


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_create(request: HttpRequest) -> HttpResponse:
    """Make a workspace and go there."""
    form = WorkspaceForm(request.POST or None)
    if form.is_valid():
        workspace = recipes.workspace_create(owner=person(request), name=form.cleaned_data["name"])
        return redirect("workspace", slug=workspace.slug)
    return render(request, "workspaces/create.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_settings(request: HttpRequest, slug: str) -> HttpResponse:
    """Show the workspace's settings, and let an admin change them."""
    member = enter(request, slug, role=Role.ADMIN if request.method == "POST" else Role.VIEWER)
    form = SettingsForm(request.POST or None, initial=_set(member.workspace))
    if form.is_valid():
        recipes.workspace_change(member.workspace, **form.cleaned_data)
        messages.success(request, gettext("The settings are saved."))
        return redirect("workspace_settings", slug=slug)
    return _settings_page(request, member, form=form, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def workspace_policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Show and change what the workspace allows. For admins."""
    member = enter(request, slug, role=Role.ADMIN)
    policy = policy_of(member.workspace_id)
    usable = [
        (llm.id, llm.name if llm.self_hosted else gettext("%(name)s, outside the house") % {"name": llm.name})
        for llm in llms()
    ]
    # One that is away for now stays allowed.
    usable += [
        (id, gettext("%(id)s, not here now") % {"id": id}) for id in policy.allowed_llms if id not in dict(usable)
    ]
    initial = model_to_dict(policy) | {"sign_in_domains": ", ".join(policy.sign_in_domains)}
    form = PolicyForm(request.POST or None, initial=initial, llms=usable, email=person(request).email)
    if form.is_valid():
        policy_change(member.workspace, **form.cleaned_data)
        messages.success(request, gettext("The policy is saved and holds from now on."))
        return redirect("workspace_policy", slug=slug)
    page = {"member": member, "workspace": member.workspace, "form": form, "month": month_of(member.workspace_id)}
    return render(request, "workspaces/policy.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def workspace_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Take the person out of the workspace."""
    member = enter(request, slug)
    try:
        recipes.member_remove(member)
    except UserError as error:
        return _settings_page(request, member, error=error, status=error.status)
    messages.success(request, gettext("You have left %(name)s.") % {"name": member.workspace.name})
    return redirect("home")


def _set(workspace: Workspace) -> dict[str, object]:
    return {"name": workspace.name, "keep_reasoning": workspace.keep_reasoning}


def _settings_page(
    request: HttpRequest,
    member: Member,
    *,
    form: SettingsForm | None = None,
    error: UserError | None = None,
    status: int = 200,
) -> HttpResponse:
    page = {
        "member": member,
        "workspace": member.workspace,
        "form": form or SettingsForm(initial=_set(member.workspace)),
        "error": error,
    }
    return render(request, "workspaces/settings.html", page, status=status)
