"""Service accounts, for admins."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from workspaces.access import enter
from workspaces.forms import ServiceForm, TokenOfServiceForm
from workspaces.models import ApiToken, Member, Role
from workspaces.recipes import token_revoke
from workspaces.services import service_create, service_delete, service_token, services_of


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def services(request: HttpRequest, slug: str) -> HttpResponse:
    """List the workspace's service accounts, and make one."""
    admin = enter(request, slug, role=Role.ADMIN)
    form = ServiceForm(request.POST or None)
    if form.is_valid():
        service_create(workspace=admin.workspace, **form.cleaned_data)
        messages.success(request, _("The service account is made. Give it a token now."))
        return redirect("services", slug=slug)
    return _page(request, admin, form=form)


@login_required
@never_cache
@require_POST
def service_token_new(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Make a token for a service account; it is shown in the answer to that request only."""
    admin = enter(request, slug, role=Role.ADMIN)
    place = get_object_or_404(services_of(admin.workspace), pk=member_id)
    form = TokenOfServiceForm(request.POST)
    if not form.is_valid():
        return _page(request, admin, token_form=form)
    token, secret = service_token(place, **form.cleaned_data)
    return _page(request, admin, new=token, secret=secret)


@login_required
@require_POST
def service_token_revoke(request: HttpRequest, slug: str, token_id: int) -> HttpResponse:
    """Make one of a service account's tokens worthless."""
    admin = enter(request, slug, role=Role.ADMIN)
    tokens = ApiToken.objects.filter(user__service_of=admin.workspace).select_related("workspace")
    token_revoke(get_object_or_404(tokens, pk=token_id))
    messages.success(request, _("The token is revoked."))
    return redirect("services", slug=slug)


@login_required
@require_POST
def service_remove(request: HttpRequest, slug: str, member_id: int) -> HttpResponse:
    """Delete a service account."""
    admin = enter(request, slug, role=Role.ADMIN)
    service_delete(get_object_or_404(services_of(admin.workspace), pk=member_id))
    messages.success(request, _("The service account is deleted, with its tokens."))
    return redirect("services", slug=slug)


def _page(
    request: HttpRequest, admin: Member, *, form: ServiceForm | None = None,
    token_form: TokenOfServiceForm | None = None, **more: object,
) -> HttpResponse:  # fmt: skip
    form, token_form = form or ServiceForm(), token_form or TokenOfServiceForm()
    page = {"workspace": admin.workspace, "services": services_of(admin.workspace), "form": form}
    status = 422 if form.errors or token_form.errors else 200
    return render(request, "workspaces/services.html", page | {"token_form": token_form} | more, status=status)
