"""A person's own pages: what they are called, and the tokens that act for them."""

from __future__ import annotations

from allauth.account.decorators import reauthentication_required
from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.core.exceptions import ReauthenticationRequired
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from analysis.errors import UserError
from workspaces import leaving
from workspaces.access import person
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.audit.origin import AGENT_MAX_CHARACTERS
from workspaces.forms import LeaveForm, PersonForm, TokenForm
from workspaces.language import language_of
from workspaces.models import User
from workspaces.recipes import token_issue, token_revoke


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def account_settings(request: HttpRequest) -> HttpResponse:
    """Show and change the person's name and language."""
    user = person(request)
    saved = {"name": user.get_full_name(), "language": language_of(user), "notify_by_mail": user.notify_by_mail}
    form = PersonForm(request.POST if request.method == "POST" else None, initial=saved)
    if form.is_valid():
        name, language = form.cleaned_data["name"], form.cleaned_data["language"]
        by_mail = form.cleaned_data["notify_by_mail"] or user.notify_by_mail
        rows = User.objects.filter(pk=user.pk)
        rows.update(first_name=name, last_name="", language=language, notify_by_mail=by_mail)
        if language:
            translation.activate(language)
        messages.success(request, gettext("Your settings are saved."))
        return redirect("account_settings")
    return render(request, "account/settings.html", {"form": form}, status=422 if form.errors else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def account_delete(request: HttpRequest) -> HttpResponse:
    """Say what deleting the account means, and do it: for the address typed, and proof given for this alone."""
    user = person(request)
    form = LeaveForm(request.POST or None, user=user)
    error: UserError | None = None
    if form.is_valid():
        # Not by the sign-in of a moment ago, which is proof enough for everything else.
        if not did_recently_reauthenticate(request):
            raise ReauthenticationRequired
        try:
            leaving.account_delete(user)
        except UserError as refused:
            error = refused
        else:
            request.session.flush()
            request.user = AnonymousUser()
            messages.success(request, gettext("Your account is deleted."))
            return redirect("account_login")
    page = {"form": form, "leaving": leaving.leaving(user), "error": error}
    return render(request, "account/delete.html", page, status=error.status if error else 422 if form.errors else 200)


@login_required
@require_POST
def device_sign_out(request: HttpRequest, device_id: int) -> HttpResponse:
    """End one of the person's sessions."""
    device = get_object_or_404(UserSession, pk=device_id, user=person(request))
    device.end()
    record(Action.DEVICE_SIGNED_OUT, person(request), device=device.user_agent[:AGENT_MAX_CHARACTERS])
    messages.success(request, gettext("That device is signed out."))
    return redirect("usersessions_list")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@reauthentication_required(allow_get=True)
def api_tokens(request: HttpRequest) -> HttpResponse:
    """List the person's API tokens, and make one; its secret is shown in the answer to that request only."""
    user = person(request)
    form = TokenForm(request.POST or None, user=user)
    page: dict[str, object] = {"form": form}
    if form.is_valid():
        page["new"], page["secret"] = token_issue(user=user, **form.cleaned_data)
        page["form"] = TokenForm(user=user)
    page["tokens"] = user.api_tokens.select_related("workspace").order_by("-created_at", "-pk")
    return render(request, "account/tokens.html", page, status=422 if form.errors else 200)


@login_required
@require_POST
def api_token_revoke(request: HttpRequest, token_id: int) -> HttpResponse:
    """Make one of the person's tokens worthless."""
    token = get_object_or_404(person(request).api_tokens.select_related("workspace"), pk=token_id)
    token_revoke(token)
    messages.success(request, gettext("The token “%(name)s” is revoked.") % {"name": token.name})
    return redirect("api_tokens")
