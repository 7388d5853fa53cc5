"""What is seen of every request and every task: a line in the log, a count for the metrics, a span for the traces.

A request has an id: the proxy's `X-Request-ID`, or one made here. It is returned, stands on every line that the request
logs, and goes with the tasks that it sends, so that one id leads from a click to all that was done about it.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import Token
from typing import Any

from asgiref.sync import iscoroutinefunction
from celery.signals import before_task_publish, task_postrun, task_prerun, worker_process_shutdown
from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

from config import logs, tally, traces

requests = logging.getLogger("lectern.requests")
tasks = logging.getLogger("lectern.tasks")

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9._-]{8,64}")  # nothing that could end a line of the log or pass for another
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Machines ask for these every few seconds; a line for each would hide the others.
QUIET = frozenset({"healthz", "metrics"})

Respond = Callable[[HttpRequest], Any]


@sync_and_async_middleware
def watched(get_response: Respond) -> Respond:
    """Give each request its id and see how it ends. A stream ends for this purpose when it begins."""
    if iscoroutinefunction(get_response):

        async def respond_soon(request: HttpRequest) -> HttpResponseBase:
            with _watch(request) as done:
                reply: Awaitable[HttpResponseBase] = get_response(request)
                return done(await reply)

        return respond_soon

    def respond(request: HttpRequest) -> HttpResponseBase:
        with _watch(request) as done:
            return done(get_response(request))

    return respond


@contextmanager
def _watch(request: HttpRequest) -> Iterator[Callable[[HttpResponseBase], HttpResponseBase]]:
    """Yield what takes the reply: it is given the id, and its line is written."""
    given = request.headers.get(HEADER, "")
    own_id = given if GIVEN.fullmatch(given) else uuid.uuid4().hex
    token, begun = logs.request_id.set(own_id), time.perf_counter()
    try:
        with traces.span("request", kind="server", headers=request.headers) as span:

            def done(reply: HttpResponseBase) -> HttpResponseBase:
                reply[HEADER] = own_id
                seen = _seen(request, reply, time.perf_counter() - begun)
                span.name(f"{seen['method']} {seen['route']}", **seen)
                return reply

            yield done
    finally:
        # A stream goes on logging in this context after the middleware; it is dropped with the request's own task.
        if not isinstance(request, ASGIRequest):
            logs.request_id.reset(token)


def _seen(request: HttpRequest, reply: HttpResponseBase, seconds: float) -> dict[str, Any]:
    """Write the request's line and count it; return what the line holds."""
    seen: dict[str, Any] = {
        "method": request.method if request.method in METHODS else "other",
        "route": route_of(request),
        "status": reply.status_code,
        "milliseconds": round(seconds * 1000, 1),
    }
    person_id = _person_id(request)
    if person_id is not None:
        seen["user_id"] = person_id
    tally.observe(
        "request", seconds, method=seen["method"], route=seen["route"], status=f"{reply.status_code // 100}xx"
    )
    level = logging.DEBUG if seen["route"] in QUIET else logging.INFO
    requests.log(level, "%s %s %s", seen["method"], seen["route"], seen["status"], extra={"fields": seen})
    return seen


def route_of(request: HttpRequest) -> str:
    """Return the name of the request's route, never its path, which may hold a secret or somebody's name."""
    if request.resolver_match is not None:
        return request.resolver_match.view_name or "unnamed"
    return "static" if request.path.startswith(settings.STATIC_URL) else "none"


def _person_id(request: HttpRequest) -> int | None:
    """Return the id of the person who asks, if the view has looked for one; it is not looked for here."""
    user = getattr(getattr(request, "auth", None), "user", None)
    for kept in ("_cached_user", "_acached_user"):
        user = user or request.__dict__.get(kept)
    pk: int | None = getattr(user, "pk", None)
    return pk


@before_task_publish.connect
def send_along(headers: dict[str, Any], **_: Any) -> None:
    """Send the request's id, and where its trace stands, with a task."""
    if logs.request_id.get():
        headers["request_id"] = logs.request_id.get()
    traces.send_along(headers)


_running: dict[str, tuple[float, Token[str], Token[str], traces.Opened]] = {}


@task_prerun.connect
def begin_task(task: Any, task_id: str, **_: Any) -> None:
    """Take up the ids that came with a task."""
    came_with = vars(task.request)
    opened = traces.open_span(task.name, kind="consumer", headers=came_with)
    tokens = logs.request_id.set(came_with.get("request_id") or ""), logs.task_id.set(task_id)
    _running[task_id] = (time.perf_counter(), *tokens, opened)


@task_postrun.connect
def end_task(task: Any, task_id: str, state: str | None = None, **_: Any) -> None:
    """Write the task's line, count it, and let go of its ids."""
    begun = _running.pop(task_id, None)
    if begun is None:
        return
    started, request_token, task_token, opened = begun
    seconds, outcome = time.perf_counter() - started, (state or "unknown").lower()
    tally.observe("task", seconds, task=task.name, outcome=outcome)
    seen = {"task": task.name, "outcome": outcome, "milliseconds": round(seconds * 1000, 1)}
    tasks.info("%s %s", task.name, outcome, extra={"fields": seen})
    opened.close(**seen)
    logs.request_id.reset(request_token)
    logs.task_id.reset(task_token)


@worker_process_shutdown.connect
def end_child(**_: Any) -> None:
    """Add what a pool's child has counted: it ends without the usual farewell."""
    tally.flush()
