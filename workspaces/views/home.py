"""`/` and the first sign-in."""

from __future__ import annotations

from allauth.usersessions.models import UserSession
from django.contrib.auth import login
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from workspaces.access import LAST_WORKSPACE, memberships_for, person
from workspaces.first_login import LinkSpent, take_link_token
from workspaces.recipes import home_workspace

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Lead to the workspace the person was in last, else to their own."""
    user = person(request)
    last = memberships_for(user).filter(workspace__slug=request.session.get(LAST_WORKSPACE, "")).first()
    return redirect("workspace", slug=(last.workspace if last else home_workspace(user)).slug)


@require_GET
@never_cache
def first_login(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in whom the link was made for, once. Who is signed in already just goes on."""
    if request.user.is_authenticated:
        return redirect("home")
    try:
        with transaction.atomic():
            login(request, take_link_token(token), backend=MODEL_BACKEND)
            UserSession.objects.create_from_request(request)  # so that it is among the person's devices
    except LinkSpent as error:
        return render(request, "workspaces/link_spent.html", {"error": error}, status=error.status)
    return redirect("home")
