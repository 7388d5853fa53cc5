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
    """Let others see the question, or nobody but its asker; raises UserError not_the_asker, taken_up, parent_private.

    What others have worked with cannot be taken from them: once somebody else has commented on it, approved an answer
    or asked on, it stays shared. What follows a question up shows that one's words: it is shared after it at the
    earliest, and taken back with it.
    """
    Question.objects.select_for_update().get(pk=question.pk)
    if question.asker_id != by.pk or question.purpose != Purpose.QUESTION:
        raise UserError(_("Only who asked can do that."), code="not_the_asker", status=403)
    if question.shared == shared:
        return
    if not shared and _taken_up(question, by):
        raise UserError(_("Others have worked with this question: it stays shared."), code="taken_up", status=409)
    if shared and question.parent is not None and not question.parent.shared:
        raise UserError(_("Share the question that this one follows up first."), code="parent_private", status=409)
    for each in [question] if shared else [question, *_following(question)]:
        _set(each, by=by, shared=shared)


def _set(question: Question, *, by: User, shared: bool) -> None:
    Question.objects.filter(pk=question.pk).update(shared=shared)
    question.shared = shared
    if not shared:
        Notification.objects.filter(question=question).exclude(user=by).delete()
    action = Action.QUESTION_SHARED if shared else Action.QUESTION_UNSHARED
    record(action, question, workspace=question.workspace, by=by)
    for answer in question.answers.all():
        announce_answer(answer)


def _following(question: Question) -> list[Question]:
    """Return the shared questions that follow this one up, and those that follow them."""
    found, last = [], [question]
    while last:
        last = list(Question.objects.filter(parent__in=last, shared=True).select_related("workspace"))
        found += last
    return found


def may_unshare(question: Question, user: User) -> bool:
    """Return whether the person could keep the question to themselves again."""
    return question.asker_id == user.pk and question.purpose == Purpose.QUESTION and not _taken_up(question, user)


def _taken_up(question: Question, by: User) -> bool:
    thread = [question, *_following(question)]
    comments = Comment.objects.filter(Q(question__in=thread) | Q(answer__question__in=thread)).exclude(author=by)
    approved = Answer.objects.filter(question__in=thread, approved_at__isnull=False).exclude(approved_by=by)
    return comments.exists() or approved.exists() or any(each.asker_id != by.pk for each in thread)
