"""Workspaces, their people and invitations by the HTTP interface."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core import mail

from tests.api.conftest import Caller
from tests.conftest import Cast
from workspaces.folders import folder_create
from workspaces.models import ApiToken, Invite, Member, Scope, Workspace

PLACE = "/workspaces/firm"


@pytest.fixture
def admin(cast: Cast) -> Caller:
    return Caller(cast.admin)


def place(cast: Cast, role: str) -> Member:
    return Member.objects.get(workspace=cast.workspace, user=getattr(cast, role))


def test_a_workspace_is_made_renamed_archived_and_reopened(cast: Cast, owner: Caller) -> None:
    made = owner.post("/workspaces", {"name": "Matter 7"})
    assert (made.status_code, made.json()["slug"], made.json()["role"]) == (201, "matter-7", "owner")
    changed = owner.patch(PLACE, {"name": "The Old Firm", "archived": True}).json()
    assert (changed["name"], changed["archived_at"] is None, changed["keep_reasoning"]) == ("The Old Firm", False, True)
    refused = owner.post(f"{PLACE}/questions", {"text": "How long?"})
    assert (refused.status_code, "archived" in refused.json()["error"]["message"]) == (403, True)
    assert owner.get(f"{PLACE}/usage").status_code == 200
    assert owner.patch(PLACE, {"archived": False}).json()["archived_at"] is None


def test_only_admins_change_it_and_no_bound_token_makes_one(cast: Cast, editor: Caller, owner: Caller) -> None:
    assert editor.patch(PLACE, {"name": "Mine"}).status_code == 403
    assert editor.get(PLACE).json()["role"] == "editor"
    bound = Caller(cast.owner, cast.workspace)
    assert bound.post("/workspaces", {"name": "More"}).status_code == 403
    ApiToken.objects.filter(pk=owner.row.pk).update(scope=Scope.WRITE)
    assert owner.post("/workspaces", {"name": "More"}).status_code == 403
    assert Workspace.objects.count() == 2


def test_members_are_listed_changed_and_removed(cast: Cast, admin: Caller, viewer: Caller) -> None:
    listed = viewer.get(f"{PLACE}/members").json()
    assert [row["role"] for row in listed["items"]] == ["owner", "admin", "editor", "reviewer", "viewer"]
    editor = place(cast, "editor")
    path = f"{PLACE}/members/{editor.pk}"
    assert viewer.patch(path, {"role": "viewer"}).status_code == 403
    assert admin.patch(path, {"role": "owner"}).status_code == 403
    assert admin.patch(path, {"role": "reviewer"}).json()["role"] == "reviewer"
    assert admin.patch(f"{PLACE}/members/{place(cast, 'owner').pk}", {"role": "viewer"}).status_code == 403
    assert admin.delete(path).status_code == 204
    assert not Member.objects.filter(pk=editor.pk).exists()


def test_the_last_owner_stays(cast: Cast, owner: Caller) -> None:
    reply = owner.patch(f"{PLACE}/members/{place(cast, 'owner').pk}", {"role": "viewer"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (409, "last_owner")


def test_invitations(cast: Cast, admin: Caller, caller: Callable[..., Caller]) -> None:
    linked = admin.post(f"{PLACE}/invites", {"role": "reviewer", "days": 3}).json()
    assert linked["link"].startswith("http://testserver/invites/")
    mailed = admin.post(f"{PLACE}/invites", {"email": "new@firm.example", "role": "viewer"})
    assert (mailed.status_code, mailed.json()["link"], mail.outbox[0].to) == (201, None, ["new@firm.example"])
    listed = admin.get(f"{PLACE}/invites").json()
    assert [row["email"] for row in listed["items"]] == ["new@firm.example", ""]
    assert "link" not in listed["items"][0]
    assert admin.post(f"{PLACE}/invites", {"role": "owner"}).status_code == 403
    assert admin.post(f"{PLACE}/invites", {"email": "nobody"}).status_code == 422
    assert admin.delete(f"{PLACE}/invites/{linked['id']}").status_code == 204
    assert list(Invite.objects.values_list("email", flat=True)) == ["new@firm.example"]


def test_a_guest_is_invited_into_folders_of_this_workspace(cast: Cast, admin: Caller) -> None:
    acme = folder_create(workspace=cast.workspace, name="Acme")
    theirs = folder_create(workspace=Workspace.objects.get(slug="elsewhere"), name="Theirs")
    made = admin.post(f"{PLACE}/invites", {"guest": True, "folder_ids": [acme.pk]}).json()
    assert (made["guest"], made["folder_ids"]) == (True, [acme.pk])
    assert admin.post(f"{PLACE}/invites", {"guest": True, "folder_ids": [theirs.pk]}).status_code == 404
    assert admin.post(f"{PLACE}/invites", {"guest": True}).json()["error"]["code"] == "no_folder"
