"""The one door: who may see what, by value."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404
from django.utils import timezone

from analysis.models import Answer, Document, Question
from workspaces import access
from workspaces.access import Viewer
from workspaces.inviting import invite_create
from workspaces.models import ApiToken, Invite, Member, Role, Scope, User, Workspace, digest

pytestmark = pytest.mark.django_db


@pytest.fixture
def document(cast) -> Document:
    return Document.objects.create(workspace=cast.workspace, name="lease.pdf")


@pytest.fixture
def answer(cast) -> Answer:
    question = Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="How long?")
    return Answer.objects.create(question=question, llm="test")


@pytest.mark.parametrize("role", Role)
def test_each_member_has_a_place(cast, role):
    member = access.member_or_404(getattr(cast, role.value), "firm")
    assert (member.role, member.workspace_id) == (role, cast.workspace.pk)


@pytest.mark.parametrize(
    ("who", "needed", "allowed"),
    [
        ("viewer", Role.VIEWER, True),
        ("viewer", Role.REVIEWER, False),
        ("viewer", Role.EDITOR, False),
        ("viewer", Role.OWNER, False),
        ("reviewer", Role.REVIEWER, True),
        ("reviewer", Role.EDITOR, False),
        ("editor", Role.REVIEWER, True),
        ("editor", Role.EDITOR, True),
        ("editor", Role.ADMIN, False),
        ("editor", Role.OWNER, False),
        ("admin", Role.ADMIN, True),
        ("admin", Role.OWNER, False),
        ("owner", Role.OWNER, True),
    ],
)
def test_roles(cast, document, answer, who, needed, allowed):
    user = getattr(cast, who)
    doors = [
        lambda: access.member_or_404(user, "firm", role=needed),
        lambda: access.member_of(user, cast.workspace, role=needed),
        lambda: access.get_document_or_404(user, document.pk, role=needed),
        lambda: access.get_question_or_404(user, answer.question_id, role=needed),
        lambda: access.get_answer_or_404(user, answer.pk, role=needed),
    ]
    for door in doors:
        if allowed:
            assert door()
        else:
            with pytest.raises(PermissionDenied, match=f"role of {needed.label.lower()}"):
                door()


@pytest.mark.parametrize("role", Role)
def test_nothing_exists_for_the_outsider(cast, document, answer, role):
    doors = [
        lambda: access.member_or_404(cast.outsider, "firm", role=role),
        lambda: access.member_of(cast.outsider, cast.workspace, role=role),
        lambda: access.get_document_or_404(cast.outsider, document.pk, role=role),
        lambda: access.get_question_or_404(cast.outsider, answer.question_id, role=role),
        lambda: access.get_answer_or_404(cast.outsider, answer.pk, role=role),
        lambda: access.get_document_or_404(cast.owner, uuid.uuid4(), role=role),
    ]
    for door in doors:
        with pytest.raises(Http404):
            door()


def test_lists_hold_the_own_workspace_only(cast, document, answer):
    stranger = access.member_or_404(cast.outsider, "elsewhere")
    theirs = Document.objects.create(workspace=stranger.workspace, name="other.pdf")
    member = access.member_or_404(cast.viewer, "firm")
    assert list(access.documents_for(member)) == [document]
    assert list(access.documents_for(stranger)) == [theirs]
    assert list(access.questions_for(member)) == [answer.question]
    assert list(access.questions_for(stranger)) == []


def test_memberships_personal_first_then_by_name(cast):
    for name, personal in [("Zeta", False), ("Mine", True), ("Alpha", False)]:
        workspace = Workspace.objects.create(slug=name.lower(), name=name, personal=personal)
        Member.objects.create(workspace=workspace, user=cast.viewer, role=Role.OWNER)
    names = [member.workspace.name for member in access.memberships_for(cast.viewer)]
    assert names == ["Mine", "Alpha", "The Firm", "Zeta"]


def test_a_bound_viewer_sees_one_workspace(cast, document):
    second = Workspace.objects.create(slug="second", name="Second")
    Member.objects.create(workspace=second, user=cast.editor, role=Role.OWNER)
    bound = Viewer(cast.editor, workspace_id=second.pk)
    assert [member.workspace for member in access.memberships_for(bound)] == [second]
    assert access.member_or_404(bound, "second").role == Role.OWNER
    with pytest.raises(Http404):
        access.member_or_404(bound, "firm")
    with pytest.raises(Http404):
        access.get_document_or_404(bound, document.pk)
    assert access.get_document_or_404(Viewer(cast.editor), document.pk) == document


def test_a_viewer_bound_to_a_workspace_they_left_sees_nothing(cast):
    bound = Viewer(cast.outsider, workspace_id=cast.workspace.pk)
    assert list(access.memberships_for(bound)) == []


def test_still_member(cast):
    assert access.still_member(cast.viewer.pk, cast.workspace.pk)
    assert not access.still_member(cast.outsider.pk, cast.workspace.pk)
    User.objects.filter(pk=cast.viewer.pk).update(is_active=False)
    assert not access.still_member(cast.viewer.pk, cast.workspace.pk)
    Member.objects.filter(user=cast.editor).delete()
    assert not access.still_member(cast.editor.pk, cast.workspace.pk)


class TestTokens:
    def test_found_by_digest(self, cast):
        row, secret = ApiToken.issue(user=cast.editor, name="script")
        assert row.token_digest == digest(secret) != secret
        assert access.token_for(secret) == row
        assert access.viewer_for(row) == Viewer(cast.editor, token_id=row.pk)
        # Neither the digest itself nor a piece of the token opens anything.
        assert [access.token_for(wrong) for wrong in ("", row.token_digest, secret[:-1], secret.upper())] == [None] * 4

    def test_of_a_person_switched_off(self, cast):
        _, secret = ApiToken.issue(user=cast.editor, name="script")
        User.objects.filter(pk=cast.editor.pk).update(is_active=False)
        assert access.token_for(secret) is None

    def test_bound(self, cast):
        row, secret = ApiToken.issue(user=cast.editor, name="script", workspace=cast.workspace)
        assert access.viewer_for(access.token_for(secret)) == Viewer(cast.editor, cast.workspace.pk, row.pk, Role.OWNER)
        Member.objects.filter(user=cast.editor).delete()
        assert access.token_for(secret) is None

    def test_of_a_scope(self, cast):
        _, reads = ApiToken.issue(user=cast.owner, name="reader", scope=Scope.READ)
        viewer = access.viewer_for(access.token_for(reads))
        assert access.member_or_404(viewer, "firm").may(Role.VIEWER)
        with pytest.raises(PermissionDenied, match="This API token may not do that: it was made to read"):
            access.member_or_404(viewer, "firm", role=Role.EDITOR)
        _, writes = ApiToken.issue(user=cast.owner, name="writer", scope=Scope.WRITE)
        viewer = access.viewer_for(access.token_for(writes))
        member = access.member_or_404(viewer, "firm", role=Role.EDITOR)
        assert (member.may(Role.EDITOR), member.may(Role.OWNER)) == (True, False)
        # A scope gives nothing that its person has not.
        _, all_of_it = ApiToken.issue(user=cast.viewer, name="viewer's", scope=Scope.MANAGE)
        with pytest.raises(PermissionDenied, match="needs the role of editor"):
            access.member_or_404(access.viewer_for(access.token_for(all_of_it)), "firm", role=Role.EDITOR)

    def test_until_it_expires(self, cast):
        now = timezone.now()
        _, secret = ApiToken.issue(user=cast.editor, name="script", expires_at=now + timedelta(hours=1))
        assert access.token_for(secret)
        ApiToken.objects.update(expires_at=now - timedelta(seconds=1))
        assert access.token_for(secret) is None


class TestInvites:
    def test_open_until_it_expires(self, cast):
        invite, token = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        assert invite.token_digest == digest(token)
        assert invite.expires_at - invite.created_at == pytest.approx(timedelta(days=7), abs=timedelta(seconds=5))
        assert access.invite_for(token) == invite
        assert access.invite_for("") is None
        Invite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert access.invite_for(token) is None

    def test_list_holds_the_open_ones_of_the_workspace(self, cast):
        old, _ = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        first, _ = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        second, _ = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.VIEWER)
        elsewhere = Workspace.objects.get(slug="elsewhere")
        invite_create(workspace=elsewhere, user=cast.outsider, role=Role.VIEWER)
        Invite.objects.filter(pk=old.pk).update(expires_at=F("created_at"))
        assert list(access.invites_for(access.member_or_404(cast.owner, "firm"))) == [second, first]


def test_members_owners_first(cast):
    members = access.members_for(access.member_or_404(cast.viewer, "firm"))
    assert [member.user for member in members] == [cast.owner, cast.admin, cast.editor, cast.reviewer, cast.viewer]


def test_each_door_is_two_queries_at_most(cast, document, answer, django_assert_num_queries):
    with django_assert_num_queries(1):
        member = access.member_or_404(cast.viewer, "firm")
        assert (member.workspace.name, member.user.email) == ("The Firm", "viewer@firm.example")
    with django_assert_num_queries(2):
        assert access.get_document_or_404(cast.viewer, document.pk).workspace == cast.workspace
    with django_assert_num_queries(2):
        assert access.get_answer_or_404(cast.viewer, answer.pk).question.asker == cast.owner
