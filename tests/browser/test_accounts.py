"""An invite, from the owner's page to the guest's first look at the workspace, in a real browser."""

from __future__ import annotations

import pytest

from workspaces.models import Member

pytestmark = pytest.mark.browser


def test_invited_signed_up_and_in(live_app, browser_page, sign_in, cast):
    page = browser_page
    sign_in(cast.owner)
    page.goto("/w/firm/members/")
    page.get_by_label("Role", exact=True).select_option("viewer")
    page.get_by_role("button", name="Invite", exact=True).click()
    page.get_by_role("button", name="Copy").click()
    link = page.get_by_label("Whoever opens this link").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == link

    page.context.clear_cookies()
    page.goto(link)
    page.get_by_role("link", name="Create an account").click()
    page.get_by_label("Email").fill("guest@elsewhere.example")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("button", name="Join The Firm").click()
    page.wait_for_url("**/w/firm/")
    assert Member.objects.get(user__email="guest@elsewhere.example", workspace=cast.workspace).role == "viewer"

    page.goto("/w/firm/settings/")
    page.get_by_role("button", name="Leave The Firm").click()
    page.wait_for_url("**/w/guests-workspace/")
