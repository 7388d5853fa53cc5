"""What can be done with a workspace, each in one transaction. Who may do it is decided before, in access.py."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from anyascii import anyascii
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.text import slugify
from django.utils.translation import gettext

from analysis.errors import UserError
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import ApiToken, Invite, Member, Role, Scope, User, Workspace
from workspaces.models.roles import GUEST_ROLES

SLUG_LENGTH = 48
# Slugs that /w/<slug>/ must not take, since a page of ours has the path.
RESERVED_SLUGS = frozenset({"new"})
SUFFIX_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


class LastOwner(UserError):
    """The change would leave the workspace without an owner."""

    code = "last_owner"
    status = 409


def slug_base(name: str) -> str:
    """Return `name` in lower-case Latin letters, digits and hyphens, whatever its script; never empty."""
    base = slugify(anyascii(name).replace(".", " "))[:SLUG_LENGTH].strip("-_") or "workspace"
    return f"{base}-workspace" if base in RESERVED_SLUGS else base


@transaction.atomic
def workspace_create(*, owner: User, name: str, personal: bool = False) -> Workspace:
    """Return a new workspace with `owner` as its only member."""
    workspace = _with_free_slug(name, personal=personal)
    Member.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
    record(Action.WORKSPACE_CREATED, workspace, workspace=workspace, by=owner)
    return workspace


def _with_free_slug(name: str, *, personal: bool) -> Workspace:
    """Return the stored workspace; the database decides which slug is free, so two at once cannot clash."""
    slug = base = slug_base(name)
    while True:
        try:
            with transaction.atomic():
                return Workspace.objects.create(slug=slug, name=name, personal=personal)
        except IntegrityError:
            slug = f"{base}-{get_random_string(5, SUFFIX_ALPHABET)}"


def personal_name(user: User) -> str:
    """Return what a person's own workspace is called."""
    return gettext("%(name)s's workspace") % {"name": (user.get_full_name() or user.email.partition("@")[0])[:100]}


@transaction.atomic
def home_workspace(user: User) -> Workspace:
    """Return the workspace a person starts in: their personal one, else their first; made when they have none."""
    # The row lock lets two first visits at once make one workspace, not two.
    User.objects.select_for_update().get(pk=user.pk)
    place = (
        Member.objects.filter(user=user, workspace__delete_at=None)
        .select_related("workspace")
        .order_by("-workspace__personal", "workspace__name", "pk")
        .first()
    )
    return place.workspace if place else workspace_create(owner=user, name=personal_name(user), personal=True)


@transaction.atomic
def workspace_change(workspace: Workspace, *, name: str, keep_reasoning: bool) -> None:
    """Change what owners set. The address stays under another name, so that links which were sent keep working."""
    workspace.name = name
    workspace.keep_reasoning = keep_reasoning
    workspace.save(update_fields=["name", "keep_reasoning"])
    record(Action.WORKSPACE_CHANGED, workspace, workspace=workspace, keep_reasoning=keep_reasoning)


@transaction.atomic
def workspace_delete(workspace: Workspace) -> None:
    """Shut everyone out now, and have a worker remove the documents, files and the rest."""
    from workspaces.tasks import clear_workspace

    record(Action.WORKSPACE_DELETED, workspace, workspace=workspace)
    workspace.members.all().delete()
    workspace.invites.all().delete()
    workspace.api_tokens.all().delete()
    # A broker that is down must not undo the deletion: the hourly `clear_abandoned` finds what was left.
    transaction.on_commit(partial(clear_workspace.delay, workspace.pk), robust=True)


def refuse_to_guests(role: Role) -> None:
    """Raise UserError guest_role for a role that a guest cannot have."""
    if role not in GUEST_ROLES:
        raise UserError(
            gettext("A guest sees chosen folders only, and cannot manage the workspace."), code="guest_role"
        )


@transaction.atomic
def member_set_role(member: Member, role: Role) -> None:
    """Give the member another role; raises LastOwner, and UserError guest_role for a guest who would see everything.

    Invites that they could not send any more are revoked.
    """
    if member.guest:
        refuse_to_guests(role)
    if member.user.service_of_id is not None and role.rank > Role.EDITOR.rank:
        raise UserError(gettext("A service account can be an editor at most."), code="service_account", status=409)
    if role is not Role.OWNER:
        _keep_an_owner(member)
        _revoke_invites_of(member, beyond=role)
    Member.objects.filter(pk=member.pk).update(role=role)
    record(Action.MEMBER_ROLE, member.user, workspace=member.workspace, before=member.role, after=role.value)


@transaction.atomic
def member_remove(member: Member) -> None:
    """Take the member out; raises LastOwner.

    Their open invites go too, since through one of them they could come back, and so do their tokens for the workspace.
    """
    _keep_an_owner(member)
    _revoke_invites_of(member)
    ApiToken.objects.filter(workspace_id=member.workspace_id, user_id=member.user_id).delete()
    Member.objects.filter(pk=member.pk).delete()
    record(Action.MEMBER_REMOVED, member.user, workspace=member.workspace)
    if member.user.service_of_id == member.workspace_id:
        member.user.delete()


@transaction.atomic
def token_issue(
    *,
    user: User,
    name: str,
    workspace: Workspace | None = None,
    scope: Scope = Scope.MANAGE,
    days: int | None = None,
) -> tuple[ApiToken, str]:
    """Return a new API token's row and the token itself, which is never to be had again. days: None for good."""
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    row, token = ApiToken.issue(user=user, name=name, workspace=workspace, scope=scope, expires_at=expires_at)
    record(Action.TOKEN_ISSUED, row, workspace=workspace, by=user, scope=scope.value, days=days or 0)
    return row, token


@transaction.atomic
def token_revoke(token: ApiToken) -> None:
    """Make the token worthless."""
    record(Action.TOKEN_REVOKED, token, workspace=token.workspace)
    token.delete()


def _revoke_invites_of(member: Member, *, beyond: Role = Role.VIEWER) -> None:
    """Revoke the member's invites; of who still is an admin, those alone that make owners."""
    invites = Invite.objects.filter(workspace_id=member.workspace_id, created_by_id=member.user_id)
    (invites.filter(role=Role.OWNER) if beyond is Role.ADMIN else invites).delete()


def _keep_an_owner(member: Member) -> None:
    """Raise LastOwner if no owner but `member` is left."""
    # The lock on the workspace lets two owners who go at the same moment find each other gone.
    Workspace.objects.select_for_update().get(pk=member.workspace_id)
    owners = Member.objects.filter(workspace_id=member.workspace_id, role=Role.OWNER)
    if not owners.exclude(pk=member.pk).exists():
        raise LastOwner(gettext("A workspace needs an owner. Make someone else an owner first."))
