"""Server-sent events: the one place that frames them, and the response that carries them."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

import redis
from asgiref.sync import sync_to_async
from django.db import connections
from django.http import HttpRequest, StreamingHttpResponse

from config import tally

logger = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

HEARTBEAT = b": still here\n\n"
STREAM_ID = re.compile(r"^\d{1,20}-\d{1,20}$")


def frame(data: str, *, event: str = "", id: str = "") -> bytes:
    """Return one SSE message. Line breaks in `data` become further data lines, so no text can end the message early."""
    lines = [f"id: {id}"] if id else []
    if event:
        lines.append(f"event: {event}")
    lines += [f"data: {line}" for line in re.split(r"\r\n|\r|\n", data)]
    return ("\n".join(lines) + "\n\n").encode()


def last_event_id(request: HttpRequest) -> str:
    """Return the stream id a returning reader has seen last, or "0" for a new reader or an id that is not ours."""
    given = request.headers.get("Last-Event-ID", "")
    return given if STREAM_ID.match(given) else "0"


def checked(check: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return `check` as a coroutine function that gives its database connection back before it returns.

    For the start of a stream's view: the stream may last for hours and must not hold a connection.
    """

    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return check(*args, **kwargs)
        finally:
            connections.close_all()

    return sync_to_async(run)


def sse_response(frames: AsyncIterator[bytes]) -> StreamingHttpResponse:
    """Return a response that sends `frames` as they come, unbuffered by this server or a proxy before it."""
    response = StreamingHttpResponse(_counted(frames), content_type="text/event-stream")
    response["Cache-Control"] = "no-cache"
    response["X-Accel-Buffering"] = "no"
    return response


async def _counted(frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the frames, counted as an open stream for as long as they come.

    Without Redis they end: the reader comes back with Last-Event-ID and misses nothing.
    """
    with tally.holding("streams"):
        try:
            async for piece in frames:
                yield piece
        except redis.RedisError:
            logger.warning("A stream was cut off", exc_info=True)
        finally:
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()  # now, and not when somebody collects it: it may hold a connection
