"""Who is in a workspace, and the invitations that let others in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from allauth.account.adapter import get_adapter
from allauth.account.utils import filter_users_by_email
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
from workspaces import inviting, recipes
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
from workspaces.forms import InviteForm, RoleForm
from workspaces.invite_mail import send_invite
from workspaces.language import lowered
from workspaces.models import Invite, Member, Role
from workspaces.models.roles import GUEST_ROLES


@dataclass(frozen=True)
class Row:
    """A member as the page lists them. roles: what whoever looks may make of them; none where they may not."""

    place: Member
    roles: list[tuple[str, str]]

    @property
    def folders(self) -> list[str]:
        """The names of the folders that were opened to them."""
        return sorted(grant.folder.name for grant in self.place.grants.all())


@login_required
def members(request: HttpRequest, slug: str) -> HttpResponse:
    """List the workspace's people and, to an admin, its open invites."""
    return _members_page(request, enter(request, slug))


@login_required
@require_POST
def member_role(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Give a member another role."""
    admin, member = _to_change(request, slug, member_id)
    form = RoleForm(request.POST, by=admin)
    if not form.is_valid():
        return _members_page(request, admin, error=UserError(gettext("Choose one of the roles.")))
    role: Role = form.cleaned_data["role"]
    try:
        recipes.member_set_role(member, role)
    except UserError as error:
        return _members_page(request, admin, error=error)
    told = gettext("%(user)s is now %(role)s.") % {"user": member.user, "role": lowered(role.label)}
    messages.success(request, told)
    return redirect("members", slug=slug)


@login_required
@require_POST
def member_remove(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Take a member out."""
    admin, member = _to_change(request, slug, member_id)
    try:
        recipes.member_remove(member)
    except UserError as error:
        return _members_page(request, admin, error=error)
    messages.success(request, gettext("%(user)s has no access any more.") % {"user": member.user})
    return redirect("home") if member.pk == admin.pk else redirect("members", slug=slug)


@login_required
@require_POST
def member_admit(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Make a guest a member."""
    _, member = _to_change(request, slug, member_id)
    if member.guest:
        inviting.member_admit(member, Role(member.role))
        messages.success(request, gettext("%(person)s is a member now.") % {"person": member.user})
    return redirect("members", slug=slug)


@login_required
@require_POST
@never_cache
def invite_create(request: HttpRequest, slug: str) -> HttpResponse:
    """Make an invitation, and send it to its address; or show its link, in the answer to this request only."""
    admin = enter(request, slug, role=Role.ADMIN)
    form = InviteForm(request.POST, by=admin, auto_id="invite_%s")
    if not form.is_valid():
        return _members_page(request, admin, error=UserError(gettext("See what is said below.")), invite_form=form)
    asked = dict(form.cleaned_data)
    note = asked.pop("note")
    try:
        invite, token = inviting.invite_create(workspace=admin.workspace, user=admin.user, **asked)
    except UserError as error:
        return _members_page(request, admin, error=error, invite_form=form)
    link = link_of(request, token)
    if not invite.email:
        return _members_page(request, admin, new_invite=invite, link=link)
    try:
        send_invite(invite, link, sender=admin.user, note=note)
    except UserError as error:
        inviting.invite_revoke(invite)
        return _members_page(request, admin, error=error, invite_form=form)
    messages.success(request, gettext("The invitation is on its way to %(email)s.") % {"email": invite.email})
    return redirect("members", slug=slug)


@login_required
@require_POST
def invite_resend(request: HttpRequest, slug: str, invite_id: int) -> HttpResponse:
    """Send an invitation once more, with a fresh link; the one before does not work any more."""
    admin = enter(request, slug, role=Role.ADMIN)
    invite = get_object_or_404(invites_for(admin).exclude(email=""), pk=invite_id)
    try:
        send_invite(invite, link_of(request, inviting.invite_renew(invite)), sender=admin.user)
    except UserError as error:
        return _members_page(request, admin, error=error)
    messages.success(request, gettext("The invitation is on its way to %(email)s again.") % {"email": invite.email})
    return redirect("members", slug=slug)


@login_required
@require_POST
def invite_revoke(request: HttpRequest, slug: str, invite_id: int) -> HttpResponse:
    """Make an invite's link worthless."""
    admin = enter(request, slug, role=Role.ADMIN)
    inviting.invite_revoke(get_object_or_404(invites_for(admin), pk=invite_id))
    messages.success(request, gettext("The invite is revoked: its link leads nowhere now."))
    return redirect("members", slug=slug)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def invite_accept(request: HttpRequest, token: str) -> HttpResponse:
    """Say who invites into what, and join on POST. A visitor signs up or in first and comes back here."""
    invite = invite_for(token)
    if invite is None:
        return render(request, "workspaces/invite_closed.html", status=404)
    page = {"invite": invite, "next": request.path, "folders": invite.folders.order_by("name")}
    if not request.user.is_authenticated:
        return render(request, "workspaces/invite_accept.html", page | _welcomed(request, invite, token))
    user = person(request)
    if Member.objects.filter(workspace_id=invite.workspace_id, user=user, guest=False).exists():
        return redirect("workspace", slug=invite.workspace.slug)
    if request.method == "POST":
        return _join(request, invite)
    mistaken = bool(invite.email) and not inviting.has_address(user, invite.email)
    return render(request, "workspaces/invite_accept.html", page | {"mistaken": mistaken})


def link_of(request: HttpRequest, token: str) -> str:
    """Return the address that an invitation is accepted at."""
    path = reverse("invite_accept", args=[token])
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}" if settings.PUBLIC_URL else request.build_absolute_uri(path)


def _to_change(request: HttpRequest, slug: str, member_id: int) -> tuple[Member, Member]:
    """Return who manages people here, and whom they want to change; raises PermissionDenied where they may not."""
    admin = enter(request, slug, role=Role.ADMIN)
    member = get_object_or_404(members_for(admin).select_related("workspace"), pk=member_id)
    require_above(admin, member)
    return admin, member


def _welcomed(request: HttpRequest, invite: Invite, token: str) -> dict[str, bool]:
    """Open sign-up to a visitor with an invitation, where it is closed.

    One to an address went there by e-mail: whoever has opened its link and makes an account need not confirm it again.
    """
    request.session[INVITE_KEY] = token
    known = bool(invite.email) and bool(filter_users_by_email(invite.email))
    if invite.email and not known:
        get_adapter().stash_verified_email(request, invite.email)
    return {"known": known}


def _join(request: HttpRequest, invite: Invite) -> HttpResponse:
    try:
        member = inviting.invite_accept(invite, person(request))
    except UserError as error:
        return render(request, "workspaces/invite_closed.html", {"error": error}, status=error.status)
    request.session.pop(INVITE_KEY, None)
    request.session[LAST_WORKSPACE] = invite.workspace.slug
    messages.success(request, gettext("Welcome to %(name)s.") % {"name": invite.workspace.name})
    return redirect("workspace", slug=member.workspace.slug)


def _members_page(request: HttpRequest, member: Member, error: UserError | None = None, **more: object) -> HttpResponse:
    rows = list(_rows(member, members_for(member).prefetch_related("grants__folder")))
    page = {
        "member": member,
        "workspace": member.workspace,
        "people": [row for row in rows if not row.place.guest and not row.place.user.service_of_id],
        "guests": [row for row in rows if row.place.guest],
        "services": [row for row in rows if row.place.user.service_of_id],
        "invites": invites_for(member) if member.manages else [],
        "invite_form": InviteForm(auto_id="invite_%s", by=member),
        "error": error,
        **more,
    }
    return render(request, "workspaces/members.html", page, status=error.status if error else 200)


def _rows(member: Member, places: Iterable[Member]) -> Iterable[Row]:
    given = roles_given_by(member)
    for place in places:
        roles = [role for role in given if not place.guest or role in GUEST_ROLES]
        may_change = member.manages and member.holds(Role(place.role))
        yield Row(place, [(role.value, str(role.label)) for role in roles] if may_change else [])
