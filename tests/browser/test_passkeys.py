"""A passkey made, and signed in with, in a real browser with a virtual authenticator."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"


def with_authenticator(page: Page) -> None:
    """Give the browser a device that makes passkeys, and a person whose finger it knows."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def test_made_and_signed_in_with(live_app, browser_page, cast):
    page, url = browser_page, live_app.url.replace("127.0.0.1", "localhost")
    with_authenticator(page)
    page.goto(f"{url}/accounts/login/?next=/accounts/2fa/")
    page.get_by_label("Email").fill("owner@firm.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Name").fill("Office laptop")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    assert len(page.get_by_label("Codes").input_value().split()) == 10

    page.context.clear_cookies()
    page.goto(f"{url}/accounts/login/?next=/account/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{url}/account/")
    page.goto(f"{url}/accounts/2fa/")
    expect(page.get_by_role("list", name="Passkeys")).to_contain_text("Office laptop signs in alone")
    passkey = Authenticator.objects.get(type="webauthn")
    assert passkey.user == cast.owner
    assert passkey.last_used_at is not None

    # The same device makes no second one, and the page says why.
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("on your list already")
