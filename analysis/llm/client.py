"""Streaming completions over HTTP: each token as it comes, stopped in a quarter of a second, never half a success."""

from __future__ import annotations

import itertools
import random
import ssl
import time
from collections.abc import Callable, Coroutine, Generator
from contextlib import closing
from functools import cache
from queue import Empty, SimpleQueue
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal
from django.utils.translation import gettext

from analysis.errors import EngineUnavailable
from analysis.llm.catalogue import LLM
from analysis.llm.dialects import dialect_of
from analysis.llm.endpoint import api_url, headers
from analysis.llm.errors import BrokenStream, Busy, Silent, parsed
from analysis.llm.meter import Meter
from analysis.types import Prompt, Token

TRIES = 4
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.2  # how often a silent stream is asked whether it should stop
CONNECT_SECONDS = 10.0
LONGEST_LINE = 4 * 2**20

Stop = Callable[[], bool]
Put = Callable[[dict[str, Any] | Exception | None], None]


class Stopped(Exception):  # not an error: somebody asked for it
    """The completion was asked to stop."""


def never() -> bool:
    """Return False: what a completion that nobody can stop asks."""
    return False


def stream_chat(
    llm: LLM, prompt: Prompt, *, slot: int | None = None, should_stop: Stop = never
) -> Generator[Token, None, None]:
    """Yield the completion's tokens; the last one has kind "end" and the usage.

    When `should_stop()` the connection is closed, which stops the model, and the end's finish_reason is "stopped".
    An endpoint that is away or busy is tried again until the first word; after it any fault is an error, since a second
    try would write another text. Raises AppError, EngineUnavailable, and UserError does_not_fit.
    """
    meter = Meter(llm, prompt)
    for attempt in range(1, TRIES + 1):
        try:
            for event in _events(lambda put: _complete(llm, prompt, slot, put), should_stop):
                yield from meter.tokens(event)
            yield from meter.end()
            return
        except Stopped:
            yield from meter.end(finish_reason="stopped")
            return
        except EngineUnavailable as error:
            if meter.finished:  # the endpoint had said that it was done: only the closing of the stream went wrong
                yield from meter.end()
                return
            if meter.started:
                raise BrokenStream(gettext("The language model broke off in the middle of the answer.")) from error
            if attempt == TRIES or isinstance(error, Silent):
                raise
            if not _wait(_backoff_seconds(error, attempt), should_stop):
                yield from meter.end(finish_reason="stopped")
                return


def post_file(
    llm: LLM, path: str, fields: dict[str, str], file: tuple[str, bytes, str], *, should_stop: Stop = never
) -> dict[str, Any]:
    """Return the JSON that a call with a file is answered with. file: name, bytes, MIME type.

    Raises Stopped when `should_stop()`, else as `stream_chat`; one that is away or busy is tried again.
    """
    for attempt in itertools.count(1):
        try:
            with closing(_events(lambda put: _post(llm, path, fields, file, put), should_stop)) as events:
                return next(events)
        except EngineUnavailable as error:
            if attempt == TRIES or isinstance(error, Silent):
                raise
            if not _wait(_backoff_seconds(error, attempt), should_stop):
                raise Stopped from error
    raise AssertionError


def _events(
    request: Callable[[Put], Coroutine[Any, Any, None]], should_stop: Stop
) -> Generator[dict[str, Any], None, None]:
    """Yield the JSON events that `request` puts. Raises Stopped.

    The request runs on an event loop of its own, so that it can be cancelled at any point: while connecting, while the
    server reads the prompt without a word, and between tokens. A blocked socket could not be.
    """
    inbox: SimpleQueue[dict[str, Any] | Exception | None] = SimpleQueue()
    with start_blocking_portal() as portal:
        running = portal.start_task_soon(_put_all, request, inbox.put)
        try:
            while (event := _next(inbox, should_stop)) is not None:
                yield event
        finally:
            running.cancel()


async def _put_all(request: Callable[[Put], Coroutine[Any, Any, None]], put: Put) -> None:
    """Put each event, then None at the end of the stream, or the error that ended it."""
    try:
        await request(put)
        put(None)
    except httpx.ReadTimeout:
        put(Silent("The language model has said nothing for too long."))
    except (httpx.RemoteProtocolError, httpx.ReadError):
        put(EngineUnavailable(gettext("The connection to the language model was cut."), code="llm_broken_stream"))
    except (httpx.HTTPError, httpx.InvalidURL):
        put(EngineUnavailable(gettext("The language model does not answer.")))
    except Exception as error:
        put(error)


def _next(inbox: SimpleQueue[dict[str, Any] | Exception | None], should_stop: Stop) -> dict[str, Any] | None:
    while True:
        if should_stop():
            raise Stopped
        try:
            event = inbox.get(timeout=LOOK_SECONDS)
        except Empty:
            continue
        if isinstance(event, Exception):
            raise event
        return event


async def _complete(llm: LLM, prompt: Prompt, slot: int | None, put: Put) -> None:
    dialect = dialect_of(llm)
    async with _client(llm) as client, dialect.prepared(llm, prompt, client) as prepared:
        body = dialect.body(llm, prepared, slot)
        async with client.stream("POST", api_url(llm.base_url, "chat/completions"), json=body) as response:
            if response.status_code != httpx.codes.OK:
                text = (await response.aread()).decode(errors="replace")
                raise dialect.refusal(response.status_code, response.headers, text)
            if response.headers.get("Content-Type", "").startswith("application/json"):
                put(_as_chunk(parsed(await response.aread())))
            else:
                await _read(response, put)


async def _post(llm: LLM, path: str, fields: dict[str, str], file: tuple[str, bytes, str], put: Put) -> None:
    async with _client(llm) as client:
        response = await client.post(api_url(llm.base_url, path), data=fields, files={"file": file})
    if response.status_code != httpx.codes.OK:
        raise dialect_of(llm).refusal(response.status_code, response.headers, response.text)
    put(parsed(response.content))


def _client(llm: LLM) -> httpx.AsyncClient:
    timeout = httpx.Timeout(llm.idle_seconds, connect=CONNECT_SECONDS)
    return httpx.AsyncClient(headers=headers(llm.key), timeout=timeout, verify=_certificates())


@cache
def _certificates() -> ssl.SSLContext:
    """Return the trusted certificates, read once: that takes longer than asking a server nearby."""
    return httpx.create_ssl_context()


async def _read(response: httpx.Response, put: Put) -> None:
    """Put the JSON of each `data:` line. Lines end in LF only: JSON may hold the other separators Unicode knows."""
    rest = b""
    async for piece in response.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                put(parsed(data))
        if len(rest) > LONGEST_LINE:
            raise BrokenStream("The language model sent a line without end.")


def _as_chunk(completion: dict[str, Any]) -> dict[str, Any]:
    """Return a whole completion as the one chunk of a stream: some gateways do not stream whatever they are asked."""
    choices = [{**choice, "delta": choice.get("message") or {}} for choice in completion.get("choices") or []]
    return {**completion, "choices": choices}


def _backoff_seconds(error: EngineUnavailable, attempt: int) -> float:
    asked = error.retry_after_seconds if isinstance(error, Busy) else 0.0
    return min(LONGEST_WAIT_SECONDS, asked or BACKOFF_SECONDS * 2**attempt * random.uniform(0.5, 1.0))  # noqa: S311


def _wait(seconds: float, should_stop: Stop) -> bool:
    """Return whether the time passed without being asked to stop."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if should_stop():
            return False
        time.sleep(min(LOOK_SECONDS, max(0.0, deadline - time.monotonic())))
    return True
