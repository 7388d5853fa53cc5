"""Telling people what happened, in the page: who is told, what they have not read yet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.utils import timezone

from analysis import progress
from analysis.models import Answer, Document, Question
from workspaces.models import Comment, Notification, NotificationKind, User
from workspaces.together.audience import Subject, people_who_see
from workspaces.together.presence import is_here, places_of

AWAITED_SECONDS = 24 * 3600


def notify(
    users: Iterable[int | None],
    kind: NotificationKind,
    *,
    actor: User | None,
    comment: Comment | None = None,
    question: Question | None = None,
) -> None:
    """Tell the people with these ids, but for who does it and whoever does not see what it is about.

    comment, question: what it is about, one of them.
    """
    wanted = {each for each in users if each is not None and (actor is None or each != actor.pk)}
    if not wanted:
        return
    about = _about(comment, question)
    told = wanted & people_who_see(about).keys()
    workspace_id = about.question.workspace_id if isinstance(about, Answer) else about.workspace_id
    Notification.objects.bulk_create(
        Notification(
            user_id=each, workspace_id=workspace_id, kind=kind, actor=actor, comment=comment,
            question=_question(about), document=about if isinstance(about, Document) else None,
        )
        for each in sorted(told)
    )  # fmt: skip
    if told:
        _ring(workspace_id, told)


def _about(comment: Comment | None, question: Question | None) -> Subject:
    about = (comment.document or comment.answer or comment.question) if comment else question
    assert about is not None, "a notification is about something"  # noqa: S101
    return about


def _question(about: Subject) -> Question | None:
    return about.question if isinstance(about, Answer) else about if isinstance(about, Question) else None


def _ring(workspace_id: int, users: Iterable[int]) -> None:
    """Have the bells on the open pages of these people drawn again."""
    stream = progress.workspace_stream(workspace_id)
    transaction.on_commit(partial(progress.emit, stream, "notified", {"users": sorted(users)}, keep=1000))


def mark_read(notifications: Iterable[Notification]) -> None:
    """Mark what was not read before as read now."""
    Notification.objects.filter(pk__in=[each.pk for each in notifications], read_at=None).update(read_at=timezone.now())


def await_answer(answer: Answer, user: User) -> None:
    """Remember that the person asked on a page: when it is done and they have left, they are told."""
    progress.connection().set(_awaited(answer), user.pk, ex=AWAITED_SECONDS)


def answer_is_done(answer: Answer) -> None:
    """Tell who asked on a page, if they have left every page that shows the answer. To be called once it has ended."""
    asker = progress.connection().getdel(_awaited(answer))
    if asker is None or any(is_here(place, int(asker)) for place in places_of(answer.question)):
        return
    notify([int(asker)], NotificationKind.ANSWERED, actor=None, question=answer.question)


def _awaited(answer: Answer) -> str:
    return f"lectern:awaited:{answer.pk}"
