"""Terms and references in a real browser: a card on hover, by key and by touch, and the way to the section."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.analysis.views.reading import document_from, make_pdf, understood
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.browser
PAGES = [
    ["1. Terms", "“Fee” means the sum that Section 2 sets.", "The Buyer shall pay the Fee under Section 2."],
    ["2. Money", "The sum is ten pounds.", "Nobody pays the Fee twice."],
]


def middle(link: Locator) -> tuple[float, float]:
    """Return the middle of a link within SVG text, which Playwright itself looks for in the wrong place."""
    link.wait_for(state="attached")
    box = link.evaluate("link => link.getBoundingClientRect().toJSON()")
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def test_a_term_explains_itself_and_a_reference_leads_to_its_section(
    browser_page: Page, cast: Cast, sign_in: Callable[[User], None], tmp_path: Path
) -> None:
    room = understood(document_from(make_pdf(tmp_path / "fee.pdf", PAGES), cast.workspace, cast.owner))
    sign_in(cast.editor)
    page = browser_page
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"/d/{room.pk}/")
    card = page.locator("#lean-card")
    page.mouse.move(*middle(page.locator("#p1 .lean-term")))
    expect(card).to_contain_text("“Fee” means the sum that Section 2 sets.")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    page.locator("#pages").focus()
    page.keyboard.press("t")
    expect(card).to_contain_text("2. Money")
    page.keyboard.press("t")
    expect(card).to_contain_text("“Fee” means")
    page.mouse.click(*middle(page.locator("#p1 .lean-reference").last))
    expect(page.locator("#p2 .marks rect").first).to_be_in_viewport()
    expect(card).to_be_hidden()
    page.locator("[data-tab-link=terms]").click()
    expect(page.locator("#terms strong")).to_have_text("Fee")
    page.locator(".terms-lists label", has_text="Never used").click()
    expect(page.locator("#terms-list")).to_contain_text("None were found.")
    page.locator(".terms-lists label", has_text="All terms").click()
    page.locator(".terms-place").click()
    assert re.search(r"start_char=\d+&end_char=\d+", page.url)
