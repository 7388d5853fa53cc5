"""What is to be told, as rows that are there if and only if what they tell of is."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from workspaces.hooks.events import HookEvent, event_of
from workspaces.models import AuditEvent, HookDelivery, WebHook, Workspace

# Where each kind of thing is shown. An answer is on its question's page.
PAGES = {"document": "/d/{}/", "repository": "/r/{}/", "question": "/q/{}/"}
NAMED = frozenset({"document", "repository", "user", "workspace"})


def tell(event: HookEvent, target: models.Model, workspace_id: int, *, actor: str = "", **details: Any) -> None:
    """Have the workspace's web hooks told of it once the transaction is committed.

    actor: the address of who did it, "" for Lectern. details: ids, names and figures alone; no text of anybody's.
    """
    hooks = [hook for hook in _listening(workspace_id) if _wants(hook, event)]
    if hooks:
        _write(hooks, event, _data(hooks[0].workspace, actor) | {"object": thing(target)} | details)


def tell_recorded(entry: AuditEvent, target: models.Model | None) -> None:
    """Have the web hooks told of an entry of the audit log: of what it is, and as `audit` whoever wants all of it."""
    hooks = [] if entry.workspace_id is None else _listening(entry.workspace_id)
    if not hooks:
        return
    data = _data(hooks[0].workspace, entry.actor)
    event = event_of(entry.action)
    if event is not None and target is not None:
        _write([hook for hook in hooks if _wants(hook, event)], event, data | {"object": thing(target)})
    listeners = [hook for hook in hooks if HookEvent.AUDIT in hook.events]
    _write(listeners, HookEvent.AUDIT, data | {"entry": _entry(entry)})


def thing(target: models.Model) -> dict[str, Any]:
    """Return what a thing is, called and found by."""
    kind = target._meta.model_name or ""
    told: dict[str, Any] = {"type": kind, "id": str(target.pk)}
    if kind in NAMED:
        told["name"] = str(target)
    if kind == "answer":
        told |= {"question_id": str(target.question_id), "status": target.status}  # type: ignore[attr-defined]
        told["url"] = link("question", told["question_id"])
    elif kind in PAGES:
        told["url"] = link(kind, target.pk)
    return told


def link(kind: str, row_id: object) -> str:
    """Return the page of a thing; a path where the installation has no address (LECTERN_PUBLIC_URL)."""
    return settings.PUBLIC_URL.rstrip("/") + PAGES[kind].format(row_id)


def queue(hooks: Iterable[WebHook], event: str, data: dict[str, Any]) -> list[HookDelivery]:
    """Return the new deliveries, on their way to a worker once the transaction is committed."""
    now = timezone.now()
    payload = {"type": event, "timestamp": now.isoformat(), "data": data}
    rows = [HookDelivery(hook=hook, event=event, payload=payload, next_at=now) for hook in hooks]
    HookDelivery.objects.bulk_create(rows)
    for row in rows:
        send(row)
    return rows


def send(delivery: HookDelivery) -> None:
    """Send the delivery to a worker once the transaction is committed."""
    from workspaces.tasks import deliver_hook

    # Robust: a broker that is down is logged; the beat sends what nobody took.
    transaction.on_commit(partial(_send, deliver_hook.delay, str(delivery.pk)), robust=True)


def _send(delay: Any, delivery_id: str) -> None:
    delay(delivery_id)


def _write(hooks: list[WebHook], event: str, data: dict[str, Any]) -> None:
    if hooks:
        queue(hooks, event, data)


def _listening(workspace_id: int) -> list[WebHook]:
    """Return the workspace's hooks that are told. Of what happens while one is paused it never hears."""
    return list(WebHook.objects.filter(workspace_id=workspace_id, paused_at=None).select_related("workspace"))


def _wants(hook: WebHook, event: HookEvent) -> bool:
    """Return whether the hook wants it: of those it chose, or all but the audit log, which has to be chosen."""
    return event in hook.events if hook.events else event != HookEvent.AUDIT


def _data(workspace: Workspace, actor: str) -> dict[str, Any]:
    return {"workspace": {"slug": workspace.slug, "name": workspace.name}, "actor": actor or None}


def _entry(entry: AuditEvent) -> dict[str, Any]:
    same = (
        "action",
        "actor",
        "via",
        "address",
        "agent",
        "token_id",
        "object_type",
        "object_id",
        "object_name",
        "details",
    )
    return {"id": entry.pk, "at": entry.at.isoformat()} | {name: getattr(entry, name) for name in same}
