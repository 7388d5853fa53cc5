"""Secrets: the value alone, and neither placeholders nor names."""

from __future__ import annotations

import time

import pytest

from analysis.ingest.parse.code.secrets import secrets

# Put together here, so that no scanner takes this file for one that has lost its keys.
AWS = "AKIA" + "IOSFODNN7QRSTUVW"
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
STRIPE = "sk_" + "live_4eC39HqLyjWDarjtT1zdp7dc"
JWT = "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
KEY = "\nMIIEowIBAAKCAQEAx9W0k2pQ7vVbTn\nq3Jd8Kf0Lw==\n"
BEGIN, END = "-----BEGIN RSA " + "PRIVATE KEY-----", "-----END RSA " + "PRIVATE KEY-----"


def found(text: str, syntax: str = "python") -> list[tuple[str, str]]:
    return [(secret.kind, text[secret.start_char : secret.end_char]) for secret in secrets(text, syntax)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (f"key = '{AWS}'", "AWS key", AWS),
        (f"# {GITHUB} is ours", "GitHub token", GITHUB),
        (f'stripe.api_key = "{STRIPE}"', "Stripe key", STRIPE),
        (f"Authorization: Bearer {JWT}", "JSON Web Token", JWT),
        (f'KEY = """{BEGIN}{KEY}{END}"""', "Private key", KEY),
        ("db = 'postgres://app:s3cr3t-Pa55@db.internal/x'", "Password in an address", "s3cr3t-Pa55"),
        ("DB_PASSWORD = 'Tr0ub4dor&3'", "Password", "Tr0ub4dor&3"),
        ('{"password": "Tr0ub4dor&3"}', "Password", "Tr0ub4dor&3"),
        ("secret_key := `k9Jx2LmQ84vTz7Wn1RpY`", "Key or token", "k9Jx2LmQ84vTz7Wn1RpY"),
        ("user.setPassword('Tr0ub4dor&3')", "Password", "Tr0ub4dor&3"),
    ],
)
def test_the_value_alone_is_found(text, kind, value):
    assert found(text) == [(kind, value)]


def test_files_of_settings_need_no_quotes():
    text = "# accounts\nDB_PASSWORD=Tr0ub4dor&3\nAPI_TOKEN: k9Jx2LmQ84vTz7Wn1RpY\nPORT=5432\n"
    assert [value for _, value in found(text, "ini")] == ["Tr0ub4dor&3", "k9Jx2LmQ84vTz7Wn1RpY"]
    assert found(text, "python") == []


@pytest.mark.parametrize(
    "text",
    [
        "password = 'changeme'",
        "password = '<your password>'",
        'password = "${DB_PASSWORD}"',
        "password = os.environ['DB_PASSWORD']",
        "password = 'xxxxxxxxxxxx'",
        "token = 'access_token'",
        "secret_key = 'SECRET_KEY'",
        "api_key: 'example-key-12345678'",
        "help='The password that opens it, 8 letters'",
        "url = 'postgres://user:password@localhost/db'",
        "url = 'http://localhost:8000/@me'",
        "token_url = 'https://login.invalid/oauth2/v1'",
        "commit = '3f786850e387550fdab836ed7e6dc881de23001b'",
        "password_field = 'new_password1'",
        "INTERNAL_TOKEN = '_password_reset_token'",
        "tokenizer_class = 'AudioV2TokenizerModel'",
        "password_rate = '20/m/ip,5/m/key'",
    ],
)
def test_placeholders_names_and_hashes_are_none(text):
    assert found(text) == []


def test_secrets_are_in_order_and_apart():
    text = f"token = '{GITHUB}'\npassword = 'Tr0ub4dor&3'\nkey = '{AWS}'\n"
    spans = secrets(text, "python")
    assert [text[s.start_char : s.end_char] for s in spans] == [GITHUB, "Tr0ub4dor&3", AWS]
    assert spans[0].kind == "GitHub token"


@pytest.mark.parametrize("text", ["password" * 30_000, "://a:" * 60_000, "eyJ" * 80_000, "secret = '" * 25_000])
def test_hostile_text_takes_no_longer_than_it_is_long(text):
    started = time.process_time()
    secrets(text, "ini")
    assert time.process_time() - started < 10
