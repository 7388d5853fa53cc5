"""Who is in a workspace, and the invitations that let others in."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied, ValidationError
from django.core.validators import validate_email
from django.http import Http404
from django.shortcuts import get_object_or_404
from ninja import Router, Status

from analysis.api.auth import ApiRequest
from analysis.api.responses import Limit, Offset, page_of, responses
from analysis.api.schemas import InvitedOut, InviteIn, InvitePage, MemberChangeIn, MemberOut, MemberPage
from analysis.errors import UserError
from workspaces.access import (
    folders_for,
    invites_for,
    member_or_404,
    members_for,
    require_above,
    roles_given_by,
)
from workspaces.invite_mail import send_invite
from workspaces.inviting import invite_create, invite_revoke
from workspaces.models import Folder, Invite, Member, Role
from workspaces.recipes import member_remove, member_set_role
from workspaces.views.members import link_of

router = Router(tags=["People"])


@router.get("/workspaces/{slug:slug}/members", response=responses(200, MemberPage))
def list_members(request: ApiRequest, slug: str, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """Everyone in the workspace, owners first."""
    return page_of(members_for(member_or_404(request.auth, slug)), limit, offset, _member)


@router.patch("/workspaces/{slug:slug}/members/{int:member_id}", response=responses(200, MemberOut, 403, 409))
def change_member(request: ApiRequest, slug: str, member_id: int, asked: MemberChangeIn) -> dict[str, Any]:
    """Gives a member another role (admins; owners are made and changed by owners)."""
    admin, member = _to_change(request, slug, member_id)
    role = Role(asked.role)
    _require_given(admin, role)
    member_set_role(member, role)
    member.refresh_from_db()
    return _member(member)


@router.delete("/workspaces/{slug:slug}/members/{int:member_id}", response=responses(204, None, 403, 409))
def remove_member(request: ApiRequest, slug: str, member_id: int) -> Status[None]:
    """Takes a member out, with the invitations they made and their tokens for the workspace (admins)."""
    member_remove(_to_change(request, slug, member_id)[1])
    return Status(204, None)


@router.get("/workspaces/{slug:slug}/invites", response=responses(200, InvitePage, 403))
def list_invites(request: ApiRequest, slug: str, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """The open invitations, newest first (admins). Their links are not to be had again."""
    return page_of(invites_for(member_or_404(request.auth, slug, role=Role.ADMIN)), limit, offset, _invite)


@router.post("/workspaces/{slug:slug}/invites", response=responses(201, InvitedOut, 403, 409))
def create_invite(request: ApiRequest, slug: str, asked: InviteIn) -> Status[Any]:
    """Invites by e-mail, or without `email` by a link, which is in the answer and nowhere else (admins).

    A guest sees the folders named and nothing else.
    """
    admin = member_or_404(request.auth, slug, role=Role.ADMIN)
    role = Role(asked.role)
    _require_given(admin, role)
    invite, token = invite_create(
        workspace=admin.workspace,
        user=admin.user,
        role=role,
        email=_checked(asked.email),
        days=asked.days,
        guest=asked.guest,
        folders=_folders(admin, asked.folder_ids),
    )
    link = link_of(request, token)
    if not invite.email:
        return Status(201, _invite(invite) | {"link": link})
    try:
        send_invite(invite, link, sender=admin.user, note=asked.note)
    except UserError:
        invite_revoke(invite)
        raise
    return Status(201, _invite(invite) | {"link": None})


@router.delete("/workspaces/{slug:slug}/invites/{int:invite_id}", response=responses(204, None, 403))
def revoke_invite(request: ApiRequest, slug: str, invite_id: int) -> Status[None]:
    """Makes an invitation worthless (admins)."""
    admin = member_or_404(request.auth, slug, role=Role.ADMIN)
    invite_revoke(get_object_or_404(invites_for(admin), pk=invite_id))
    return Status(204, None)


def _to_change(request: ApiRequest, slug: str, member_id: int) -> tuple[Member, Member]:
    admin = member_or_404(request.auth, slug, role=Role.ADMIN)
    member = get_object_or_404(members_for(admin).select_related("workspace"), pk=member_id)
    require_above(admin, member)
    return admin, member


def _require_given(admin: Member, role: Role) -> None:
    if role not in roles_given_by(admin):
        raise PermissionDenied("Only an owner can make someone an owner.")


def _checked(email: str) -> str:
    """Return the address, "" for none. Raises UserError bad_address."""
    try:
        if email:
            validate_email(email)
    except ValidationError:
        raise UserError("email: that is no e-mail address.", code="bad_address") from None
    return email


def _folders(admin: Member, folder_ids: list[int]) -> list[Folder]:
    found = list(folders_for(admin).filter(pk__in=folder_ids))
    if len(found) < len(set(folder_ids)):
        raise Http404
    return found


def _member(member: Member) -> dict[str, Any]:
    facts = {name: getattr(member, name) for name in ("id", "role", "guest", "joined_at")}
    return facts | {"email": member.user.email, "name": member.user.get_full_name()}


def _invite(invite: Invite) -> dict[str, Any]:
    facts = {name: getattr(invite, name) for name in ("id", "email", "role", "guest", "expires_at")}
    folders = [folder.pk for folder in invite.folders.all()]
    return facts | {"folder_ids": folders, "invited_by": invite.created_by.email}
