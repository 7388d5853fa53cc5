"""People, the workspaces they share, and what lets them in."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone

INVITE_LIFETIME = timedelta(days=7)


class Role(models.TextChoices):
    """What a member may do. Each role may do all that the ones below it may."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"

    @property
    def rank(self) -> int:
        """Return 0 for a viewer, 1 for an editor, 2 for an owner."""
        return [Role.VIEWER, Role.EDITOR, Role.OWNER].index(self)


class Scope(models.TextChoices):
    """What an API token may do of all that its person may."""

    READ = "read", "Read"
    WRITE = "write", "Read, upload and ask"
    MANAGE = "manage", "Everything I may do"

    @property
    def ceiling(self) -> Role:
        """Return the role above which the token is nobody's."""
        return {Scope.READ: Role.VIEWER, Scope.WRITE: Role.EDITOR, Scope.MANAGE: Role.OWNER}[self]


class UserManager(BaseUserManager["User"]):
    """Creates users by e-mail address, which is their only name."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractUser):
    """A person, known by an e-mail address."""

    username = None  # type: ignore[assignment]  # Django's documented way to drop the field
    email = models.EmailField(unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """Keep addresses in lower case, as sign-in looks them up."""
        super().clean()
        self.email = self.email.lower()


class Workspace(models.Model):
    """A room that a team shares: its documents, questions and answers.

    keep_reasoning: whether what a language model thinks aloud stays with its answer, or is shown and dropped.
    clause_threshold: from which probability on a place counts as a clause that was found.
    """

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    personal = models.BooleanField(default=False)
    keep_reasoning = models.BooleanField(default=True)
    clause_threshold = models.FloatField(default=0.15)
    created_at = models.DateTimeField(auto_now_add=True)
    users = models.ManyToManyField(User, through="Member", related_name="workspaces")

    def __str__(self) -> str:
        return self.name


class Member(models.Model):
    """A person's place in a workspace. Access is decided on this row and nothing else.

    ceiling: the role above which the caller may not go, whatever the row says; an API token has one.
    """

    ceiling = Role.OWNER

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="members")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["workspace", "user"], name="one_place_per_person")]

    def __str__(self) -> str:
        return str(self.get_role_display())

    def may(self, role: Role) -> bool:
        """Return whether this member's role is `role` or above, and the caller's too."""
        return min(Role(self.role).rank, self.ceiling.rank) >= role.rank


def digest(token: str) -> str:
    """Return what is stored of a bearer token: its SHA-256, since the token itself is random and long."""
    return hashlib.sha256(token.encode()).hexdigest()


def _invite_expiry() -> Any:
    return timezone.now() + INVITE_LIFETIME


class Invite(models.Model):
    """A link that makes whoever opens it a member. Only its digest is kept, so it is shown once."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invites")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    token_digest = models.CharField(max_length=64, unique=True)
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(default=_invite_expiry)

    def __str__(self) -> str:
        return f"{self.get_role_display()}, until {self.expires_at:%Y-%m-%d}"

    @property
    def open(self) -> bool:
        return self.expires_at > timezone.now()


class ApiToken(models.Model):
    """A bearer token for the HTTP interface: what its scope lets through of what its person may do.

    workspace: the only one it opens, None for all of the person's. expires_at: None for a token that lasts.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, null=True, related_name="api_tokens")
    name = models.CharField(max_length=120)
    token_digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    scope = models.CharField(max_length=10, choices=Scope.choices, default=Scope.MANAGE)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @classmethod
    def issue(
        cls,
        *,
        user: User,
        name: str,
        workspace: Workspace | None = None,
        scope: Scope = Scope.MANAGE,
        expires_at: datetime | None = None,
    ) -> tuple[ApiToken, str]:
        """Return a new row and the token itself, which is never to be had again."""
        token = "lectern_" + secrets.token_urlsafe(32)
        row = cls.objects.create(
            user=user, workspace=workspace, name=name, token_digest=digest(token), scope=scope, expires_at=expires_at
        )
        return row, token


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


class AuditEvent(models.Model):
    """An entry of the audit log (see `workspaces.audit`). The database lets none be changed or deleted.

    No foreign keys: an entry outlives what it tells of. number, previous_hash, hash: its place in the chain, from 1;
    null and "" until it is sealed.
    """

    at = models.DateTimeField(auto_now_add=True)
    action = models.CharField(max_length=40)
    workspace_id = models.BigIntegerField(null=True)
    workspace_name = models.CharField(max_length=120, blank=True)
    actor_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=254, blank=True)
    via = models.CharField(max_length=10)
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    token_id = models.BigIntegerField(null=True)
    object_type = models.CharField(max_length=40, blank=True)
    object_id = models.CharField(max_length=40, blank=True)
    object_name = models.CharField(max_length=255, blank=True)
    details: models.JSONField[dict[str, Any], Any] = models.JSONField(default=dict)
    number = models.BigIntegerField(null=True, unique=True)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["workspace_id", "-id"]),
            models.Index(fields=["id"], name="audit_unsealed", condition=models.Q(number=None)),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.actor} {self.action} {self.object_name}"
