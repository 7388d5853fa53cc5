"""What can be done with folders, each in one transaction. Who may do it is decided before, in access.py.

What a folder's list of people means for the folders below it is worked out here whenever a folder, a list or a place
changes, and kept as rows (`Folder.closed`, `FolderSight`): `workspaces.sight` asks these of every document it shows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from analysis.errors import UserError
from analysis.models import Answer, Document, Question, Repository
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Folder, FolderGrant, FolderSight, Member, User, Workspace

DEEPEST = 8  # folders within folders
NAME_MAX_CHARACTERS = 120


@transaction.atomic
def folder_create(*, workspace: Workspace, name: str, parent: Folder | None = None, by: User | None = None) -> Folder:
    """Return a new folder, seen by those who see `parent`. Raises UserError: bad_name, name_taken, too_deep."""
    _lock(workspace.pk)
    if parent is not None and len(path_to(parent)) >= DEEPEST:
        raise UserError(
            gettext("Folders can be %(levels)s deep. Make this one further up.") % {"levels": DEEPEST},
            code="too_deep",
        )
    folder = Folder(workspace=workspace, parent=parent, name=_checked_name(name))
    _save(folder)
    resee(workspace.pk)
    record(Action.FOLDER_CREATED, folder, workspace=workspace, by=by)
    folder.refresh_from_db()
    return folder


@transaction.atomic
def folder_rename(folder: Folder, name: str) -> None:
    """Call the folder something else. Raises UserError: bad_name, name_taken."""
    before, folder.name = folder.name, _checked_name(name)
    if folder.name != before:
        _save(folder)
        record(Action.FOLDER_CHANGED, folder, workspace=folder.workspace, before=before)


@transaction.atomic
def folder_move(folder: Folder, parent: Folder | None) -> None:
    """Put the folder, with all that is in it, into another, or at the top: who sees it follows from there.

    Raises UserError: into_itself, name_taken, too_deep.
    """
    _lock(folder.workspace_id)
    above = path_to(parent) if parent else []
    if folder in above:
        raise UserError(gettext("A folder cannot be put into itself."), code="into_itself")
    if len(above) + _height(folder) > DEEPEST:
        raise UserError(
            gettext("Folders can be %(levels)s deep, and these would be more.") % {"levels": DEEPEST}, code="too_deep"
        )
    folder.parent = parent
    _save(folder)
    _see_anew(folder.workspace_id)
    record(Action.FOLDER_MOVED, folder, workspace=folder.workspace, into=str(parent or ""))


@transaction.atomic
def folder_delete(folder: Folder) -> None:
    """Delete an empty folder. Raises UserError not_empty.

    What was asked of it stays with who asked: nobody can say any more who may see it.
    """
    _lock(folder.workspace_id)
    if any(rows.exists() for rows in (folder.children, folder.documents, folder.repositories)):
        raise UserError(gettext("Move or delete what is in this folder first."), code="not_empty", status=409)
    if folder.closed:
        folder.questions.update(shared=False)
    record(Action.FOLDER_DELETED, folder, workspace=folder.workspace)
    folder.delete()


@transaction.atomic
def folder_restrict(folder: Folder, *, restricted: bool, members: Collection[Member] | None = None) -> None:
    """Close the folder to all but owners, admins and its list; or open it to who sees the folder above it.

    members: who is on its list from now on; None for those who are. Only guests stay on the list of an open folder,
    since they see no folder but by a list.
    """
    _lock(folder.workspace_id)
    folder.restricted = restricted
    folder.save(update_fields=["restricted"])
    if members is not None:
        folder.grants.exclude(member__in=members).delete()
        _grant(folder, members)
    if not restricted:
        folder.grants.filter(member__guest=False).delete()
    _see_anew(folder.workspace_id)
    action = Action.FOLDER_CLOSED if restricted else Action.FOLDER_OPENED
    people = folder.grants.order_by("member__user__email").values_list("member__user__email", flat=True)
    record(action, folder, workspace=folder.workspace, people=list(people))


@transaction.atomic
def folder_grant(folder: Folder, member: Member) -> None:
    """Put the member on the folder's list."""
    _lock(folder.workspace_id)
    _grant(folder, [member])
    resee(folder.workspace_id)
    record(Action.FOLDER_GRANTED, folder, workspace=folder.workspace, person=str(member.user))


@transaction.atomic
def folder_revoke(folder: Folder, member: Member) -> None:
    """Take the member off the folder's list."""
    _lock(folder.workspace_id)
    folder.grants.filter(member=member).delete()
    resee(folder.workspace_id)
    record(Action.FOLDER_REVOKED, folder, workspace=folder.workspace, person=str(member.user))


@transaction.atomic
def move_into(
    folder: Folder | None,
    *,
    workspace: Workspace,
    documents: Sequence[Document] = (),
    repositories: Sequence[Repository] = (),
) -> None:
    """Put documents and repositories of the workspace into the folder, None for the top."""
    _lock(workspace.pk)
    Document.objects.filter(pk__in=[row.pk for row in documents]).update(folder=folder)
    Document.objects.filter(repository__in=repositories).update(folder=folder)
    Repository.objects.filter(pk__in=[row.pk for row in repositories]).update(folder=folder)
    for action, rows in ((Action.DOCUMENT_MOVED, documents), (Action.REPOSITORY_MOVED, repositories)):
        for row in rows:
            record(action, row, workspace=workspace, into=str(folder or ""))
    shut_in_answers(workspace.pk)


def path_to(folder: Folder) -> list[Folder]:
    """Return the folders from the top down to this one."""
    by_id = {row.pk: row for row in Folder.objects.filter(workspace_id=folder.workspace_id)}
    path = [folder]
    while path[0].parent_id is not None:
        path.insert(0, by_id[path[0].parent_id])
    return path


def resee(workspace_id: int) -> None:
    """Work out anew which folders of the workspace are closed, and which member sees which of them."""
    folders = {row.pk: row for row in Folder.objects.filter(workspace_id=workspace_id)}
    lists: dict[int, set[int]] = {key: set() for key in folders}
    for folder_id, member_id in FolderGrant.objects.filter(folder__in=folders).values_list("folder", "member"):
        lists[folder_id].add(member_id)
    members = dict(Member.objects.filter(workspace_id=workspace_id).values_list("pk", "guest"))
    closed = {key for key in folders if any(each.restricted for each in _up(folders, key))}
    Folder.objects.filter(pk__in=closed, closed=False).update(closed=True)
    Folder.objects.filter(pk__in=folders.keys() - closed, closed=True).update(closed=False)
    FolderSight.objects.filter(folder__in=folders).delete()
    FolderSight.objects.bulk_create(
        FolderSight(folder_id=key, member_id=member_id)
        for key in folders
        for member_id, guest in members.items()
        if (_guest_sees if guest else _member_sees)(folders, lists, key, member_id) and (guest or key in closed)
    )


def _member_sees(folders: Mapping[int, Folder], lists: Mapping[int, set[int]], key: int, member_id: int) -> bool:
    return all(member_id in lists[each.pk] for each in _up(folders, key) if each.restricted)


def _guest_sees(folders: Mapping[int, Folder], lists: Mapping[int, set[int]], key: int, member_id: int) -> bool:
    """Return whether the guest is on the list of the folder, or of one above it with no closed one in between."""
    for each in _up(folders, key):
        if member_id in lists[each.pk]:
            return True
        if each.restricted:
            return False
    return False


def _up(folders: Mapping[int, Folder], key: int | None) -> Iterable[Folder]:
    """Yield the folder and those above it."""
    while key is not None:
        yield folders[key]
        key = folders[key].parent_id


def _see_anew(workspace_id: int) -> None:
    resee(workspace_id)
    shut_in_answers(workspace_id)


def shut_in_answers(workspace_id: int, question: Question | None = None) -> None:
    """Add the closed folders whose documents were read for a question, or for any, to what its readers must see.

    A question to chosen documents asks where these lie now. One to folders, or to the whole workspace, is shown to who
    sees what it ranged over when it was asked: what was closed or moved since is added here.
    """
    lies = _closed_in(workspace_id)
    if not lies:
        return
    ranging = Answer.objects.filter(question__workspace_id=workspace_id).exclude(text="")
    ranging = ranging.exclude(question__across_workspace=False, question__folders=None)
    if question is not None:
        ranging = ranging.filter(question=question)
    found: set[tuple[UUID, int]] = set()
    for question_id, receipt in ranging.values_list("question", "coverage").iterator():
        found |= {(question_id, lies[key]) for key in _read(receipt, lies) if key in lies}
    link = Question.folders.through
    link.objects.bulk_create(
        [link(question_id=question_id, folder_id=folder_id) for question_id, folder_id in found], ignore_conflicts=True
    )


def _closed_in(workspace_id: int) -> dict[str, int]:
    """Return the closed folder that each document and repository lies in, by its id."""
    closed: dict[str, int] = {}
    for model in (Document, Repository):
        rows = model._default_manager.filter(workspace_id=workspace_id, folder__closed=True)
        closed |= {str(key): folder for key, folder in rows.values_list("pk", "folder")}
    return closed


def _read(receipt: Mapping[str, Any], everything: Iterable[str]) -> Iterable[str]:
    """Return the ids of what was read by a receipt; of an answer that was broken off before it had one, all."""
    if not receipt:
        return everything
    rows = [*receipt["documents"], *receipt.get("repositories", [])]
    return [row.get("repository_id") or row["document_id"] for row in rows if row["characters_read"]]


def _grant(folder: Folder, members: Iterable[Member]) -> None:
    rows = [FolderGrant(folder=folder, member=member) for member in members]
    if any(row.member.workspace_id != folder.workspace_id for row in rows):
        raise ValueError("a folder's list holds members of its workspace")
    FolderGrant.objects.bulk_create(rows, ignore_conflicts=True)


def _height(folder: Folder) -> int:
    """Return how many folders deep the folder is, itself included."""
    return 1 + max((_height(child) for child in folder.children.all()), default=0)


def _checked_name(name: str) -> str:
    name = " ".join(name.replace("\0", "").split())
    if not name:
        raise UserError(gettext("Give the folder a name."), code="bad_name")
    if len(name) > NAME_MAX_CHARACTERS:
        raise UserError(
            gettext("A folder's name can be %(most)s characters long.") % {"most": NAME_MAX_CHARACTERS},
            code="bad_name",
        )
    return name


def _save(folder: Folder) -> None:
    try:
        with transaction.atomic():
            folder.save()
    except IntegrityError:
        raise UserError(
            gettext("There is a folder called “%(name)s” here.") % {"name": folder.name}, code="name_taken", status=409
        ) from None


def _lock(workspace_id: int) -> None:
    """Have changes to the folders of a workspace take turns."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace_id)
