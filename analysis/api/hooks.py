"""Web hooks: making and deleting them, trying them out, and what they were told."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from ninja import Router, Status

from analysis.api.auth import ApiRequest
from analysis.api.responses import Limit, Offset, page_of, responses
from analysis.api.schemas import DeliveryOut, DeliveryPage, HookIn, HookOut, NewHookOut
from workspaces.access import Viewer, member_or_404
from workspaces.hooks.recipes import delivery_redeliver, hook_create, hook_delete, hook_ping
from workspaces.models import HookDelivery, Role, WebHook

router = Router(tags=["Web hooks"])

HOOK = "/workspaces/{slug:slug}/hooks/{int:hook_id}"


@router.get("/workspaces/{slug:slug}/hooks", response=responses(200, list[HookOut], 403))
def list_hooks(request: ApiRequest, slug: str) -> list[dict[str, Any]]:
    """The workspace's web hooks, by name. For admins, as all of these."""
    admin = member_or_404(request.auth, slug, role=Role.ADMIN)
    return [_payload(hook) for hook in admin.workspace.hooks.order_by("name", "pk")]


@router.post("/workspaces/{slug:slug}/hooks", response=responses(201, NewHookOut, 403, 409))
def create_hook(request: ApiRequest, slug: str, wanted: HookIn) -> Status[Any]:
    """Makes a web hook. The reply is the only one that has its secret. No `events`: all but the audit log."""
    admin = member_or_404(request.auth, slug, role=Role.ADMIN)
    hook = hook_create(workspace=admin.workspace, user=admin.user, **wanted.model_dump())
    return Status(201, _payload(hook) | {"secret": hook.secret})


@router.delete(HOOK, response=responses(204, None, 403))
def delete_hook(request: ApiRequest, slug: str, hook_id: int) -> Status[None]:
    """Deletes the web hook with what it was told."""
    hook_delete(_found(request.auth, slug, hook_id))
    return Status(204, None)


@router.post(f"{HOOK}/test", response=responses(202, DeliveryOut, 403))
def test_hook(request: ApiRequest, slug: str, hook_id: int) -> Status[Any]:
    """Sends an event of type `test`, whatever the web hook wants."""
    return Status(202, _delivery(hook_ping(_found(request.auth, slug, hook_id))))


@router.get(f"{HOOK}/deliveries", response=responses(200, DeliveryPage, 403))
def list_deliveries(
    request: ApiRequest, slug: str, hook_id: int, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """What the web hook was told in the last thirty days and how that went, newest first."""
    rows = _found(request.auth, slug, hook_id).deliveries.order_by("-created_at", "pk")
    return page_of(rows, limit, offset, _delivery)


@router.post(HOOK + "/deliveries/{uuid:delivery_id}/redeliver", response=responses(202, DeliveryOut, 403, 409))
def redeliver(request: ApiRequest, slug: str, hook_id: int, delivery_id: UUID) -> Status[Any]:
    """Sends a delivery again, under its old id."""
    rows = _found(request.auth, slug, hook_id).deliveries.select_related("hook")
    delivery = rows.filter(pk=delivery_id).first()
    if delivery is None:
        raise Http404
    delivery_redeliver(delivery)
    return Status(202, _delivery(delivery))


def _found(viewer: Viewer, slug: str, hook_id: int) -> WebHook:
    admin = member_or_404(viewer, slug, role=Role.ADMIN)
    hook = admin.workspace.hooks.select_related("workspace").filter(pk=hook_id).first()
    if hook is None:
        raise Http404
    return hook


def _payload(hook: WebHook) -> dict[str, Any]:
    same = ("id", "name", "url", "events", "created_at", "paused_at", "paused_because")
    return {name: getattr(hook, name) for name in same}


def _delivery(delivery: HookDelivery) -> dict[str, Any]:
    same = ("id", "event", "payload", "state", "attempts", "created_at", "next_at", "tried_at", "status", "error")
    return {name: getattr(delivery, name) for name in (*same, "milliseconds")}
