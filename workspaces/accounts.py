"""How allauth signs people up and in here."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest

from workspaces.access import invite_for
from workspaces.models import User
from workspaces.recipes import personal_name, workspace_create

INVITE_KEY = "invite"  # the session's key for the token of an invite that was opened signed-out


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """E-mail accounts, each with a personal workspace from the start."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether this visitor may make an account: anyone, or only who holds an open invite."""
        return settings.SIGNUP_OPEN or invite_for(request.session.get(INVITE_KEY, "")) is not None

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Return the new person; with their workspace when they are stored."""
        user = super().save_user(request, user, form, commit=commit)
        if commit:
            workspace_create(owner=user, name=personal_name(user), personal=True)
        return user
