"""What Lectern's commands share: one clear sentence when something is missing, and who the command acts for."""

from __future__ import annotations

import sys
from typing import Any

import kombu.exceptions
import psycopg
import redis
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError
from django.http import Http404

from analysis.errors import LecternError
from analysis.progress import connection
from config.env import env
from workspaces.access import member_or_404
from workspaces.audit.origin import acting
from workspaces.models import Member, Role, User, Workspace

NOT_RUNNING = "Lectern is not running here. Start it with `make run`, or set DATABASE_URL and REDIS_URL."
LOST = "Lectern has stopped answering. Is it still running?"
ENGINE_ERRORS = (OperationalError, InterfaceError, redis.RedisError, kombu.exceptions.OperationalError)
INTERRUPTED = 130  # what a shell expects of a program that Ctrl-C has ended
CONNECT_SECONDS = 3


class LecternCommand(BaseCommand):
    """A command that needs the engines. Subclasses have `run` in the place of `handle`."""

    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; whatever people can mend ends it with a sentence and exit code 1."""
        require_engines()
        try:
            with acting("command"):
                self.run(**options)
        except LecternError as error:
            raise CommandError(error.message) from error
        except ENGINE_ERRORS as error:
            raise CommandError(LOST) from error
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)

    def run(self, *args: Any, **options: Any) -> None:
        """Do the command's work."""
        raise NotImplementedError


def require_engines() -> None:
    """Return when the database and the broker answer; raises CommandError within seconds when they do not."""
    if not (env.database_url and env.redis_url):
        raise CommandError(NOT_RUNNING)
    try:
        # Not Django's pool, which would go on trying for 20 seconds.
        psycopg.connect(env.database_url, connect_timeout=CONNECT_SECONDS).close()
        connection().ping()
    except (psycopg.OperationalError, redis.RedisError) as error:
        raise CommandError(NOT_RUNNING) from error


def acting_member(slug: str, email: str = "", *, role: Role = Role.EDITOR) -> Member:
    """Return the place that the command acts from: that of `email`, by default of the workspace's first owner.

    Raises CommandError when there is no such workspace, or the person may not do this in it.
    """
    workspace = Workspace.objects.filter(slug=slug).first()
    if workspace is None:
        raise CommandError(f"There is no workspace {slug!r}.")
    user = _user(email) if email else _first_owner(workspace)
    try:
        return member_or_404(user, slug, role=role)
    except Http404:
        raise CommandError(f"{user.email} is not in the workspace {slug!r}.") from None
    except PermissionDenied as error:
        raise CommandError(f"{user.email}: {error}") from None


def _user(email: str) -> User:
    user = User.objects.filter(email=email.lower()).first()
    if user is None:
        raise CommandError(f"There is no user {email}.")
    return user


def _first_owner(workspace: Workspace) -> User:
    owner = workspace.members.filter(role=Role.OWNER).select_related("user").order_by("pk").first()
    if owner is None:
        raise CommandError(f"The workspace {workspace.slug!r} has no owner. Say who asks with --user.")
    return owner.user
