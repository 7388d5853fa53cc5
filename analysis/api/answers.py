"""What questions and summaries have in common: their latest answer, its events, stopping it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404

from analysis.answer.ask import answer_stop
from analysis.models import Answer, Purpose
from workspaces.access import Viewer, get_question_or_404
from workspaces.models import Role


def answer_of(
    viewer: Viewer,
    question_id: UUID,
    *,
    role: Role = Role.VIEWER,
    purpose: Purpose | None = None,
    number: int | None = None,
) -> Answer:
    """Return the question's latest answer, or its answer `number`; raises as `get_question_or_404`.

    purpose: what the question must be; either will do by default.
    """
    question = get_question_or_404(viewer, question_id, role=role)
    answers = question.answers.order_by("-number")
    answer = (answers if number is None else answers.filter(number=number)).first()
    if answer is None or (purpose is not None and question.purpose != purpose):
        raise Http404
    answer.question = question
    return answer


def asked_payload(answer: Answer, *others: Answer) -> dict[str, Any]:
    """Return what someone who has asked needs to go on: the ids, and the plan if there is one yet.

    others: the further answers to the same question, when several language models were asked.
    """
    begun = [_begun(each) for each in (answer, *others)]
    return {"id": answer.question_id, **begun[0], "answers": begun}


def _begun(answer: Answer) -> dict[str, Any]:
    return {
        "answer_id": answer.pk,
        "number": answer.number,
        "llm": answer.llm,
        "status": answer.status,
        "plan": answer.plan or None,
    }


def stop(answer: Answer) -> dict[str, Any]:
    """Stop the answer and return where it stands; a finished one is left as it is."""
    if answer.open:
        answer_stop(answer)
        answer.refresh_from_db(fields=["status"])
    return {"id": answer.question_id, "answer_id": answer.pk, "status": answer.status}
