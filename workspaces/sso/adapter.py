"""Whom a provider's word lets in: people with a verified address of the firm's domains, and nobody else."""

from __future__ import annotations

import logging
from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, _build_apps_from_settings
from allauth.socialaccount.models import SocialApp, SocialLogin
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.translation import gettext_lazy

from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import User
from workspaces.recipes import personal_name, workspace_create
from workspaces.sso.joining import join_workspaces

logger = logging.getLogger(__name__)
NOT_VERIFIED = gettext_lazy("Your firm's sign-in gave no e-mail address that it has verified.")
NOT_OURS = gettext_lazy("Your firm's sign-in gave an address of a domain that this Lectern does not take from it.")
TAKEN = gettext_lazy(
    "The address that your firm's sign-in gave belongs to an account already. Ask whoever runs this Lectern."
)


class SignOnAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Accounts by single sign-on, matched to those that are there by verified address."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Refuse whom the provider cannot speak for; let a person who comes in this way for the first time join."""
        verified = [address.email for address in sociallogin.email_addresses if address.verified]
        if not verified:
            raise self.refusal(request, str(NOT_VERIFIED))
        if not all(settings.SIGN_ON.covers(email) for email in verified):
            raise self.refusal(request, str(NOT_OURS))
        # What the provider has not verified is nobody's.
        sociallogin.email_addresses = [address for address in sociallogin.email_addresses if address.verified]
        if sociallogin.is_existing and sociallogin.account._state.adding and sociallogin.user.is_active:
            join_workspaces(sociallogin.user)

    def can_authenticate_by_email(self, login: SocialLogin, email: str) -> bool:
        """Return whether the provider's word opens the account with this address."""
        return bool(settings.SIGN_ON.covers(email))

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """Return True: whoever got here is the firm's."""
        return True

    @transaction.atomic
    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        """Return the new person with their workspace, in those that the settings name."""
        if form is not None:  # asked for when an address is taken: typing another one is not what a provider verified
            raise self.refusal(request, str(TAKEN))
        user: User = super().save_user(request, sociallogin)
        workspace_create(owner=user, name=personal_name(user), personal=True)
        join_workspaces(user)
        return user

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        """Return the person as the provider calls them, in one name as everywhere here."""
        user: User = super().populate_user(request, sociallogin, data)
        user.first_name, user.last_name = user.get_full_name()[:150], ""
        user.email = user.email.lower()
        return user

    def list_apps(
        self, request: HttpRequest, provider: str | None = None, client_id: str | None = None
    ) -> list[SocialApp]:
        """Return the providers of the settings: a row in the database is none."""
        found = _build_apps_from_settings(provider=provider, client_id=client_id)
        return [app for apps in found.values() for app in apps]

    def on_authentication_error(self, request: HttpRequest, provider: Any, **told: Any) -> None:
        """Log what went wrong: the page says less, since whoever sees it may have made it up."""
        logger.warning("Single sign-on failed: %s", told.get("exception") or told.get("error"))
        record(Action.SIGN_IN_FAILED, by_sign_on=True)

    def refusal(self, request: HttpRequest, reason: str) -> ImmediateHttpResponse:
        """Return what ends the sign-in with a page that says why."""
        record(Action.SIGN_IN_FAILED, by_sign_on=True, reason=reason)
        page = render(request, "socialaccount/authentication_error.html", {"reason": reason}, status=403)
        return ImmediateHttpResponse(page)

    def get_requests_session(self) -> Any:
        """Return the client that talks to the provider; it follows no redirect to elsewhere."""
        session = super().get_requests_session()
        session.max_redirects = 0
        return session
