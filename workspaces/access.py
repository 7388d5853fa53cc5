"""Who may see what. Every read by a person goes through here; the workspace is in the query, not checked after it.

What a person may not see does not exist for them (404). What they may see but not do is refused (403).
A request made with an API token that is bound to one workspace sees that workspace only: `Viewer.workspace_id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from analysis.models import Answer, Document, Question
from workspaces.models import Member, Role, User, Workspace


@dataclass(frozen=True)
class Viewer:
    """Whoever asks: a person, and the one workspace their token is bound to, if it is."""

    user: User
    workspace_id: int | None = None


def _viewer(who: User | Viewer) -> Viewer:
    return who if isinstance(who, Viewer) else Viewer(user=who)


def memberships_for(who: User | Viewer) -> QuerySet[Member]:
    """Return the person's places, personal workspace first, then by name."""
    viewer = _viewer(who)
    places = Member.objects.filter(user_id=viewer.user.pk).select_related("workspace", "user")
    if viewer.workspace_id is not None:
        places = places.filter(workspace_id=viewer.workspace_id)
    return places.order_by("-workspace__personal", "workspace__name", "pk")


def member_or_404(who: User | Viewer, slug: str, *, role: Role = Role.VIEWER) -> Member:
    """Return the person's place in workspace `slug`.

    Raises Http404 to an outsider, PermissionDenied to a member below `role`.
    """
    member = memberships_for(who).filter(workspace__slug=slug).first()
    return _allowed(member, role)


def member_of(who: User | Viewer, workspace: Workspace, *, role: Role = Role.VIEWER) -> Member:
    """Return the person's place in `workspace`; raises as `member_or_404`."""
    return _allowed(memberships_for(who).filter(workspace=workspace).first(), role)


def _allowed(member: Member | None, role: Role) -> Member:
    if member is None:
        raise Http404
    if not member.may(role):
        raise PermissionDenied(f"This needs the role of {role.label.lower()} in this workspace.")
    return member


def documents_for(member: Member) -> QuerySet[Document]:
    """Return the documents of the member's workspace, newest first."""
    return Document.objects.filter(workspace_id=member.workspace_id).order_by("-uploaded_at", "-pk")


def questions_for(member: Member) -> QuerySet[Question]:
    """Return the questions and summaries of the member's workspace, newest first."""
    return Question.objects.filter(workspace_id=member.workspace_id).order_by("-created_at", "-pk")


def get_document_or_404(who: User | Viewer, document_id: UUID, *, role: Role = Role.VIEWER) -> Document:
    """Return the document with its workspace and current version; raises as `member_or_404`."""
    document = (
        Document.objects.filter(pk=document_id, workspace__in=memberships_for(who).order_by().values("workspace"))
        .select_related("workspace", "version")
        .first()
    )
    if document is None:
        raise Http404
    if role is not Role.VIEWER:
        member_of(who, document.workspace, role=role)
    return document


def get_question_or_404(who: User | Viewer, question_id: UUID, *, role: Role = Role.VIEWER) -> Question:
    """Return the question with its workspace; raises as `member_or_404`."""
    question = (
        Question.objects.filter(pk=question_id, workspace__in=memberships_for(who).order_by().values("workspace"))
        .select_related("workspace", "asker")
        .first()
    )
    if question is None:
        raise Http404
    if role is not Role.VIEWER:
        member_of(who, question.workspace, role=role)
    return question


def get_answer_or_404(who: User | Viewer, answer_id: UUID, *, role: Role = Role.VIEWER) -> Answer:
    """Return the answer with its question and workspace; raises as `member_or_404`."""
    answer = (
        Answer.objects.filter(pk=answer_id, question__workspace__in=memberships_for(who).order_by().values("workspace"))
        .select_related("question__workspace", "question__asker")
        .first()
    )
    if answer is None:
        raise Http404
    if role is not Role.VIEWER:
        member_of(who, answer.question.workspace, role=role)
    return answer
