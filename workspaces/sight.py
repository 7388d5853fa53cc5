"""What of a workspace a member sees, as conditions for queries: folders that are closed, and questions kept private.

Owners and admins see every folder. Others see what lies in none, in open folders, and in those closed ones that let
them in; guests see the folders that were opened to them and nothing else. Who sees a question sees all that it was put
to. A private question is seen by its asker alone, whoever else is owner or admin.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext

from analysis.errors import UserError
from analysis.models import Document, Question, Repository
from workspaces.models import Folder, FolderSight, Member


def folders_in_sight(member: Member) -> QuerySet[Folder]:
    """Return the folders that the member sees."""
    rows = Folder.objects.filter(workspace_id=member.workspace_id)
    if member.sees_all:
        return rows
    let_in = Q(pk__in=_let_into(member))
    return rows.filter(let_in if member.guest else let_in | Q(closed=False))


def in_sight(member: Member) -> Q:
    """Return the condition on rows of the member's workspace with a `folder` that the member sees them."""
    if member.sees_all:
        return Q()
    let_in = Q(folder__in=_let_into(member))
    return let_in if member.guest else let_in | Q(folder=None) | Q(folder__closed=False)


def questions_in_sight(member: Member) -> Q:
    """Return the condition on questions of the member's workspace that the member sees them."""
    own = Q(asker_id=member.user_id)
    if member.sees_all:
        return Q(shared=True) | own
    documents = Document.objects.filter(in_sight(member), workspace=member.workspace_id)
    repositories = Repository.objects.filter(in_sight(member), workspace=member.workspace_id)
    out_of_sight = (
        Question.folders.through.objects.exclude(folder__in=folders_in_sight(member)),
        Question.documents.through.objects.exclude(document__in=documents),
        Question.repositories.through.objects.exclude(repository__in=repositories),
    )
    seen: Q = Q(shared=True) | own
    for rows in out_of_sight:
        seen &= Q(~Exists(rows.filter(question=OuterRef("pk"))))
    return seen & (own | Q(across_workspace=False)) if member.guest else seen


def require_folder_for(member: Member, folder: Folder | None) -> None:
    """Return when the member sees what they put into `folder`; raises UserError no_folder to a guest at the top."""
    if folder is None and member.guest:
        raise UserError(
            gettext("Choose one of your folders for it: guests see nothing outside these."), code="no_folder"
        )


def _let_into(member: Member) -> QuerySet[FolderSight, Any]:
    return FolderSight.objects.filter(member_id=member.pk).values("folder")
