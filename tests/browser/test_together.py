"""Two people on one document: what one says and asks, the other sees without a reload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from analysis import progress
from analysis.answer.ask import emit_listed
from analysis.models import Document
from tests.analysis.views.reading import ask, document_from, make_pdf
from tests.analysis.views.repositories import repository_of
from tests.browser.conftest import LiveApp
from tests.conftest import Cast
from workspaces.models import Comment, User

pytestmark = pytest.mark.browser


@pytest.fixture
def document(cast: Cast, tmp_path: Path) -> Document:
    return document_from(make_pdf(tmp_path / "service.pdf"), cast.workspace, cast.owner)


@pytest.fixture
def other_page(chromium: Browser, live_app: LiveApp, cast: Cast) -> Iterator[Page]:
    """Return the browser of a second person, a reviewer."""
    client = Client()
    client.force_login(cast.reviewer)
    name = settings.SESSION_COOKIE_NAME
    context = chromium.new_context(base_url=live_app.url, viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_app.url}])
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


def select(page: Page, words: str) -> None:
    """Select a line of the text layer as a reader does, by a triple click."""
    page.locator(".layer text", has_text=words).first.click(click_count=3)


def test_a_comment_with_a_mention_arrives_live_and_is_resolved(
    browser_page: Page, other_page: Page, document: Document, cast: Cast, sign_in: Callable[[User], None]
) -> None:
    sign_in(cast.editor)
    browser_page.goto(f"/d/{document.pk}/?tab=comments")
    other_page.goto(f"/d/{document.pk}/?tab=comments")
    expect(browser_page.locator("#presence .person")).to_have_attribute("title", "reviewer@firm.example")
    expect(other_page.locator("#presence .person")).to_have_attribute("title", "editor@firm.example")

    select(other_page, "The term is three")
    other_page.get_by_role("button", name="Comment").first.click()
    expect(other_page.locator("[data-comment-quote]")).to_have_text("The term is three (3) years.")
    form = other_page.locator("[data-comment-form][id]")
    form.locator("textarea").press_sequentially("Five, I think. @edi")
    expect(other_page.locator("#people [role=option]")).to_have_text(["editor@firm.example"])
    form.locator("textarea").press("Enter")
    expect(form.locator("textarea")).to_have_value("Five, I think. @editor@firm.example ")
    form.locator("textarea").press("Control+Enter")
    expect(other_page.locator(".remark-text")).to_have_text(re.compile("^Five, I think"))
    expect(form.locator("textarea")).to_have_value("")

    remark = browser_page.locator(".remark")
    expect(remark.locator(".remark-text")).to_have_text(re.compile("^Five, I think. @editor@firm.example"))
    expect(browser_page.locator("[data-unread]")).to_have_text("1")
    expect(browser_page.locator("[data-comments-count]").first).to_have_text("1")
    expect(browser_page.locator(".comment-marks rect")).to_have_count(1)
    box = browser_page.locator(".comment-marks rect").bounding_box()
    assert box is not None
    browser_page.mouse.click(box["x"] + 20, box["y"] + box["height"] / 2)
    expect(remark).to_have_class(re.compile("chosen"))

    browser_page.get_by_role("button", name="Resolve").click()
    expect(other_page.locator(".resolved > summary")).to_have_text("1 resolved")
    expect(other_page.locator(".comment-marks rect")).to_have_count(0)
    assert Comment.objects.get().resolved_by == cast.editor
    browser_page.goto("/notifications/")
    browser_page.get_by_role("link", name=re.compile("mentioned you in a comment")).click()
    expect(browser_page).to_have_url(re.compile(rf"/d/{document.pk}/\?comment=.*#comment-"))
    expect(browser_page.locator("[data-unread]")).to_have_count(0)
    other_page.close()
    expect(browser_page.locator("#presence .person")).to_have_count(0)


def test_somebody_elses_answer_is_written_before_ones_eyes(
    browser_page: Page, other_page: Page, document: Document, cast: Cast, sign_in: Callable[[User], None]
) -> None:
    sign_in(cast.editor)
    browser_page.goto(f"/d/{document.pk}/?tab=ask")
    other_page.goto("/w/firm/")
    expect(browser_page.locator("#presence")).to_be_attached()
    browser_page.wait_for_function("document.querySelector('#live')._htmx?.sse")
    answer = ask(document, cast.owner, "Which law governs?")
    emit_listed(answer)
    expect(browser_page.locator("#answers .asked")).to_have_text("Which law governs?")
    progress.emit(progress.answer_stream(answer.pk), "token", {"start_char": 0, "text": "Delaware law."})
    expect(browser_page.locator("#answers .live .prose")).to_have_text("Delaware law.")
    expect(other_page.locator("#recent")).to_contain_text("Which law governs?")
    expect(other_page.locator("#recent .badge")).to_have_text("Being answered")


def test_lines_of_code_are_talked_about(browser_page: Page, cast: Cast, sign_in: Callable[[User], None]) -> None:
    repository = repository_of(cast, {"basket.py": "class Basket:\n    total = 0\n", "other.py": "a = 1\n"})
    sign_in(cast.reviewer)
    page = browser_page
    page.goto(f"/r/{repository.pk}/file/basket.py")
    page.locator("#L2 .ln").click()
    page.locator("[data-selection=comment]").click()
    expect(page.locator("[data-comment-quote]")).to_have_text("basket.py:2")
    page.locator("[data-comment-form][id] textarea").fill("Why zero?")
    page.locator("[data-comment-form][id] textarea").press("Control+Enter")
    expect(page.locator(".remark")).to_contain_text("Line 2")
    expect(page.locator("#L2")).to_have_class(re.compile("talked"))
    expect(page.locator("#comments-count")).to_have_text("1")
    page.locator('#tree [data-path="other.py"]').click()
    expect(page.locator("#code")).to_have_attribute("data-path", "other.py")
    expect(page.locator("#comments-count")).to_have_text("")
    page.goto(f"/c/{Comment.objects.get().pk}/")
    expect(page).to_have_url(re.compile(r"/r/[\w-]+/file/basket\.py\?.*tab=comments.*#comment-"))
    expect(page.locator(".remark-text")).to_have_text("Why zero?")
    expect(page.locator("#L2")).to_have_class(re.compile("shown"))
