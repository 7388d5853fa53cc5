"""Asking in a real browser: every part read with its findings, what is thought aloud, and answers side by side."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from analysis import progress
from analysis.answer.run import answer_run
from analysis.llm import registry
from analysis.llm.catalogue import LLM
from analysis.models import Answer, Document
from analysis.views import choices
from tests.analysis.conftest import scripted_llm, words_as_meaning  # noqa: F401  # fixtures
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.analysis.views.reading import ask, document_from, finish, make_pdf
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.browser
LAW, QUOTE = "The laws of Delaware govern this Agreement.", "Payment is due within thirty days."


@pytest.fixture
def room(browser_page: Page, cast: Cast, sign_in: Callable[[User], None], tmp_path: Path) -> Document:
    document = document_from(make_pdf(tmp_path / "service.pdf"), cast.workspace, cast.owner)
    sign_in(cast.editor)
    browser_page.emulate_media(reduced_motion="reduce")
    return document


def emit(answer: Answer, name: str, data: dict[str, Any]) -> None:
    progress.emit(progress.answer_stream(answer.pk), name, data)


def end(answer: Answer) -> None:
    emit(answer, "answer", {"id": str(answer.pk)})
    emit(answer, "done", {"status": "done"})


@pytest.mark.usefixtures("words_as_meaning")
def test_every_part_is_read_when_chosen_and_the_findings_stay(
    browser_page: Page,
    room: Document,
    scripted_llm: ScriptedLLM,  # noqa: F811
) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/?tab=ask")
    page.locator("#question-text").fill("Which law governs?")
    page.locator(".mode-menu summary").click()
    page.locator(".mode-menu label", has_text="Every part").click()
    expect(page.locator(".mode-menu summary")).to_have_text(re.compile("Every part"))
    expect(page.locator(".mode-menu .menu-items")).to_be_hidden()
    expect(page.locator(".plan-line")).to_have_text(re.compile(r"^every part in turn · 1 part · about "))
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("article.answer .stage")).to_be_visible()

    scripted_llm.replies = [Reply([LAW]), Reply([LAW])]
    answer_run(str(Answer.objects.get().pk))

    expect(page.locator("article.answer")).to_have_attribute("data-status", "done")
    found = page.locator(".findings-list li")
    expect(found).to_have_count(1)
    expect(page.locator(".findings summary")).to_have_text("The one place that was found")
    expect(found.locator("q")).to_have_text(re.compile(rf"{re.escape(LAW)}$"))
    found.locator("a").click()
    expect(page.locator("#p3 .marks rect").first).to_be_in_viewport()


def finding(part: int, index: int, document: Document, page_number: int, quote: str) -> dict[str, Any]:
    return {
        "part": part, "index": index, "document_id": str(document.pk), "document_name": document.name,
        "page_number": page_number, "place": f"page {page_number}", "start_char": 0, "end_char": 17,
        "quote": quote, "note": "",
    }  # fmt: skip


def test_findings_come_live_in_order_and_survive_a_reload(browser_page: Page, room: Document, cast: Cast) -> None:
    answer = ask(room, cast.owner, "Which duties are there?")
    page = browser_page
    page.goto(f"/d/{room.pk}/")
    emit(answer, "progress", {"stage": "part", "message": "Part 3 of 3: page 3", "done": 1, "total": 3})
    emit(answer, "finding", finding(2, 0, room, 3, LAW))
    expect(page.locator(".stage")).to_have_text("Part 3 of 3: page 3")
    expect(page.locator(".stage progress")).to_have_attribute("value", "1")
    expect(page.locator(".findings q")).to_have_text([LAW])
    emit(answer, "finding", finding(1, 1, room, 2, QUOTE))
    emit(answer, "finding", finding(1, 0, room, 2, "Beta shall pay"))
    expect(page.locator(".findings q")).to_have_text(["Beta shall pay", QUOTE, LAW])
    expect(page.locator(".findings-head")).to_have_text("Found so far: 3 places")
    page.reload()
    second = page.context.new_page()
    second.goto(page.url)
    emit(answer, "finding", finding(1, 1, room, 2, QUOTE))
    emit(answer, "token", {"start_char": 0, "text": "Beta pays."})
    for tab in (page, second):
        expect(tab.locator(".live .prose")).to_have_text("Beta pays.")
        expect(tab.locator(".findings q")).to_have_text(["Beta shall pay", QUOTE, LAW])


def test_thinking_stands_apart_and_stays_as_it_was_unfolded(browser_page: Page, room: Document, cast: Cast) -> None:
    answer = ask(room, cast.owner, "When is payment due?")
    page = browser_page
    page.goto(f"/d/{room.pk}/")
    emit(answer, "reasoning", {"start_char": 0, "text": "The fees are <b>monthly</b>. "})
    expect(page.locator(".thinking summary")).to_have_text(re.compile(r"^Thinking… 4 words"))
    expect(page.locator(".thinking-text")).to_be_hidden()
    page.locator(".thinking summary").click()
    expect(page.locator(".thinking-text")).to_have_text("The fees are <b>monthly</b>.")
    emit(answer, "reasoning", {"start_char": 28, "text": "So thirty days."})
    expect(page.locator(".thinking-text")).to_have_text("The fees are <b>monthly</b>.So thirty days.")
    emit(answer, "token", {"start_char": 0, "text": "Within thirty days."})
    expect(page.locator(".thinking summary")).to_have_text("Thought for 6 words")
    expect(page.locator(".thinking-text")).to_be_visible()
    expect(page.locator(".live .prose")).to_have_text("Within thirty days.")
    finish(answer, [("Within thirty days.", True, [QUOTE])])
    Answer.objects.filter(pk=answer.pk).update(reasoning="The fees are <b>monthly</b>. So thirty days.")
    end(answer)
    expect(page.locator("article.answer")).to_have_attribute("data-status", "done")
    expect(page.locator(".thinking-text")).to_be_visible()
    expect(page.locator(".answer .prose")).to_have_text("Within thirty days.1")
    page.reload()
    expect(page.locator(".thinking summary")).to_have_text("Thought for 7 words")
    expect(page.locator(".thinking-text")).to_be_hidden()


@pytest.fixture
def two_llms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two language models to choose from; what they write, the test says."""
    away = "http://127.0.0.1:1/v1"
    two = [LLM(id, id.title(), "", 32768, 800, base_url=away, self_hosted=True) for id in ("kimi", "qwen")]
    monkeypatch.setattr(registry, "llms", lambda *_: two)
    monkeypatch.setattr(choices, "llms", lambda *_: two)


@pytest.mark.usefixtures("two_llms")
def test_two_language_models_side_by_side(browser_page: Page, room: Document) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/?tab=ask")
    page.locator("#question-text").fill("When is payment due?")
    page.locator(".compare-menu summary").click()
    for name in ("Kimi", "Qwen"):
        page.locator(".compare-menu label", has_text=name).click()
    expect(page.locator(".plan-of strong")).to_have_text(["Kimi", "Qwen"])
    page.locator("#question-text").press("Control+Enter")
    page.wait_for_url(re.compile(r"/q/[\w-]+/compare/$"))

    kimi, qwen = Answer.objects.order_by("number")
    first, second = page.locator(".column").all()
    expect(first.locator("h2")).to_have_text("Kimi")
    emit(kimi, "token", {"start_char": 0, "text": "Within thirty"})
    emit(qwen, "token", {"start_char": 0, "text": "Soon."})
    expect(first.locator(".live .prose")).to_have_text("Within thirty")
    expect(second.locator(".live .prose")).to_have_text("Soon.")
    finish(qwen, [("Soon.", False, [])])
    end(qwen)
    expect(second).to_have_attribute("data-status", "done")
    expect(second.locator(".figures")).to_contain_text("0 of 1")
    expect(page.locator(".figures .badge")).to_have_count(0)
    finish(kimi, [("Within thirty days.", True, [QUOTE])])
    end(kimi)
    expect(first.locator(".figures .badge")).to_have_text(["best supported"])
    expect(first.locator(".cite")).to_have_text("1")
    expect(first.locator(".live")).to_have_count(0)

    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.usefixtures("two_llms")
def test_a_follow_up_shows_its_plan(browser_page: Page, room: Document, cast: Cast) -> None:
    answer = finish(ask(room, cast.owner, "When is payment due?"), [("Within thirty days.", True, [QUOTE])])
    page = browser_page
    page.goto(f"/q/{answer.question_id}/")
    page.locator(".follow-up summary").click()
    page.locator(".follow-up textarea").fill("And by which law?")
    expect(page.locator(".follow-up .plan-line")).to_have_text(re.compile("^whole document · about .* tokens"))
    page.locator(".follow-up select").select_option("qwen")
    page.locator(".follow-up textarea").press("Control+Enter")
    expect(page.locator(".thread .asked")).to_have_text("And by which law?")
    expect(page.locator(".follow-up .plan").first).to_be_empty()
    follow_up = Answer.objects.exclude(pk=answer.pk).get()
    assert (follow_up.llm, follow_up.question.parent) == ("qwen", answer.question)
