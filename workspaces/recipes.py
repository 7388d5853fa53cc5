"""What can be done with a workspace, each in one transaction. Who may do it is decided before, in access.py."""

from __future__ import annotations

from anyascii import anyascii
from django.db import IntegrityError, transaction
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from workspaces.models import Member, Role, User, Workspace

SLUG_LENGTH = 48
# Slugs that /w/<slug>/ must not take, since a page of ours has the path.
RESERVED_SLUGS = frozenset({"new"})
SUFFIX_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


def slug_base(name: str) -> str:
    """Return `name` in lower-case Latin letters, digits and hyphens, whatever its script; never empty."""
    base = slugify(anyascii(name))[:SLUG_LENGTH].strip("-_") or "workspace"
    return f"{base}-workspace" if base in RESERVED_SLUGS else base


@transaction.atomic
def workspace_create(*, owner: User, name: str, personal: bool = False) -> Workspace:
    """Return a new workspace with `owner` as its only member."""
    workspace = _with_free_slug(name, personal=personal)
    Member.objects.create(workspace=workspace, user=owner, role=Role.OWNER)
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
    return f"{user.get_full_name() or user.email.partition('@')[0]}'s workspace"[:120]


@transaction.atomic
def home_workspace(user: User) -> Workspace:
    """Return the workspace a person starts in: their personal one, else their first; made when they have none."""
    # The row lock lets two first visits at once make one workspace, not two.
    User.objects.select_for_update().get(pk=user.pk)
    place = (
        Member.objects.filter(user=user)
        .select_related("workspace")
        .order_by("-workspace__personal", "workspace__name", "pk")
        .first()
    )
    return place.workspace if place else workspace_create(owner=user, name=personal_name(user), personal=True)
