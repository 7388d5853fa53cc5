"""`/` and the first sign-in."""

from __future__ import annotations

from allauth.account.app_settings import AppSettings
from allauth.account.internal.flows.login import perform_login
from allauth.account.models import Login
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from workspaces.access import LAST_WORKSPACE, memberships_for, person
from workspaces.first_login import LinkSpent, take_link_token
from workspaces.recipes import home_workspace

# Whoever holds the link runs this Lectern, or was given it by who does: their address need not be confirmed first.
NOT_CONFIRMED = AppSettings.EmailVerificationMethod.NONE


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the workspace the person was in last, else to their own."""
    user = person(request)
    last = memberships_for(user).filter(workspace__slug=request.session.get(LAST_WORKSPACE, "")).first()
    return redirect("workspace", slug=(last.workspace if last else home_workspace(user)).slug)


@require_GET
@never_cache
def first_login(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in whom the link was made for, once; a second factor is asked for still. Who is signed in just goes on."""
    if request.user.is_authenticated:
        return redirect("home")
    try:
        with transaction.atomic():
            login = Login(take_link_token(token), email_verification=NOT_CONFIRMED)
            reply: HttpResponse = perform_login(request, login)
    except LinkSpent as error:
        return render(request, "workspaces/link_spent.html", {"error": error}, status=error.status)
    return reply
