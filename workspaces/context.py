"""What every page knows of where it is: `here` in templates."""

from __future__ import annotations

import time
from functools import cached_property
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest

from analysis.llm.budget import Month, month_of
from workspaces.access import notifications_for, places_for
from workspaces.accounts import local_url, passkeys_work
from workspaces.models import Member, Role, Workspace
from workspaces.settings_pages import Link, links_for

SINCE_SECONDS = 5


class Here:
    """The signed-in person's workspaces and the one this page is in. One query, made when a template first asks.

    The page's workspace is what the view set as `request.workspace`, else the one of the URL's slug, else None.
    """

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def memberships(self) -> list[Member]:
        """The person's places with their workspaces, personal first, then by name."""
        return [place for place in self._places if place.workspace.delete_at is None]

    @property
    def ending(self) -> list[Member]:
        """The places in workspaces of theirs that are to be deleted, and can still be brought back."""
        return [place for place in self._places if place.workspace.delete_at is not None]

    @cached_property
    def _places(self) -> list[Member]:
        return list(places_for(self._request.user))  # type: ignore[arg-type]  # signed in: see workspaces()

    @cached_property
    def member(self) -> Member | None:
        """The person's place in this page's workspace."""
        slug = self._slug
        return next((place for place in self.memberships if place.workspace.slug == slug), None)

    @cached_property
    def unread(self) -> int:
        """How many notifications the person has not looked at."""
        return notifications_for(self.memberships).filter(read_at=None).count()

    @property
    def since(self) -> str:
        """The event from which on this page is told what happens: a little before it was drawn, so that none is missed.

        What a page hears twice it draws twice, and looks the same.
        """
        return f"{int((time.time() - SINCE_SECONDS) * 1000)}-0"

    @property
    def nearest(self) -> Member | None:
        """The place that the search field and the palette work in: this page's, else the person's first."""
        return self.member or next(iter(self.memberships), None)

    @property
    def workspace(self) -> Workspace | None:
        return self.member.workspace if self.member else None

    @property
    def role(self) -> str:
        return self.member.role if self.member else ""

    @property
    def may_edit(self) -> bool:
        return self.member is not None and self.member.may(Role.EDITOR)

    @cached_property
    def month(self) -> Month | None:
        """How the month's money of this page's workspace stands; None where it has no budget."""
        return month_of(self.workspace.pk) if self.workspace else None

    @property
    def settings_pages(self) -> list[Link]:
        """The settings pages of this page's workspace."""
        match = self._request.resolver_match
        return links_for(self.member, (match.url_name if match else "") or "") if self.member else []

    @property
    def _slug(self) -> str | None:
        chosen = getattr(self._request, "workspace", None)
        if chosen is not None:
            return str(chosen.slug)
        match = self._request.resolver_match
        return match.kwargs.get("slug") if match else None


def workspaces(request: HttpRequest) -> dict[str, object]:
    """Return `here` for a signed-in person, nothing for anyone else."""
    user = getattr(request, "user", None)
    return {"here": Here(request)} if user is not None and user.is_authenticated else {}


def accounts(request: HttpRequest) -> dict[str, object]:
    """Return what the account pages say of this installation.

    signup_open: whether anyone may make an account. mail_folder: where mail lies that is not sent. passkeys_work: at
    the address that this page was opened under. local_url: at which they would, if there is one.
    second_factor_required: whether everyone needs one. sign_on: the firm's own.
    """
    folder = getattr(settings, "EMAIL_FILE_PATH", "")
    return {
        "signup_open": settings.SIGNUP_OPEN,
        "mail_folder": Path(folder).name if folder else "",
        "passkeys_work": passkeys_work(request),
        "local_url": local_url(request),
        "second_factor_required": settings.SECOND_FACTOR_REQUIRED,
        "sign_on": settings.SIGN_ON,
    }
