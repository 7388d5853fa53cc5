"""Who is in a workspace, and the links that let others in."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from analysis.errors import UserError
from workspaces import recipes
from workspaces.access import (
    LAST_WORKSPACE,
    enter,
    invite_for,
    invites_for,
    members_for,
    person,
    require_above,
    roles_given_by,
)
from workspaces.accounts import INVITE_KEY
from workspaces.forms import RoleForm
from workspaces.language import lowered
from workspaces.models import Invite, Member, Role


@login_required
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """List the workspace's people and, to an admin, its open invites."""
    return _members_page(request, enter(request, slug))


@login_required
@require_POST
def member_role(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Give a member another role."""
    admin = enter(request, slug, role=Role.ADMIN)
    member = get_object_or_404(members_for(admin), pk=member_id)
    require_above(admin, member)
    form = RoleForm(request.POST, by=admin)
    if not form.is_valid():
        return _members_page(request, admin, error=UserError(gettext("Choose one of the roles.")))
    try:
        recipes.member_set_role(member, form.cleaned_data["role"])
    except UserError as error:
        return _members_page(request, admin, error=error)
    messages.success(
        request,
        gettext("%(user)s is now %(role)s.") % {"user": member.user, "role": lowered(form.cleaned_data["role"].label)},
    )
    return redirect("members", slug=slug)


@login_required
@require_POST
def member_remove(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Take a member out."""
    admin = enter(request, slug, role=Role.ADMIN)
    member = get_object_or_404(members_for(admin), pk=member_id)
    require_above(admin, member)
    try:
        recipes.member_remove(member)
    except UserError as error:
        return _members_page(request, admin, error=error)
    messages.success(request, gettext("%(user)s has no access any more.") % {"user": member.user})
    return redirect("home") if member.pk == admin.pk else redirect("members", slug=slug)


@login_required
@require_POST
@never_cache
def invite_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an invite and show its link, this once: the answer to this request is the only place that has it."""
    admin = enter(request, slug, role=Role.ADMIN)
    form = RoleForm(request.POST, by=admin)
    if not form.is_valid():
        return _members_page(request, admin, error=UserError(gettext("Choose one of the roles.")))
    invite, token = recipes.invite_create(
        workspace=admin.workspace, user=person(request), role=form.cleaned_data["role"]
    )
    path = reverse("invite_accept", args=[token])
    link = f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)
    return _members_page(request, admin, new_invite=invite, link=link)


@login_required
@require_POST
def invite_revoke(request: HttpRequest, slug: str, invite_id: int) -> HttpResponse:
    """Make an invite's link worthless."""
    admin = enter(request, slug, role=Role.ADMIN)
    recipes.invite_revoke(get_object_or_404(invites_for(admin).select_related("workspace"), pk=invite_id))
    messages.success(request, gettext("The invite is revoked: its link leads nowhere now."))
    return redirect("members", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invite_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Say who invites into what, and join on POST. A visitor signs up or in first and comes back here."""
    invite = invite_for(token)
    if invite is None:
        return render(request, "workspaces/invite_closed.html", status=404)
    if not request.user.is_authenticated:
        request.session[INVITE_KEY] = token  # opens sign-up to this visitor where it is closed
        return render(request, "workspaces/invite_accept.html", {"invite": invite, "next": request.path})
    if Member.objects.filter(workspace_id=invite.workspace_id, user=person(request)).exists():
        return redirect("workspace", slug=invite.workspace.slug)
    if request.method == "POST":
        return _join(request, invite)
    return render(request, "workspaces/invite_accept.html", {"invite": invite})


def _join(request: HttpRequest, invite: Invite) -> HttpResponse:
    try:
        member = recipes.invite_accept(invite, person(request))
    except UserError as error:
        return render(request, "workspaces/invite_closed.html", {"error": error}, status=error.status)
    request.session.pop(INVITE_KEY, None)
    request.session[LAST_WORKSPACE] = invite.workspace.slug
    messages.success(request, gettext("Welcome to %(name)s.") % {"name": invite.workspace.name})
    return redirect("workspace", slug=member.workspace.slug)


def _members_page(request: HttpRequest, member: Member, error: UserError | None = None, **more: object) -> HttpResponse:
    page = {
        "member": member,
        "workspace": member.workspace,
        "members": members_for(member),
        "invites": invites_for(member) if member.manages else [],
        "roles": [(role.value, role.label) for role in roles_given_by(member)],
        "invite_form": RoleForm(auto_id="invite_%s", by=member),
        "error": error,
        **more,
    }
    return render(request, "workspaces/members.html", page, status=error.status if error else 200)
