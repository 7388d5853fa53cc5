"""Single sign-on, against an OpenID provider on loopback that can be told to lie."""

from __future__ import annotations

import time
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import reverse

from config.sign_on import Oidc, Saml, SignOn, providers, read_sign_on
from tests.openid import CLIENT_ID, SECRET, OpenIdProvider, serving_openid
from tests.workspaces.test_accounts import PASSWORD, sign_in, sign_up, words
from workspaces.models import AuditEvent, Member, Role, User, Workspace

pytestmark = pytest.mark.django_db
ANA = {"sub": "1001", "email": "Ana.Lima@firm.example", "email_verified": True, "name": "Ana Lima"}


@pytest.fixture(scope="module")
def running():
    with serving_openid() as provider:
        yield provider


@pytest.fixture
def provider(running: OpenIdProvider, settings) -> OpenIdProvider:
    """Return a provider that tells the truth, set as the firm's own."""
    running.calls_itself, running.key, running.algorithm = running.url, running.published, "RS256"
    running.person, running.lies = dict(ANA), {}
    use(settings, running)
    return running


def use(settings, provider: OpenIdProvider, **more: object) -> None:
    oidc = Oidc(provider.url, CLIENT_ID, SECRET)
    settings.SIGN_ON = SignOn(name="Firm & Partners", domains=("firm.example",), oidc=oidc, **more)
    settings.SOCIALACCOUNT_PROVIDERS = providers(settings.SIGN_ON)


def leave(client: Client, path: str = "") -> dict[str, str]:
    """Return what the provider is asked when a person follows the button on the sign-in page."""
    reply = client.get(reverse("oidc_login", args=["firm"]) + path)
    assert reply.status_code == 302
    return dict(parse_qsl(urlsplit(reply["Location"]).query))


def come_in(client: Client, provider: OpenIdProvider, path: str = ""):
    """Go through the whole sign-in; return what the person gets when they come back."""
    return client.get(provider.authorize(leave(client, path)))


class TestComingIn:
    def test_the_first_time_makes_an_account(self, client, provider):
        page = client.get("/accounts/login/?next=/account/")
        assert "Sign in with Firm &amp; Partners" in page.content.decode()
        assert "/accounts/oidc/firm/login/?next=/account/" in page.content.decode()
        assert come_in(client, provider, "?next=/account/")["Location"] == "/account/"
        user = User.objects.get()
        assert (user.email, user.get_full_name()) == ("ana.lima@firm.example", "Ana Lima")
        assert not user.has_usable_password()
        assert EmailAddress.objects.get().verified
        assert user.memberships.get().workspace.personal
        assert client.get("/account/").status_code == 200

    def test_again_is_the_same_person_under_a_new_address(self, client, provider):
        come_in(client, provider)
        provider.person["email"] = "ana.silva@firm.example"
        come_in(Client(), provider)
        assert User.objects.get().email == "ana.lima@firm.example"

    def test_what_is_asked_binds_the_sign_in(self, client, provider):
        asked = leave(client, "?scope=groups&auth_params=prompt%3Dnone&process=connect")
        assert set(asked) == {
            "client_id", "redirect_uri", "scope", "response_type", "state",
            "code_challenge", "code_challenge_method", "nonce",
        }  # fmt: skip
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["nonce"]) == 32
        assert set(asked["scope"].split()) == {"openid", "profile", "email"}
        assert asked["redirect_uri"] == "http://testserver/accounts/oidc/firm/login/callback/"
        assert leave(Client())["nonce"] != asked["nonce"]

    def test_an_account_that_is_there_is_matched_by_address(self, client, provider, cast):
        EmailAddress.objects.create(user=cast.owner, email="owner@firm.example", verified=True, primary=True)
        provider.person["email"] = "owner@firm.example"
        assert come_in(client, provider)["Location"] == "/"
        assert client.session["_auth_user_id"] == str(cast.owner.pk)
        assert SocialAccount.objects.get().user == cast.owner
        assert sign_in(Client(), "owner@firm.example")["Location"] == "/"  # their password goes on working

    def test_a_squatter_on_the_address_is_shut_out(self, client, provider):
        squatter = Client()
        sign_up(squatter, "ana.lima@firm.example")
        come_in(client, provider)
        assert User.objects.count() == 1
        assert squatter.get("/account/").status_code == 302
        assert "not correct" in words(sign_in(squatter, "ana.lima@firm.example"))

    def test_joins_workspaces_once(self, client, provider, settings, cast):
        use(settings, provider, workspaces={"firm": "viewer", "no-such": "editor"})
        come_in(client, provider)
        place = Member.objects.get(workspace=cast.workspace, user__email="ana.lima@firm.example")
        assert place.role == Role.VIEWER
        place.delete()
        come_in(Client(), provider)  # who was put out stays out
        assert not cast.workspace.members.filter(user__email="ana.lima@firm.example").exists()

    def test_an_account_that_is_there_joins_too_and_keeps_its_role(self, client, provider, settings, cast):
        Workspace.objects.create(slug="library", name="Library")
        use(settings, provider, workspaces={"firm": "viewer", "library": "editor"})
        provider.person["email"] = "owner@firm.example"
        come_in(client, provider)
        places = cast.owner.memberships.values_list("workspace__slug", "role")
        assert sorted(places) == [("firm", "owner"), ("library", "editor")]

    def test_nobody_switched_off(self, client, provider, cast):
        User.objects.update(is_active=False)
        provider.person["email"] = "owner@firm.example"
        assert come_in(client, provider)["Location"] == reverse("account_inactive")
        assert "_auth_user_id" not in client.session

    def test_counts_as_second_factor(self, client, provider, settings):
        settings.SECOND_FACTOR_REQUIRED = True
        come_in(client, provider)
        assert client.get("/account/").status_code == 200


class TestRefused:
    def check(self, client, reply, status=401):
        assert reply.status_code == status
        assert "_auth_user_id" not in client.session
        assert not User.objects.exists()
        assert "Sign-in did not work" in words(reply)
        assert AuditEvent.objects.filter(action="person.sign_in_failed").count() == 1

    @pytest.mark.parametrize(
        "lie",
        [
            {"nonce": "another"},
            {"nonce": None},
            {"iss": "https://login.elsewhere.example"},
            {"iss": None},
            {"aud": "another-program"},
            {"aud": None},
            {"exp": int(time.time()) - 60},
            {"exp": None},
            {"sub": None},
            {"iat": int(time.time()) + 86_400},  # said when tests are gathered, which may be long before,
            {"azp": "another-program"},
        ],
        ids=str,
    )
    def test_a_token_with_a_wrong_claim(self, client, provider, lie):
        provider.lies = lie
        self.check(client, come_in(client, provider))

    @pytest.mark.parametrize("algorithm", ["none", "HS256"])
    def test_a_token_without_a_signature(self, client, provider, algorithm):
        provider.algorithm = algorithm
        self.check(client, come_in(client, provider))

    def test_a_token_signed_by_somebody_else(self, client, provider):
        provider.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.check(client, come_in(client, provider))

    def test_a_provider_that_calls_itself_otherwise(self, client, provider):
        provider.calls_itself = "https://login.elsewhere.example"
        self.check(client, client.get(reverse("oidc_login", args=["firm"])))

    def test_one_that_is_not_there(self, client, provider, settings):
        settings.SOCIALACCOUNT_PROVIDERS = providers(
            SignOn(domains=("firm.example",), oidc=Oidc("http://127.0.0.1:9", CLIENT_ID, SECRET))
        )
        self.check(client, client.get(reverse("oidc_login", args=["firm"])))

    def test_somebody_elses_way_back(self, client, provider):
        """A link that would sign the person in as whoever made it."""
        link = provider.authorize(leave(Client()))
        self.check(client, client.get(link))

    def test_a_code_serves_once(self, client, provider):
        link = provider.authorize(leave(client))
        assert client.get(link).status_code == 302
        assert Client().get(link).status_code == 401

    @pytest.mark.parametrize("claim", [False, None, ""], ids=str)
    def test_an_address_that_is_not_verified(self, client, provider, claim):
        provider.person["email_verified"] = claim
        reply = come_in(client, provider)
        self.check(client, reply, 403)
        assert "no e-mail address that it has verified" in words(reply)

    @pytest.mark.parametrize(
        "email", ["ana@elsewhere.example", "ana@firm.example.evil.example", "ana@sub.firm.example"]
    )
    def test_another_domain(self, client, provider, email):
        provider.person["email"] = email
        reply = come_in(client, provider)
        self.check(client, reply, 403)
        assert "a domain that this Lectern does not take" in words(reply)

    def test_no_provider_no_door(self, client, settings):
        assert client.get(reverse("oidc_login", args=["firm"])).status_code == 404
        assert client.get(reverse("saml_login", args=["firm"])).status_code == 404
        assert "Sign in with" not in words(client.get(reverse("account_login"))).replace("Sign in with a passkey", "")


class TestPasswordsOff:
    @pytest.fixture(autouse=True)
    def off(self, provider, settings):
        use(settings, provider, passwords=False)

    def test_no_password_signs_in(self, client, cast):
        assert "sign in with Firm & Partners" in words(sign_in(client, "Owner@Firm.example")).replace("&amp;", "&")
        assert "_auth_user_id" not in client.session
        assert sign_in(client, "outsider@elsewhere.example")["Location"] == "/"

    def test_nor_a_link(self, client, cast):
        from workspaces.first_login import make_link_token

        reply = client.get(reverse("first_login", args=[make_link_token(cast.owner)]))
        assert reply["Location"] == reverse("account_login")
        assert "_auth_user_id" not in client.session

    def test_no_account_is_made_with_one(self, client):
        sign_up(client, "new@firm.example")
        assert not User.objects.exists()

    def test_nor_is_the_address_added_to_another_account(self, client, cast):
        sign_in(client, "outsider@elsewhere.example", PASSWORD)
        client.post(reverse("account_email"), {"email": "new@firm.example", "action_add": ""})
        assert not EmailAddress.objects.filter(email="new@firm.example").exists()

    def test_the_firms_own_way_goes_on(self, client, provider):
        assert come_in(client, provider)["Location"] == "/"


class TestSettings:
    def test_nothing_set(self, tmp_path):
        assert read_sign_on(tmp_path, {}) == SignOn()
        assert providers(SignOn()) == {}

    def test_file_and_environment(self, tmp_path: Path):
        (tmp_path / "sso.toml").write_text(
            'domains = ["Firm.example"]\nname = "Firm"\npasswords = false\n'
            '[workspaces]\nlegal = "editor"\n[oidc]\nissuer = "https://a.example/"\nclient_id = "x"\nsecret = "y"\n'
        )
        told = read_sign_on(tmp_path, {"LECTERN_OIDC_SECRET": "z", "LECTERN_SSO_PASSWORDS": "1"})
        assert told.oidc == Oidc("https://a.example", "x", "z")
        assert (told.domains, told.name, told.passwords) == (("firm.example",), "Firm", True)
        assert told.workspaces == {"legal": "editor"}
        assert "z" not in repr(told.oidc)
        environment = {"LECTERN_SSO_WORKSPACES": "legal:viewer, library:owner"}
        assert read_sign_on(tmp_path, environment).workspaces == {"legal": "viewer", "library": "owner"}
        assert not read_sign_on(tmp_path, {}).passwords

    @pytest.mark.parametrize(
        ("environment", "words"),
        [
            ({"OIDC_ISSUER": "https://a.example", "OIDC_CLIENT_ID": "x"}, "LECTERN_SSO_DOMAINS"),
            ({"OIDC_ISSUER": "http://a.example", "OIDC_CLIENT_ID": "x", "SSO_DOMAINS": "a.example"}, "https://"),
            ({"OIDC_ISSUER": "https://a.example", "SSO_DOMAINS": "a.example"}, "LECTERN_OIDC_CLIENT_ID"),
            ({"SAML_METADATA": "http://a.example/m", "SSO_DOMAINS": "a.example"}, "https://"),
            ({"SSO_WORKSPACES": "legal:king"}, "king"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, tmp_path, environment, words):
        with pytest.raises(ImproperlyConfigured, match=words):
            read_sign_on(tmp_path, {f"LECTERN_{name}": value for name, value in environment.items()})

    def test_saml_is_taken_at_its_word_for_its_domains(self):
        sign_on = SignOn(name="Firm", domains=("firm.example",), saml=Saml("https://a.example/m", "https://a.example"))
        (app,) = providers(sign_on)["saml"]["APPS"]
        assert app["settings"]["verified_email"] == ["firm.example"]
        assert app["settings"]["advanced"]["want_assertion_signed"]
