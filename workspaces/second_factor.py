"""A second factor for everyone, where the installation asks for one."""

from __future__ import annotations

from collections.abc import Callable

from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from workspaces.models import User

FACTORS = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]  # recovery codes alone are none
# What is needed to set one up, and to leave. Everything else waits.
OPEN_TO_ALL = ("/accounts/", "/static/", "/healthz")


class SecondFactorMiddleware:
    """Leads who is signed in without a second factor to the page that sets one up, if the installation demands one.

    Not whom single sign-on let in: what is asked there is the firm's to say. Not programs: their tokens are made behind
    this door.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SECOND_FACTOR_REQUIRED and not request.path.startswith(OPEN_TO_ALL) and _lacks_one(request):
            return redirect("mfa_index")
        return self.get_response(request)


def has_second_factor(user: User) -> bool:
    """Return whether the person has a passkey, security key or authenticator app."""
    return bool(Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists())


def _lacks_one(request: HttpRequest) -> bool:
    user = request.user
    if not isinstance(user, User) or has_second_factor(user):
        return False
    return all(record["method"] != "socialaccount" for record in get_authentication_records(request, user))
