"""Single sign-on by SAML: assertions signed as a provider signs them, and those that are not to be believed."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client
from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from config.sign_on import Saml, SignOn, providers
from workspaces.models import User

pytestmark = pytest.mark.django_db
HERE = "http://lectern.firm.example"
ACS = f"{HERE}/accounts/saml/firm/acs/"
ENTITY, METADATA = "https://login.firm.example", "https://login.firm.example/metadata.xml"
ASSERTION = """<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
  ID="_a1" Version="2.0" IssueInstant="{now}">
<saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject>
  <saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">1001</saml:NameID>
  <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
    <saml:SubjectConfirmationData NotOnOrAfter="{end}" Recipient="{recipient}" InResponseTo="{request}"/>
  </saml:SubjectConfirmation>
</saml:Subject>
<saml:Conditions NotBefore="{begin}" NotOnOrAfter="{end}">
  <saml:AudienceRestriction><saml:Audience>{audience}</saml:Audience></saml:AudienceRestriction>
</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_s1"><saml:AuthnContext>
  <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
</saml:AuthnContext></saml:AuthnStatement>
<saml:AttributeStatement><saml:Attribute Name="urn:oid:0.9.2342.19200300.100.1.3">
  <saml:AttributeValue>{email}</saml:AttributeValue>
</saml:Attribute></saml:AttributeStatement>
</saml:Assertion>"""
RESPONSE = """<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"
  ID="_r1" Version="2.0" IssueInstant="{now}" Destination="{recipient}" InResponseTo="{request}">
<saml:Issuer xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{issuer}</saml:Issuer>
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
{assertion}
</samlp:Response>"""


def make_key() -> tuple[str, str]:
    """Return a key and its certificate, as PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "login.firm.example")])
    begin = datetime.now(UTC) - timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), begin, begin + timedelta(9))
    ).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


@pytest.fixture(scope="module")
def key() -> tuple[str, str]:
    return make_key()


@pytest.fixture
def saml(settings, key, monkeypatch) -> None:
    """Set a SAML provider, whose metadata is fetched from nowhere."""
    settings.SIGN_ON = SignOn(name="Firm", domains=("firm.example",), saml=Saml(METADATA, ENTITY))
    settings.SOCIALACCOUNT_PROVIDERS = providers(settings.SIGN_ON)
    settings.ALLOWED_HOSTS = ["lectern.firm.example"]
    metadata = {"idp": {"entityId": ENTITY, "x509cert": key[1], "singleSignOnService": {"url": f"{ENTITY}/sso"}}}
    monkeypatch.setattr(OneLogin_Saml2_IdPMetadataParser, "parse_remote", lambda url, **_: metadata)
    cache.clear()


@pytest.fixture
def client() -> Client:
    return Client(headers={"host": "lectern.firm.example"})


@pytest.fixture
def come_in(client, saml, key) -> Callable[..., HttpResponse]:
    """Return a function that leaves for the provider and comes back with an assertion, in which it may lie."""

    def come_in_with(signed_by: tuple[str, str] | None = key, altered: str = "", **lies: str) -> HttpResponse:
        left = client.get("/accounts/saml/firm/login/?next=/account/&process=connect")
        sent = parse_qs(urlsplit(left["Location"]).query)["SAMLRequest"][0]
        request = ElementTree.fromstring(zlib.decompress(base64.b64decode(sent), -15)).get("ID")
        now = datetime.now(UTC)
        instants = {"now": now, "begin": now - timedelta(minutes=1), "end": now + timedelta(minutes=5)}
        right = {name: f"{at:%Y-%m-%dT%H:%M:%SZ}" for name, at in instants.items()}
        right |= {"issuer": ENTITY, "recipient": ACS, "audience": f"{HERE}/accounts/saml/firm/metadata/"}
        told = {**right, "request": request, "email": "ana@firm.example", **lies}
        assertion = ASSERTION.format(**told)
        if signed_by:
            assertion = OneLogin_Saml2_Utils.add_sign(assertion, *signed_by).decode()
        if altered:
            assertion = assertion.replace(told["email"], altered)
        response = RESPONSE.format(assertion=assertion, **told)
        reply = client.post("/accounts/saml/firm/acs/", {"SAMLResponse": base64.b64encode(response.encode()).decode()})
        return client.get(reply["Location"])

    return come_in_with


def test_the_first_time_makes_an_account(client, come_in):
    assert "Sign in with Firm" in client.get("/accounts/login/").content.decode()
    assert come_in()["Location"] == "/account/"
    user = User.objects.get()
    assert user.email == "ana@firm.example"
    assert user.socialaccount_set.get().uid == "1001"
    assert client.get("/account/").status_code == 200


def test_again_is_the_same_person(client, come_in):
    come_in()
    client.cookies.clear()
    come_in(email="ana.silva@firm.example")
    assert User.objects.get().email == "ana@firm.example"


@pytest.mark.parametrize(
    "lie",
    [
        {"signed_by": None},
        {"signed_by": "another"},
        {"altered": "owner@firm.example"},
        {"issuer": "https://login.elsewhere.example"},
        {"audience": "https://elsewhere.example"},
        {"recipient": "http://elsewhere.example/acs/"},
        {"end": "2026-01-01T00:00:00Z"},
        {"begin": "2096-01-01T00:00:00Z"},
        {"request": "ONELOGIN_made_up"},
        {"email": "ana@elsewhere.example"},
    ],
    ids=str,
)
def test_what_is_not_to_be_believed(client, come_in, lie):
    if lie.get("signed_by") == "another":
        lie = {"signed_by": make_key()}
    reply = come_in(**lie)
    assert reply.status_code in {401, 403}
    assert "Sign-in did not work" in reply.content.decode()
    assert "_auth_user_id" not in client.session
    assert not User.objects.exists()


def test_metadata_for_the_provider(client, saml):
    metadata = client.get("/accounts/saml/firm/metadata/").content.decode()
    assert f'Location="{ACS}"' in metadata
    assert 'WantAssertionsSigned="true"' in metadata
