"""A person deletes their account: what goes, what stays, and what has to be settled first."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from analysis.models import Document, Question
from tests.rows import make_answer, make_document
from tests.workspaces.test_accounts import PASSWORD, sign_in, words
from workspaces.inviting import invite_create
from workspaces.leaving import Unsettled, account_delete, leaving
from workspaces.models import ApiToken, AuditEvent, Invite, Member, Role, User, Workspace
from workspaces.recipes import member_set_role, workspace_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def second_owner(cast) -> User:
    """Return another owner of the firm."""
    user = User.objects.create_user("second@firm.example", PASSWORD)
    Member.objects.create(workspace=cast.workspace, user=user, role=Role.OWNER)
    return user


@pytest.fixture
def cleared(monkeypatch) -> list[int]:
    """Return the list of workspaces that are given to a worker to clear."""
    from workspaces import tasks

    queued: list[int] = []
    monkeypatch.setattr(tasks.clear_workspace, "delay", queued.append)
    return queued


def names(workspaces: list[Workspace]) -> list[str]:
    return [workspace.name for workspace in workspaces]


class TestWhatHappens:
    def test_is_said_workspace_by_workspace(self, cast, second_owner):
        workspace_create(owner=cast.owner, name="Mine", personal=True)
        workspace_create(owner=cast.owner, name="Alone")
        shared = workspace_create(owner=cast.owner, name="Shared")
        Member.objects.create(workspace=shared, user=cast.editor, role=Role.EDITOR)
        found = leaving(cast.owner)
        assert names(found.goes) == ["Mine"]
        assert names(found.stays) == ["The Firm"]
        assert names(found.unsettled) == ["Alone", "Shared"]
        assert not found.possible

    def test_costs_the_same_for_many_workspaces(self, cast, django_assert_num_queries):
        for number in range(12):
            workspace_create(owner=cast.owner, name=f"Matter {number}")
        with django_assert_num_queries(2):
            leaving(cast.owner)

    def test_documents_and_answers_stay_without_the_name(
        self, cast, second_owner, cleared, django_capture_on_commit_callbacks
    ):
        version = make_document(cast)
        answer = make_answer(cast, version, "The term is five years.")
        Question.objects.update(asker=cast.owner)
        mine = workspace_create(owner=cast.owner, name="Mine", personal=True)
        with django_capture_on_commit_callbacks(execute=True):
            account_delete(cast.owner)
        assert cleared == [mine.pk]
        assert not User.objects.filter(email="owner@firm.example").exists()
        assert Document.objects.get(pk=version.document_id).uploaded_by is None
        assert Question.objects.get(pk=answer.question_id).asker is None
        sign_in(client := Client(), "second@firm.example")
        page = words(client.get(reverse("question", args=[answer.question_id])))
        assert "A former member" in page
        assert "owner@firm.example" not in page
        assert "owner@firm.example" not in words(client.get(reverse("workspace", args=["firm"])))

    def test_tokens_invites_and_sign_ins_are_revoked(self, cast, second_owner):
        _, token = ApiToken.issue(user=cast.owner, name="nightly")
        invite, _ = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.VIEWER)
        sign_in(client := Client(), "owner@firm.example")
        account_delete(cast.owner)
        assert not Invite.objects.filter(pk=invite.pk).exists()
        reply = client.get("/api/v1/workspaces", headers={"Authorization": f"Bearer {token}"})
        assert reply.status_code == 401
        assert client.get("/account/").status_code == 302
        assert not Session.objects.exists()
        assert not EmailAddress.objects.filter(email="owner@firm.example").exists()
        (told,) = AuditEvent.objects.filter(action="person.deleted")
        assert (told.actor, told.object_name, told.details) == (
            "owner@firm.example",
            "owner@firm.example",
            {"tokens": 1},
        )

    def test_a_sole_owner_hands_over_first(self, cast):
        with pytest.raises(Unsettled):
            account_delete(cast.owner)
        assert Member.objects.filter(user=cast.owner).exists()
        member_set_role(Member.objects.get(workspace=cast.workspace, user=cast.editor), Role.OWNER)
        account_delete(cast.owner)
        assert cast.workspace.members.count() == 4

    def test_the_only_administrator_stays(self, cast, second_owner):
        User.objects.filter(pk=cast.owner.pk).update(is_staff=True)
        cast.owner.refresh_from_db()
        with pytest.raises(Unsettled):
            account_delete(cast.owner)
        User.objects.filter(pk=second_owner.pk).update(is_staff=True)
        account_delete(cast.owner)


class TestPage:
    PATH = "/account/delete/"
    TYPED = {"email": "Owner@firm.example"}

    def test_asks_for_the_address_and_for_proof(self, client, cast, second_owner):
        sign_in(client, "owner@firm.example")
        page = words(client.get(self.PATH))
        assert "What you brought into The Firm : documents, questions and answers stay" in page
        assert client.post(self.PATH, {"email": "else@firm.example"}).status_code == 422
        asked = client.post(self.PATH, self.TYPED)  # signed in a moment ago: proof enough for all but this
        assert asked["Location"].startswith(reverse("account_reauthenticate"))
        client.post(asked["Location"], {"password": "wrong"})
        assert User.objects.filter(pk=cast.owner.pk).exists()
        done = client.post(asked["Location"], {"password": PASSWORD, "next": self.PATH})
        assert done["Location"] == reverse("account_login")
        assert "Your account is deleted." in words(client.get(done["Location"]))
        assert not User.objects.filter(pk=cast.owner.pk).exists()
        assert client.get("/account/").status_code == 302

    def test_a_second_factor_will_do_where_there_is_no_password(self, client, cast, second_owner):
        sign_in(client, "owner@firm.example")
        TOTP.activate(cast.owner, "A" * 32)
        cast.owner.set_unusable_password()
        cast.owner.save()
        client.force_login(cast.owner)
        assert client.post(self.PATH, self.TYPED)["Location"].startswith(reverse("mfa_reauthenticate"))

    def test_says_what_is_to_be_settled(self, client, cast):
        sign_in(client, "owner@firm.example")
        page = client.get(self.PATH)
        assert "You are the only owner here" in words(page)
        assert "Delete my account" not in words(page)
        assert reverse("workspace_delete", args=["firm"]) in page.content.decode()


def test_private_questions_go_with_who_asked_them(cast):
    for shared in (True, False):
        Question.objects.create(workspace=cast.workspace, asker=cast.viewer, text="How long?", shared=shared)
    account_delete(cast.viewer)
    assert list(Question.objects.values_list("shared", "asker")) == [(True, None)]
