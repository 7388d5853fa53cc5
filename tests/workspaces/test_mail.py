"""How e-mail goes out: the server's address, the folder, and the page for administrators."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from config.smtp import SmtpServer, smtp_server
from tests.workspaces.test_accounts import sign_in, sign_up, words
from workspaces.models import AuditEvent, User

FILES = "django.core.mail.backends.filebased.EmailBackend"


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25, "", "", tls=False, starttls=False)),
        (
            "smtps://a%40b.example:p%3Aw@mail.example",
            SmtpServer("mail.example", 465, "a@b.example", "p:w", True, False),
        ),
        ("smtp+starttls://u:p@mail.example:2525", SmtpServer("mail.example", 2525, "u", "p", False, True)),
    ],
)
def test_an_address_names_server_and_encryption(url, server):
    assert smtp_server(url) == server


@pytest.mark.parametrize("url", ["mail.example:25", "http://mail.example", "smtp://"])
def test_another_address_is_refused_without_being_repeated(url):
    with pytest.raises(ImproperlyConfigured) as refused:
        smtp_server(url)
    assert "mail.example" not in str(refused.value)


@pytest.fixture
def administrator(cast, client) -> User:
    User.objects.filter(pk=cast.viewer.pk).update(is_staff=True)
    sign_in(client, "viewer@firm.example")
    return cast.viewer


@pytest.fixture
def folder(settings, tmp_path):
    settings.EMAIL_BACKEND, settings.EMAIL_FILE_PATH = FILES, str(tmp_path / "mail")
    return tmp_path / "mail"


class TestFolder:
    def test_lists_and_shows_messages_with_their_links(self, client, administrator, folder):
        sign_up(type(client)(), "ana@firm.example")
        page = client.get(reverse("mail"))
        (mail,) = page.context["mails"]
        assert (mail.to, mail.subject) == ("ana@firm.example", "Lectern: Confirm your email address")
        path = reverse("mail_message", args=[mail.name, mail.number])
        assert path in page.content.decode()
        message = client.get(path)
        link = mail.text.split("http://testserver")[1].split()[0]
        assert f'<a href="http://testserver{link}"' in message.content.decode()
        (told,) = AuditEvent.objects.filter(action="mail.seen")
        assert (told.actor, told.details["to"]) == ("viewer@firm.example", "ana@firm.example")

    def test_what_a_message_says_is_no_markup(self, client, administrator, folder):
        folder.mkdir()
        (folder / "20261125-190000-1.log").write_text(
            "Subject: One\nTo: a@b.example\n\n<script>alert(1)</script> javascript:alert(1)\n"
            + "-" * 79
            + "\nSubject: Two\nTo: c@d.example\n\nBye.\n"
        )
        assert [each.subject for each in client.get(reverse("mail")).context["mails"]] == ["Two", "One"]
        html = client.get(reverse("mail_message", args=["20261125-190000-1.log", 1])).content.decode()
        assert "&lt;script&gt;alert(1)" in html
        assert 'href="javascript' not in html

    @pytest.mark.parametrize("name", ["..", "settings.py", "20261125-190000-2.log", "%2e%2e%2fsecrets"])
    def test_no_other_file_is_shown(self, client, administrator, folder, name):
        assert client.get(f"/mail/{name}/1/").status_code == 404

    def test_nothing_for_anybody_else(self, client, cast, folder):
        sign_in(client, "owner@firm.example")
        assert client.get(reverse("mail")).status_code == 404
        assert client.post(reverse("mail")).status_code == 404


class TestTrying:
    def test_a_message_goes_to_the_administrator(self, client, administrator):
        assert client.post(reverse("mail"))["Location"] == reverse("mail")
        assert mail.outbox[-1].to == ["viewer@firm.example"]

    def test_what_the_server_says_is_shown(self, client, administrator, settings):
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", 9, 2
        del settings.EMAIL_FILE_PATH
        reply = client.post(reverse("mail"))
        assert reply.status_code == 502
        assert "Connection refused" in words(reply)
        assert "127.0.0.1:9 , not encrypted" in words(reply)
