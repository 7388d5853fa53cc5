"""Standing by an answer, and keeping a question to oneself."""

from __future__ import annotations

import pytest
from django.test import Client

from analysis.errors import UserError
from analysis.models import Answer, Question
from tests.conftest import Cast
from tests.rows import make_answer, make_document
from tests.workspaces.together.rows import place_of
from workspaces.models import AuditEvent, Notification
from workspaces.together.approvals import answer_approve, approved_answers, asked_with
from workspaces.together.comments import comment_write
from workspaces.together.sharing import question_share

HTMX = {"HX-Request": "true"}


@pytest.fixture
def answer(cast: Cast) -> Answer:
    return make_answer(cast, make_document(cast), "The lease terminates after five years.")


def client_of(user: object) -> Client:
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]
    return client


class TestApproving:
    def test_it_is_marked_told_and_logged_once(self, cast, answer):
        reviewer = client_of(cast.reviewer)
        for _ in range(2):
            page = reviewer.post(f"/a/{answer.pk}/approve/", {"approved": "1"}, headers=HTMX).content.decode()
        assert "Approved by reviewer@firm.example on " in page
        assert "Take approval back" in page
        answer.refresh_from_db()
        assert (answer.approved_by, Notification.objects.get().user) == (cast.reviewer, cast.owner)
        client_of(cast.editor).post(f"/a/{answer.pk}/approve/", {"approved": "0"})
        answer.refresh_from_db()
        assert (answer.approved_at, answer.approved_by) == (None, None)
        events = AuditEvent.objects.filter(action__contains="approved").order_by("pk")
        assert [(event.action, event.actor) for event in events] == [
            ("answer.approved", "reviewer@firm.example"),
            ("answer.unapproved", "editor@firm.example"),
        ]

    def test_another_run_is_not_approved(self, cast, answer):
        answer_approve(answer, by=place_of(cast, cast.reviewer))
        again = Answer.objects.create(question=answer.question, number=2, text="Six.", status="done", llm="test-llm")
        assert (again.approved_at, approved_answers(place_of(cast, cast.viewer), "six", limit=5)) == (None, [])

    @pytest.mark.parametrize("changed", [{"status": "running"}, {"text": ""}])
    def test_what_is_not_finished_is_not_approved(self, cast, answer, changed):
        Answer.objects.filter(pk=answer.pk).update(**changed)
        answer.refresh_from_db()
        with pytest.raises(UserError, match="no finished answer"):
            answer_approve(answer, by=place_of(cast, cast.reviewer))

    def test_it_is_found_by_its_words_and_its_questions(self, cast, answer):
        make_answer(cast, make_document(cast), "It terminates never.")
        answer_approve(answer, by=place_of(cast, cast.reviewer))
        viewer = place_of(cast, cast.viewer)
        assert approved_answers(viewer, "termination", limit=5) == [answer]
        assert approved_answers(viewer, "how long", limit=5) == [answer]
        assert approved_answers(viewer, "rent", limit=5) == []
        from workspaces.access import questions_for

        assert asked_with(questions_for(viewer), "terminate", approved=False).count() == 2
        assert list(asked_with(questions_for(viewer), "", approved=True)) == [answer.question]
        assert list(asked_with(questions_for(viewer), "never", approved=True)) == []
        question_share(answer.question, by=cast.owner, shared=True)

    def test_a_private_one_is_found_by_nobody_else(self, cast, answer):
        question_share(answer.question, by=cast.owner, shared=False)
        answer_approve(answer, by=place_of(cast, cast.owner))
        assert approved_answers(place_of(cast, cast.admin), "five", limit=5) == []
        assert approved_answers(place_of(cast, cast.owner), "five", limit=5) == [answer]


class TestSharing:
    def test_only_the_asker_and_only_until_others_have_worked_with_it(self, cast, answer):
        question = answer.question
        with pytest.raises(UserError, match="Only who asked"):
            question_share(question, by=cast.admin, shared=False)
        question_share(question, by=cast.owner, shared=False)
        assert client_of(cast.admin).get(f"/q/{question.pk}/").status_code == 404
        page = client_of(cast.owner).get(f"/q/{question.pk}/").content.decode()
        assert "Only me" in page
        client_of(cast.owner).post(f"/q/{question.pk}/share/", {"shared": "1"})
        assert client_of(cast.admin).get(f"/q/{question.pk}/").status_code == 200
        comment_write(author=place_of(cast, cast.owner), subject=answer, text="My own.")
        question.refresh_from_db()
        question_share(question, by=cast.owner, shared=False)
        question_share(question, by=cast.owner, shared=True)
        comment_write(author=place_of(cast, cast.viewer), subject=answer, text="Another's.")
        with pytest.raises(UserError, match="Others have worked with this question"):
            question_share(question, by=cast.owner, shared=False)
        assert AuditEvent.objects.filter(action="question.unshared").count() == 2

    def test_what_follows_it_up_goes_with_it_and_comes_after_it(self, cast, answer):
        question = answer.question
        one = Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="And?", parent=question)
        two = Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="Then?", parent=one)
        question_share(question, by=cast.owner, shared=False)
        two.refresh_from_db()
        assert not two.shared
        with pytest.raises(UserError, match="follows up first"):
            question_share(two, by=cast.owner, shared=True)
        for each in (question, one, two):
            question_share(Question.objects.get(pk=each.pk), by=cast.owner, shared=True)
        Question.objects.filter(pk=two.pk).update(asker=cast.viewer)
        with pytest.raises(UserError, match="Others have worked"):
            question_share(Question.objects.get(pk=question.pk), by=cast.owner, shared=False)

    def test_what_others_were_told_of_it_goes_with_it(self, cast, answer):
        comment_write(author=place_of(cast, cast.owner), subject=answer, text="@viewer@firm.example")
        assert Notification.objects.get().user == cast.viewer
        question_share(answer.question, by=cast.owner, shared=False)
        assert not Notification.objects.exists()


def test_pages_find_what_was_approved(cast, answer, monkeypatch):
    from analysis.answer.retrieve import filters

    monkeypatch.setattr(filters, "search", lambda *_, **__: [])
    other = make_answer(cast, make_document(cast), "It is free of charge.")
    answer_approve(answer, by=place_of(cast, cast.reviewer))
    viewer = client_of(cast.viewer)
    found = viewer.get("/w/firm/search/", {"q": "terminates"}).content.decode()
    assert f'href="/q/{answer.question_id}/?answer=1"' in found
    listed = viewer.get("/w/firm/ask/", {"approved": "1"}).content.decode()
    assert (f'href="/q/{answer.question_id}/"' in listed, f'href="/q/{other.question_id}/"' in listed) == (True, False)
    listed = viewer.get("/w/firm/ask/", {"q": "charge"}).content.decode()
    assert (f'href="/q/{answer.question_id}/"' in listed, f'href="/q/{other.question_id}/"' in listed) == (False, True)
