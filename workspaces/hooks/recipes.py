"""What admins do with web hooks, each in one transaction. Who may do it is decided before, in access.py."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.errors import UserError
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.hooks.events import TEST, HookEvent
from workspaces.hooks.outbox import queue, send
from workspaces.hooks.signing import new_secret
from workspaces.models import DeliveryState, HookDelivery, Role, User, WebHook, Workspace

MOST_HOOKS = 20  # of a workspace


@transaction.atomic
def hook_create(*, workspace: Workspace, user: User, name: str, url: str, events: Sequence[str] = ()) -> WebHook:
    """Return a new web hook with its secret. Raises UserError bad_url, unknown_event, too_many_hooks (409)."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    if workspace.hooks.count() >= MOST_HOOKS:
        message = _("A workspace can have {most} web hooks. Delete one first.").format(most=MOST_HOOKS)
        raise UserError(message, code="too_many_hooks", status=409)
    hook = WebHook.objects.create(
        workspace=workspace, name=name, url=checked_url(url), events=checked_events(events), secret=new_secret(),
        created_by=user,
    )  # fmt: skip
    record(Action.HOOK_CREATED, hook, workspace=workspace, host=urlsplit(hook.url).hostname or "", events=hook.events)
    return hook


@transaction.atomic
def hook_change(hook: WebHook, *, name: str, url: str, events: Sequence[str]) -> None:
    """Set what it is called, where it leads and what it wants. Raises as `hook_create`."""
    hook.name, hook.url, hook.events = name, checked_url(url), checked_events(events)
    hook.save(update_fields=["name", "url", "events"])
    record(
        Action.HOOK_CHANGED, hook, workspace=hook.workspace, host=urlsplit(hook.url).hostname or "", events=hook.events
    )


@transaction.atomic
def hook_rotate(hook: WebHook) -> str:
    """Return a new secret; the former signs nothing any more, and what a receiver refuses meanwhile is tried again."""
    secret = hook.secret = new_secret()
    hook.save(update_fields=["secret"])
    record(Action.HOOK_ROTATED, hook, workspace=hook.workspace)
    return secret


@transaction.atomic
def hook_pause(hook: WebHook, *, because: str = "") -> None:
    """Have nothing sent any more. because: why Lectern itself does it, of which the admins get a message."""
    paused = WebHook.objects.filter(pk=hook.pk, paused_at=None)
    if not paused.update(paused_at=timezone.now(), paused_because=because):
        return
    record(Action.HOOK_PAUSED, hook, workspace=hook.workspace, because=because)
    if because:
        transaction.on_commit(lambda: _tell_admins(hook, because), robust=True)


@transaction.atomic
def hook_resume(hook: WebHook) -> None:
    """Have it told again: what waits at once, and what happens from now on."""
    WebHook.objects.filter(pk=hook.pk).update(paused_at=None, paused_because="")
    hook.deliveries.filter(state=DeliveryState.WAITING).update(next_at=timezone.now())
    record(Action.HOOK_RESUMED, hook, workspace=hook.workspace)


@transaction.atomic
def hook_delete(hook: WebHook) -> None:
    """Delete the web hook with what it was told."""
    record(Action.HOOK_DELETED, hook, workspace=hook.workspace)
    hook.delete()


@transaction.atomic
def hook_ping(hook: WebHook) -> HookDelivery:
    """Return a delivery that tells of nothing, to try the web hook out."""
    workspace = hook.workspace
    data: dict[str, Any] = {"workspace": {"slug": workspace.slug, "name": workspace.name}, "actor": None}
    return queue([hook], TEST, data)[0]


@transaction.atomic
def delivery_redeliver(delivery: HookDelivery) -> None:
    """Send the delivery again from the first try, under its old id. Raises UserError paused (409)."""
    if delivery.hook.paused_at is not None:
        raise UserError(_("This web hook is paused. Resume it first."), code="paused", status=409)
    delivery.state, delivery.attempts, delivery.next_at = DeliveryState.WAITING, 0, timezone.now()
    delivery.save(update_fields=["state", "attempts", "next_at"])
    send(delivery)


def checked_url(url: str) -> str:
    """Return the address as it is kept. Raises UserError bad_url."""
    url = url.strip()
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > 500:
        raise UserError(_("An address of a web hook starts with https:// or http://."), code="bad_url")
    if parts.username or parts.password:
        raise UserError(_("Leave out the name and password: the signature proves who sends."), code="bad_url")
    return parts._replace(fragment="").geturl()


def checked_events(events: Sequence[str]) -> list[str]:
    """Return the events in their order, each once; none for all. Raises UserError unknown_event."""
    unknown = sorted(set(events) - set(HookEvent.values))
    if unknown:
        message = _("There is no event {name!r}.").format(name=unknown[0][:60])
        raise UserError(message, code="unknown_event")
    return [event.value for event in HookEvent if event in events]


def _tell_admins(hook: WebHook, because: str) -> None:
    """Write to those who can mend it."""
    places = hook.workspace.members.filter(
        role__in=[Role.ADMIN, Role.OWNER], user__service_of=None, user__is_active=True
    )
    subject = _("Lectern: the web hook “{name}” is paused").format(name=hook.name)
    words = _(
        "{because} The web hook “{name}” of {workspace} is told nothing until somebody resumes it under Settings, "
        "Web hooks. What happens meanwhile is not told later."
    ).format(because=because, name=hook.name, workspace=hook.workspace.name)
    for email in places.values_list("user__email", flat=True):
        send_mail(subject, words, None, [email])
