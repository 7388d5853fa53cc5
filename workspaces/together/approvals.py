"""Standing by an answer: approving it, taking that back, and finding what was approved."""

from __future__ import annotations

from functools import partial

from django.contrib.postgres.search import SearchQuery, SearchRank, SearchVector
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis import progress
from analysis.errors import UserError
from analysis.models import Answer, Question
from workspaces.access import questions_for
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Member, NotificationKind
from workspaces.together.notify import notify


@transaction.atomic
def answer_approve(answer: Answer, *, by: Member, approved: bool = True) -> None:
    """Have the member stand by the answer, or take back that anybody does. Raises UserError nothing_to_approve.

    It is this answer that is approved and not its question: another run of that has to be approved for itself.
    """
    if answer.open or not answer.text:
        raise UserError(_("There is no finished answer to approve."), code="nothing_to_approve", status=409)
    rows = Answer.objects.filter(pk=answer.pk, approved_at__isnull=approved)
    changed = rows.update(approved_at=timezone.now() if approved else None, approved_by=by.user if approved else None)
    answer.refresh_from_db(fields=["approved_at", "approved_by"])
    if not changed:
        return
    action = Action.ANSWER_APPROVED if approved else Action.ANSWER_UNAPPROVED
    record(action, answer, workspace=by.workspace, question=str(answer.question_id))
    if approved:
        notify([answer.question.asker_id], NotificationKind.APPROVED, actor=by.user, question=answer.question)
    announce_answer(answer)


def announce_answer(answer: Answer) -> None:
    """Tell open pages that the card of this answer should be drawn again."""
    stream = progress.workspace_stream(answer.question.workspace_id)
    place = {"question": str(answer.question_id), "answer": str(answer.pk)}
    transaction.on_commit(partial(progress.emit, stream, "answer", place, keep=1000))


def approved_answers(member: Member, words: str, *, limit: int) -> list[Answer]:
    """Return the approved answers that the member sees and that have the words, in themselves or their question."""
    query = SearchQuery(words, search_type="websearch", config="english")
    vector = SearchVector("question__text", weight="A", config="english") + SearchVector("text", config="english")
    answers = Answer.objects.filter(approved_at__isnull=False, question__in=questions_for(member).order_by())
    found = answers.annotate(words=vector, rank=SearchRank(vector, query)).filter(words=query)
    return list(found.select_related("question", "approved_by").order_by("-rank", "-approved_at")[:limit])


def asked_with(questions: QuerySet[Question], words: str, *, approved: bool) -> QuerySet[Question]:
    """Return those of the questions that have the words, in themselves or an answer; approved: by which all stand."""
    answers = Answer.objects.filter(question=OuterRef("pk"))
    if approved:
        answers = answers.filter(approved_at__isnull=False)
        questions = questions.filter(Exists(answers))
    if words:
        query = SearchQuery(words, search_type="websearch", config="english")
        said = answers.annotate(words=SearchVector("text", config="english")).filter(words=query)
        questions = questions.annotate(words=SearchVector("text", config="english"))
        questions = questions.filter(Q(words=query) | Exists(said))
    return questions
