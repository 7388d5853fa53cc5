"""/v1/models and /v1/chat/completions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

import redis
from django.conf import settings
from django.http import Http404, JsonResponse
from django.http.response import HttpResponseBase
from ninja import Router

from analysis.answer.ask import question_ask
from analysis.api.auth import ApiRequest
from analysis.api.events import answer_events
from analysis.api.openai.completion import Completion, payload_of
from analysis.api.openai.history import alike, parent_of
from analysis.api.openai.names import PREFIX, listed, model, named
from analysis.api.openai.refusals import detail
from analysis.api.openai.schemas import ChatErrorOut, ChatIn, ChatOut, ModelOut, ModelsOut
from analysis.errors import UserError
from analysis.models import AnswerStatus
from analysis.progress import Event
from analysis.views.sse import checked, sse_response
from workspaces.access import Viewer
from workspaces.models import Role

router = Router(tags=["OpenAI"])

ERRORS = frozenset({400, 401, 403, 404, 413, 429, 500, 503})


@router.get("/models", response={200: ModelsOut, ERRORS: ChatErrorOut})
def list_models(request: ApiRequest) -> dict[str, Any]:
    """The models: each workspace, and the hundred newest documents and repositories of each that can be asked."""
    return {"object": "list", "data": list(listed(request.auth))}


@router.get("/models/{path:name}", response={200: ModelOut, ERRORS: ChatErrorOut})
def get_model(request: ApiRequest, name: str) -> dict[str, Any]:
    """One model, also a document or repository that is too old for the list."""
    meant = named(request.auth, name)
    since = next((row.uploaded_at for row in meant.documents), None) or next(
        (row.added_at for row in meant.repositories), meant.member.workspace.created_at
    )
    return model(name.removeprefix(PREFIX), meant.title, since.timestamp())


@router.post("/chat/completions", response={200: ChatOut, ERRORS: ChatErrorOut})
async def create_completion(request: ApiRequest, asked: ChatIn) -> HttpResponseBase:
    """Answers the last message from the workspace, document or repository that the model names.

    With `stream` in chunks as it is written. Citations are the annotations: of each sentence, where it is from.
    """
    completion = await checked(_begun)(request.auth, asked, _base_url(request))
    events = answer_events(request.auth, completion.answer_id)
    if asked.stream:
        return sse_response(_chunks(completion, events))
    async with aclosing(events):
        async for _ in events:
            pass
    payload = await checked(payload_of)(completion.answer_id)
    if payload["status"] == AnswerStatus.FAILED:
        # Clients of OpenAI ask again after a fault of the server: that would be another question, with the same end.
        body = {"error": detail(500, payload["error"]["code"], payload["error"]["message"])}
        return JsonResponse(body, status=500, headers={"x-should-retry": "false"})
    return JsonResponse(completion.whole(payload))


def _begun(viewer: Viewer, asked: ChatIn, base_url: str) -> Completion:
    """Return the completion of a question that was put; raises as `named` and `question_ask`."""
    ignored = asked.checked()
    where = named(viewer, asked.model, role=Role.REVIEWER)
    *before, last = asked.messages
    if last.role != "user":
        raise UserError("The last message has to be the user's: it is the question.", code="no_question", status=400)
    earlier = [message.words for message in before if message.role == "user"]
    parent = parent_of(viewer, where, earlier)
    unknown = len(earlier) - (alike(parent, earlier) if parent else 0)
    answer = question_ask(
        workspace=where.member.workspace,
        user=viewer.user,
        text=last.words,
        documents=where.documents,
        repositories=where.repositories,
        mode=asked.lectern.mode,
        llm=asked.lectern.llm,
        shared=asked.lectern.shared,
        parent=parent,
    )
    return Completion(
        answer_id=answer.pk,
        question_id=answer.question_id,
        created=int(answer.created_at.timestamp()),
        model=asked.model,
        base_url=base_url,
        ignored=ignored + ([f"{unknown} earlier messages that were not asked here"] if unknown else []),
        include_usage=bool(asked.stream_options and asked.stream_options.include_usage),
    )


async def _chunks(completion: Completion, events: AsyncGenerator[Event | None, None]) -> AsyncIterator[bytes]:
    """Yield the answer's chunks; where it cannot be followed to its end, an error that says where it is."""
    try:
        async with aclosing(events):
            async for piece in completion.chunks(events):
                yield piece
    except (Http404, redis.RedisError):
        yield completion.broken_off()


def _base_url(request: ApiRequest) -> str:
    return settings.PUBLIC_URL.rstrip("/") or request.build_absolute_uri("/").rstrip("/")
