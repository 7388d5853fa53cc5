"""Folders: what there is, who sees one, and what lies in it."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from ninja import Router, Schema, Status
from pydantic import ConfigDict, Field

from analysis.api.auth import ApiRequest
from analysis.api.chosen import chosen_folders, chosen_repositories
from analysis.api.documents import chosen_documents
from analysis.api.responses import responses
from analysis.api.schemas import DocumentIds, FolderId, RepositoryIds, Text
from workspaces import folders as recipes
from workspaces.access import folders_for, get_folder_or_404, member_of, member_or_404, members_for, require_no_wider
from workspaces.models import Folder, Member, Role
from workspaces.sight import require_folder_for

router = Router(tags=["Folders"])


class FolderOut(Schema):
    """A folder. parent_id: null at the top, and where you do not see the folder above. restricted: it has a list of
    people of its own. closed: it or a folder above it is restricted."""

    id: int
    name: str
    parent_id: int | None
    restricted: bool
    closed: bool


class FolderIn(Schema):
    """A new folder. parent_id: the one that it is in, null for the top."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    parent_id: FolderId | None = None


class FolderChangeIn(Schema):
    """What is to be different; a field that is left out stays. Another parent needs the role of admin."""

    model_config = ConfigDict(extra="forbid")

    name: Text = ""
    parent_id: FolderId | None = None


class FolderPeopleIn(Schema):
    """Who sees a folder. restricted: only owners, admins and `emails`; else everyone who sees the folder above, and the
    guests among `emails`."""

    model_config = ConfigDict(extra="forbid")

    restricted: bool
    emails: list[Text] = Field(max_length=1000)


class FolderPeopleOut(Schema):
    """Who is on a folder's list, by e-mail address."""

    restricted: bool
    emails: list[str]


class MoveIn(Schema):
    """Documents and repositories, and the folder that they are to lie in, null for the top."""

    model_config = ConfigDict(extra="forbid")

    folder_id: FolderId | None
    document_ids: DocumentIds = []
    repository_ids: RepositoryIds = []


@router.get("/workspaces/{slug:slug}/folders", response=responses(200, list[FolderOut]))
def list_folders(request: ApiRequest, slug: str) -> list[dict[str, Any]]:
    """The folders that you see, by name."""
    rows = list(folders_for(member_or_404(request.auth, slug)))
    seen = {folder.pk for folder in rows}
    return [_payload(folder, seen) for folder in rows]


@router.post("/workspaces/{slug:slug}/folders", response=responses(201, FolderOut, 403, 409))
def add_folder(request: ApiRequest, slug: str, asked: FolderIn) -> Status[Any]:
    """Makes a folder, which is seen by those who see the folder above it."""
    member = member_or_404(request.auth, slug, role=Role.EDITOR)
    parent = _folder(member, asked.parent_id)
    require_folder_for(member, parent)
    folder = recipes.folder_create(workspace=member.workspace, name=asked.name, parent=parent, by=member.user)
    return Status(201, _seen_payload(folder, member))


@router.patch("/folders/{int:folder_id}", response=responses(200, FolderOut, 403, 409))
def change_folder(request: ApiRequest, folder_id: int, asked: FolderChangeIn) -> dict[str, Any]:
    """Gives a folder another name, or an admin another place: who sees it follows from there."""
    moved = "parent_id" in asked.model_fields_set
    folder = get_folder_or_404(request.auth, folder_id, role=Role.ADMIN if moved else Role.EDITOR)
    member = member_of(request.auth, folder.workspace)
    if asked.name:
        recipes.folder_rename(folder, asked.name)
    if moved:
        recipes.folder_move(folder, _folder(member, asked.parent_id))
    folder.refresh_from_db()
    return _seen_payload(folder, member)


@router.delete("/folders/{int:folder_id}", response=responses(204, None, 403, 409))
def delete_folder(request: ApiRequest, folder_id: int) -> Status[None]:
    """Deletes an empty folder."""
    recipes.folder_delete(get_folder_or_404(request.auth, folder_id, role=Role.EDITOR))
    return Status(204, None)


@router.get("/folders/{int:folder_id}/people", response=responses(200, FolderPeopleOut, 403))
def get_folder_people(request: ApiRequest, folder_id: int) -> dict[str, Any]:
    """Who is on the folder's list. Owners and admins see every folder and are not on it."""
    return _people(get_folder_or_404(request.auth, folder_id, role=Role.ADMIN))


@router.put("/folders/{int:folder_id}/people", response=responses(200, FolderPeopleOut, 403))
def set_folder_people(request: ApiRequest, folder_id: int, asked: FolderPeopleIn) -> dict[str, Any]:
    """Closes the folder to all but owners, admins and the people named; or opens it."""
    folder = get_folder_or_404(request.auth, folder_id, role=Role.ADMIN)
    member = member_of(request.auth, folder.workspace)
    wanted = {email.strip().lower() for email in asked.emails}
    people = list(members_for(member).filter(user__email__in=wanted))
    if len(people) < len(wanted):
        raise Http404
    recipes.folder_restrict(folder, restricted=asked.restricted, members=people)
    folder.refresh_from_db()
    return _people(folder)


@router.post("/workspaces/{slug:slug}/move", response=responses(204, None, 403))
def move(request: ApiRequest, slug: str, asked: MoveIn) -> Status[None]:
    """Puts documents and repositories into a folder. Out of a closed one, to where others see them, admins only."""
    member = member_or_404(request.auth, slug, role=Role.EDITOR)
    documents = chosen_documents(member, asked.document_ids)
    repositories = chosen_repositories(member, asked.repository_ids)
    if any(document.repository_id for document in documents):
        raise Http404
    folder = _folder(member, asked.folder_id)
    require_folder_for(member, folder)
    require_no_wider(member, [*documents, *repositories], folder)
    recipes.move_into(folder, workspace=member.workspace, documents=documents, repositories=repositories)
    return Status(204, None)


def _folder(member: Member, folder_id: int | None) -> Folder | None:
    """Return the folder with this id, None for None; raises Http404 for one out of sight."""
    return None if folder_id is None else chosen_folders(member, [folder_id])[0]


def _people(folder: Folder) -> dict[str, Any]:
    emails = folder.grants.order_by("member__user__email").values_list("member__user__email", flat=True)
    return {"restricted": folder.restricted, "emails": list(emails)}


def _seen_payload(folder: Folder, member: Member) -> dict[str, Any]:
    return _payload(folder, set(folders_for(member).values_list("pk", flat=True)))


def _payload(folder: Folder, seen: set[int]) -> dict[str, Any]:
    parent_id = folder.parent_id if folder.parent_id in seen else None
    fields = {name: getattr(folder, name) for name in ("name", "restricted", "closed")}
    return fields | {"id": folder.pk, "parent_id": parent_id}
