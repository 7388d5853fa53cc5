"""Questions: what reading will take, asking, the answer, its events, stopping, asking again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Subquery
from django.http import JsonResponse
from django.http.response import HttpResponseBase
from ninja import Query, Router, Status

from analysis.answer.alternatives import Wanted, plan_or_advise
from analysis.answer.ask import answer_regenerate, checked_path, question_ask
from analysis.answer.compare import question_compare
from analysis.answer.material import scope_for
from analysis.answer.payload import answer_payload
from analysis.api.answers import answer_of, asked_payload, stop
from analysis.api.auth import ApiRequest
from analysis.api.chosen import chosen_folders, chosen_repositories
from analysis.api.documents import chosen_documents
from analysis.api.events import events_response
from analysis.api.responses import Limit, Number, Offset, page_of, produces, responses
from analysis.api.schemas import (
    AgainIn,
    AnswerOut,
    AskedOut,
    PlanIn,
    PlanOut,
    QuestionIn,
    QuestionPage,
    StoppedOut,
    Text,
)
from analysis.llm.registry import llm_get
from analysis.models import Answer, Question
from workspaces.access import get_question_or_404, member_or_404, questions_for
from workspaces.models import Member, Role
from workspaces.together.approvals import asked_with

router = Router(tags=["Questions"])

EVENTS = produces("text/event-stream", "Events: progress, reasoning, finding, token, answer, then done or failed.")


def put_to(member: Member, asked: PlanIn) -> dict[str, Any]:
    """Return the documents, repositories, folders and path that a question is put to; raises Http404 and as
    `checked_path`."""
    repositories = chosen_repositories(member, asked.repository_ids)
    return {
        "documents": chosen_documents(member, asked.document_ids),
        "repositories": repositories,
        "folders": chosen_folders(member, asked.folder_ids),
        "path": checked_path(repositories, asked.path),
    }


@router.post("/workspaces/{slug:slug}/plan", response=responses(200, PlanOut))
def plan_question(request: ApiRequest, slug: str, asked: PlanIn) -> dict[str, Any]:
    """How documents and repositories would be read for this question: mode and why, tokens, cost, time. Nothing is
    run."""
    member = member_or_404(request.auth, slug)
    wanted = Wanted(scope_for(member.workspace, member.user, **put_to(member, asked)), asked.text)
    return asdict(plan_or_advise(wanted, asked.mode, llm_get(asked.llm, workspace_id=member.workspace_id)))


@router.post("/workspaces/{slug:slug}/questions", response=responses(202, AskedOut, 403))
def ask_question(request: ApiRequest, slug: str, asked: QuestionIn) -> Status[Any]:
    """Puts a question to documents and repositories, or to the whole workspace when none are named.

    The answer is written in the background: follow its events, or ask for it until it is done. A question to what is
    still being read in waits for it. With `llms` each of them answers, all at the same time. `path` keeps to a folder
    or file of the one repository.
    """
    member = member_or_404(request.auth, slug, role=Role.REVIEWER)
    given: dict[str, Any] = {
        "workspace": member.workspace,
        "user": member.user,
        "text": asked.text,
        **put_to(member, asked),
        "mode": asked.mode,
        "shared": asked.shared,
        "parent": get_question_or_404(request.auth, asked.parent_id) if asked.parent_id else None,
    }
    answers = question_compare(**given, llms=asked.llms) if asked.llms else [question_ask(**given, llm=asked.llm)]
    return Status(202, asked_payload(*answers))


@router.get("/workspaces/{slug:slug}/questions", response=responses(200, QuestionPage))
def list_questions(
    request: ApiRequest,
    slug: str,
    *,
    document_id: Annotated[UUID | None, Query(None)] = None,
    repository_id: Annotated[UUID | None, Query(None)] = None,
    q: Annotated[Text, Query("", max_length=500)] = "",
    approved: Annotated[bool, Query(False)] = False,
    limit: Limit = 50,
    offset: Offset = 0,
) -> dict[str, Any]:
    """The workspace's questions and summaries, newest first; document_id and repository_id keep to those put to it.

    q: words that the question or an answer to it has; with `approved` only questions with an approved answer.
    """
    member = member_or_404(request.auth, slug)
    rows = questions_for(member)
    if document_id is not None:
        rows = rows.filter(documents__in=chosen_documents(member, [document_id]))
    if repository_id is not None:
        rows = rows.filter(repositories__in=chosen_repositories(member, [repository_id]))
    rows = asked_with(rows, q, approved=approved)
    latest = Answer.objects.filter(question=OuterRef("pk")).order_by("-number").values("status")[:1]
    rows = (
        rows.select_related("asker")
        .prefetch_related("documents", "repositories")
        .annotate(
            status=Subquery(latest),
            approved=Exists(Answer.objects.filter(question=OuterRef("pk"), approved_at__isnull=False)),
        )
    )
    return page_of(rows, limit, offset, _question_payload)


def _question_payload(question: Question) -> dict[str, Any]:
    same = ("purpose", "text", "path", "across_workspace", "shared", "approved", "created_at")
    return {name: getattr(question, name) for name in same} | {
        "id": question.pk,
        "status": getattr(question, "status"),  # noqa: B009  # annotated by the query
        "asked_by": question.asker.email if question.asker else None,
        "document_ids": [document.pk for document in question.documents.all()],
        "repository_ids": [repository.pk for repository in question.repositories.all()],
    }


@router.get("/questions/{uuid:question_id}", response=responses(200, AnswerOut))
def get_question(
    request: ApiRequest, question_id: UUID, number: Annotated[Number | None, Query(None)] = None
) -> JsonResponse:
    """The question with its latest answer, or with answer `number`: sentences, checked citations, receipt."""
    return JsonResponse(answer_payload(answer_of(request.auth, question_id, number=number)))


@router.get("/questions/{uuid:question_id}/answers", response=responses(200, list[AnswerOut]))
def list_answers(request: ApiRequest, question_id: UUID) -> JsonResponse:
    """Every answer to the question, oldest first: by other language models, in other modes, or earlier ones."""
    question = get_question_or_404(request.auth, question_id)
    answers = question.answers.select_related("question", "approved_by").order_by("number")
    return JsonResponse([answer_payload(answer) for answer in answers], safe=False)


@router.get("/questions/{uuid:question_id}/events", response=responses(200, None), openapi_extra=EVENTS)
async def follow_question(
    request: ApiRequest, question_id: UUID, number: Annotated[Number | None, Query(None)] = None
) -> HttpResponseBase:
    """The latest answer, or answer `number`, as it is written; its server-sent events end after `done` or `failed`.

    With Last-Event-ID only what came after it. `token` data is {start_char, text}: keep `answer[:start_char] + text`.
    `answer` data is what GET gives. A comment every 15 seconds says that the connection stands.
    """
    return await events_response(request, question_id, number=number)


@router.post("/questions/{uuid:question_id}/stop", response=responses(200, StoppedOut, 403))
def stop_question(request: ApiRequest, question_id: UUID) -> dict[str, Any]:
    """Stops the language model; what was written so far is kept and checked."""
    return stop(answer_of(request.auth, question_id, role=Role.REVIEWER))


@router.post("/questions/{uuid:question_id}/regenerate", response=responses(202, AskedOut, 403))
def regenerate_answer(request: ApiRequest, question_id: UUID, again: AgainIn) -> Status[Any]:
    """Answers the question anew, in another mode or by another language model; earlier answers stay."""
    question = get_question_or_404(request.auth, question_id, role=Role.REVIEWER)
    return Status(202, asked_payload(answer_regenerate(question, mode=again.mode, llm=again.llm)))
