"""Authenticator apps and recovery codes, proof asked for again, and an installation that demands a second factor.

Passkeys need a browser: `tests/browser/test_passkeys.py`.
"""

from __future__ import annotations

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.workspaces.test_accounts import PASSWORD, sign_in, words
from workspaces.first_login import make_link_token
from workspaces.models import AuditEvent, User

pytestmark = pytest.mark.django_db
FACTOR = "/accounts/2fa/"


def digits(secret: str, steps: int = 0) -> str:
    """Return what an authenticator app shows, now or some half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def set_up_app(client: Client) -> str:
    """Set up an authenticator app for who is signed in; return its key."""
    secret: str = client.get(reverse("mfa_activate_totp")).context["form"].secret
    reply = client.post(reverse("mfa_activate_totp"), {"code": digits(secret)})
    assert reply["Location"] == reverse("mfa_view_recovery_codes")
    return secret


def codes_of(user: User) -> list[str]:
    return Authenticator.objects.get(user=user, type="recovery_codes").wrap().get_unused_codes()


@pytest.fixture
def with_app(client, cast) -> str:
    """Return the key of the owner's authenticator app."""
    sign_in(client, "owner@firm.example")
    return set_up_app(client)


class TestApp:
    def test_is_asked_for_after_the_password(self, client, cast, with_app):
        visitor = Client()
        assert sign_in(visitor, "owner@firm.example", next="/account/")["Location"] == reverse("mfa_authenticate")
        assert visitor.get("/account/").status_code == 302
        assert "Incorrect code" in words(visitor.post(reverse("mfa_authenticate"), {"code": "000000"}))
        assert "_auth_user_id" not in visitor.session
        assert visitor.post(reverse("mfa_authenticate"), {"code": digits(with_app)})["Location"] == "/account/"
        assert visitor.get("/account/").status_code == 200

    def test_digits_serve_once(self, client, cast, with_app):
        code = digits(with_app)
        first, second = Client(), Client()
        sign_in(first, "owner@firm.example")
        sign_in(second, "owner@firm.example")
        assert first.post(reverse("mfa_authenticate"), {"code": code}).status_code == 302
        assert "Incorrect code" in words(second.post(reverse("mfa_authenticate"), {"code": code}))

    def test_its_key_is_stored_encrypted(self, client, cast, with_app):
        stored = Authenticator.objects.get(type="totp").data["secret"]
        assert with_app not in stored
        assert stored.startswith("gAAAA")

    def test_guessing_digits_is_stopped(self, client, cast, with_app):
        visitor = Client()
        sign_in(visitor, "owner@firm.example")
        for _ in range(5):
            visitor.post(reverse("mfa_authenticate"), {"code": "000000"})
        assert "Too many" in words(visitor.post(reverse("mfa_authenticate"), {"code": digits(with_app)}))
        assert "_auth_user_id" not in visitor.session

    def test_a_recovery_code_signs_in_once(self, client, cast, with_app):
        code, *others = codes_of(cast.owner)
        assert len(others) == 9
        for visitor, signed_in in ((Client(), True), (Client(), False)):
            sign_in(visitor, "owner@firm.example")
            visitor.post(reverse("mfa_authenticate"), {"code": code})
            assert ("_auth_user_id" in visitor.session) is signed_in
        assert codes_of(cast.owner) == others

    def test_the_printed_link_asks_for_it_too(self, client, cast, with_app):
        cast.owner.refresh_from_db()
        visitor = Client()
        path = reverse("first_login", args=[make_link_token(cast.owner)])
        assert visitor.get(path)["Location"] == reverse("mfa_authenticate")
        assert visitor.post(reverse("mfa_authenticate"), {"code": digits(with_app)})["Location"] == "/"
        assert Client().get(path).status_code == 410

    def test_is_logged(self, client, cast, django_capture_on_commit_callbacks):
        sign_in(client, "owner@firm.example")
        with django_capture_on_commit_callbacks(execute=True):
            set_up_app(client)
        sign_in(visitor := Client(), "owner@firm.example")
        visitor.post(reverse("mfa_authenticate"), {"code": "000000"})
        client.post(reverse("mfa_deactivate_totp"))
        told = AuditEvent.objects.filter(action__startswith="person.second").values_list("action", "details__kind")
        assert sorted(told) == [
            ("person.second_factor_added", "recovery_codes"),
            ("person.second_factor_added", "totp"),
            ("person.second_factor_failed", "totp"),
            ("person.second_factor_removed", "recovery_codes"),
            ("person.second_factor_removed", "totp"),
        ]

    def test_an_administrator_takes_lost_ones_away(self, client, cast, with_app):
        call_command("reset_second_factor", "Owner@firm.example")
        assert not Authenticator.objects.exists()
        assert sign_in(Client(), "owner@firm.example")["Location"] == "/"


class TestProof:
    """What protects the account is changed with the password or second factor at hand, not with a session alone."""

    SENSITIVE = ("mfa_activate_totp", "mfa_add_webauthn", "mfa_index")

    def late(self, client: Client) -> None:
        """Let a quarter of an hour go by on `client`."""
        session = client.session
        for record in session["account_authentication_methods"]:
            record["at"] -= 16 * 60
        session.save()

    def test_not_asked_for_right_after_signing_in(self, client, cast):
        sign_in(client, "owner@firm.example")
        assert client.get(reverse("mfa_activate_totp")).status_code == 200

    def test_asked_for_later_and_what_was_begun_is_done(self, client, cast):
        sign_in(client, "owner@firm.example")
        self.late(client)
        asked = client.post(reverse("api_tokens"), {"name": "nightly", "workspace": "", "scope": "write"})
        assert asked["Location"].startswith(reverse("account_reauthenticate"))
        assert not cast.owner.api_tokens.exists()
        wrong = client.post(asked["Location"], {"password": "wrong"})
        assert wrong.status_code == 200
        assert not cast.owner.api_tokens.exists()
        done = client.post(asked["Location"], {"password": PASSWORD, "next": reverse("api_tokens")})
        assert "The token “nightly”" in words(done)
        assert cast.owner.api_tokens.get().name == "nightly"

    def test_by_the_app_as_well(self, client, cast, with_app):
        self.late(client)
        assert client.get(reverse("mfa_view_recovery_codes")).status_code == 302
        page = client.get(reverse("account_reauthenticate"))
        assert "Use authenticator app or code" in words(page)
        proof = {"code": digits(with_app, 0), "next": reverse("mfa_view_recovery_codes")}
        reply = client.post(reverse("mfa_reauthenticate"), proof)
        assert reply["Location"] == reverse("mfa_view_recovery_codes")
        assert codes_of(cast.owner)[0] in words(client.get(reply["Location"]))

    def test_addresses_too(self, client, cast):
        sign_in(client, "owner@firm.example")
        self.late(client)
        reply = client.post(reverse("account_email"), {"email": "new@firm.example", "action_add": ""})
        assert reply["Location"].startswith(reverse("account_reauthenticate"))


class TestDemanded:
    @pytest.fixture(autouse=True)
    def demanded(self, settings):
        settings.SECOND_FACTOR_REQUIRED = True

    def test_who_has_none_gets_nowhere_but_to_set_one_up(self, client, cast):
        sign_in(client, "owner@firm.example")
        for path in ("/", "/w/firm/", "/account/tokens/", "/admin/", "/api/v1/workspaces"):
            assert client.get(path)["Location"] == FACTOR
        assert "Here everyone needs a second factor" in words(client.get(FACTOR))
        set_up_app(client)
        assert client.get("/w/firm/").status_code == 200

    def test_a_token_goes_on(self, client, cast):
        _, token = cast.owner.api_tokens.model.issue(user=cast.owner, name="nightly")
        reply = client.get("/api/v1/workspaces", headers={"Authorization": f"Bearer {token}"})
        assert reply.status_code == 200

    def test_recovery_codes_are_no_second_factor(self, client, cast, with_app):
        Authenticator.objects.filter(type="totp").delete()
        assert client.get("/w/firm/")["Location"] == FACTOR


def test_one_device_is_signed_out_and_nobody_elses(client, cast):
    other, stranger = Client(headers={"user-agent": "OtherBrowser/1"}), Client()
    sign_in(client, "owner@firm.example")
    sign_in(other, "owner@firm.example")
    sign_in(stranger, "editor@firm.example")
    path = reverse("device_sign_out", args=[cast.owner.usersession_set.get(user_agent="OtherBrowser/1").pk])
    assert stranger.post(path).status_code == 404
    assert other.get("/account/").status_code == 200
    assert client.post(path)["Location"] == reverse("usersessions_list")
    assert other.get("/account/").status_code == 302
    assert client.get("/account/").status_code == 200


def test_passkeys_are_for_names(client, cast, settings):
    sign_in(client, "owner@firm.example")
    settings.ALLOWED_HOSTS = ["*"]
    page = client.get(FACTOR, headers={"host": "127.0.0.1:8000"})
    assert "http://localhost:8000/accounts/2fa/" in page.content.decode()
    assert "Add a passkey" not in words(page)
    assert "Add a passkey" in words(client.get(FACTOR, headers={"host": "lectern.firm.example"}))
    options = client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"]
    assert options["publicKey"]["rp"] == {"id": "testserver", "name": "Lectern"}
    settings.PUBLIC_URL = "https://lectern.firm.example"
    options = client.get(reverse("mfa_add_webauthn")).context["js_data"]["creation_options"]
    assert options["publicKey"]["rp"]["id"] == "lectern.firm.example"
