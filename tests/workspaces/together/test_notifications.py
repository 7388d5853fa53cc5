"""What people are told: the bell, the page, only what they may still see; and the mail, once, in their language."""

from __future__ import annotations

import re
from datetime import timedelta
from smtplib import SMTPServerDisconnected
from unittest.mock import patch

import pytest
from django.core import mail
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis.models import Document
from tests.conftest import Cast
from tests.rows import make_answer, make_document
from tests.workspaces.together.rows import closed_folder, place_of
from workspaces.models import ByMail, Comment, Member, Notification, NotificationKind, Policy, User
from workspaces.together import digest
from workspaces.together.comments import comment_write
from workspaces.together.notify import answer_is_done, await_answer
from workspaces.together.presence import Place, Stay


@pytest.fixture
def document(cast: Cast) -> Document:
    return make_document(cast, "Falcon lease.pdf").document


@pytest.fixture
def mention(cast: Cast, document: Document) -> Comment:
    return comment_write(author=place_of(cast, cast.reviewer), subject=document, text="Wing span? @editor@firm.example")


@pytest.fixture
def editor(cast: Cast) -> Client:
    client = Client()
    client.force_login(cast.editor)
    return client


def unread(client: Client) -> str:
    found = re.search(r"data-unread>([^<]*)<", client.get("/notifications/bell/").content.decode())
    return found[1] if found else ""


class TestPage:
    def test_it_leads_to_the_comment_and_is_read_with_that(self, editor, mention):
        assert unread(editor) == "1"
        page = editor.get("/notifications/?unread").content.decode()
        assert "reviewer@firm.example mentioned you in a comment on “Falcon lease.pdf”" in page
        assert "Wing span?" in page
        row = Notification.objects.get()
        place = f"/d/{mention.document_id}/?comment={mention.pk}&tab=comments#comment-{mention.pk}"
        assert editor.get(f"/notifications/{row.pk}/")["Location"] == place
        assert unread(editor) == ""
        assert "mentioned you" not in editor.get("/notifications/?unread").content.decode()
        assert "mentioned you" in editor.get("/notifications/").content.decode()

    def test_all_or_one_can_be_marked(self, cast, editor, document, mention):
        comment_write(author=place_of(cast, cast.reviewer), subject=document, text="@editor@firm.example again")
        editor.post("/notifications/read/", {"notification": str(Notification.objects.latest("pk").pk)})
        assert unread(editor) == "1"
        editor.post("/notifications/read/")
        assert unread(editor) == ""

    def test_who_has_lost_access_is_told_nothing_any_more(self, cast, editor, document, mention):
        row = Notification.objects.get()
        Document.objects.filter(pk=document.pk).update(folder=closed_folder(cast))
        assert unread(editor) == ""
        assert editor.get(f"/notifications/{row.pk}/").status_code == 404
        Document.objects.filter(pk=document.pk).update(folder=None)
        assert unread(editor) == "1"
        Member.objects.filter(user=cast.editor).delete()
        assert unread(editor) == ""
        assert "Falcon" not in editor.get("/notifications/").content.decode()

    def test_another_persons_are_not_there(self, cast, mention):
        client = Client()
        client.force_login(cast.viewer)
        assert client.get(f"/notifications/{Notification.objects.get().pk}/").status_code == 404
        client.post("/notifications/read/", {"notification": str(Notification.objects.get().pk)})
        assert Notification.objects.get().read_at is None

    def test_as_many_queries_with_many(self, cast, editor, document, mention):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                assert editor.get("/notifications/").status_code == 200
            return len(captured)

        queries()
        few = queries()
        for _ in range(8):
            comment_write(author=place_of(cast, cast.viewer), subject=document, text="@editor@firm.example")
        assert queries() == few


class TestAnswered:
    def test_who_left_is_told_and_who_stayed_is_not(self, cast, document):
        answer = make_answer(cast, document.versions.get(), "Five years.")
        answer_is_done(answer)
        assert Notification.objects.count() == 0  # asked by a program, which waits for nobody
        stay = Stay(Place(cast.workspace.pk, "document", document.pk), cast.owner.pk)
        stay.go_on()
        await_answer(answer, cast.owner)
        answer_is_done(answer)
        assert Notification.objects.count() == 0
        stay.end()
        await_answer(answer, cast.owner)
        answer_is_done(answer)
        answer_is_done(answer)
        row = Notification.objects.get()
        assert (row.user, row.kind, row.question) == (cast.owner, NotificationKind.ANSWERED, answer.question)


class TestMail:
    @pytest.fixture(autouse=True)
    def waiting(self, cast: Cast, mention: Comment) -> None:
        User.objects.filter(pk=cast.editor.pk).update(notify_by_mail=ByMail.AT_ONCE)
        Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))

    def test_each_once(self, settings, mention):
        settings.PUBLIC_URL = "https://lectern.firm.example"
        assert (digest.mail_digests(), digest.mail_at_once(), digest.mail_at_once()) == (0, 1, 0)
        (message,) = mail.outbox
        row = Notification.objects.get()
        assert (message.to, message.subject) == (["editor@firm.example"], "Lectern: 1 notification")
        assert "reviewer@firm.example mentioned you in a comment on “Falcon lease.pdf”" in message.body
        assert "    Wing span? @editor@firm.example" in message.body
        assert f"https://lectern.firm.example/notifications/{row.pk}/" in message.body
        assert message.extra_headers["List-Unsubscribe"] in f"<{message.body.split()[-1]}>"
        assert row.mailed_at is not None

    def test_a_death_before_the_mail_server_has_it_loses_and_doubles_nothing(self, cast, document):
        User.objects.filter(pk=cast.viewer.pk).update(notify_by_mail=ByMail.AT_ONCE)
        comment_write(author=place_of(cast, cast.reviewer), subject=document, text="@viewer@firm.example")
        Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        real, calls = mail.EmailMessage.send, []

        def dies_at_the_second(message: mail.EmailMessage) -> int:
            calls.append(message.to)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return real(message)

        with patch.object(mail.EmailMessage, "send", dies_at_the_second), pytest.raises(KeyboardInterrupt):
            digest.mail_at_once()
        assert Notification.objects.filter(mailed_at=None).count() == 1
        digest.mail_at_once()
        assert sorted(message.to for message in mail.outbox) == [["editor@firm.example"], ["viewer@firm.example"]]

    def test_one_that_is_refused_does_not_keep_the_others(self, cast, document):
        User.objects.filter(pk=cast.viewer.pk).update(notify_by_mail=ByMail.AT_ONCE)
        comment_write(author=place_of(cast, cast.reviewer), subject=document, text="@viewer@firm.example")
        Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        real = mail.EmailMessage.send

        def refuses_one(message: mail.EmailMessage) -> int:
            if message.to == ["editor@firm.example"]:
                raise SMTPServerDisconnected
            return real(message)

        with patch.object(mail.EmailMessage, "send", refuses_one):
            assert digest.mail_at_once() == 1
        assert [row.user for row in Notification.objects.filter(mailed_at=None)] == [cast.editor]

    def test_nothing_that_was_read_and_nothing_out_of_sight(self, cast, document):
        Document.objects.filter(pk=document.pk).update(folder=closed_folder(cast))
        assert (digest.mail_at_once(), mail.outbox) == (0, [])
        Document.objects.filter(pk=document.pk).update(folder=None)
        Notification.objects.update(mailed_at=None, read_at=timezone.now())
        assert (digest.mail_at_once(), mail.outbox) == (0, [])

    def test_a_workspace_that_keeps_its_text_in_the_house_sends_names_alone(self, cast, document):
        Policy.objects.create(workspace=cast.workspace, self_hosted_only=True)
        answer = make_answer(cast, document.versions.get(), "Five years.")
        comment_write(author=place_of(cast, cast.reviewer), subject=answer, text="Wing span! @editor@firm.example")
        Notification.objects.update(created_at=timezone.now() - timedelta(minutes=2))
        digest.mail_at_once()
        (message,) = mail.outbox
        assert "Wing span" not in message.body
        assert "How long?" not in message.body
        for named in ("“Falcon lease.pdf”", "“…”"):
            assert f"reviewer@firm.example mentioned you in a comment on {named}\n" in message.body

    def test_the_link_in_it_ends_it(self, cast):
        digest.mail_at_once()
        path = "/notifications/stop/" + mail.outbox[0].body.split("/notifications/stop/")[1].split()[0]
        client = Client(enforce_csrf_checks=True)
        assert client.get(path).status_code == 200
        cast.editor.refresh_from_db()
        assert cast.editor.notify_by_mail == ByMail.AT_ONCE
        assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == 200
        cast.editor.refresh_from_db()
        assert cast.editor.notify_by_mail == ByMail.NEVER
        assert client.get(f"{path[:-2]}x/").status_code == 404
