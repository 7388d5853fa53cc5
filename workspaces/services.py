"""Service accounts: members that are programs, of one workspace, which nobody signs in as."""

from __future__ import annotations

import secrets

from django.db import transaction
from django.db.models import QuerySet

from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import ApiToken, Member, Role, Scope, User, Workspace
from workspaces.recipes import member_remove, slug_base, token_issue

# Nobody can have an address there (RFC 2606): no mail arrives, and no provider can vouch for one.
DOMAIN = "service.invalid"
# What a program may be: what it does should not be to decide about people and rules.
ROLES = (Role.EDITOR, Role.REVIEWER, Role.VIEWER)


def services_of(workspace: Workspace) -> QuerySet[Member]:
    """Return the places of the workspace's service accounts with their users and tokens, by name."""
    places = workspace.members.filter(user__service_of=workspace).select_related("user", "workspace")
    return places.prefetch_related("user__api_tokens").order_by("user__first_name", "pk")


@transaction.atomic
def service_create(*, workspace: Workspace, name: str, role: Role) -> Member:
    """Return the place of a new service account, which has no token yet."""
    if role not in ROLES:
        raise ValueError("a service account is an editor at most")
    address = f"{slug_base(name)}-{secrets.token_hex(4)}@{DOMAIN}"
    user = User.objects.create_user(address, None, first_name=name, service_of=workspace)
    record(Action.SERVICE_CREATED, user, workspace=workspace, role=role.value)
    return Member.objects.create(workspace=workspace, user=user, role=role)


def service_token(place: Member, *, name: str, scope: Scope, days: int | None) -> tuple[ApiToken, str]:
    """Return a new token of the service account, bound to its workspace, and the token itself, this once."""
    return token_issue(user=place.user, name=name, workspace=place.workspace, scope=scope, days=days)


def service_delete(place: Member) -> None:
    """Delete the service account with its tokens; what it asked and uploaded stays without a name."""
    member_remove(place)
