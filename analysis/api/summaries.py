"""Summaries: questions that Lectern puts, with the same answers, events and stopping."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import JsonResponse
from django.http.response import HttpResponseBase
from ninja import Router, Status

from analysis.answer.ask import repository_summary_ask, summary_ask
from analysis.answer.payload import answer_payload
from analysis.api.answers import answer_of, asked_payload, stop
from analysis.api.auth import ApiRequest
from analysis.api.events import events_response
from analysis.api.questions import EVENTS
from analysis.api.repository_schemas import RepositorySummaryIn
from analysis.api.responses import responses
from analysis.api.schemas import AnswerOut, AskedOut, StoppedOut, SummaryIn
from analysis.models import Purpose
from workspaces.access import get_document_or_404, get_repository_or_404
from workspaces.models import Role

router = Router(tags=["Summaries"])


@router.post("/documents/{uuid:document_id}/summaries", response=responses(202, AskedOut, 403))
def ask_summary(request: ApiRequest, document_id: UUID, asked: SummaryIn) -> Status[Any]:
    """Starts a summary of the document; it is written in the background like an answer."""
    document = get_document_or_404(request.auth, document_id, role=Role.REVIEWER)
    return Status(202, asked_payload(summary_ask(document=document, user=request.auth.user, llm=asked.llm)))


@router.post("/repositories/{uuid:repository_id}/summaries", response=responses(202, AskedOut, 403))
def ask_repository_summary(request: ApiRequest, repository_id: UUID, asked: RepositorySummaryIn) -> Status[Any]:
    """Starts a summary of the repository, or of the folder or file `path` of it; written in the background."""
    repository = get_repository_or_404(request.auth, repository_id, role=Role.REVIEWER)
    user = request.auth.user
    answer = repository_summary_ask(repository=repository, user=user, path=asked.path, llm=asked.llm)
    return Status(202, asked_payload(answer))


@router.get("/summaries/{uuid:summary_id}", response=responses(200, AnswerOut))
def get_summary(request: ApiRequest, summary_id: UUID) -> JsonResponse:
    """The summary: sentences, checked citations, receipt."""
    return JsonResponse(answer_payload(answer_of(request.auth, summary_id, purpose=Purpose.SUMMARY)))


@router.get("/summaries/{uuid:summary_id}/events", response=responses(200, None), openapi_extra=EVENTS)
async def follow_summary(request: ApiRequest, summary_id: UUID) -> HttpResponseBase:
    """The summary as it is written, as server-sent events, like those of a question."""
    return await events_response(request, summary_id, purpose=Purpose.SUMMARY)


@router.post("/summaries/{uuid:summary_id}/stop", response=responses(200, StoppedOut, 403))
def stop_summary(request: ApiRequest, summary_id: UUID) -> dict[str, Any]:
    """Stops the language model; what was written so far is kept and checked."""
    return stop(answer_of(request.auth, summary_id, role=Role.REVIEWER, purpose=Purpose.SUMMARY))
