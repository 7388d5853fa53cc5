"""Questions deleted, with all that was made for them."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.db.models import QuerySet

from analysis import progress
from analysis.models import Answer, Question


@transaction.atomic
def questions_delete(questions: QuerySet[Question]) -> None:
    """Delete the questions with their answers, and the answers' streams once the rows are gone."""
    ids = list(questions.order_by().values_list("pk", flat=True))
    answers = list(Answer.objects.filter(question__in=ids).values_list("pk", flat=True))
    Question.objects.filter(pk__in=ids).delete()
    for answer_id in answers:
        # Robust: a stream that stays for want of Redis is gone after a day; the rows are not to come back for it.
        transaction.on_commit(partial(_forget, progress.answer_stream(answer_id)), robust=True)


def _forget(stream: str) -> None:
    progress.forget(stream)
