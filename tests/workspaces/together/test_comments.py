"""Comments: who may say what about what, who is named, what is left when one goes, and that nothing grows with them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from analysis import progress
from analysis.errors import UserError
from analysis.models import Document
from analysis.types import Span
from tests.conftest import Cast
from tests.rows import FIRST, SECOND, TEXT, make_answer, make_document
from tests.workspaces.together.rows import closed_folder, join, place_of
from workspaces.access import comments_for
from workspaces.models import AuditEvent, Comment, Notification, User
from workspaces.together.comments import (
    comment_assign,
    comment_delete,
    comment_edit,
    comment_reply,
    comment_resolve,
    comment_write,
)
from workspaces.together.mentions import as_html
from workspaces.together.threads import Talk

HTMX = {"HX-Request": "true"}


@pytest.fixture
def document(cast: Cast) -> Document:
    version = make_document(cast)
    version.characters = len(TEXT)
    version.save()
    version.document.version = version
    return version.document


@pytest.fixture
def say(cast: Cast, document: Document) -> Callable[..., Comment]:
    """Return a function by which a person comments on the document."""

    def comment(user: User, text: str, **more: object) -> Comment:
        given = {"subject": document} | more
        return comment_write(author=place_of(cast, user), text=text, **given)  # type: ignore[arg-type]

    return comment


def told(user: User) -> list[str]:
    return list(Notification.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))


class TestWho:
    def test_each_is_told_once_and_nobody_of_their_own(self, cast, say):
        first = say(cast.reviewer, "Is five right? @editor@firm.example, @viewer@firm.example.")
        assert set(first.mentioned.all()) == {cast.editor, cast.viewer}
        assert (told(cast.editor), told(cast.viewer), told(cast.reviewer)) == (["mentioned"], ["mentioned"], [])
        comment_reply(first, author=place_of(cast, cast.editor), text="Ask @reviewer@firm.example")
        assert told(cast.reviewer) == ["mentioned"]
        comment_reply(first, author=place_of(cast, cast.owner), text="It is.")
        assert told(cast.reviewer) == ["mentioned", "replied"]
        assert told(cast.editor) == ["mentioned", "replied"]
        assert told(cast.viewer) == ["mentioned"]

    def test_the_asker_is_told_of_a_comment_on_the_answer(self, cast, document, say):
        answer = make_answer(cast, document.version, "Five years.")
        say(cast.reviewer, "Really?", subject=answer)
        assert told(cast.owner) == ["commented"]
        assert Notification.objects.get().question == answer.question
        say(cast.reviewer, "@owner@firm.example, really?", subject=answer.question)
        assert told(cast.owner) == ["commented", "mentioned"]

    def test_an_edit_tells_only_who_is_new_in_it(self, cast, say):
        comment = say(cast.reviewer, "@editor@firm.example")
        comment_edit(comment, "@editor@firm.example @viewer@firm.example")
        assert (told(cast.editor), told(cast.viewer)) == (["mentioned"], ["mentioned"])
        assert comment.edited_at is not None

    @pytest.mark.parametrize("address", ["outsider@elsewhere.example", "nobody@nowhere.example"])
    def test_who_does_not_see_it_cannot_be_named_and_is_not_told(self, cast, say, address):
        with pytest.raises(UserError, match=f"^{address} does not see this, and so cannot be mentioned.$"):
            say(cast.reviewer, f"See @{address}")
        assert (Comment.objects.count(), Notification.objects.count()) == (0, 0)

    def test_nor_who_is_shut_out_of_its_folder(self, cast, document, say):
        let_in = join(cast, "let-in")
        Document.objects.filter(pk=document.pk).update(folder=closed_folder(cast, let_in))
        document.refresh_from_db()
        say(cast.owner, "@let-in@firm.example @admin@firm.example")
        with pytest.raises(UserError, match=r"editor@firm\.example does not see this"):
            say(cast.owner, "@editor@firm.example")

    def test_assigning_and_resolving_tell_those_concerned(self, cast, say):
        comment = say(cast.reviewer, "Check this.")
        comment_assign(comment, cast.editor, by=cast.admin)
        comment_resolve(comment, by=cast.admin, resolved=True)
        comment_resolve(comment, by=cast.owner, resolved=True)
        assert (told(cast.editor), told(cast.reviewer)) == (["assigned", "resolved"], ["resolved"])
        comment.refresh_from_db()
        assert comment.resolved_by == cast.admin
        comment_resolve(comment, by=cast.owner, resolved=False)
        comment.refresh_from_db()
        assert (comment.resolved_at, comment.resolved_by) == (None, None)
        with pytest.raises(UserError, match=r"outsider@elsewhere\.example does not see this"):
            comment_assign(comment, cast.outsider, by=cast.admin)


class TestWords:
    def test_links_and_names_are_made_and_the_rest_is_escaped(self, cast):
        User.objects.filter(pk=cast.editor.pk).update(first_name="Ed <i>")
        cast.editor.refresh_from_db()
        html = as_html(
            '<b> see https://x.example/?a=1&b=2 and @editor@firm.example,\n@else@firm.example "', [cast.editor]
        )
        assert html == (
            '&lt;b&gt; see <a href="https://x.example/?a=1&amp;b=2" rel="nofollow">https://x.example/?a=1&amp;b=2</a>'
            " and "
            '<span class="mention" title="editor@firm.example">@Ed &lt;i&gt;</span>,\n@else@firm.example &quot;'
        )
        assert "javascript:" not in str(as_html("javascript:alert(1)", [])).partition("href")[2]

    @pytest.mark.parametrize(("text", "code"), [(" \n", "empty_comment"), ("x" * 10_001, "comment_too_long")])
    def test_too_little_and_too_much(self, cast, say, text, code):
        with pytest.raises(UserError) as refused:
            say(cast.reviewer, text)
        assert refused.value.code == code

    def test_the_place_is_quoted(self, cast, document, say):
        span = Span(len(FIRST), len(FIRST) + 12)
        say(cast.reviewer, "Why Delaware?", version=document.version, span=span)
        (thread,) = Talk(document, place_of(cast, cast.viewer)).remarks
        assert (thread.quote, thread.page_number) == (SECOND[:12], 2)
        with pytest.raises(UserError) as refused:
            say(cast.reviewer, "?", version=document.version, span=Span(0, 9_999_999))
        assert refused.value.code == "no_span"


class TestDeleting:
    def test_ones_own_goes_with_what_was_told_of_it(self, cast, say):
        comment_delete(say(cast.reviewer, "@editor@firm.example"), by=cast.reviewer)
        assert (Comment.objects.count(), Notification.objects.count()) == (0, 0)
        assert not AuditEvent.objects.filter(action="comment.deleted").exists()

    def test_one_with_replies_leaves_its_place_until_the_last_is_gone(self, cast, document, say):
        first = say(cast.reviewer, "Mine @editor@firm.example")
        reply = comment_reply(first, author=place_of(cast, cast.editor), text="Theirs")
        comment_delete(first, by=cast.reviewer)
        talk = Talk(document, place_of(cast, cast.viewer))
        assert [(each.gone, [reply.html for reply in each.replies]) for each in talk.remarks] == [(True, ["Theirs"])]
        assert talk.count == 1
        assert told(cast.editor) == []
        comment_delete(reply, by=cast.editor)
        assert Comment.objects.count() == 0

    def test_an_admins_is_logged_without_the_words(self, cast, say):
        comment_delete(say(cast.reviewer, "Secret words"), by=cast.admin)
        event = AuditEvent.objects.get(action="comment.deleted")
        assert (event.object_name, event.details) == ("", {"author": "reviewer@firm.example"})


class TestPages:
    def test_a_form_with_and_without_a_script(self, cast, client, document):
        client.force_login(cast.reviewer)
        url = f"/d/{document.pk}/comments/"
        form = {"text": "Why <five>?", "version": "1", "start_char": "4", "end_char": "8", "box": "comment-1"}
        reply = client.post(url, form, headers=HTMX)
        made = Comment.objects.get()
        assert (made.start_char, made.end_char, made.version_id) == (4, 8, document.version_id)
        assert reply["HX-Trigger"] == "lectern:commented"
        assert f'<hx-partial hx-target="#comments-{document.pk}" hx-swap="outerMorph">' in reply.content.decode()
        assert "Why &lt;five&gt;?" in reply.content.decode()
        plain = client.post(url, {"text": "And then?"})
        newest = Comment.objects.latest("created_at")
        assert plain["Location"] == f"/d/{document.pk}/?comment={newest.pk}&tab=comments#comment-{newest.pk}"
        assert client.get(f"/c/{made.pk}/")["Location"] == (
            f"/d/{document.pk}/?comment={made.pk}&tab=comments&start_char=4&end_char=8#comment-{made.pk}"
        )
        refused = client.post(url, {"text": "@nobody@x.example", "box": "comment-1"}, headers=HTMX)
        assert refused.status_code == 422
        assert '<hx-partial hx-target="#error-comment-1"' in refused.content.decode()

    def test_others_comments_are_not_ones_own_to_edit(self, cast, client, say):
        comment = say(cast.reviewer, "Mine")
        client.force_login(cast.editor)
        assert client.post(f"/c/{comment.pk}/edit/", {"text": "Yours"}).status_code == 404
        assert client.post(f"/c/{comment.pk}/delete/").status_code == 404
        client.force_login(cast.admin)
        assert client.post(f"/c/{comment.pk}/edit/", {"text": "Yours"}).status_code == 404
        assert client.post(f"/c/{comment.pk}/delete/").status_code == 302
        assert not Comment.objects.exists()

    def test_another_answers_id_is_not_there(self, cast, client, document):
        one, other = (make_answer(cast, document.version, words) for words in ("One.", "Other."))
        client.force_login(cast.reviewer)
        url = f"/q/{one.question_id}/comments/"
        assert client.post(url, {"text": "?", "answer": str(other.pk)}).status_code == 404
        assert client.post(url, {"text": "?", "answer": "x"}).status_code == 404
        client.post(url, {"text": "?", "answer": str(one.pk)})
        assert Comment.objects.get().answer == one

    def test_completion_offers_who_sees_it(self, cast, client, document):
        Document.objects.filter(pk=document.pk).update(folder=closed_folder(cast, place_of(cast, cast.viewer)))
        client.force_login(cast.owner)
        people = client.get(f"/d/{document.pk}/people/").json()["people"]
        assert [each["email"] for each in people] == [f"{who}@firm.example" for who in ("admin", "owner", "viewer")]

    def test_as_many_queries_with_many(self, cast, client, document, say):
        answer = make_answer(cast, document.version, "Five years.")
        client.force_login(cast.owner)
        pages = (f"/d/{document.pk}/?tab=comments", f"/q/{answer.question_id}/", f"/d/{document.pk}/comments/places/")

        def queries() -> list[int]:
            found = []
            for page in pages:
                with CaptureQueriesContext(connection) as captured:
                    assert client.get(page).status_code == 200
                # The registry of language models looks for changes every few seconds, comments or none.
                found.append(len([each for each in captured if "servedllm" not in each["sql"]]))
            return found

        place = {"version": document.version, "span": Span(4, 8)}
        for on in ({"subject": document, **place}, {"subject": answer}):
            comment_reply(
                say(cast.reviewer, "@editor@firm.example", **on), author=place_of(cast, cast.editor), text="?"
            )
        queries()
        few = queries()
        for on in [{"subject": document, **place}, {"subject": answer}] * 8:
            first = say(cast.reviewer, "@viewer@firm.example", **on)
            comment_assign(first, cast.editor, by=cast.owner)
            comment_reply(first, author=place_of(cast, cast.editor), text="@owner@firm.example")
        assert queries() == few


def test_open_pages_are_told_what_changed_and_not_the_words(cast, document, say, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        say(cast.reviewer, "Words @editor@firm.example")
    events = progress.replay(progress.workspace_stream(cast.workspace.pk))
    assert [(event.name, event.data) for event in events] == [
        ("notified", {"users": [cast.editor.pk]}),
        ("comment", {"document": str(document.pk), "question": None}),
    ]


def test_comments_go_with_what_they_are_on(cast, document, say):
    say(cast.reviewer, "On the document @editor@firm.example")
    say(cast.reviewer, "On the answer", subject=make_answer(cast, document.version, "Five."))
    assert comments_for(place_of(cast, cast.viewer)).count() == 2
    document.questions.all().delete()
    document.delete()
    assert (Comment.objects.count(), Notification.objects.count()) == (0, 0)


def test_a_viewer_reads_and_does_not_write(cast, document, say):
    say(cast.reviewer, "Words")
    client = Client()
    client.force_login(cast.viewer)
    page = client.get(f"/d/{document.pk}/?tab=comments").content.decode()
    assert "Words" in page
    assert "data-comment-form" not in page
