"""Signing up, in and out, and a person's own pages."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from workspaces.inviting import invite_create
from workspaces.models import Role, User, Workspace

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def sign_up(client, email="ana.lima@firm.example", **more):
    return client.post(reverse("account_signup"), {"email": email, "password1": PASSWORD, **more})


def sign_in(client, email, password=PASSWORD, **more):
    return client.post(reverse("account_login"), {"login": email, "password": password, **more})


def words(reply) -> str:
    """Return a page's text, tags removed."""
    return " ".join(re.sub("<[^>]+>", " ", reply.content.decode()).split())


class TestSignUp:
    def test_gives_a_personal_workspace_and_signs_in(self, client):
        reply = sign_up(client)
        assert (reply.status_code, reply["Location"]) == (302, "/")
        user = User.objects.get()
        assert user.email == "ana.lima@firm.example"
        place = user.memberships.select_related("workspace").get()
        assert (place.role, place.workspace.personal) == (Role.OWNER, True)
        assert (place.workspace.slug, place.workspace.name) == ("ana-limas-workspace", "ana.lima's workspace")
        assert client.get("/")["Location"] == "/w/ana-limas-workspace/"

    def test_comes_back_to_where_it_was_asked_for(self, client):
        assert sign_up(client, next="/invites/abc/")["Location"] == "/invites/abc/"
        assert sign_up(Client(), "second@firm.example", next="https://elsewhere.example/")["Location"] == "/"

    def test_weak_password_and_known_address_are_told(self, client, cast):
        reply = client.post(reverse("account_signup"), {"email": "a@b.example", "password1": "1234567890"})
        assert "This password is too common." in words(reply)
        assert "already registered" in words(sign_up(client, "Owner@firm.example"))
        assert User.objects.count() == 6

    def test_closed_but_for_the_invited(self, client, cast, settings):
        settings.SIGNUP_OPEN = False
        assert "Sign-up is closed" in words(client.get(reverse("account_signup")))
        assert "Sign-up is closed" in words(sign_up(client))
        assert "Create one" not in words(client.get(reverse("account_login")))
        invite, token = invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        client.get(reverse("invite_accept", args=[token]))
        assert sign_up(client, next=f"/invites/{token}/")["Location"] == f"/invites/{token}/"
        late = Client()
        late.get(reverse("invite_accept", args=[token]))
        invite.delete()
        assert "Sign-up is closed" in words(sign_up(late, "late@firm.example"))
        assert not User.objects.filter(email="late@firm.example").exists()


class TestConfirming:
    """Where mail is really sent, an address is confirmed before its account can be used."""

    @pytest.fixture(autouse=True)
    def demanded(self, settings):
        settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"

    def test_comes_before_the_first_sign_in(self, client):
        assert sign_up(client)["Location"] == reverse("account_email_verification_sent")
        assert client.get("/account/").status_code == 302
        assert sign_in(Client(), "ana.lima@firm.example")["Location"] == reverse("account_email_verification_sent")
        link = re.search(r"http://testserver(/\S+)", mail.outbox[0].body)[1]
        client.post(link)
        assert sign_in(other := Client(), "ana.lima@firm.example")["Location"] == "/"
        assert other.get("/account/").status_code == 200

    def test_a_known_address_is_told_to_its_owner_alone(self, client, cast):
        EmailAddress.objects.create(user=cast.owner, email="owner@firm.example", verified=True, primary=True)
        known = sign_up(client, "owner@firm.example")
        assert known["Location"] == sign_up(Client(), "new@firm.example")["Location"]
        assert [message.subject for message in mail.outbox if message.to == ["owner@firm.example"]] == [
            "Lectern: You have an account already"
        ]


class TestSignIn:
    def test_in_any_case_and_out(self, client, cast):
        assert sign_in(client, "Owner@Firm.example", next="/account/")["Location"] == "/account/"
        assert client.get(reverse("account_settings")).status_code == 200
        assert client.get(reverse("account_logout")).status_code == 200
        assert client.post(reverse("account_logout"))["Location"] == reverse("account_login")
        assert client.get(reverse("account_settings"))["Location"] == "/accounts/login/?next=/account/"

    def test_wrong_password_is_told_and_leads_nowhere(self, client, cast):
        reply = sign_in(client, "owner@firm.example", "wrong")
        assert "not correct" in words(reply)
        assert "_auth_user_id" not in client.session

    def test_guessing_is_slowed_down(self, client, cast):
        tries = [sign_in(client, "owner@firm.example", f"guess {n}") for n in range(5)]
        assert all("not correct" in words(reply) for reply in tries)
        # Not even the right password is tried any more.
        assert "Too many failed login attempts" in words(sign_in(client, "owner@firm.example"))
        assert "_auth_user_id" not in client.session

    def test_too_many_requests_get_a_page_that_says_so(self, client, cast):
        codes = [sign_in(client, "owner@firm.example").status_code for _ in range(2)]
        assert codes == [302, 302]
        replies = [client.post(reverse("account_reset_password"), {"email": "owner@firm.example"}) for _ in range(6)]
        assert replies[-1].status_code == 429
        assert "Too many tries" in words(replies[-1])

    def test_switched_off(self, client, cast):
        User.objects.update(is_active=False)
        reply = sign_in(client, "owner@firm.example")
        assert "_auth_user_id" not in client.session
        assert reply["Location"] == reverse("account_inactive")
        assert "switched off" in words(client.get(reverse("account_inactive")))


class TestPassword:
    def test_change_keeps_this_device_and_signs_out_the_others(self, client, cast):
        other = Client()
        sign_in(client, "owner@firm.example")
        sign_in(other, "owner@firm.example")
        data = {"oldpassword": PASSWORD, "password1": "another horse battery", "password2": "another horse battery"}
        assert client.post(reverse("account_change_password"), data).status_code == 302
        assert client.get(reverse("account_settings")).status_code == 200
        assert other.get(reverse("account_settings")).status_code == 302

    def test_reset_by_mail(self, client, cast):
        client.post(reverse("account_reset_password"), {"email": "owner@firm.example"})
        message = mail.outbox[-1]
        assert (message.to, message.subject) == (["owner@firm.example"], "Lectern: Choose a new password")
        link = re.search(r"http://testserver(/\S+)", message.body)[1]
        form = client.get(link, follow=True)
        action = form.redirect_chain[-1][0]
        new = {"password1": "another horse battery", "password2": "another horse battery"}
        assert client.post(action, new)["Location"] == reverse("account_reset_password_from_key_done")
        assert "This link does not work" in words(client.get(link, follow=True))
        assert sign_in(Client(), "owner@firm.example", "another horse battery").status_code == 302

    def test_reset_tells_a_stranger_nothing(self, client, cast):
        known = client.post(reverse("account_reset_password"), {"email": "owner@firm.example"}, follow=True)
        unknown = client.post(reverse("account_reset_password"), {"email": "nobody@firm.example"}, follow=True)
        assert words(known) == words(unknown)

    def test_first_password_of_a_person_who_came_by_link(self, client):
        user = User.objects.create_user("demo@lectern.example")
        user.set_unusable_password()
        user.save()
        client.force_login(user)
        assert client.get(reverse("account_change_password"))["Location"] == reverse("account_set_password")
        page = client.get(reverse("account_set_password"))
        assert "You have no password yet" in words(page)
        data = {"password1": PASSWORD, "password2": PASSWORD}
        client.post(reverse("account_set_password"), data)
        assert sign_in(Client(), "demo@lectern.example").status_code == 302


class TestEmail:
    def act(self, client, action, email):
        return client.post(reverse("account_email"), {"email": email, f"action_{action}": ""}, follow=True)

    def test_another_address_is_added_confirmed_and_made_the_main_one(self, client, cast):
        sign_in(client, "owner@firm.example")
        self.act(client, "add", "new@firm.example")
        cast.owner.refresh_from_db()
        assert cast.owner.email == "owner@firm.example"
        link = re.search(r"http://testserver(/\S+)", mail.outbox[-1].body)[1]
        assert "new@firm.example is your address" in words(client.get(link))
        client.post(link)
        assert "Your main address is changed." in words(self.act(client, "primary", "new@firm.example"))
        cast.owner.refresh_from_db()
        assert cast.owner.email == "new@firm.example"
        self.act(client, "remove", "owner@firm.example")
        addresses = EmailAddress.objects.values_list("email", "verified", "primary")
        assert list(addresses) == [("new@firm.example", True, True)]
        assert sign_in(Client(), "new@firm.example")["Location"] == "/"
        assert "not correct" in words(sign_in(Client(), "owner@firm.example"))

    def test_nobody_is_left_without_an_address(self, client, cast):
        sign_in(client, "owner@firm.example")
        client.get(reverse("account_email"))
        self.act(client, "remove", "owner@firm.example")
        self.act(client, "add", "new@firm.example")
        self.act(client, "add", "newer@firm.example")
        cast.owner.refresh_from_db()
        assert cast.owner.email == "owner@firm.example"

    def test_somebody_elses_address_is_refused(self, client, cast):
        sign_in(client, "owner@firm.example")
        self.act(client, "add", "viewer@firm.example")
        assert not EmailAddress.objects.filter(user=cast.owner, email="viewer@firm.example").exists()


def test_mail_goes_to_the_folder_until_a_server_is_named(settings, tmp_path, client, cast):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    reply = client.post(reverse("account_reset_password"), {"email": "owner@firm.example"}, follow=True)
    (message,) = (tmp_path / "mail").iterdir()
    assert "Subject: Lectern: Choose a new password" in message.read_text()
    assert "into the folder mail of its home" in words(reply)


def test_devices_can_be_signed_out(client, cast):
    other = Client(headers={"user-agent": "OtherBrowser/1"})
    sign_in(client, "owner@firm.example")
    sign_in(other, "owner@firm.example")
    assert "OtherBrowser/1" in words(client.get(reverse("usersessions_list")))
    client.post(reverse("usersessions_list"))
    assert other.get(reverse("account_settings")).status_code == 302
    assert client.get(reverse("account_settings")).status_code == 200


def test_name(client, cast):
    client.force_login(cast.owner)
    assert client.post(reverse("account_settings"), {"name": "Ana Lima"})["Location"] == "/account/"
    cast.owner.refresh_from_db()
    assert cast.owner.get_full_name() == "Ana Lima"
    assert client.post(reverse("account_settings"), {"name": "x" * 151}).status_code == 422
    client.post(reverse("account_settings"), {"name": ""})
    cast.owner.refresh_from_db()
    assert cast.owner.get_full_name() == ""


def test_createsuperuser_by_email(monkeypatch, client):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", interactive=False, email="Root@Firm.example", verbosity=0)
    user = User.objects.get()
    assert (user.email, user.is_superuser, user.is_staff) == ("root@firm.example", True, True)
    assert sign_in(client, "root@firm.example")["Location"] == "/"
    assert client.get("/")["Location"] == "/w/roots-workspace/"
    assert Workspace.objects.get().personal
