"""Workspaces, who is in them, who is invited, and what each allows."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone

from workspaces.models.people import User
from workspaces.models.roles import WORKING_ROLES, Role

if TYPE_CHECKING:
    from workspaces.models.folder import Folder

INVITE_LIFETIME = timedelta(days=7)


class Workspace(models.Model):
    """A room that a team shares: its documents, questions and answers.

    keep_reasoning: whether what a language model thinks aloud stays with its answer, or is shown and dropped.
    clause_threshold: from which probability on a place counts as a clause that was found. archived_at: since when it
    can only be read. delete_at: when the time ends in which an owner can take its deletion back; nobody enters it then.
    """

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    personal = models.BooleanField(default=False)
    keep_reasoning = models.BooleanField(default=True)
    clause_threshold = models.FloatField(default=0.15)
    created_at = models.DateTimeField(auto_now_add=True)
    archived_at = models.DateTimeField(null=True)
    delete_at = models.DateTimeField(null=True)
    users = models.ManyToManyField(User, through="Member", related_name="workspaces")

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person's place in a workspace. Access is decided on this row, and on what folders it sees.

    guest: sees nothing but the folders that were opened to them. ceiling: the role above which the caller may not go,
    whatever the row says; an API token has one.
    """

    ceiling = Role.OWNER

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    guest = models.BooleanField(default=False)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user"], name="one_place_per_person")]

    def __str__(self) -> str:
        return str(self.get_role_display())

    def holds(self, role: Role) -> bool:
        """Return whether this member's role is `role` or above, and the caller's too."""
        return min(Role(self.role).rank, self.ceiling.rank) >= role.rank

    def may(self, role: Role) -> bool:
        """Return whether this member may do what `role` may; nobody works in a workspace that is archived."""
        return self.holds(role) and not (role in WORKING_ROLES and self.workspace.archived_at)

    @property
    def manages(self) -> bool:
        """Whether they decide who is in and what is allowed."""
        return self.may(Role.ADMIN)

    @property
    def owns(self) -> bool:
        """Whether they may give the workspace away and end it."""
        return self.may(Role.OWNER)

    @property
    def sees_all(self) -> bool:
        """Whether no folder is closed to them: owners and admins could open each one to themselves."""
        return not self.guest and Role(self.role).rank >= Role.ADMIN.rank


def _invite_expiry() -> Any:
    return timezone.now() + INVITE_LIFETIME


class Invite(models.Model):
    """A link that makes whoever opens it a member. Only its digest is kept, so it is shown once.

    email: the only address that may accept it, "" for whoever has the link. guest, folders: as `Member.guest`.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invites")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    email = models.EmailField(blank=True, default="")
    guest = models.BooleanField(default=False)
    folders: models.ManyToManyField[Folder, Invite] = models.ManyToManyField("Folder", related_name="+")
    token_digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=_invite_expiry)

    def __str__(self) -> str:
        return f"{self.get_role_display()}, until {self.expires_at:%Y-%m-%d}"

    @property
    def open(self) -> bool:
        return self.expires_at > timezone.now()


class Policy(models.Model):
    """What a workspace allows; a workspace without a row allows everything that its roles do.

    self_hosted_only: its text goes to no destination outside the house. allowed_llms: ids, none for all. *_role: the
    least role that may. keep_*_days: how long, None for good. sign_in_domains: of the addresses that are let in, none
    for all.
    """

    workspace = models.OneToOneField(Workspace, on_delete=models.CASCADE, primary_key=True, related_name="policy")
    self_hosted_only = models.BooleanField(default=False)
    allowed_llms: models.JSONField[list[str], Any] = models.JSONField(default=list)
    monthly_budget_usd = models.DecimalField(max_digits=10, decimal_places=2, null=True)
    upload_role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    export_role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    prompts_role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    keep_documents_days = models.PositiveIntegerField(null=True)
    keep_answers_days = models.PositiveIntegerField(null=True)
    keep_prompts_days = models.PositiveIntegerField(null=True)
    sign_in_domains: models.JSONField[list[str], Any] = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"policy of {self.workspace}"
