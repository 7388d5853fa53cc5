"""Keeping a question to oneself, and sharing it."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from analysis.errors import UserError
from analysis.models import Answer, Purpose, Question
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Comment, Notification, User
from workspaces.together.approvals import announce_answer


@transaction.atomic
def question_share(question: Question, *, by: User, shared: bool) -> None:
    """Let others see the question, or nobody but its asker; raises UserError not_the_asker, taken_up.

    What others have worked with cannot be taken from them: once somebody else has commented on it, approved an answer
    or asked on, it stays shared.
    """
    Question.objects.select_for_update().get(pk=question.pk)
    if question.asker_id != by.pk or question.purpose != Purpose.QUESTION:
        raise UserError(_("Only who asked can do that."), code="not_the_asker", status=403)
    if question.shared == shared:
        return
    if not shared and _taken_up(question, by):
        raise UserError(_("Others have worked with this question: it stays shared."), code="taken_up", status=409)
    Question.objects.filter(pk=question.pk).update(shared=shared)
    question.shared = shared
    if not shared:
        Notification.objects.filter(question=question).exclude(user=by).delete()
    action = Action.QUESTION_SHARED if shared else Action.QUESTION_UNSHARED
    record(action, question, workspace=question.workspace, by=by)
    for answer in question.answers.all():
        announce_answer(answer)


def may_unshare(question: Question, user: User) -> bool:
    """Return whether the person could keep the question to themselves again."""
    return question.asker_id == user.pk and question.purpose == Purpose.QUESTION and not _taken_up(question, user)


def _taken_up(question: Question, by: User) -> bool:
    comments = Comment.objects.filter(Q(question=question) | Q(answer__question=question)).exclude(author=by)
    approved = Answer.objects.filter(question=question, approved_at__isnull=False).exclude(approved_by=by)
    return comments.exists() or approved.exists() or question.follow_ups.exclude(asker=by).exists()
