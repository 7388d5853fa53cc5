"""People and service accounts, and the tokens that act for them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import AbstractUser, BaseUserManager
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from workspaces.models.roles import Scope

if TYPE_CHECKING:
    from workspaces.models.workspace import Workspace


class ByMail(models.TextChoices):
    """How soon what happened is also told by e-mail."""

    NEVER = "never", _("Never")
    DAILY = "daily", _("Once a day")
    AT_ONCE = "at_once", _("At once")


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
    """A person, known by an e-mail address, or a service account, which nobody signs in to.

    service_of: the workspace that a service account belongs to. language: of the pages, as Django has it; "" for the
    browser's. notify_by_mail: how soon notifications also come by e-mail.
    """

    username = None  # type: ignore[assignment]  # Django's documented way to drop the field
    email = models.EmailField(unique=True)
    service_of = models.ForeignKey("Workspace", on_delete=models.CASCADE, null=True, related_name="service_accounts")
    language = models.CharField(max_length=10, blank=True, default="")
    notify_by_mail = models.CharField(max_length=10, choices=ByMail.choices, default=ByMail.DAILY)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.email

    @property
    def initials(self) -> str:
        """One or two letters that stand for the person."""
        words = self.get_full_name().split() or self.email.partition("@")[0].replace("-", ".").split(".")
        return "".join(word[0] for word in [*words[:1], *words[1:][-1:]] if word).upper() or "?"

    def clean(self) -> None:
        """Keep addresses in lower case, as sign-in looks them up."""
        super().clean()
        self.email = self.email.lower()


def digest(token: str) -> str:
    """Return what is stored of a bearer token: its SHA-256, since the token itself is random and long."""
    return hashlib.sha256(token.encode()).hexdigest()


class ApiToken(models.Model):
    """A bearer token for the HTTP interface: what its scope lets through of what its person may do.

    workspace: the only one it opens, None for all of the person's. expires_at: None for a token that lasts.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    workspace = models.ForeignKey("Workspace", on_delete=models.CASCADE, null=True, related_name="api_tokens")
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
