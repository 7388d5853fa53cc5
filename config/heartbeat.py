"""How the web process knows which queues have a living worker: each worker notes its queues every few seconds."""

from __future__ import annotations

from typing import Any

import redis
from celery.signals import heartbeat_sent, worker_ready, worker_shutdown
from django.utils.translation import gettext_lazy, pgettext_lazy

QUEUES = {
    "ingest": gettext_lazy("reading documents in"),
    "answers": pgettext_lazy("queue", "answers"),
    "sweep": gettext_lazy("sweeps"),
    "reading": gettext_lazy("reading ahead"),
}
LIFETIME_SECONDS = 15  # a few heartbeats; Celery sends one every 2 s

_own_queues: list[str] = []


def _key(queue: str) -> str:
    return f"lectern:worker:{queue}"


def living_queues(client: redis.Redis) -> set[str]:
    """Return the queues that a worker has said to serve in the last `LIFETIME_SECONDS`."""
    values = client.mget([_key(queue) for queue in QUEUES])
    return {queue for queue, value in zip(QUEUES, values, strict=True) if value}


def note_alive(client: redis.Redis, queues: list[str]) -> None:
    """Write down that a worker serves `queues` now."""
    pipe = client.pipeline(transaction=False)
    for queue in queues:
        pipe.set(_key(queue), "1", ex=LIFETIME_SECONDS)
    pipe.execute()


@worker_ready.connect
def _remember_queues(sender: Any, **_: Any) -> None:
    _own_queues[:] = [queue.name for queue in sender.task_consumer.queues]
    _beat()


@heartbeat_sent.connect
def _beat(**_: Any) -> None:
    from analysis.progress import connection

    try:
        note_alive(connection(), _own_queues)
    except redis.RedisError:
        return  # the broker is away; the worker itself waits for it


@worker_shutdown.connect
def _leave(**_: Any) -> None:
    from analysis.progress import connection

    # With more workers on the same queue the next heartbeat of another puts the note back.
    try:
        connection().delete(*[_key(queue) for queue in _own_queues])
    except redis.RedisError:
        return
