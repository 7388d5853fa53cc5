"""Folders: who sees what lies in them, whatever the way to it, and what that means for questions."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.files.base import ContentFile
from django.http import Http404
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from analysis.answer import material
from analysis.answer.ask import question_put
from analysis.errors import UserError
from analysis.ingest.upload import document_upload
from analysis.models import Answer, AnswerStatus, Document, Question
from tests.conftest import Cast
from tests.rows import make_document
from workspaces import access, folders
from workspaces.models import AuditEvent, Folder, FolderSight, Member, Role, User


@dataclass
class House:
    """A workspace with a folder for all, a closed one with a folder in it, and a document in each."""

    cast: Cast
    open: Folder
    closed: Folder
    inner: Folder
    guest: Member
    top_document: Document
    open_document: Document
    closed_document: Document
    inner_document: Document

    def member(self, name: str) -> Member:
        return self.guest if name == "guest" else Member.objects.get(user=getattr(self.cast, name))

    def names(self, name: str) -> set[str]:
        return {document.name for document in access.documents_for(self.member(name))}


@pytest.fixture
def house(cast: Cast) -> House:
    """The closed folder's list has the reviewer; the guest was let into the open folder."""
    room = folders.folder_create(workspace=cast.workspace, name="Open")
    closed = folders.folder_create(workspace=cast.workspace, name="Closed")
    inner = folders.folder_create(workspace=cast.workspace, name="Inner", parent=closed)
    reviewer = Member.objects.get(user=cast.reviewer)
    folders.folder_restrict(closed, restricted=True, members=[reviewer])
    user = User.objects.create_user("guest@client.example")
    guest = Member.objects.create(workspace=cast.workspace, user=user, role=Role.REVIEWER, guest=True)
    folders.folder_grant(room, guest)
    documents = []
    for name, folder in (("top", None), ("open", room), ("closed", closed), ("inner", inner)):
        document = make_document(cast, name).document
        folders.move_into(folder, workspace=cast.workspace, documents=[document])
        documents.append(Document.objects.get(pk=document.pk))
    for folder in (room, closed, inner):
        folder.refresh_from_db()
    return House(cast, room, closed, inner, guest, *documents)


ALL = {"top", "open", "closed", "inner"}


@pytest.mark.parametrize(
    ("who", "names"),
    [
        ("owner", ALL),
        ("admin", ALL),
        ("editor", {"top", "open"}),
        ("reviewer", ALL),
        ("viewer", {"top", "open"}),
        ("guest", {"open"}),
    ],
)
def test_who_sees_what(house: House, who: str, names: set[str]) -> None:
    assert house.names(who) == names
    user = house.member(who).user
    for document in Document.objects.all():
        assert access.sees(user, access.get_document_or_404, document.pk) == (document.name in names)
    seen = {folder.name.lower() for folder in access.folders_for(house.member(who))}
    assert seen == names - {"top"}


def test_a_list_of_its_own_narrows_what_the_folder_above_lets_in(house: House) -> None:
    folders.folder_restrict(house.inner, restricted=True)
    assert house.names("reviewer") == {"top", "open", "closed"}
    folders.folder_grant(house.inner, house.member("reviewer"))
    assert house.names("reviewer") == ALL
    folders.folder_revoke(house.closed, house.member("reviewer"))
    assert house.names("reviewer") == {"top", "open"}


def test_moving_a_folder_moves_who_sees_it(house: House) -> None:
    folders.folder_move(house.inner, house.open)
    assert house.names("viewer") == {"top", "open", "inner"}
    assert house.names("guest") == {"open", "inner"}
    folders.folder_move(house.open, house.closed)
    assert house.names("viewer") == {"top"}
    assert house.names("guest") == {"open", "inner"}  # the guest is on the list of that very folder


def test_opening_a_folder_keeps_the_guests_on_its_list(house: House) -> None:
    folders.folder_grant(house.closed, house.guest)
    folders.folder_restrict(house.closed, restricted=False)
    assert house.names("viewer") == ALL
    assert house.names("guest") == {"open", "closed", "inner"}
    assert not house.closed.grants.filter(member=house.member("reviewer")).exists()


TREES = st.lists(st.tuples(st.integers(-1, 6), st.booleans(), st.sets(st.sampled_from(["m", "g"]))), max_size=7)


@given(TREES)
def test_sights_follow_from_lists_and_places(tree: list[tuple[int, bool, set[str]]]) -> None:
    """Against the definition, on any tree: a member must be let in by each closed folder on the way from the top; a
    guest by the folder or one above it, with no closed one in between that does not have them on its list.
    """
    rows = {
        index: Folder(pk=index, parent_id=parent if 0 <= parent < index else None, restricted=restricted)
        for index, (parent, restricted, _) in enumerate(tree)
    }
    lists = {index: {1 if each == "m" else 2 for each in who} for index, (_, _, who) in enumerate(tree)}
    for index in rows:
        way = []
        at: int | None = index
        while at is not None:
            way.append(at)
            at = rows[at].parent_id
        member = all(1 in lists[each] for each in way if rows[each].restricted)
        assert folders._member_sees(rows, lists, index, 1) == member
        let_in = [each for each in way if 2 in lists[each]]
        below = list(itertools.takewhile(lambda each: 2 not in lists[each], way))
        guest = bool(let_in) and not any(rows[each].restricted for each in below)
        assert folders._guest_sees(rows, lists, index, 2) == guest


class TestFoldersThemselves:
    def test_names_are_taken_once_in_a_place_whatever_their_case(self, house: House) -> None:
        with pytest.raises(UserError, match="called “OPEN” here") as caught:
            folders.folder_create(workspace=house.cast.workspace, name=" OPEN ")
        assert (caught.value.code, caught.value.status) == ("name_taken", 409)
        assert (
            folders.folder_create(workspace=house.cast.workspace, name="Open", parent=house.open).parent == house.open
        )

    @pytest.mark.parametrize("name", ["", " \t", "\0", "x" * 121])
    def test_a_name_is_needed(self, house: House, name: str) -> None:
        with pytest.raises(UserError) as caught:
            folders.folder_create(workspace=house.cast.workspace, name=name)
        assert caught.value.code == "bad_name"

    def test_not_into_itself_and_not_too_deep(self, house: House) -> None:
        with pytest.raises(UserError, match="into itself"):
            folders.folder_move(house.closed, house.inner)
        at = house.inner
        for number in range(folders.DEEPEST - 2):
            at = folders.folder_create(workspace=house.cast.workspace, name=str(number), parent=at)
        with pytest.raises(UserError) as caught:
            folders.folder_create(workspace=house.cast.workspace, name="deeper", parent=at)
        assert caught.value.code == "too_deep"
        with pytest.raises(UserError) as caught:
            folders.folder_move(house.closed, house.open)
        assert caught.value.code == "too_deep"

    def test_only_an_empty_folder_is_deleted(self, house: House) -> None:
        for folder in (house.closed, house.inner):
            with pytest.raises(UserError, match="Move or delete what is in this folder first"):
                folders.folder_delete(folder)
        folders.move_into(None, workspace=house.cast.workspace, documents=[house.inner_document])
        folders.folder_delete(house.inner)
        assert not Folder.objects.filter(name="Inner").exists()

    def test_what_is_done_is_logged(self, house: House) -> None:
        folders.folder_rename(house.open, "Wide open")
        actions = set(AuditEvent.objects.values_list("action", flat=True))
        assert actions >= {"folder.created", "folder.changed", "folder.closed", "folder.granted", "document.moved"}

    def test_a_member_who_leaves_is_on_no_list(self, house: House) -> None:
        house.member("reviewer").delete()
        assert FolderSight.objects.filter(folder=house.closed).count() == 0

    def test_a_list_holds_members_of_its_workspace_only(self, house: House) -> None:
        outsider = Member.objects.get(user=house.cast.outsider)
        with pytest.raises(ValueError, match="members of its workspace"):
            folders.folder_grant(house.closed, outsider)


Ask = Callable[..., Question]


@pytest.fixture
def ask(house: House) -> Ask:
    """Put a question as somebody; it gets an answer that read what it was put to."""

    def put(who: str, **to: object) -> Question:
        user = house.member(who).user
        question = question_put(workspace=house.cast.workspace, user=user, text="How long?", **to)
        documents = list(material.chosen(question))
        receipt = {"documents": [{"document_id": str(each.pk), "characters_read": 9} for each in documents]}
        Answer.objects.create(
            question=question, text="Five years.", status=AnswerStatus.DONE, llm="x", coverage=receipt
        )
        return question

    return put


def seen_by(house: House, question: Question) -> set[str]:
    people = ("owner", "admin", "editor", "reviewer", "viewer", "guest")
    seen = {who for who in people if access.sees(house.member(who).user, access.get_question_or_404, question.pk)}
    listed = {who for who in people if access.questions_for(house.member(who)).filter(pk=question.pk).exists()}
    answer = question.answers.get()
    answered = {who for who in people if access.sees(house.member(who).user, access.get_answer_or_404, answer.pk)}
    assert seen == listed == answered
    return seen


STAFF = {"owner", "admin"}
EVERYONE = {"owner", "admin", "editor", "reviewer", "viewer"}


class TestQuestions:
    def test_to_a_document_are_seen_by_who_sees_it(self, house: House, ask: Ask) -> None:
        assert seen_by(house, ask("owner", documents=[house.top_document])) == EVERYONE
        assert seen_by(house, ask("owner", documents=[house.open_document])) == EVERYONE | {"guest"}
        both = ask("owner", documents=[house.open_document, house.inner_document])
        assert seen_by(house, both) == STAFF | {"reviewer"}
        folders.move_into(None, workspace=house.cast.workspace, documents=[house.inner_document])
        assert seen_by(house, both) == EVERYONE

    def test_private_ones_are_seen_by_who_asked(self, house: House, ask: Ask) -> None:
        assert seen_by(house, ask("viewer", documents=[house.top_document], shared=False)) == {"viewer"}
        assert seen_by(house, ask("owner", shared=False)) == {"owner"}

    def test_across_the_workspace_range_over_what_the_asker_sees(self, house: House, ask: Ask) -> None:
        ranged = {
            who: {each.name for each in material.chosen(ask(who))} for who in ("owner", "editor", "reviewer", "guest")
        }
        assert ranged == {"owner": ALL, "editor": {"top", "open"}, "reviewer": ALL, "guest": {"open"}}

    def test_across_the_workspace_are_seen_by_who_sees_as_much(self, house: House, ask: Ask) -> None:
        assert seen_by(house, ask("editor")) == EVERYONE
        assert seen_by(house, ask("reviewer")) == STAFF | {"reviewer"}
        assert seen_by(house, ask("guest")) == EVERYONE | {"guest"}

    def test_to_a_folder_are_put_to_those_below_as_well(self, house: House, ask: Ask) -> None:
        question = ask("reviewer", folders=[house.closed])
        assert {each.name for each in material.chosen(question)} == {"closed", "inner"}
        assert seen_by(house, question) == STAFF | {"reviewer"}
        assert not question.across_workspace

    def test_what_is_closed_later_closes_what_was_read_of_it(self, house: House, ask: Ask) -> None:
        across, chosen = ask("editor"), ask("editor", documents=[house.open_document])
        unread = ask("editor")
        receipt = {"documents": [{"document_id": str(house.open_document.pk), "characters_read": 0}]}
        unread.answers.update(coverage=receipt)
        folders.folder_restrict(house.open, restricted=True, members=[house.member("viewer"), house.guest])
        assert seen_by(house, across) == STAFF | {"viewer"}
        assert seen_by(house, chosen) == STAFF | {"viewer", "guest"}
        assert seen_by(house, unread) == EVERYONE

    def test_what_is_moved_into_a_closed_folder_takes_its_answers_along(self, house: House, ask: Ask) -> None:
        across = ask("editor")
        folders.move_into(house.closed, workspace=house.cast.workspace, documents=[house.top_document])
        assert seen_by(house, across) == STAFF | {"reviewer"}

    def test_an_answer_that_was_broken_off_may_have_read_everything(self, house: House, ask: Ask) -> None:
        across = ask("editor")
        across.answers.update(coverage={})
        folders.folder_restrict(house.open, restricted=True)
        assert "editor" not in seen_by(house, across)

    def test_of_a_closed_folder_that_is_deleted_stay_with_who_asked(self, house: House, ask: Ask) -> None:
        question = ask("reviewer", folders=[house.inner])
        folders.move_into(None, workspace=house.cast.workspace, documents=[house.inner_document])
        folders.folder_delete(house.inner)
        assert seen_by(house, question) == {"reviewer"}

    def test_a_follow_up_tells_no_more_than_its_parent_may(self, house: House, ask: Ask) -> None:
        closed = ask("reviewer", documents=[house.closed_document])
        same = ask("reviewer", parent=closed)
        assert seen_by(house, same) == STAFF | {"reviewer"}
        assert seen_by(house, ask("reviewer", parent=closed, documents=[house.top_document])) == {"reviewer"}
        private = ask("editor", documents=[house.top_document], shared=False)
        assert seen_by(house, ask("editor", parent=private)) == {"editor"}
        plain = ask("editor", documents=[house.top_document])
        assert seen_by(house, ask("editor", parent=plain, documents=[house.open_document])) == EVERYONE | {"guest"}


class TestUploads:
    def test_of_the_same_bytes_tell_nobody_what_they_do_not_see(self, house: House) -> None:
        def upload(who: str, folder: Folder | None) -> tuple[Document, bool]:
            done = document_upload(
                workspace=house.cast.workspace, user=house.member(who).user, name="terms.txt",
                file=ContentFile(b"Secret terms."), folder=folder, enqueue=False,
            )  # fmt: skip
            return done.document, done.duplicate

        first, _ = upload("owner", house.closed)
        second, duplicate = upload("editor", None)
        assert second != first
        assert not duplicate
        assert upload("editor", None) == (second, True)
        assert upload("owner", None)[1]

    def test_of_guests_need_a_folder(self, house: House) -> None:
        guest = house.member("guest")
        Member.objects.filter(pk=guest.pk).update(role=Role.EDITOR)
        given = {"workspace": house.cast.workspace, "user": guest.user, "name": "a.txt", "enqueue": False}
        with pytest.raises(UserError, match="guests see nothing outside") as caught:
            document_upload(**given, file=ContentFile(b"Words."))
        assert caught.value.code == "no_folder"
        document_upload(**given, file=ContentFile(b"Words."), folder=house.open)
        assert house.names("guest") == {"open", "a.txt"}


def test_an_outsider_finds_no_folder(house: House) -> None:
    with pytest.raises(Http404):
        access.get_folder_or_404(house.cast.outsider, house.open.pk)
    with pytest.raises(Http404):
        access.get_folder_or_404(house.cast.editor, house.closed.pk)
    assert access.get_folder_or_404(house.cast.viewer, house.open.pk) == house.open


class TestPages:
    def test_home_shows_a_place_and_what_lies_there(self, house: House, client: Client) -> None:
        client.force_login(house.cast.viewer)
        home = client.get("/w/firm/").content.decode()
        assert ("top" in home, ">open<" in home, "Open" in home, "Closed" in home) == (True, False, True, False)
        inside = client.get(f"/w/firm/?folder={house.open.pk}").content.decode()
        assert ">open<" in inside
        assert ">top<" not in inside
        found = client.get("/w/firm/?name=open").content.decode()
        assert ">open<" in found
        for out_of_sight in (house.closed.pk, 10**9):
            assert client.get(f"/w/firm/?folder={out_of_sight}").status_code == 404
            assert client.get(f"/folders/{out_of_sight}/").status_code == 404

    def test_a_folder_without_its_parent_stands_at_the_top(self, house: House, client: Client) -> None:
        folders.folder_grant(house.inner, house.guest)
        client.force_login(house.guest.user)
        home = client.get("/w/firm/").content.decode()
        assert ("Inner" in home, "Closed" in home, "Open" in home) == (True, False, True)

    def test_an_editor_makes_one_and_an_admin_closes_it(self, house: House, client: Client) -> None:
        client.force_login(house.cast.editor)
        made = client.post("/w/firm/folders/", {"name": "Matter", "folder": ""})
        folder = Folder.objects.get(name="Matter")
        assert (made.status_code, made.url) == (302, f"/w/firm/?folder={folder.pk}")
        assert client.post("/w/firm/folders/", {"name": "matter"}).status_code == 409
        assert client.post(f"/folders/{folder.pk}/people/", {"restricted": "yes"}).status_code == 403
        client.force_login(house.cast.admin)
        viewer = house.member("viewer")
        client.post(f"/folders/{folder.pk}/people/", {"restricted": "yes", "member": [viewer.pk]})
        folder.refresh_from_db()
        assert folder.closed
        assert folder not in access.folders_for(house.member("editor"))
        assert folder in access.folders_for(viewer)
        client.post(f"/folders/{folder.pk}/", {"name": "Matter 7", "folder": house.open.pk})
        folder.refresh_from_db()
        assert (folder.name, folder.parent) == ("Matter 7", house.open)
        assert client.post(f"/folders/{folder.pk}/delete/").status_code == 302
        assert not Folder.objects.filter(pk=folder.pk).exists()

    def test_moving_out_of_a_closed_folder_needs_an_admin(self, house: House, client: Client) -> None:
        Member.objects.filter(user=house.cast.reviewer).update(role=Role.EDITOR)
        move = {"document": str(house.closed_document.pk), "folder": str(house.open.pk)}
        client.force_login(house.cast.reviewer)
        assert "closed" in client.get("/w/firm/documents/move/", {"document": move["document"]}).content.decode()
        assert client.post("/w/firm/documents/move/", move).status_code == 403
        assert client.post("/w/firm/documents/move/", move | {"folder": str(house.inner.pk)}).status_code == 302
        client.force_login(house.cast.editor)
        assert client.post("/w/firm/documents/move/", move).status_code == 404
        client.force_login(house.cast.admin)
        assert client.post("/w/firm/documents/move/", move).status_code == 302
        assert "closed" in house.names("guest")

    def test_an_upload_comes_to_lie_in_the_folder_shown(self, house: House, client: Client) -> None:
        client.force_login(house.cast.editor)
        client.post(
            reverse("upload", args=["firm"]), {"file": ContentFile(b"Words.", name="new.txt"), "folder": house.open.pk}
        )
        assert Document.objects.get(name="new.txt").folder == house.open
        refused = client.post(
            reverse("upload", args=["firm"]), {"file": ContentFile(b"W", name="b.txt"), "folder": house.closed.pk}
        )
        assert refused.status_code == 404

    def test_asking_across_says_who_will_see_it(self, house: House, client: Client) -> None:
        client.force_login(house.cast.reviewer)
        assert "2 closed folders are among it" in client.get("/w/firm/ask/").content.decode()
        client.force_login(house.cast.editor)
        assert "closed folder" not in client.get("/w/firm/ask/").content.decode()
        assert "Ask about the folder Open" in client.get(f"/w/firm/ask/?folder={house.open.pk}").content.decode()
