"""A workspace is archived and reopened, deleted and restored, and handed over."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests.workspaces.test_accounts import PASSWORD, sign_in, words
from workspaces import access, lifecycle
from workspaces.inviting import invite_create
from workspaces.leaving import leaving
from workspaces.models import ApiToken, AuditEvent, Member, Role, User, Workspace
from workspaces.policy import require, require_of
from workspaces.recipes import home_workspace, workspace_create
from workspaces.tasks import clear_abandoned

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in():
    """Return a function that returns a client on which a person is signed in."""

    def client_of(user: User) -> Client:
        client = Client()
        sign_in(client, user.email)
        return client

    return client_of


@pytest.fixture
def cleared(monkeypatch) -> list[int]:
    """Return the list of workspaces that are given to a worker to clear."""
    from workspaces import tasks

    queued: list[int] = []
    monkeypatch.setattr(tasks.clear_workspace, "delay", queued.append)
    return queued


def place(cast, role: str) -> Member:
    return Member.objects.select_related("workspace", "user").get(workspace=cast.workspace, user=getattr(cast, role))


def told() -> list[str]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", flat=True))


class TestArchive:
    @pytest.mark.parametrize("role", ["reviewer", "editor", "admin", "owner"])
    def test_nobody_works_in_it_and_everybody_reads(self, cast, role):
        lifecycle.workspace_archive(cast.workspace)
        user = getattr(cast, role)
        assert access.member_or_404(user, "firm").role == role
        for needed in (Role.REVIEWER, Role.EDITOR):
            if Role(role).rank >= needed.rank:
                with pytest.raises(PermissionDenied, match="archived"):
                    access.member_or_404(user, "firm", role=needed)
        lifecycle.workspace_reopen(cast.workspace)
        assert access.member_or_404(user, "firm", role=Role.REVIEWER)
        assert told() == ["workspace.archived", "workspace.reopened"]

    def test_a_role_that_is_too_low_is_still_told_so(self, cast):
        lifecycle.workspace_archive(cast.workspace)
        with pytest.raises(PermissionDenied, match="role of reviewer"):
            access.member_or_404(cast.viewer, "firm", role=Role.REVIEWER)

    def test_below_the_views_too(self, cast):
        lifecycle.workspace_archive(cast.workspace)
        with pytest.raises(PermissionDenied, match="archived"):
            require_of(cast.owner, cast.workspace, "upload")
        member = place(cast, "editor")
        require(member, "export")
        require(member, "prompts")
        assert (member.may(Role.EDITOR), member.holds(Role.EDITOR)) == (False, True)
        assert place(cast, "owner").manages

    def test_twice_is_once(self, cast):
        lifecycle.workspace_archive(cast.workspace)
        since = Workspace.objects.get(slug="firm").archived_at
        lifecycle.workspace_archive(cast.workspace)
        assert (Workspace.objects.get(slug="firm").archived_at, len(told())) == (since, 1)

    def test_pages_say_so(self, cast, signed_in):
        client = signed_in(cast.owner)
        client.post(reverse("workspace_archive", args=["firm"]))
        page = words(client.get(reverse("workspace", args=["firm"])))
        assert "The Firm is archived: it can be read, searched and exported." in page
        assert "Ask the workspace" not in page
        assert "nothing more is asked" in words(client.get(reverse("ask", args=["firm"])))
        client.post(reverse("workspace_reopen", args=["firm"]))
        assert "archived" not in words(client.get(reverse("workspace", args=["firm"])))


class TestDelete:
    PATH = "/w/firm/delete/"

    def test_needs_the_name_and_proof(self, cast, signed_in):
        client = signed_in(cast.owner)
        assert "All 5 people are shut out" in words(client.get(self.PATH))
        reply = client.post(self.PATH, {"name": "the firm"})
        assert reply.status_code == 422
        assert "That is not the name of this workspace." in words(reply)
        assert client.post(self.PATH, {"name": " The  Firm "})["Location"] == reverse("workspace_ending", args=["firm"])
        assert cast.workspace.members.count() == 5

    def test_an_old_sign_in_is_no_proof(self, cast):
        client = Client()
        client.force_login(cast.owner)
        asked = client.post(self.PATH, {"name": "The Firm"})
        assert asked["Location"].startswith(reverse("account_reauthenticate"))
        assert Workspace.objects.get(slug="firm").delete_at is None
        done = client.post(asked["Location"], {"password": PASSWORD, "next": self.PATH})
        assert done["Location"] == reverse("workspace_ending", args=["firm"])
        assert Workspace.objects.get(slug="firm").delete_at

    def test_nobody_enters_meanwhile(self, cast, signed_in, settings):
        settings.WORKSPACE_GRACE_DAYS = 3
        _, invite = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        _, token = ApiToken.issue(user=cast.editor, name="bound", workspace=cast.workspace)
        until = lifecycle.workspace_end(cast.workspace)
        assert until - timezone.now() == pytest.approx(timedelta(days=3), abs=timedelta(seconds=5))
        assert lifecycle.workspace_end(cast.workspace) == until
        for role in Role.values:
            with pytest.raises(Http404):
                access.member_or_404(getattr(cast, role), "firm")
            assert not access.still_member(getattr(cast, role).pk, cast.workspace.pk)
        assert (access.invite_for(invite), access.token_for(token)) == (None, None)
        path = reverse("workspace_ending", args=["firm"])
        assert {signed_in(getattr(cast, who)).get(path).status_code for who in ("admin", "viewer", "outsider")} == {404}
        page = signed_in(cast.owner).get(path)
        assert "Restore" in words(page)
        assert "gone on" in words(page)  # in the switcher, apart
        assert home_workspace(cast.owner).slug != "firm"

    def test_an_owner_brings_it_back(self, cast, signed_in):
        lifecycle.workspace_end(cast.workspace)
        client = signed_in(cast.owner)
        assert client.post(reverse("workspace_restore", args=["firm"]))["Location"] == "/w/firm/"
        assert access.member_or_404(cast.viewer, "firm")
        assert told()[-1] == "workspace.restored"
        assert client.get(reverse("workspace_ending", args=["firm"])).status_code == 302

    def test_for_good_now(self, cast, signed_in, cleared, django_capture_on_commit_callbacks):
        lifecycle.workspace_end(cast.workspace)
        client, path = signed_in(cast.owner), reverse("workspace_delete_now", args=["firm"])
        assert client.post(path, {"name": "Another"}).status_code == 422
        with django_capture_on_commit_callbacks(execute=True):
            assert client.post(path, {"name": "The Firm"})["Location"] == "/"
        assert cleared == [cast.workspace.pk]
        assert not cast.workspace.members.exists()

    def test_when_its_time_is_over(self, cast, cleared, django_capture_on_commit_callbacks):
        lifecycle.workspace_end(cast.workspace)
        with django_capture_on_commit_callbacks(execute=True):
            clear_abandoned()
        assert cleared == []
        Workspace.objects.filter(slug="firm").update(delete_at=timezone.now())
        with django_capture_on_commit_callbacks(execute=True):
            clear_abandoned()
            clear_abandoned()
        assert cleared == [cast.workspace.pk]
        assert told().count("workspace.deleted") == 1

    def test_what_is_gone_is_not_brought_back(self, cast, cleared):
        lifecycle.workspace_end(cast.workspace)
        Workspace.objects.filter(slug="firm").update(delete_at=timezone.now())
        lifecycle.delete_due()
        with pytest.raises(lifecycle.UserError, match="deleted already"):
            lifecycle.workspace_restore(cast.workspace)

    def test_goes_with_the_account_of_its_only_owner(self, cast):
        assert [each.slug for each in leaving(cast.owner).unsettled] == ["firm"]
        lifecycle.workspace_end(cast.workspace)
        found = leaving(cast.owner)
        assert ([each.slug for each in found.goes], found.possible) == (["firm"], True)
        assert [each.slug for each in leaving(cast.editor).stays] == ["firm"]

    def test_a_personal_one_leaves_a_person_with_another(self, cast):
        own = workspace_create(owner=cast.viewer, name="Mine", personal=True)
        lifecycle.workspace_end(own)
        assert home_workspace(cast.viewer).slug == "firm"


class TestHandOver:
    PATH = "/w/firm/hand-over/"

    def test_stays_as_an_admin_or_leaves(self, cast, signed_in):
        client = signed_in(cast.owner)
        heir = place(cast, "editor")
        assert client.post(self.PATH, {"heir": heir.pk, "then": "stay"})["Location"] == reverse(
            "members", args=["firm"]
        )
        assert (place(cast, "editor").role, place(cast, "owner").role) == ("owner", "admin")
        back = signed_in(cast.editor)
        back.post(self.PATH, {"heir": place(cast, "owner").pk, "then": "leave"})
        assert place(cast, "owner").role == "owner"
        assert not Member.objects.filter(workspace=cast.workspace, user=cast.editor).exists()
        assert told()[-1] == "workspace.handed_over"

    def test_not_to_a_guest_nor_an_outsider_nor_oneself(self, cast, signed_in):
        Member.objects.filter(pk=place(cast, "viewer").pk).update(guest=True)
        theirs = Member.objects.get(user=cast.outsider)
        client = signed_in(cast.owner)
        for each in (place(cast, "viewer"), theirs, place(cast, "owner")):
            assert client.post(self.PATH, {"heir": each.pk, "then": "stay"}).status_code == 422
        with pytest.raises(lifecycle.UserError):
            lifecycle.workspace_hand_over(place(cast, "owner"), place(cast, "viewer"), leave=True)
        assert place(cast, "owner").role == "owner"

    def test_needs_proof(self, cast):
        client = Client()
        client.force_login(cast.owner)
        asked = client.post(self.PATH, {"heir": place(cast, "editor").pk, "then": "leave"})
        assert asked["Location"].startswith(reverse("account_reauthenticate"))
        assert place(cast, "editor").role == "editor"
