"""What can be done with a workspace, by value."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from analysis import progress
from analysis.errors import UserError
from analysis.models import Answer, Document, DocumentVersion, Question
from tests.rows import make_document
from workspaces import inviting, recipes, tasks
from workspaces.models import ApiToken, Invite, Member, Role, User, Workspace


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("The Firm", "the-firm"),
        ("Müller & Söhne", "muller-sohne"),
        ("Юридический отдел", "yuridicheskiy-otdel"),
        ("法律", "falu"),
        ("new", "new-workspace"),
        ("🤝", "handshake"),
        ("v1.2 Inc.", "v1-2-inc"),
        ("***", "workspace"),
        ("", "workspace"),
        ("x" * 200, "x" * 48),
    ],
)
def test_slug_of_any_name(name, slug):
    assert recipes.slug_base(name) == slug


@given(st.text(max_size=300))
def test_every_slug_fits_the_url(name):
    slug = recipes.slug_base(name)
    assert re.fullmatch(r"[-a-z0-9_]{1,60}", slug)
    assert slug not in recipes.RESERVED_SLUGS


@pytest.mark.django_db
def test_create_makes_the_owner_its_only_member(cast):
    workspace = recipes.workspace_create(owner=cast.outsider, name="Новый офис")
    assert (workspace.slug, workspace.name, workspace.personal) == ("novyy-ofis", "Новый офис", False)
    assert list(workspace.members.values_list("user", "role")) == [(cast.outsider.pk, "owner")]


@pytest.mark.django_db
def test_same_name_gets_another_slug(cast):
    slugs = [recipes.workspace_create(owner=cast.owner, name="Deal").slug for _ in range(3)]
    assert slugs[0] == "deal"
    assert all(re.fullmatch(r"deal-[a-z2-9]{5}", slug) for slug in slugs[1:])
    assert len(set(slugs)) == 3


@pytest.mark.django_db(transaction=True)
def test_two_at_once_get_two_slugs():
    user = User.objects.create_user("ana@firm.example")
    together = threading.Barrier(2)

    def create():
        together.wait()
        recipes.workspace_create(owner=user, name="Deal")
        connection.close()

    _at_once(create, create)
    assert Workspace.objects.filter(name="Deal").count() == 2


@pytest.mark.django_db(transaction=True)
def test_two_first_visits_make_one_workspace():
    user = User.objects.create_user("ana@firm.example", first_name="Ana Lima")
    found = []

    def visit():
        found.append(recipes.home_workspace(user))
        connection.close()

    _at_once(visit, visit)
    assert found[0] == found[1] == Workspace.objects.get()
    assert found[0].name == "Ana Lima's workspace"


def _at_once(*jobs):
    threads = [threading.Thread(target=job, daemon=True) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)


@pytest.mark.django_db
class TestMembers:
    def member(self, cast, role):
        return Member.objects.get(workspace=cast.workspace, user=getattr(cast, role))

    def test_nobody_removes_or_demotes_the_last_owner(self, cast):
        owner = self.member(cast, "owner")
        for change in (lambda: recipes.member_remove(owner), lambda: recipes.member_set_role(owner, Role.EDITOR)):
            with pytest.raises(recipes.LastOwner) as caught:
                change()
            assert (caught.value.status, caught.value.code) == (409, "last_owner")
        owner.refresh_from_db()
        assert owner.role == Role.OWNER

    def test_one_of_two_owners_may_go(self, cast):
        recipes.member_set_role(self.member(cast, "editor"), Role.OWNER)
        recipes.member_remove(self.member(cast, "owner"))
        assert list(cast.workspace.members.filter(role=Role.OWNER).values_list("user", flat=True)) == [cast.editor.pk]

    def test_the_last_owner_may_stay_owner(self, cast):
        recipes.member_set_role(self.member(cast, "owner"), Role.OWNER)
        assert self.member(cast, "owner").role == Role.OWNER

    def test_removal_takes_invites_and_bound_tokens_along(self, cast):
        recipes.member_set_role(self.member(cast, "editor"), Role.OWNER)
        inviting.invite_create(workspace=cast.workspace, user=cast.editor, role=Role.OWNER)
        kept, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.VIEWER)
        ApiToken.issue(user=cast.editor, name="bound", workspace=cast.workspace)
        free, _ = ApiToken.issue(user=cast.editor, name="free")
        recipes.member_remove(self.member(cast, "editor"))
        assert list(Invite.objects.all()) == [kept]
        assert list(ApiToken.objects.all()) == [free]
        assert not Member.objects.filter(user=cast.editor).exists()

    def test_demotion_revokes_invites(self, cast):
        recipes.member_set_role(self.member(cast, "editor"), Role.OWNER)
        inviting.invite_create(workspace=cast.workspace, user=cast.editor, role=Role.OWNER)
        recipes.member_set_role(self.member(cast, "editor"), Role.VIEWER)
        assert not Invite.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_owners_who_leave_at_once_leave_one(cast):
    recipes.member_set_role(Member.objects.get(user=cast.editor), Role.OWNER)
    together, refused = threading.Barrier(2), []

    def leave(user):
        member = Member.objects.get(workspace=cast.workspace, user=user)
        together.wait()
        try:
            recipes.member_remove(member)
        except recipes.LastOwner:
            refused.append(user)
        connection.close()

    _at_once(lambda: leave(cast.owner), lambda: leave(cast.editor))
    assert len(refused) == 1
    assert cast.workspace.members.filter(role=Role.OWNER).count() == 1


@pytest.mark.django_db
class TestInvites:
    def test_join(self, cast):
        invite, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        member = inviting.invite_accept(invite, cast.outsider)
        assert (member.user, member.workspace, member.role) == (cast.outsider, cast.workspace, Role.EDITOR)

    def test_a_link_works_for_many_and_once_for_each(self, cast):
        invite, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.VIEWER)
        second = User.objects.create_user("second@elsewhere.example")
        places = [inviting.invite_accept(invite, user) for user in (cast.outsider, second, cast.outsider)]
        assert places[0] == places[2] != places[1]
        assert cast.workspace.members.count() == 7

    @pytest.mark.parametrize("who", ["owner", "viewer"])
    def test_who_is_in_stays_what_they_are(self, cast, who):
        invite, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        assert inviting.invite_accept(invite, getattr(cast, who)).role == who

    def test_withdrawn_or_expired_while_it_was_open(self, cast):
        invite, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        Invite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        with pytest.raises(UserError) as caught:
            inviting.invite_accept(invite, cast.outsider)
        assert (caught.value.code, caught.value.status) == ("invite_closed", 410)
        Invite.objects.all().delete()
        with pytest.raises(UserError, match="withdrawn"):
            inviting.invite_accept(invite, cast.outsider)
        assert not Member.objects.filter(workspace=cast.workspace, user=cast.outsider).exists()

    def test_a_shared_workspace_is_nobodys_personal_one(self, cast):
        workspace = recipes.workspace_create(owner=cast.outsider, name="Mine", personal=True)
        invite, _ = inviting.invite_create(workspace=workspace, user=cast.outsider, role=Role.VIEWER)
        inviting.invite_accept(invite, cast.outsider)
        workspace.refresh_from_db()
        assert workspace.personal
        inviting.invite_accept(invite, cast.viewer)
        workspace.refresh_from_db()
        assert not workspace.personal


@pytest.mark.django_db
class TestDelete:
    def test_everyone_is_out_at_once_and_a_worker_does_the_rest(self, cast, django_capture_on_commit_callbacks, queued):
        inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        ApiToken.issue(user=cast.editor, name="bound", workspace=cast.workspace)
        with django_capture_on_commit_callbacks(execute=True):
            recipes.workspace_delete(cast.workspace)
        assert not cast.workspace.members.exists()
        assert not Invite.objects.exists()
        assert not ApiToken.objects.exists()
        assert queued == [cast.workspace.pk]

    @pytest.mark.django_db(transaction=True)
    def test_nothing_is_left(self, cast, tmp_path, settings):
        settings.MEDIA_ROOT = tmp_path
        version = make_document(cast)
        version.file.save("lease.pdf", _file(b"bytes"))
        question = Question.objects.create(workspace=cast.workspace, text="How long?", across_workspace=True)
        answer = Answer.objects.create(question=question, llm="test")
        progress.emit(progress.answer_stream(answer.pk), "token", {"start_char": 0, "text": "a"})
        progress.emit(progress.workspace_stream(cast.workspace.pk), "question", {"id": 1})
        cast.workspace.members.all().delete()
        elsewhere = Document.objects.create(workspace=Workspace.objects.get(slug="elsewhere"), name="kept.pdf")
        for _ in range(2):  # a task may run twice
            tasks.clear_workspace(cast.workspace.pk)
        assert not Workspace.objects.filter(slug="firm").exists()
        assert list(Document.objects.all()) == [elsewhere]
        assert not DocumentVersion.objects.exists()
        assert not Question.objects.exists()
        assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
        left = progress.connection().keys("lectern:*")
        assert [key for key in left if not key.startswith("lectern:tally:")] == []  # what all processes count

    def test_a_workspace_with_people_is_left_alone(self, cast):
        tasks.clear_workspace(cast.workspace.pk)
        assert Workspace.objects.filter(slug="firm").exists()

    def test_the_hourly_round_takes_old_abandoned_ones_only(self, cast):
        for slug, hours in [("old", 2), ("fresh", 0)]:
            Workspace.objects.create(slug=slug, name=slug)
            Workspace.objects.filter(slug=slug).update(created_at=timezone.now() - timedelta(hours=hours))
        Workspace.objects.filter(slug="firm").update(created_at=timezone.now() - timedelta(hours=2))
        tasks.clear_abandoned()
        assert sorted(Workspace.objects.values_list("slug", flat=True)) == ["elsewhere", "firm", "fresh"]

    @pytest.fixture
    def queued(self, monkeypatch):
        ids = []
        monkeypatch.setattr(tasks.clear_workspace, "delay", ids.append)
        return ids


def _file(content):
    from django.core.files.base import ContentFile

    return ContentFile(content)
