"""An answer's events through the ASGI view: what is sent, from where, and when it ends."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient

from analysis import progress
from analysis.models import Answer, AnswerStatus, Purpose, Question
from analysis.progress import answer_stream, emit, forget
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import make_answer, make_document
from workspaces.models import Member

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass(frozen=True)
class Message:
    """One message as an EventSource would see it."""

    id: str
    event: str
    data: Any


async def open_stream(caller: Caller, answer: Answer, after: str = "", noun: str = "questions") -> Any:
    headers = caller.headers | ({"Last-Event-ID": after} if after else {})
    return await AsyncClient().get(f"/api/v1/{noun}/{answer.question_id}/events", headers=headers)


async def blocks(response: Any) -> AsyncIterator[str]:
    """Yield the stream's blocks as they come; one without fields is a heartbeat."""
    waiting = ""
    async for piece in response.streaming_content:
        waiting += piece.decode()
        *complete, waiting = waiting.split("\n\n")
        for block in complete:
            yield block


def parse(block: str) -> Message:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    return Message(fields.get("id", ""), fields["event"], json.loads(fields["data"]))


async def messages(response: Any) -> list[Message]:
    return [parse(block) async for block in blocks(response) if not block.startswith(":")]


@pytest.fixture
def running(cast: Cast) -> Answer:
    return make_answer(cast, make_document(cast), "Five years.", AnswerStatus.RUNNING)


def write_answer(answer: Answer) -> list[str]:
    """Emit an answer's events as the worker does, its rows first; return the ids."""
    stream = answer_stream(answer.pk)
    ids = [
        emit(stream, "progress", {"stage": "reading", "message": "Reading page 1 of 2", "done": 1, "total": 2}),
        emit(stream, "token", {"start_char": 0, "text": "Five "}),
        emit(stream, "token", {"start_char": 5, "text": "years."}),
    ]
    Answer.objects.filter(pk=answer.pk).update(status=AnswerStatus.DONE)
    return [*ids, emit(stream, "answer", {"id": str(answer.pk)}), emit(stream, "done", {"status": "done"})]


async def test_the_whole_answer_comes_in_order_and_the_stream_ends(viewer: Caller, running: Answer) -> None:
    ids = await sync_to_async(write_answer)(running)

    response = await open_stream(viewer, running)
    received = await messages(response)

    assert response.status_code == 200
    assert response["Content-Type"] == "text/event-stream"
    assert (response["Cache-Control"], response["X-Accel-Buffering"]) == ("no-cache", "no")
    assert [message.id for message in received] == ids
    assert [message.event for message in received] == ["progress", "token", "token", "answer", "done"]
    assert received[1].data == {"start_char": 0, "text": "Five "}
    assert received[3].data["answer"] == "Five years."
    assert received[3].data["id"] == str(running.question_id)
    assert received[4].data == {"status": "done"}


@pytest.mark.parametrize("seen", range(1, 5))
async def test_a_reader_that_comes_back_gets_what_it_has_not_seen(viewer: Caller, running: Answer, seen: int) -> None:
    ids = await sync_to_async(write_answer)(running)
    received = await messages(await open_stream(viewer, running, after=ids[seen - 1]))
    assert [message.id for message in received] == ids[seen:]


async def test_a_reader_that_has_seen_the_end_is_told_to_stay_away(viewer: Caller, running: Answer) -> None:
    ids = await sync_to_async(write_answer)(running)
    assert (await open_stream(viewer, running, after=ids[-1])).status_code == 204


async def test_an_id_that_is_not_ours_gets_everything(viewer: Caller, running: Answer) -> None:
    await sync_to_async(write_answer)(running)
    assert len(await messages(await open_stream(viewer, running, after="yesterday"))) == 5


async def test_events_reach_a_reader_who_is_already_there(viewer: Caller, running: Answer) -> None:
    stream = blocks(await open_stream(viewer, running))
    emit(answer_stream(running.pk), "token", {"start_char": 0, "text": "Five"})
    assert parse(await anext(stream)).data == {"start_char": 0, "text": "Five"}
    emit(answer_stream(running.pk), "failed", {"code": "engine_unavailable", "message": "It does not answer."})
    assert parse(await anext(stream)).event == "failed"
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_text_cannot_end_a_message_early(viewer: Caller, running: Answer) -> None:
    hostile = "a\n\nevent: done\ndata: {}\r\n\r\u2028"
    emit(answer_stream(running.pk), "token", {"start_char": 0, "text": hostile})
    stream = blocks(await open_stream(viewer, running))
    assert parse(await anext(stream)).data["text"] == hostile
    await stream.aclose()


async def test_a_finished_answer_whose_stream_has_expired_comes_from_its_rows(viewer: Caller, running: Answer) -> None:
    await sync_to_async(write_answer)(running)
    forget(answer_stream(running.pk))

    received = await messages(await open_stream(viewer, running, after="1700000000000-0"))

    assert [(message.id, message.event) for message in received] == [("", "answer"), ("", "done")]
    assert received[0].data["answer"] == "Five years."
    assert received[1].data == {"status": "done"}


async def test_a_failed_answer_whose_stream_has_expired_says_why(viewer: Caller, running: Answer) -> None:
    await Answer.objects.filter(pk=running.pk).aupdate(
        status=AnswerStatus.FAILED, error_code="engine_unavailable", error_message="It does not answer."
    )
    [failed] = await messages(await open_stream(viewer, running))
    assert (failed.event, failed.data) == (
        "failed",
        {"code": "engine_unavailable", "message": "It does not answer."},
    )


@pytest.fixture
def quick_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 1)


async def test_a_quiet_stream_shows_that_it_stands(viewer: Caller, running: Answer, quick_heartbeat: None) -> None:
    stream = blocks(await open_stream(viewer, running))
    assert await anext(stream) == ": still here"
    await stream.aclose()


async def test_whoever_leaves_the_workspace_hears_no_more(
    viewer: Caller, running: Answer, cast: Cast, quick_heartbeat: None
) -> None:
    stream = blocks(await open_stream(viewer, running))
    assert await anext(stream) == ": still here"
    await Member.objects.filter(user=cast.viewer).adelete()
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_an_answer_whose_last_events_were_lost_still_ends(
    viewer: Caller, running: Answer, quick_heartbeat: None
) -> None:
    stream = blocks(await open_stream(viewer, running))
    await Answer.objects.filter(pk=running.pk).aupdate(status=AnswerStatus.STOPPED)
    received = [parse(block) async for block in stream]
    assert [message.event for message in received] == ["answer", "done"]
    assert received[1].data == {"status": "stopped"}


async def test_outsiders_and_unknown_questions_are_404(outsider: Caller, viewer: Caller, running: Answer) -> None:
    for noun in ("questions", "summaries"):
        response = await open_stream(outsider, running, noun=noun)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    unknown = await AsyncClient().get(f"/api/v1/questions/{uuid.uuid4()}/events", headers=viewer.headers)
    assert unknown.status_code == 404


async def test_a_summary_streams_under_its_own_noun(viewer: Caller, running: Answer) -> None:
    await Question.objects.filter(pk=running.question_id).aupdate(purpose=Purpose.SUMMARY)
    await sync_to_async(write_answer)(running)
    assert len(await messages(await open_stream(viewer, running, noun="summaries"))) == 5
