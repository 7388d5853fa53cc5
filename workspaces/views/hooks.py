"""Web hooks, for admins: each with what it was told and how that went."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from analysis.errors import UserError
from workspaces.access import enter, person
from workspaces.forms import HookForm
from workspaces.hooks import recipes
from workspaces.models import Member, Role, WebHook

SHOWN = 50  # of a web hook's deliveries, newest first


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hooks(request: HttpRequest, slug: str) -> HttpResponse:
    """List the workspace's web hooks, and make one; its secret is shown in the answer to that request only."""
    admin = enter(request, slug, role=Role.ADMIN)
    form = HookForm(request.POST or None)
    page: dict[str, object] = {}
    if form.is_valid():
        try:
            page["new"] = recipes.hook_create(workspace=admin.workspace, user=person(request), **form.cleaned_data)
            form = HookForm()
        except UserError as error:
            page["error"] = error
    return _page(
        request, "workspaces/hooks.html", admin, form=form, hooks=admin.workspace.hooks.order_by("name", "pk"), **page
    )


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def hook(request: HttpRequest, slug: str, hook_id: int) -> HttpResponse:
    """Show one web hook with its last deliveries, and change it."""
    admin, found = _found(request, slug, hook_id)
    form = HookForm(request.POST or None, initial={"name": found.name, "url": found.url, "events": found.events})
    error = None
    if form.is_valid():
        try:
            recipes.hook_change(found, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("hook", slug=slug, hook_id=hook_id)
        except UserError as refused:
            error = refused
    return _hook_page(request, admin, found, form=form, error=error)


@login_required
@require_POST
def hook_test(request: HttpRequest, slug: str, hook_id: int) -> HttpResponse:
    """Send an event that tells of nothing."""
    _admin, found = _found(request, slug, hook_id)
    recipes.hook_ping(found)
    messages.success(request, _("A test is on its way: it is the first of the deliveries below."))
    return redirect("hook", slug=slug, hook_id=hook_id)


@login_required
@require_POST
def hook_pause(request: HttpRequest, slug: str, hook_id: int) -> HttpResponse:
    """Pause it, or resume it when it is paused."""
    _admin, found = _found(request, slug, hook_id)
    if found.paused_at is None:
        recipes.hook_pause(found)
        messages.success(request, _("The web hook is paused. What happens meanwhile is not told later."))
    else:
        recipes.hook_resume(found)
        messages.success(request, _("The web hook is told again from now on."))
    return redirect("hook", slug=slug, hook_id=hook_id)


@login_required
@never_cache
@require_POST
def hook_secret(request: HttpRequest, slug: str, hook_id: int) -> HttpResponse:
    """Make a new secret and show it, this once."""
    admin, found = _found(request, slug, hook_id)
    return _hook_page(request, admin, found, secret=recipes.hook_rotate(found))


@login_required
@require_POST
def hook_delete(request: HttpRequest, slug: str, hook_id: int) -> HttpResponse:
    """Delete it."""
    _admin, found = _found(request, slug, hook_id)
    recipes.hook_delete(found)
    messages.success(request, _("The web hook “{name}” is deleted.").format(name=found.name))
    return redirect("hooks", slug=slug)


@login_required
@require_POST
def hook_redeliver(request: HttpRequest, slug: str, hook_id: int, delivery_id: str) -> HttpResponse:
    """Send one delivery again."""
    admin, found = _found(request, slug, hook_id)
    try:
        recipes.delivery_redeliver(get_object_or_404(found.deliveries.select_related("hook"), pk=delivery_id))
    except UserError as error:
        return _hook_page(request, admin, found, error=error)
    messages.success(request, _("It is sent again."))
    return redirect("hook", slug=slug, hook_id=hook_id)


def _found(request: HttpRequest, slug: str, hook_id: int) -> tuple[Member, WebHook]:
    admin = enter(request, slug, role=Role.ADMIN)
    return admin, get_object_or_404(admin.workspace.hooks.select_related("workspace"), pk=hook_id)


def _hook_page(
    request: HttpRequest, admin: Member, found: WebHook, *, form: HookForm | None = None, **page: object
) -> HttpResponse:
    form = form or HookForm(initial={"name": found.name, "url": found.url, "events": found.events})
    deliveries = found.deliveries.order_by("-created_at")[:SHOWN]
    return _page(request, "workspaces/hook.html", admin, form=form, hook=found, deliveries=deliveries, **page)


def _page(request: HttpRequest, template: str, admin: Member, *, form: HookForm, **page: object) -> HttpResponse:
    error = page.get("error")
    status = error.status if isinstance(error, UserError) else 422 if form.errors else 200
    return render(request, template, {"workspace": admin.workspace, "form": form, **page}, status=status)
