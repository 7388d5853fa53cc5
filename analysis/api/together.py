"""Working together: comments and their threads, approving answers, sharing questions, notifications."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from analysis.api.answers import answer_of
from analysis.api.auth import ApiRequest
from analysis.api.responses import Limit, Number, Offset, page_of, responses
from analysis.api.schemas import Text
from analysis.errors import UserError
from analysis.models import Document, DocumentVersion, Question
from analysis.types import Span
from workspaces.access import (
    get_comment_or_404,
    get_document_or_404,
    get_question_or_404,
    member_of,
    memberships_for,
    notifications_for,
)
from workspaces.models import Comment, Member, Notification, Role, User
from workspaces.together.approvals import answer_approve
from workspaces.together.audience import Subject, person_who_sees
from workspaces.together.comments import (
    LONGEST_COMMENT,
    comment_assign,
    comment_delete,
    comment_edit,
    comment_reply,
    comment_resolve,
    comment_write,
    subject_of,
)
from workspaces.together.news import News
from workspaces.together.notify import mark_read
from workspaces.together.sharing import question_share
from workspaces.together.threads import Remark, Talk

router = Router(tags=["Working together"])

Words = Annotated[Text, Field(max_length=LONGEST_COMMENT)]
Unread = Annotated[bool, Query(False)]


class CommentIn(Schema):
    """A comment. start_char, end_char: the place of the current version that is meant; both or none.

    `@address` in the text names a member, who is told. assignee: the address of who is to see to it.
    """

    model_config = ConfigDict(extra="forbid")

    text: Words
    start_char: Annotated[int | None, Field(ge=0)] = None
    end_char: Annotated[int | None, Field(ge=0)] = None
    assignee: Text = ""


class AnswerCommentIn(Schema):
    """A comment on a question, or on its answer `number`."""

    model_config = ConfigDict(extra="forbid")

    text: Words
    number: Number | None = None
    assignee: Text = ""


class ReplyIn(Schema):
    model_config = ConfigDict(extra="forbid")

    text: Words


class CommentChangeIn(Schema):
    """What to change; what is not named stays. text: one's own only. assignee: "" for nobody."""

    model_config = ConfigDict(extra="forbid")

    text: Words | None = None
    resolved: bool | None = None
    assignee: Text | None = None


class ApprovalIn(Schema):
    model_config = ConfigDict(extra="forbid")

    approved: bool = True
    number: Number | None = None


class SharingIn(Schema):
    model_config = ConfigDict(extra="forbid")

    shared: bool


class CommentOut(Schema):
    """A comment. text: "" for one that was deleted and has replies. quote: the beginning of the words it is about."""

    id: UUID
    author: str | None
    text: str
    mentioned: list[str]
    assignee: str | None
    answer_number: int | None
    start_char: int | None
    end_char: int | None
    version: int | None
    page_number: int | None
    lines: str
    quote: str
    created_at: datetime
    edited_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    replies: list[CommentOut]


class ApprovedOut(Schema):
    id: UUID
    answer_id: UUID
    number: int
    approved_at: datetime | None
    approved_by: str | None


class SharedOut(Schema):
    id: UUID
    shared: bool


class NotificationOut(Schema):
    id: int
    kind: str
    sentence: str
    workspace: str
    actor: str | None
    document_id: UUID | None
    question_id: UUID | None
    comment_id: UUID | None
    created_at: datetime
    read_at: datetime | None


class NotificationPage(Schema):
    items: list[NotificationOut]
    count: int


@router.get("/documents/{uuid:document_id}/comments", response=responses(200, list[CommentOut]))
def list_document_comments(request: ApiRequest, document_id: UUID) -> list[dict[str, Any]]:
    """What was said about the document and places in it: threads, oldest first, each with its replies."""
    document = get_document_or_404(request.auth, document_id)
    return _threads(document, member_of(request.auth, document.workspace))


@router.post("/documents/{uuid:document_id}/comments", response=responses(201, CommentOut, 403))
def comment_document(request: ApiRequest, document_id: UUID, said: CommentIn) -> Status[Any]:
    """Comments on the document, or on a place in its current version. Needs the role of reviewer."""
    document = get_document_or_404(request.auth, document_id, role=Role.REVIEWER)
    member = member_of(request.auth, document.workspace)
    version, span = _place(document, said)
    who = _person(document, said.assignee)
    made = comment_write(author=member, subject=document, text=said.text, version=version, span=span, assignee=who)
    return Status(201, _one(made, document, member))


@router.get("/questions/{uuid:question_id}/comments", response=responses(200, list[CommentOut]))
def list_question_comments(request: ApiRequest, question_id: UUID) -> list[dict[str, Any]]:
    """What was said about the question and its answers: threads, oldest first, each with its replies."""
    question = get_question_or_404(request.auth, question_id)
    return _threads(question, member_of(request.auth, question.workspace))


@router.post("/questions/{uuid:question_id}/comments", response=responses(201, CommentOut, 403))
def comment_question(request: ApiRequest, question_id: UUID, said: AnswerCommentIn) -> Status[Any]:
    """Comments on the question, or with `number` on that answer to it. Needs the role of reviewer."""
    question = get_question_or_404(request.auth, question_id, role=Role.REVIEWER)
    member = member_of(request.auth, question.workspace)
    subject: Subject = answer_of(request.auth, question_id, number=said.number) if said.number else question
    who = _person(subject, said.assignee)
    made = comment_write(author=member, subject=subject, text=said.text, assignee=who)
    return Status(201, _one(made, question, member))


@router.post("/comments/{uuid:comment_id}/replies", response=responses(201, CommentOut, 403))
def reply_to_comment(request: ApiRequest, comment_id: UUID, said: ReplyIn) -> Status[Any]:
    """Answers in the comment's thread; gives the thread. Needs the role of reviewer."""
    comment, member = _found(request, comment_id)
    comment_reply(comment, author=member, text=said.text)
    return Status(201, _thread_of(comment, member))


@router.patch("/comments/{uuid:comment_id}", response=responses(200, CommentOut, 403))
def change_comment(request: ApiRequest, comment_id: UUID, change: CommentChangeIn) -> dict[str, Any]:
    """Changes one's own words, settles the thread or opens it again, gives it to somebody; gives the thread."""
    comment, member = _found(request, comment_id)
    first = comment.parent or comment
    if change.text is not None:
        if comment.author_id != member.user_id:
            raise UserError("Only who wrote a comment can change its words.", code="not_the_author", status=403)
        comment_edit(comment, change.text)
    if change.assignee is not None:
        comment_assign(first, _person(subject_of(first), change.assignee), by=member.user)
    if change.resolved is not None:
        comment_resolve(first, by=member.user, resolved=change.resolved)
    return _thread_of(comment, member)


@router.delete("/comments/{uuid:comment_id}", response=responses(204, None, 403))
def delete_comment(request: ApiRequest, comment_id: UUID) -> HttpResponse:
    """Takes away one's own comment, or as an admin anybody's."""
    comment, member = _found(request, comment_id)
    if comment.author_id != member.user_id and not member.may(Role.ADMIN):
        raise UserError("Only who wrote a comment, or an admin, can delete it.", code="not_the_author", status=403)
    comment_delete(comment, by=member.user)
    return HttpResponse(status=204)


@router.put("/questions/{uuid:question_id}/approval", response=responses(200, ApprovedOut, 403, 409))
def approve_answer(request: ApiRequest, question_id: UUID, approval: ApprovalIn) -> dict[str, Any]:
    """Stands by the latest answer, or answer `number`, or takes that back. Needs the role of reviewer."""
    answer = answer_of(request.auth, question_id, role=Role.REVIEWER, number=approval.number)
    answer_approve(answer, by=member_of(request.auth, answer.question.workspace), approved=approval.approved)
    return {
        "id": answer.question_id,
        "answer_id": answer.pk,
        "number": answer.number,
        "approved_at": answer.approved_at,
        "approved_by": _address(answer.approved_by),
    }


@router.put("/questions/{uuid:question_id}/sharing", response=responses(200, SharedOut, 403, 409))
def share_question(request: ApiRequest, question_id: UUID, sharing: SharingIn) -> dict[str, Any]:
    """Shares a question of one's own, or keeps it to oneself until others have worked with it."""
    question = get_question_or_404(request.auth, question_id)
    question_share(question, by=request.auth.user, shared=sharing.shared)
    return {"id": question.pk, "shared": question.shared}


@router.get("/notifications", response=responses(200, NotificationPage))
def list_notifications(
    request: ApiRequest, unread: Unread = False, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """What the caller was told of and may still see, newest first; `unread` keeps to what was not looked at."""
    rows = notifications_for(memberships_for(request.auth))
    return page_of(rows.filter(read_at=None) if unread else rows, limit, offset, _told)


@router.post("/notifications/read", response=responses(204, None))
def read_notifications(request: ApiRequest) -> HttpResponse:
    """Marks all notifications of the caller as read."""
    mark_read(notifications_for(memberships_for(request.auth)).filter(read_at=None))
    return HttpResponse(status=204)


def _found(request: ApiRequest, comment_id: UUID) -> tuple[Comment, Member]:
    comment = get_comment_or_404(request.auth, comment_id, role=Role.REVIEWER)
    return comment, member_of(request.auth, comment.workspace)


def _place(document: Document, said: CommentIn) -> tuple[DocumentVersion | None, Span | None]:
    if said.start_char is None or said.end_char is None:
        return None, None
    return document.version, Span(said.start_char, said.end_char)


def _person(subject: Subject, address: str) -> User | None:
    return person_who_sees(subject, address) if address else None


def _threads(subject: Document | Question, member: Member) -> list[dict[str, Any]]:
    return [_payload(each) for each in Talk(subject, member).remarks]


def _thread_of(comment: Comment, member: Member) -> dict[str, Any]:
    question = comment.answer.question if comment.answer else comment.question
    subject = comment.document or question
    assert subject is not None, "a comment is on one thing"  # noqa: S101
    return _one(comment.parent or comment, subject, member)


def _one(comment: Comment, subject: Document | Question, member: Member) -> dict[str, Any]:
    """Return the thread that the comment began."""
    return next(_payload(each) for each in Talk(subject, member).remarks if each.comment.pk == comment.pk)


def _payload(remark: Remark) -> dict[str, Any]:
    row = remark.comment
    same = ("id", "text", "start_char", "end_char", "created_at", "edited_at", "resolved_at")
    return {name: getattr(row, name) for name in same} | {
        "author": _address(row.author),
        "mentioned": sorted(user.email for user in row.mentioned.all()),
        "assignee": _address(row.assignee),
        "answer_number": row.answer.number if row.answer else None,
        "version": row.version.number if row.version else None,
        "page_number": remark.page_number,
        "lines": remark.lines,
        "quote": remark.quote,
        "resolved_by": _address(row.resolved_by),
        "replies": [_payload(each) for each in remark.replies],
    }


def _told(row: Notification) -> dict[str, Any]:
    same = ("id", "kind", "document_id", "question_id", "comment_id", "created_at", "read_at")
    return {name: getattr(row, name) for name in same} | {
        "sentence": News(row).sentence,
        "workspace": row.workspace.slug,
        "actor": _address(row.actor),
    }


def _address(user: User | None) -> str | None:
    return user.email if user else None
