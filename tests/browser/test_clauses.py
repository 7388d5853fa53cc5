"""Clauses in a browser: started, followed live, one of them looked up in the text, the threshold moved."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connections
from playwright.sync_api import Page, expect

from analysis.models import Document
from analysis.review import run
from analysis.review.run import review_run
from tests.analysis.review.rows import LAW, contract_document, no_embedder  # noqa: F401  # a fixture
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.usefixtures("no_embedder")


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Let a thread play the worker, which waits until it is told to go on."""
    begun = threading.Event()

    def work(review_id: str) -> None:
        begun.wait(20)
        try:
            review_run(review_id)
        finally:
            connections.close_all()

    monkeypatch.setattr(
        run, "enqueue", lambda review: threading.Thread(target=work, args=(str(review.pk),), daemon=True).start()
    )
    return begun


def test_clauses_are_found_live_looked_up_and_moved_by_the_threshold(
    browser_page: Page, sign_in: Callable[[User], None], cast: Cast, go_on: threading.Event
) -> None:
    document: Document = contract_document(cast)
    sign_in(cast.editor)
    browser_page.goto(f"/d/{document.pk}/?tab=clauses")
    browser_page.get_by_role("button", name="Look for clauses").click()
    expect(browser_page.get_by_text("Waiting for a worker")).to_be_visible()
    go_on.set()
    law = browser_page.locator("#clause-governing-law")
    expect(law.get_by_text("Oregon, United States")).to_be_visible()
    law.locator("a.finding").first.click()
    expect(browser_page.locator("#pages mark.shown").first).to_contain_text(LAW[:30])
    browser_page.get_by_label("Show what is at least").fill("95")
    browser_page.get_by_label("Show what is at least").press("Enter")
    expect(browser_page.get_by_role("button", name="Keep for everybody")).to_be_visible()
    expect(browser_page.locator(".clauses-absent")).to_contain_text("None is 95 % probable.")
    browser_page.get_by_role("button", name="Keep for everybody").click()
    browser_page.wait_for_url(f"**/d/{document.pk}/?tab=clauses")
    expect(browser_page.get_by_label("Show what is at least")).to_have_value("95")
    cast.workspace.refresh_from_db()
    assert cast.workspace.clause_threshold == 0.95
