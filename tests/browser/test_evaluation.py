"""Two runs of an evaluation, chosen by keyboard and compared, in a real browser."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import Cast
from tests.evaluations import make_run
from workspaces.models import User

pytestmark = pytest.mark.browser


def test_from_the_list_to_what_changed(browser_page: Page, sign_in: Callable[[User], None], cast: Cast) -> None:
    before, after = make_run(note="words alone", found=0.5), make_run(note="words and meaning", found=0.75)
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True)
    sign_in(User.objects.get(pk=cast.owner.pk))
    page = browser_page
    page.goto("/")
    page.get_by_label(f"Account: {cast.owner.email}").click()
    page.get_by_role("link", name="Evaluation").click()
    for run in (before, after):
        page.get_by_label(f"Compare run {run.pk}").focus()
        page.keyboard.press("Space")
    page.get_by_role("button", name="Compare the chosen runs").press("Enter")
    expect(page.get_by_role("heading", name="legalbench-rag: 2 runs")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="better").first).to_contain_text("+")
    failure = page.locator("details.missed").first
    failure.locator("summary").press("Enter")
    expect(failure.get_by_text("Notice is given in writing.")).to_be_visible()
    page.get_by_role("link", name="words and meaning").click()
    expect(page.get_by_role("heading", name="legalbench-rag: words and meaning")).to_be_visible()
    expect(page.get_by_role("img", name="Recall by depth")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
