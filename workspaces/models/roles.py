"""What members and tokens may do."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Role(models.TextChoices):
    """What a member may do. Each role may do all that the ones below it may.

    A viewer reads; a reviewer also asks, comments and approves; an editor uploads and deletes; an admin manages people
    and rules; an owner may give the workspace away and end it.
    """

    OWNER = "owner", _("Owner")
    ADMIN = "admin", _("Admin")
    EDITOR = "editor", _("Editor")
    REVIEWER = "reviewer", _("Reviewer")
    VIEWER = "viewer", _("Viewer")

    @property
    def rank(self) -> int:
        """Return 0 for a viewer, and one more for each role above it."""
        return [Role.VIEWER, Role.REVIEWER, Role.EDITOR, Role.ADMIN, Role.OWNER].index(self)


# What these may do besides reading is what an archived workspace does not take; people and rules are still managed.
WORKING_ROLES = (Role.REVIEWER, Role.EDITOR)
# Who manages sees everything; a guest does not.
GUEST_ROLES = (Role.EDITOR, Role.REVIEWER, Role.VIEWER)


class Scope(models.TextChoices):
    """What an API token may do of all that its person may."""

    READ = "read", pgettext_lazy("permission", "Read")
    WRITE = "write", _("Read, upload and ask")
    MANAGE = "manage", _("Everything I may do")

    @property
    def ceiling(self) -> Role:
        """Return the role above which the token is nobody's."""
        return {Scope.READ: Role.VIEWER, Scope.WRITE: Role.EDITOR, Scope.MANAGE: Role.OWNER}[self]
