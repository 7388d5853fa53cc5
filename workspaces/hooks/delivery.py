"""One telling sent. It can be killed anywhere and run again: the row says what is still to be done.

A worker takes a row by moving its next try past the time that a try can last; a worker that dies leaves it to be taken
again then. What was sent before the death is sent twice, with the same id.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import urllib3
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from analysis.egress import keeps_in
from analysis.errors import UserError
from analysis.ingest.unpack import messages
from analysis.ingest.unpack.addresses import pool
from config.env import env
from workspaces.hooks import signing
from workspaces.hooks.recipes import hook_pause
from workspaces.models import DeliveryState, HookDelivery, WebHook

# After each failure so long: thirteen tries in a little over three days.
RETRY_SECONDS = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 43200, 64800, 86400)
JITTER = 0.2  # of each wait, so that what failed together is not tried again together
TRY_SECONDS = 15
TAKEN_FOR = timedelta(seconds=2 * TRY_SECONDS + 30)
REPLY_BYTES = 200  # of a refusal are kept
KEPT_FOR = timedelta(days=30)
DUE_AT_ONCE = 500
SENT_SECONDS = 60
GONE = 410  # by the specification: whoever answers so wants no more of it

NOT_ALLOWED = "This address is inside a private network, to which nothing is sent here."
FAILED_FOR_DAYS = "Nothing was delivered for three days."
RECEIVER_GONE = "The receiver answered that it is gone (410)."


@dataclass(frozen=True)
class Outcome:
    """How a try went. status: of the response, None without one. error: "" if it was taken."""

    status: int | None
    error: str
    milliseconds: int


def deliver(delivery_id: UUID | str) -> None:
    """Send the delivery if it is due and nobody else is sending it; write down how it went."""
    delivery = _taken(delivery_id)
    if delivery is None:
        return
    outcome = _attempt(delivery)
    with transaction.atomic():
        _keep(delivery, outcome)
    if outcome.status == GONE:
        hook_pause(delivery.hook, because=RECEIVER_GONE)
    elif outcome.error and delivery.state == DeliveryState.FAILED and not _delivered_since(delivery):
        hook_pause(delivery.hook, because=FAILED_FOR_DAYS)


def send_due() -> None:
    """Send to a worker what is due and nobody has taken: tries after a failure, and messages that were lost."""
    from workspaces.tasks import deliver_hook

    due = HookDelivery.objects.filter(state=DeliveryState.WAITING, next_at__lte=timezone.now(), hook__paused_at=None)
    for delivery_id in due.order_by("next_at").values_list("pk", flat=True)[:DUE_AT_ONCE]:
        # Once a minute each: behind a long queue the message is not lost, and a second one changes nothing.
        if cache.add(f"hook-sent:{delivery_id}", 1, SENT_SECONDS):
            deliver_hook.delay(str(delivery_id))


def forget_old() -> None:
    """Delete what is settled and old enough that nobody looks for it."""
    old = HookDelivery.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
    old.exclude(state=DeliveryState.WAITING).delete()


def wait_before(attempts: int) -> timedelta | None:
    """Return how long to wait after that many tries; None when no more are made."""
    if attempts > len(RETRY_SECONDS):
        return None
    jitter = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  # spreads load, protects nothing
    return timedelta(seconds=RETRY_SECONDS[attempts - 1] * jitter)


def _taken(delivery_id: UUID | str) -> HookDelivery | None:
    now = timezone.now()
    rows = HookDelivery.objects.filter(pk=delivery_id)
    due = rows.filter(state=DeliveryState.WAITING, next_at__lte=now, hook__paused_at=None)
    delivery = due.select_related("hook").first()
    if delivery is None:
        return None
    # Of two workers that have read the same row, one still finds it as it was.
    unchanged = rows.filter(state=DeliveryState.WAITING, attempts=delivery.attempts, next_at=delivery.next_at)
    delivery.attempts += 1
    taken = unchanged.update(attempts=delivery.attempts, tried_at=now, next_at=now + TAKEN_FOR)
    return delivery if taken else None


def _attempt(delivery: HookDelivery) -> Outcome:
    started = time.monotonic()
    try:
        status, reply = _post(delivery)
        error = "" if 200 <= status < 300 else f"It answered {status}: {reply}".rstrip(" :")
    except UserError as refused:
        status, error = None, NOT_ALLOWED if refused.code == "private_address" else refused.message
    except urllib3.exceptions.HTTPError as broken:
        status, error = None, f"It could not be reached: {_words(broken)}"
    return Outcome(status, error[:300], round(1000 * (time.monotonic() - started)))


def _post(delivery: HookDelivery) -> tuple[int, str]:
    """Return the status and the first bytes of the response. The address that is connected to is the one checked."""
    hook = delivery.hook
    only_near = keeps_in(hook.workspace_id)
    if only_near and not env.hooks_private:
        raise UserError(messages.PUBLIC, code="egress_refused")
    body = json.dumps(delivery.payload, ensure_ascii=False).encode()
    connections = pool(
        private=env.hooks_private, public=not only_near, http=True, authority=os.environ.get("SSL_CERT_FILE", "")
    )
    response = connections.request(
        "POST",
        hook.url,
        body=body,
        headers=signing.headers(hook.secret, str(delivery.pk), int(time.time()), body),
        timeout=urllib3.Timeout(total=TRY_SECONDS),
        retries=False,
        redirect=False,
        preload_content=False,
    )
    try:
        reply = response.read(REPLY_BYTES, decode_content=False) if response.status >= 300 else b""
    finally:
        response.close()
        connections.clear()
    return response.status, " ".join(reply.decode("utf-8", "replace").replace("\0", " ").split())


def _keep(delivery: HookDelivery, outcome: Outcome) -> None:
    now = timezone.now()
    wait = wait_before(delivery.attempts) if outcome.error else None
    delivery.status, delivery.error, delivery.milliseconds = outcome.status, outcome.error, outcome.milliseconds
    delivery.state = _state(outcome, wait is not None)
    delivery.next_at = now + wait if wait else None
    # Not a row that was deleted meanwhile, and not one that a person has sent again since.
    rows = HookDelivery.objects.filter(pk=delivery.pk, attempts=delivery.attempts, state=DeliveryState.WAITING)
    rows.update(
        state=delivery.state, next_at=delivery.next_at, status=outcome.status, error=outcome.error,
        milliseconds=outcome.milliseconds,
    )  # fmt: skip


def _state(outcome: Outcome, again: bool) -> DeliveryState:
    if not outcome.error:
        return DeliveryState.DELIVERED
    return DeliveryState.WAITING if again else DeliveryState.FAILED


def _delivered_since(delivery: HookDelivery) -> bool:
    """Return whether the hook has taken anything since the delivery was first tried."""
    since: datetime = delivery.created_at
    taken = WebHook.objects.get(pk=delivery.hook_id).deliveries.filter(state=DeliveryState.DELIVERED)
    return taken.filter(tried_at__gt=since).exists()


def _words(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split())[:200]
