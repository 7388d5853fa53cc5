"""Streaming completions over HTTP: each token as it comes, stopped in a quarter of a second, never half a success."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from queue import Empty, SimpleQueue
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal

from analysis.errors import EngineUnavailable
from analysis.llm import dialects
from analysis.llm.catalogue import LLM
from analysis.llm.endpoint import api_url, headers
from analysis.llm.errors import BrokenStream, Busy, refusal
from analysis.types import Prompt, Token, Usage

TRIES = 4
BACKOFF_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 30.0
LOOK_SECONDS = 0.2  # how often a silent stream is asked whether it should stop
TIMEOUT = httpx.Timeout(600, connect=10)
LONGEST_LINE = 4 * 2**20

Stop = Callable[[], bool]


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
    meter = _Meter()
    for attempt in range(1, TRIES + 1):
        try:
            for event in _events(llm, dialects.request_body(llm, prompt, slot=slot), should_stop):
                yield from meter.tokens(event)
            yield meter.end()
            return
        except Stopped:
            yield meter.end(finish_reason="stopped")
            return
        except EngineUnavailable as error:
            if meter.started:
                raise BrokenStream("The language model broke off in the middle of the answer.") from error
            if attempt == TRIES:
                raise
            if not _wait(_backoff_seconds(error, attempt), should_stop):
                yield meter.end(finish_reason="stopped")
                return


class _Meter:
    """Turns an endpoint's chunks into tokens, and keeps the time and the count."""

    def __init__(self) -> None:
        self.begun = time.monotonic()
        self.usage = Usage()
        self.started = False
        self.finished = False

    def tokens(self, event: dict[str, Any]) -> Iterator[Token]:
        """Yield what one chunk says. Raises BrokenStream on an error inside the stream."""
        if event.get("error"):
            raise BrokenStream(f"The language model broke off: {str(event['error'])[:300]}")
        if progress := event.get("prompt_progress"):
            yield from self._prefill(progress)
        if usage := event.get("usage"):
            self._count(usage)
        for choice in event.get("choices") or []:
            yield from self._choice(choice)

    def end(self, finish_reason: str = "") -> Token:
        """Return the end token. Raises BrokenStream if the stream stopped without saying that it was finished."""
        if not (finish_reason or self.finished):
            raise BrokenStream("The connection to the language model was cut before the answer was complete.")
        usage = replace(self.usage, seconds=time.monotonic() - self.begun)
        return Token("end", usage=replace(usage, finish_reason=finish_reason or usage.finish_reason))

    def _prefill(self, progress: dict[str, Any]) -> Iterator[Token]:
        done, total, cached = (int(progress.get(name) or 0) for name in ("processed", "total", "cache"))
        self.usage = replace(self.usage, prompt_tokens=total, cached_tokens=cached)
        yield Token("prefill", done=done, total=total, usage=self.usage)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Token]:
        delta = choice.get("delta") or {}
        if text := dialects.reasoning_of(delta):
            yield self._written("reasoning", text)
        if content := delta.get("content"):
            yield self._written("text", content)
        if reason := choice.get("finish_reason"):
            self.finished = True
            self.usage = replace(self.usage, finish_reason=str(reason))

    def _written(self, kind: str, text: str) -> Token:
        seconds = self.usage.seconds_to_first_token or time.monotonic() - self.begun
        self.started = True
        self.usage = replace(
            self.usage, seconds_to_first_token=seconds, completion_tokens=self.usage.completion_tokens + 1
        )
        return Token(kind, text)

    def _count(self, usage: dict[str, Any]) -> None:
        self.usage = replace(
            self.usage,
            prompt_tokens=int(usage.get("prompt_tokens") or self.usage.prompt_tokens),
            cached_tokens=dialects.cached_tokens_of(usage) or self.usage.cached_tokens,
            completion_tokens=int(usage.get("completion_tokens") or self.usage.completion_tokens),
            reasoning_tokens=dialects.reasoning_tokens_of(usage),
        )


def _events(llm: LLM, body: dict[str, Any], should_stop: Stop) -> Iterator[dict[str, Any]]:
    """Yield the stream's JSON events. Raises Stopped.

    The request runs on an event loop of its own, so that it can be cancelled at any point: while connecting, while the
    server reads the prompt without a word, and between tokens. A blocked socket could not be.
    """
    inbox: SimpleQueue[dict[str, Any] | Exception | None] = SimpleQueue()
    with start_blocking_portal() as portal:
        request = portal.start_task_soon(_request, llm, body, inbox.put)
        try:
            while (event := _next(inbox, should_stop)) is not None:
                yield event
        finally:
            request.cancel()


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


async def _request(llm: LLM, body: dict[str, Any], put: Callable[[dict[str, Any] | Exception | None], None]) -> None:
    """Put each event, then None at the end of the stream, or the error that ended it."""
    try:
        async with (
            httpx.AsyncClient(headers=headers(llm.key), timeout=TIMEOUT) as client,
            client.stream("POST", api_url(llm.base_url, "chat/completions"), json=body) as response,
        ):
            if response.status_code != httpx.codes.OK:
                text = (await response.aread()).decode(errors="replace")
                raise refusal(response.status_code, response.headers, text)
            await _read(response, put)
        put(None)
    except (httpx.RemoteProtocolError, httpx.ReadError):
        put(EngineUnavailable("The connection to the language model was cut.", code="llm_broken_stream"))
    except (httpx.HTTPError, httpx.InvalidURL):
        put(EngineUnavailable("The language model does not answer."))
    except Exception as error:
        put(error)


async def _read(response: httpx.Response, put: Callable[[dict[str, Any]], None]) -> None:
    """Put the JSON of each `data:` line. Lines end in LF only: JSON may hold the other separators Unicode knows."""
    rest = b""
    async for piece in response.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and (data := line[5:].strip()) != b"[DONE]":
                put(_parsed(data))
        if len(rest) > LONGEST_LINE:
            raise BrokenStream("The language model sent a line without end.")


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        event = json.loads(data)
    except ValueError as error:
        raise BrokenStream("The language model sent something that cannot be read.") from error
    if not isinstance(event, dict):
        raise BrokenStream("The language model sent something that cannot be read.")
    return event


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
