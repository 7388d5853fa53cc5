"""How allauth signs people up and in here."""

from __future__ import annotations

import ipaddress
import time
from typing import Any
from urllib.parse import urlsplit

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext, gettext_lazy

from config.crypto import decrypt, encrypt
from config.sign_on import SignOn
from workspaces.access import invite_for
from workspaces.language import written_for
from workspaces.models import User
from workspaces.recipes import personal_name, workspace_create

SIGN_ON_ONLY = gettext_lazy("Addresses of this domain sign in with {}.")
INVITE_KEY = "invite"  # the session's key for the token of an invite that was opened signed-out


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """E-mail accounts, each with a personal workspace from the start."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return whether this visitor may make an account: anyone, or only who holds an open invite."""
        return settings.SIGNUP_OPEN or invite_for(request.session.get(INVITE_KEY, "")) is not None

    def clean_email(self, email: str) -> str:
        """Return the address; where sign-up is closed, an invitation to one address opens it to that one alone."""
        email = str(super().clean_email(email))
        request = context.request
        if not settings.SIGNUP_OPEN and request is not None and not request.user.is_authenticated:
            invite = invite_for(request.session.get(INVITE_KEY, ""))
            if invite is not None and invite.email and invite.email != email.lower():
                raise ValidationError(f"The invitation is for {invite.email}.")
        return email

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        """Return the new person; with their workspace when they are stored."""
        user = super().save_user(request, user, form, commit=commit)
        if commit:
            workspace_create(owner=user, name=personal_name(user), personal=True)
        return user

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse a password where the firm's sign-in is the only way."""
        refuse_the_firms(str(credentials.get("email", "")))
        super().pre_authenticate(request, **credentials)

    def pre_login(self, request: HttpRequest, user: User, **login: Any) -> HttpResponse | None:
        """Return what ends a sign-in: of a service account, or of any other kind where the firm's is the only one."""
        if user.service_of_id is not None:
            return redirect("account_inactive")
        if "sociallogin" not in (login.get("signal_kwargs") or {}) and only_by_sign_on(user.email):
            messages.error(request, SIGN_ON_ONLY.format(settings.SIGN_ON.name))
            return redirect("account_login")
        reply: HttpResponse | None = super().pre_login(request, user, **login)
        return reply

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a message in the language of whom it goes to, where they have chosen one; none to a service account."""
        if User.objects.filter(email__iexact=email).exclude(service_of=None).exists():
            return
        reader = User.objects.filter(emailaddress__email__iexact=email).first()
        with written_for(reader):
            super().send_mail(template_prefix, email, context)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Return whether a sensitive change asks for proof again: not right after signing in, which was proof."""
        return bool(super().is_reauthentication_required(app=app, **kwargs)) and not _signed_in_lately(context.request)


def only_by_sign_on(email: str) -> bool:
    """Return whether who has this address comes in through the firm's sign-in or not at all."""
    sign_on: SignOn = settings.SIGN_ON
    return sign_on.covers(email) and not sign_on.passwords


def refuse_the_firms(email: str) -> None:
    """Raise ValidationError for an address that the firm's sign-in alone may bring."""
    if only_by_sign_on(email):
        raise ValidationError(SIGN_ON_ONLY.format(settings.SIGN_ON.name))


def _signed_in_lately(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    return bool(records) and time.time() - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Second factors: their secrets encrypted, passkeys for the host name that people use."""

    def encrypt(self, text: str) -> str:
        """Return the secret of an authenticator app as it is stored."""
        return encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return what `encrypt` was given."""
        return decrypt(encrypted_text)

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        """Return what a new passkey is called unless its person says otherwise."""
        count = Authenticator.objects.filter(user_id=user.pk, type=type).count()
        return (gettext("Passkey %(number)s") % {"number": count + 1}) if count else gettext("Passkey")

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return the host that passkeys are made for. One made for another name of this server does not work here."""
        return {"id": passkey_host(context.request), "name": "Lectern"}


def passkey_host(request: HttpRequest) -> str:
    """Return the host name in the address that people use."""
    host = urlsplit(settings.PUBLIC_URL).hostname if settings.PUBLIC_URL else None
    return host or urlsplit(f"//{request.get_host()}").hostname or ""


def local_url(request: HttpRequest) -> str:
    """Return this page's address by name, where the number it was opened under is this machine's own; else ""."""
    if passkey_host(request) not in {"127.0.0.1", "::1"}:
        return ""
    port = urlsplit(f"//{request.get_host()}").port
    return f"http://localhost{f':{port}' if port else ''}{request.path}"


def passkeys_work(request: HttpRequest) -> bool:
    """Return whether browsers make passkeys for this host: for names they do, for numbers not."""
    try:
        ipaddress.ip_address(passkey_host(request))
    except ValueError:
        return True
    return False
