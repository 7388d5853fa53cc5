"""`manage.py token`: an API token, and whatever it needs to exist first."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email
from django.db import transaction

from analysis.management.command import LecternCommand
from workspaces.models import Member, Role, Scope, User, Workspace
from workspaces.recipes import RESERVED_SLUGS, home_workspace, slug_base, token_issue


class Command(LecternCommand):
    """Prints a token on stdout and nothing else there."""

    help = "Print an API token for EMAIL. The user and the workspace are created if they are missing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take EMAIL, --workspace, --role, --scope, --days and --name."""
        parser.add_argument("email")
        parser.add_argument("--workspace", metavar="SLUG", default="", help="bind the token to this workspace")
        parser.add_argument(
            "--role", choices=Role.values, default="", help="a newcomer's role; never changes a member's"
        )
        parser.add_argument(
            "--scope", choices=Scope.values, default=Scope.MANAGE, help="what it may do of what EMAIL may"
        )
        parser.add_argument("--days", type=int, default=None, help="how long it works (until it is revoked)")
        parser.add_argument("--name", default="manage.py token", help="what the token is called in the list of tokens")

    @transaction.atomic
    def run(
        self, *, email: str, workspace: str, role: str, scope: str, days: int | None, name: str, **options: Any
    ) -> None:
        """Create what is missing and print the token."""
        user = _user(email)
        bound = _workspace(workspace, user, role) if workspace else None
        if bound is None:
            home_workspace(user)
        _, token = token_issue(user=user, name=name[:120], workspace=bound, scope=Scope(scope), days=days)
        self.stdout.write(token)


def _user(email: str) -> User:
    try:
        validate_email(email)
    except ValidationError:
        raise CommandError(f"{email!r} is not an e-mail address.") from None
    return User.objects.filter(email=email.lower()).first() or User.objects.create_user(email)


def _workspace(slug: str, user: User, role: str) -> Workspace:
    """Return the workspace with `user` in it: as its owner when it is new, else as an editor or in the role named."""
    if slug != slug_base(slug) or slug in RESERVED_SLUGS:
        raise CommandError(f"A workspace's slug is lower-case letters, digits and hyphens; try {slug_base(slug)!r}.")
    workspace, created = Workspace.objects.get_or_create(slug=slug, defaults={"name": slug.replace("-", " ").title()})
    newcomer = role or (Role.OWNER if created else Role.EDITOR)
    Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": newcomer})
    return workspace
