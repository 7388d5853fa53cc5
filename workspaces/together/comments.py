"""What can be done with comments, each in one transaction. Who may do it is decided before, in access.py."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis import progress
from analysis.errors import UserError
from analysis.models import Document, DocumentVersion, Question
from analysis.types import Span
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.hooks.events import HookEvent
from workspaces.hooks.outbox import tell
from workspaces.models import Comment, Member, Notification, NotificationKind, User
from workspaces.together.audience import Subject, person_who_sees
from workspaces.together.mentions import mentioned_in
from workspaces.together.notify import notify

LONGEST_COMMENT = 10_000  # characters


@transaction.atomic
def comment_write(
    *,
    author: Member,
    subject: Subject,
    text: str,
    version: DocumentVersion | None = None,
    span: Span | None = None,
    assignee: User | None = None,
) -> Comment:
    """Return a new comment on `subject`, which begins a thread. version, span: the place of a document that is meant.

    Raises UserError: empty_comment, comment_too_long, unseen_mention, unseen_assignee, no_span.
    """
    comment = Comment(workspace_id=author.workspace_id, author=author.user, text=_checked(text), **_on(subject))
    if version is not None and span is not None:
        if span.end_char > version.characters or span.start_char >= span.end_char:
            raise UserError(_("This is no place in the text."), code="no_span")
        comment.version, comment.start_char, comment.end_char = version, *span
    comment.save()
    told = _mention(comment, subject)
    asker = None if isinstance(subject, Document) else _question_of(comment).asker_id
    if asker is not None and asker not in told:
        notify([asker], NotificationKind.COMMENTED, actor=author.user, comment=comment)
    if assignee is not None:
        comment_assign(comment, assignee, by=author.user)
    tell(HookEvent.COMMENT_CREATED, comment, author.workspace_id, actor=author.user.email)
    _announce(comment)
    return comment


@transaction.atomic
def comment_reply(parent: Comment, *, author: Member, text: str) -> Comment:
    """Return a reply in the thread of `parent`; who takes part in it is told. Raises as `comment_write`."""
    first = _first(parent)
    comment = Comment(
        workspace_id=first.workspace_id, author=author.user, text=_checked(text), parent=first, **_on(subject_of(first))
    )
    comment.save()
    told = _mention(comment, subject_of(first))
    part = {first.author_id, first.assignee_id, *first.replies.values_list("author", flat=True)} - {None} - told
    notify(part, NotificationKind.REPLIED, actor=author.user, comment=comment)
    tell(HookEvent.COMMENT_CREATED, comment, author.workspace_id, actor=author.user.email)
    _announce(comment)
    return comment


@transaction.atomic
def comment_edit(comment: Comment, text: str) -> None:
    """Change a comment's words; who is newly named in it is told. Raises as `comment_write`."""
    comment.text, comment.edited_at = _checked(text), timezone.now()
    comment.save(update_fields=["text", "edited_at"])
    _mention(comment, subject_of(comment))
    _announce(comment)


@transaction.atomic
def comment_delete(comment: Comment, *, by: User) -> None:
    """Take a comment away. One with replies leaves its place empty, so that these still answer something."""
    if comment.author_id != by.pk:
        record(Action.COMMENT_DELETED, comment, workspace=comment.workspace, author=str(comment.author or ""))
    _announce(comment)
    if comment.parent_id is None and comment.replies.exists():
        Notification.objects.filter(comment=comment).delete()
        comment.mentioned.clear()
        comment.text = ""
        comment.save(update_fields=["text"])
        return
    comment.delete()
    if comment.parent is not None:
        Comment.objects.filter(pk=comment.parent.pk, text="", replies=None).delete()


@transaction.atomic
def comment_assign(comment: Comment, assignee: User | None, *, by: User) -> None:
    """Have a person see to the thread, or nobody. Raises UserError unseen_assignee."""
    if assignee is not None:
        person_who_sees(subject_of(comment), assignee.email)
    Comment.objects.filter(pk=comment.pk).update(assignee=assignee)
    comment.assignee = assignee
    if assignee is not None:
        notify([assignee.pk], NotificationKind.ASSIGNED, actor=by, comment=comment)
    _announce(comment)


@transaction.atomic
def comment_resolve(comment: Comment, *, by: User, resolved: bool) -> None:
    """Mark the thread as settled, or open it again."""
    rows = Comment.objects.filter(pk=comment.pk, resolved_at__isnull=resolved)
    changed = rows.update(resolved_at=timezone.now() if resolved else None, resolved_by=by if resolved else None)
    if changed and resolved:
        part = {comment.author_id, comment.assignee_id} - {None}
        notify(part, NotificationKind.RESOLVED, actor=by, comment=comment)
    if changed:
        _announce(comment)


def subject_of(comment: Comment) -> Subject:
    """Return what the comment is on."""
    subject = comment.document or comment.answer or comment.question
    assert subject is not None, "a comment is on one thing"  # noqa: S101
    return subject


def _on(subject: Subject) -> dict[str, Any]:
    return {(subject._meta.model_name or ""): subject}


def _question_of(comment: Comment) -> Question:
    question = comment.answer.question if comment.answer else comment.question
    assert question is not None, "what is on no document is on a question"  # noqa: S101
    return question


def _first(comment: Comment) -> Comment:
    return comment.parent or comment


def _checked(text: str) -> str:
    text = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise UserError(_("Write a comment first."), code="empty_comment")
    if len(text) > LONGEST_COMMENT:
        words = _("A comment can be %(most)s characters long; this one has %(length)s.")
        sizes = {"most": f"{LONGEST_COMMENT:,}", "length": f"{len(text):,}"}
        raise UserError(words % sizes, code="comment_too_long")
    return text


def _mention(comment: Comment, subject: Subject) -> set[int]:
    """Keep who is named in the comment, tell those who were not before, and return all of them."""
    named = {member.user_id for member in mentioned_in(comment.text, subject)}
    before = set(comment.mentioned.values_list("pk", flat=True))
    comment.mentioned.set(named)
    notify(named - before, NotificationKind.MENTIONED, actor=comment.author, comment=comment)
    return named


def _announce(comment: Comment) -> None:
    """Tell open pages that the comments on this have changed."""
    question = None if comment.document_id else _question_of(comment).pk
    place = {"document": _text(comment.document_id), "question": _text(question)}
    stream = progress.workspace_stream(comment.workspace_id)
    transaction.on_commit(partial(progress.emit, stream, "comment", place, keep=1000))


def _text(id: object) -> str | None:
    return str(id) if id else None
