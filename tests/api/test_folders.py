"""Folders over the HTTP interface."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from analysis.models import Document
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import make_document
from workspaces import folders
from workspaces.models import Folder, Member


@pytest.fixture
def closed(cast: Cast) -> Folder:
    folder = folders.folder_create(workspace=cast.workspace, name="Closed")
    folders.folder_restrict(folder, restricted=True)
    folder.refresh_from_db()
    return folder


def test_made_listed_renamed_moved_and_deleted(editor: Caller, owner: Caller) -> None:
    made = editor.post("/workspaces/firm/folders", {"name": "Matters"})
    assert made.status_code == 201
    top = made.json()
    assert top == {"id": top["id"], "name": "Matters", "parent_id": None, "restricted": False, "closed": False}
    inner = editor.post("/workspaces/firm/folders", {"name": "One", "parent_id": top["id"]}).json()
    assert [each["id"] for each in editor.get("/workspaces/firm/folders").json()] == [top["id"], inner["id"]]
    assert editor.patch(f"/folders/{inner['id']}", {"name": "Two"}).json()["name"] == "Two"
    assert editor.patch(f"/folders/{inner['id']}", {"parent_id": None}).status_code == 403
    assert owner.patch(f"/folders/{inner['id']}", {"parent_id": None}).json()["parent_id"] is None
    assert editor.delete(f"/folders/{inner['id']}").status_code == 204
    assert len(editor.get("/workspaces/firm/folders").json()) == 1


def test_who_sees_one_is_for_admins(editor: Caller, owner: Caller, cast: Cast, closed: Folder) -> None:
    assert editor.get(f"/folders/{closed.pk}/people").status_code == 404
    people = {"restricted": True, "emails": [cast.editor.email]}
    assert owner.put(f"/folders/{closed.pk}/people", people).json() == people
    assert editor.get(f"/folders/{closed.pk}/people").status_code == 403
    assert [each["closed"] for each in editor.get("/workspaces/firm/folders").json()] == [True]
    stranger = {"restricted": True, "emails": [cast.outsider.email]}
    assert owner.put(f"/folders/{closed.pk}/people", stranger).status_code == 404
    assert Member.objects.get(user=cast.editor).grants.count() == 1


def test_uploads_and_moves_into_folders(editor: Caller, owner: Caller, cast: Cast, closed: Folder) -> None:
    response = owner.client.post(
        "/api/v1/workspaces/firm/documents",
        {"file": SimpleUploadedFile("a.txt", b"words"), "folder_id": closed.pk},
        headers=owner.headers,
    )
    (uploaded,) = response.json()
    assert owner.get(f"/documents/{uploaded['id']}").json()["folder_id"] == closed.pk
    assert editor.get(f"/documents/{uploaded['id']}").status_code == 404
    document = make_document(cast).document
    into = {"folder_id": closed.pk, "document_ids": [str(document.pk)]}
    assert editor.post("/workspaces/firm/move", into).status_code == 404
    assert owner.post("/workspaces/firm/move", into).status_code == 204
    assert Document.objects.get(pk=document.pk).folder == closed


def test_questions_and_searches_find_no_folder_out_of_sight(editor: Caller, closed: Folder) -> None:
    asked = {"text": "How long?", "folder_ids": [closed.pk]}
    assert editor.post("/workspaces/firm/questions", asked).status_code == 404
    assert editor.post("/workspaces/firm/plan", asked).status_code == 404
    assert editor.get("/workspaces/firm/search", q="term", folder_id=closed.pk).status_code == 404


@pytest.mark.parametrize("folder_id", [0, -1, 2**63, "x"])
def test_an_id_that_can_be_none(owner: Caller, folder_id: object) -> None:
    response = owner.post("/workspaces/firm/plan", {"text": "How long?", "folder_ids": [folder_id]})
    assert response.status_code == 422
