"""`GET /healthz`: whether every part that an answer needs is there, for load balancers and for people."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import httpx
import psycopg
import redis
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils.text import get_text_list
from django.utils.translation import gettext

from analysis.errors import UserError
from config.heartbeat import QUEUES, living_queues

TIMEOUT_SECONDS = 2
KEEP_SECONDS = 5.0
OK = "ok"

_lock = threading.Lock()
_last: tuple[float, dict[str, str]] | None = None


def healthz(request: HttpRequest) -> JsonResponse:
    """Return 200 when all parts answer, else 503; each part is "ok" or a sentence that says what is wrong with it."""
    parts = current_parts()
    sound = all(state == OK for state in parts.values())
    return JsonResponse({"status": OK if sound else "failing", "parts": parts}, status=200 if sound else 503)


def current_parts() -> dict[str, str]:
    """Return each part's state, asked at most once in `KEEP_SECONDS`, so that asking for it costs little."""
    global _last  # noqa: PLW0603  one small cache for the process
    with _lock:
        if _last is None or time.monotonic() - _last[0] > KEEP_SECONDS:
            _last = (time.monotonic(), {"web": OK, **{name: check() for name, check in CHECKS.items()}})
        return _last[1]


def database() -> str:
    """Return the database's state. Over a connection of its own, since the pool would wait for a lost server."""
    place = connection.settings_dict
    try:
        with psycopg.connect(
            host=place["HOST"],
            port=place["PORT"],
            user=place["USER"],
            password=place["PASSWORD"],
            dbname=place["NAME"],
            connect_timeout=TIMEOUT_SECONDS,
        ) as own:
            own.execute("SELECT 1")
    except psycopg.Error:
        return gettext("The database does not answer.")
    return OK


def broker() -> str:
    """Return the broker's state."""
    try:
        with _redis() as client:
            client.ping()
    except redis.RedisError:
        return gettext("The message broker does not answer.")
    return OK


def worker() -> str:
    """Return the workers' state: each queue needs one that has shown itself lately."""
    try:
        with _redis() as client:
            idle = [about for queue, about in QUEUES.items() if queue not in living_queues(client)]
    except redis.RedisError:
        return gettext("Whether a worker runs is not known while the message broker does not answer.")
    what = get_text_list([str(about) for about in idle], gettext("and"))
    return gettext("No worker is there for %(what)s.") % {"what": what} if idle else OK


def language_model() -> str:
    """Return the state of the language model that questions go to by default."""
    from analysis.llm.endpoint import api_url, headers
    from analysis.llm.registry import llm_get

    if database() != OK:
        return gettext("Which language model is used is not known while the database does not answer.")
    try:
        llm = llm_get()
        reply = httpx.get(api_url(llm.base_url, "models"), headers=headers(llm.key), timeout=TIMEOUT_SECONDS)
    except UserError as error:
        return error.message
    except (httpx.HTTPError, httpx.InvalidURL):
        return gettext("The language model's server does not answer.")
    if reply.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return gettext("The language model's server refuses the key it is given.")
    # Some servers list no models; one that says so is there all the same.
    words = gettext("The language model is not ready (status %(status)s).") % {"status": reply.status_code}
    return words if reply.is_server_error else OK


def _redis() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
    )


CHECKS: dict[str, Callable[[], str]] = {
    "database": database,
    "broker": broker,
    "worker": worker,
    "language_model": language_model,
}
