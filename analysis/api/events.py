"""An answer as it is written: server-sent events from its stream, or from the rows when the stream has expired."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase

from analysis import hub, progress
from analysis.answer.payload import answer_payload
from analysis.api.answers import answer_of
from analysis.api.auth import ApiRequest
from analysis.models import Answer, AnswerStatus, Purpose
from analysis.progress import LAST_EVENTS, Event, answer_stream, place
from analysis.views.sse import HEARTBEAT, checked, frame, last_event_id, sse_response
from workspaces.access import Viewer, get_answer_or_404


async def events_response(
    request: ApiRequest, question_id: UUID, *, purpose: Purpose | None = None, number: int | None = None
) -> HttpResponseBase:
    """Return the stream of the question's latest answer, or of answer `number`, from Last-Event-ID on.

    Raises as `answer_of`.

    204 when the reader has seen the last event already: it tells an EventSource to stop coming back.
    """
    answer, last = await checked(_start)(request.auth, question_id, purpose, number)
    after = last_event_id(request)
    if last and last.name in LAST_EVENTS and not answer.open and place(after) >= place(last.id):
        return HttpResponse(status=204)
    if last is None and not answer.open:
        return sse_response(_from_rows(answer.pk))
    return sse_response(_from_stream(request.auth, answer.pk, after))


def _start(
    viewer: Viewer, question_id: UUID, purpose: Purpose | None, number: int | None
) -> tuple[Answer, Event | None]:
    answer = answer_of(viewer, question_id, purpose=purpose, number=number)
    return answer, progress.newest(answer_stream(answer.pk))


async def _from_stream(viewer: Viewer, answer_id: UUID, after: str) -> AsyncGenerator[bytes, None]:
    """Yield the frames of the events after `after`; ends after the last one, or once the viewer may not see it."""
    try:
        async with aclosing(answer_events(viewer, answer_id, after)) as events:
            async for event in events:
                yield HEARTBEAT if event is None else _frame(event.name, await _data(event), event.id)
                if event and event.name in LAST_EVENTS:
                    return
        # Quiet although finished: its last events were lost with Redis. The rows have everything.
        async for piece in _from_rows(answer_id):
            yield piece
    except Http404:
        return


async def answer_events(viewer: Viewer, answer_id: UUID, after: str = "0") -> AsyncGenerator[Event | None, None]:
    """Yield the answer's events after `after` as they come, None when there is none for a while.

    Ends after the last one, or without it where the answer is finished and its events were lost. Raises Http404 once
    the viewer may not see it any more, RedisError.
    """
    checked_at = time.monotonic()
    async with aclosing(hub.follow(answer_stream(answer_id), after)) as batches:
        async for events in batches:
            # By the clock too: a stream that is never quiet must not outlive its reader's membership.
            if events is None or time.monotonic() - checked_at > progress.HEARTBEAT_SECONDS:
                checked_at = time.monotonic()
                answer = await checked(get_answer_or_404)(viewer, answer_id)
                if events is None and not answer.open:
                    return
            if events is None:
                yield None
                continue
            for event in events:
                yield event
            if events[-1].name in LAST_EVENTS:
                return


async def _data(event: Event) -> dict[str, Any]:
    """Return the event's data; for `answer`, whose event carries an id only, the whole answer from its rows."""
    if event.name != "answer":
        return event.data
    return await checked(_payload)(event.data["id"]) or event.data


def _payload(answer_id: UUID | str) -> dict[str, Any] | None:
    answer = Answer.objects.select_related("question").filter(pk=answer_id).first()
    return answer_payload(answer) if answer else None


async def _from_rows(answer_id: UUID) -> AsyncGenerator[bytes, None]:
    """Yield the last events as they were when the answer was finished, without ids: there is nothing to resume."""
    payload = await checked(_payload)(answer_id)
    if payload is None:
        return
    if payload["status"] == AnswerStatus.FAILED:
        yield _frame("failed", payload["error"] or {})
        return
    yield _frame("answer", payload)
    yield _frame("done", {"status": payload["status"]})


def _frame(name: str, data: dict[str, Any], id: str = "") -> bytes:
    return frame(json.dumps(data, cls=DjangoJSONEncoder), event=name, id=id)
