"""Putting a question: its row, its first answer, and the answer's way to a worker. And stopping one."""

from __future__ import annotations

import functools
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Max, Q
from django.utils import timezone

from analysis import progress
from analysis.answer import material
from analysis.answer.alternatives import Wanted, plan_or_advise
from analysis.answer.precedence import queue_of
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Document, Purpose, Question
from analysis.models.answer import OPEN_STATUSES
from analysis.types import Mode
from workspaces.models import User, Workspace

LONGEST_QUESTION = 10_000  # characters
STOP_SECONDS = 3600  # how long a request to stop waits for the worker that has to see it


def question_ask(
    *,
    workspace: Workspace,
    user: User | None,
    text: str,
    documents: list[Document],
    mode: Mode = Mode.AUTO,
    llm: str = "",
    parent: Question | None = None,
) -> Answer:
    """Return the answer that will be written to a new question; no documents means the whole workspace.

    A follow-up without documents is put to its parent's. Raises UserError: empty_question, question_too_long,
    no_documents, unknown_llm, unknown_mode, does_not_fit.
    """
    with transaction.atomic():
        asked = question_put(workspace=workspace, user=user, text=text, documents=documents, parent=parent)
        return answer_begin(asked, checked_mode(mode), llm_get(llm))


def question_put(
    *, workspace: Workspace, user: User | None, text: str, documents: list[Document], parent: Question | None = None
) -> Question:
    """Return the new question, without an answer yet. Raises UserError: empty_question, question_too_long."""
    text = _checked_text(text)
    places = {document.workspace_id for document in documents} | ({parent.workspace_id} if parent else set())
    if places - {workspace.pk}:
        raise ValueError("a question's documents and its parent cannot be of another workspace")
    if parent is not None and not documents and not parent.across_workspace:
        documents = list(parent.documents.select_related("version"))
    asked = Question(workspace=workspace, asker=user, text=text, parent=parent, across_workspace=not documents)
    asked.save()
    asked.documents.set(documents)
    return asked


def summary_ask(*, document: Document, user: User | None, llm: str = "") -> Answer:
    """Return the answer that will hold the document's summary: the one being written now, or a new one."""
    chosen = llm_get(llm)
    with transaction.atomic():
        Document.objects.select_for_update().get(pk=document.pk)
        asked = Question.objects.filter(purpose=Purpose.SUMMARY, documents=document).order_by("created_at").first()
        if asked is None:
            asked = Question.objects.create(
                workspace=document.workspace, asker=user, purpose=Purpose.SUMMARY, text=f"Summary of {document.name}"
            )
            asked.documents.set([document])
        running = asked.answers.filter(status__in=OPEN_STATUSES).first()
        return running or answer_begin(asked, Mode.AUTO, chosen)


def answer_regenerate(question: Question, *, mode: Mode = Mode.AUTO, llm: str = "") -> Answer:
    """Return a further answer to the question; one that is still being written is stopped."""
    chosen = llm_get(llm)
    for answer in question.answers.filter(status__in=OPEN_STATUSES):
        answer_stop(answer)
    with transaction.atomic():
        return answer_begin(question, checked_mode(mode), chosen)


def answer_stop(answer: Answer) -> None:
    """Stop an answer: at once if it has not begun, else within a second, keeping what has been written."""
    rows = Answer.objects.filter(pk=answer.pk)
    unbegun = rows.filter(status__in=[AnswerStatus.WAITING, AnswerStatus.QUEUED])
    if unbegun.update(status=AnswerStatus.STOPPED, stop_requested=True, finished_at=timezone.now()):
        emit_end(answer, "done", {"status": AnswerStatus.STOPPED.value})
    elif rows.filter(status=AnswerStatus.RUNNING).update(stop_requested=True):
        # The row tells a worker that comes later; the key tells the one that is writing now.
        progress.connection().set(stop_key(answer.pk), 1, ex=STOP_SECONDS)


def release_waiting(document: Document) -> None:
    """Start the answers that waited for this document, which is ready or has failed, and for no other."""
    waiting = Answer.objects.filter(status=AnswerStatus.WAITING).filter(
        Q(question__documents=document) | Q(question__across_workspace=True, question__workspace=document.workspace_id)
    )
    for answer in waiting.select_related("question__workspace").distinct():
        release_if_ready(answer)


def release_if_ready(answer: Answer) -> None:
    """Send a waiting answer to a worker if its documents are settled, else say what it waits for."""
    holding_up = documents_waited_for(answer.question)
    if holding_up:
        names = ", ".join(document.name for document in holding_up[:3])
        more = f" and {len(holding_up) - 3} more" if len(holding_up) > 3 else ""
        message = {"stage": "waiting", "message": f"Waiting for {names}{more} to be read in", "done": 0, "total": 0}
        progress.emit(progress.answer_stream(answer.pk), "progress", message)
    elif Answer.objects.filter(pk=answer.pk, status=AnswerStatus.WAITING).update(status=AnswerStatus.QUEUED):
        enqueue(answer)


def documents_waited_for(question: Question) -> list[Document]:
    """Return the documents that must be settled first: all chosen ones; across a workspace one ready one is enough."""
    documents = list(material.chosen(question))
    waited_for = material.unsettled(documents)
    return [] if question.across_workspace and material.ready(documents) else waited_for


def enqueue(answer: Answer, *, countdown_seconds: float = 0) -> None:
    """Send the answer to a worker once the transaction is committed."""
    from analysis.tasks import run_answer

    send = functools.partial(run_answer.apply_async, args=[str(answer.pk)], queue=queue_of(answer))
    transaction.on_commit(functools.partial(send, countdown=countdown_seconds or None))


def emit_end(answer: Answer, name: str, data: dict[str, Any]) -> None:
    """Emit an answer's last event, and tell the workspace's live list. The row must be committed."""
    progress.emit(progress.answer_stream(answer.pk), name, data)
    emit_listed(answer)


def emit_listed(answer: Answer) -> None:
    """Tell the workspace's live list that this answer's question should be drawn again."""
    stream = progress.workspace_stream(answer.question.workspace_id)
    progress.emit(stream, "question", {"id": str(answer.question_id)}, keep=1000)


def stop_key(answer_id: object) -> str:
    """Return the Redis key that is there while an answer should stop."""
    return f"lectern:stop:{answer_id}"


def checked_mode(mode: Mode | str) -> Mode:
    """Return the mode. Raises UserError unknown_mode."""
    try:
        return Mode(mode)
    except ValueError:
        known = ", ".join(known.value for known in Mode)
        raise UserError(f"There is no mode {str(mode)[:40]!r}. You can use: {known}.", code="unknown_mode") from None


def _checked_text(text: str) -> str:
    text = text.replace("\x00", "").strip()
    if not text:
        raise UserError("Write a question first.", code="empty_question")
    if len(text) > LONGEST_QUESTION:
        raise UserError(
            f"A question can be {LONGEST_QUESTION:,} characters long; this one has {len(text):,}. "
            "Longer text can be uploaded as a document.",
            code="question_too_long",
        )
    return text


def answer_begin(question: Question, mode: Mode, llm: LLM) -> Answer:
    """Return a new answer row, on its way to a worker or waiting for its documents. Needs a transaction."""
    # The lock makes the numbers of two answers asked for at once follow each other.
    Question.objects.select_for_update().get(pk=question.pk)
    holding_up = documents_waited_for(question)
    plan = {} if holding_up else _plan(question, mode, llm)
    answer = Answer.objects.create(
        question=question,
        number=(question.answers.aggregate(last=Max("number"))["last"] or 0) + 1,
        mode_requested=mode,
        mode=plan.get("mode", ""),
        llm=llm.id,
        plan=plan,
        status=AnswerStatus.WAITING if holding_up else AnswerStatus.QUEUED,
    )
    if holding_up:
        # Only once the row can be seen: a document that became ready meanwhile has looked for it in vain.
        transaction.on_commit(functools.partial(release_if_ready, answer))
    else:
        enqueue(answer)
    transaction.on_commit(functools.partial(emit_listed, answer))
    return answer


def _plan(question: Question, mode: Mode, llm: LLM) -> dict[str, Any]:
    documents = list(material.chosen(question))
    if question.purpose == Purpose.SUMMARY:
        from analysis.answer.summary import plan_summary

        return asdict(plan_summary(documents[0], llm))
    wanted = Wanted(question.workspace, question.text, documents, question.parent)
    return asdict(plan_or_advise(wanted, mode, llm))
