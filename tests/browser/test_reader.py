"""The reading room in a real browser: a citation leads to its words, words can be selected, answers come live."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from analysis import progress
from analysis.models import Answer, Document, DocumentVersion
from tests.analysis.views.reading import ask, bare_document, document_from, finish, make_pdf, span_of, text_document
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.browser
QUOTE = "Payment is due within thirty days."


@pytest.fixture
def room(browser_page: Page, cast: Cast, sign_in: Callable[[User], None], tmp_path: Path) -> Document:
    document = document_from(make_pdf(tmp_path / "service.pdf"), cast.workspace, cast.owner)
    sign_in(cast.editor)
    browser_page.emulate_media(reduced_motion="reduce")  # so that places are measured where they come to rest
    return document


@pytest.fixture
def answer(room: Document, cast: Cast) -> Answer:
    sentences = [("Within thirty days.", True, [QUOTE]), ("It is free.", False, [])]
    return finish(ask(room, cast.owner, "When is payment due?"), sentences)


def emit(answer: Answer, name: str, data: dict[str, Any]) -> None:
    progress.emit(progress.answer_stream(answer.pk), name, data)


def test_a_citation_leads_to_its_words(browser_page: Page, room: Document, answer: Answer) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/")
    chip = page.locator(".cite")
    chip.hover()
    expect(page.locator("#quote .quote-words")).to_have_text(re.compile(r"Payment is due\s+within thirty days\."))
    chip.click()
    rect = page.locator("#p2 .marks rect")
    expect(rect).to_have_count(2)
    words = page.locator("#p2 .layer text", has_text="Payment is due")
    expect(words).to_be_in_viewport()
    mark, line = rect.first.bounding_box(), words.bounding_box()
    assert mark is not None
    assert line is not None
    assert abs(mark["x"] - line["x"]) < 3
    assert mark["y"] < line["y"] + line["height"] / 2 < mark["y"] + mark["height"]
    assert mark["width"] == pytest.approx(line["width"], rel=0.05)
    expect(page.locator('[data-strip="2"]')).to_have_class(re.compile("cited"))
    start, end = span_of(room, QUOTE)
    assert f"start_char={start}&end_char={end}" in page.url
    page.reload()
    expect(page.locator("#p2 .marks rect")).to_have_count(2)


def test_selected_words_are_the_documents(browser_page: Page, room: Document) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/")
    line = page.locator("#p1 .layer text", has_text="The term is")
    expect(line).to_be_visible()
    box = line.bounding_box()
    assert box is not None
    page.mouse.dblclick(box["x"] + 12, box["y"] + box["height"] / 2)
    assert page.evaluate("getSelection().toString()").strip() == "The"
    page.locator("[data-selection=copy]").click()
    expect(page.locator(".toast")).to_contain_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "“The” (service.pdf, page 1)"


def test_a_selection_over_two_lines_is_asked_about(browser_page: Page, room: Document) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/?start_char=0&end_char=5")
    first = page.locator("#p2 .layer text", has_text="Payment is due")
    last = page.locator("#p2 .layer text", has_text="within thirty")
    first.scroll_into_view_if_needed()
    a, b = first.bounding_box(), last.bounding_box()
    assert a is not None
    assert b is not None
    page.mouse.move(a["x"] + 1, a["y"] + a["height"] / 2)
    page.mouse.down()
    page.mouse.move(b["x"] + b["width"] + 20, b["y"] + b["height"] / 2, steps=4)
    page.mouse.up()
    page.keyboard.press("Control+c")
    assert page.evaluate("navigator.clipboard.readText()") == "Payment is due\nwithin thirty days."
    page.locator("[data-selection=ask]").click()
    expect(page.locator("#question-text")).to_have_value(f"About “{QUOTE}”: ")
    expect(page.locator("#question-text")).to_be_focused()


def test_the_keyboard_goes_everywhere(browser_page: Page, room: Document) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/")
    expect(page.locator("#p1 .layer text").first).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator("#page-number")).to_have_value("2")
    page.keyboard.press("g")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    expect(page.locator("#p3 .layer text").first).to_be_in_viewport()
    page.keyboard.press("/")
    expect(page.locator("#find")).to_be_focused()
    page.keyboard.type("agreement")
    expect(page.locator("#find-place")).to_have_text("3 places")
    page.keyboard.press("Enter")
    expect(page.locator("#find-place")).to_have_text("1 of 3")
    expect(page.locator("#p1 .marks rect")).to_have_count(1)
    page.keyboard.press("Shift+Enter")
    expect(page.locator("#find-place")).to_have_text("3 of 3")
    expect(page.locator("#p3 .marks rect")).to_have_count(1)
    handle = page.locator('[data-handle="left"]')
    before = int(page.locator(".pane-outline").evaluate("pane => pane.offsetWidth"))
    # Showing the place that was found may still be moving the focus.
    expect(page.locator("#p3 .marks rect")).to_be_in_viewport()
    handle.focus()
    expect(handle).to_be_focused()
    handle.press("ArrowRight")
    expect(page.locator(".pane-outline")).to_have_js_property("offsetWidth", before + 24)


def test_marks_in_a_text_without_pages(browser_page: Page, cast: Cast, sign_in: Callable[[User], None]) -> None:
    text = "\n\n".join(f"Paragraph {number} says nothing." for number in range(200)) + "\n\nThe fee is\ntwo euros."
    document = text_document(text, cast.workspace, cast.owner)
    finish(ask(document, cast.owner, "What is the fee?"), [("Two euros.", True, ["The fee is two euros."])])
    sign_in(cast.viewer)
    page = browser_page
    page.goto(f"/d/{document.pk}/")
    for _ in range(2):
        page.locator(".cite").click()
        expect(page.locator("mark.shown")).to_have_count(1)
        expect(page.locator("mark.shown")).to_be_in_viewport()
        assert page.locator("mark.shown").text_content() == "The fee is\ntwo euros."
    page.evaluate("getSelection().selectAllChildren(document.querySelector('mark.shown'))")
    # Chromium hands a copy over to the clipboard in its own time.
    page.wait_for_function(
        """() => {
            document.execCommand("copy");
            return navigator.clipboard.readText().then((copied) => copied === "The fee is\\ntwo euros.");
        }"""
    )


def test_an_answer_comes_live_and_then_checked(browser_page: Page, room: Document, cast: Cast) -> None:
    answer = ask(room, cast.owner, "When is payment due?")
    page = browser_page
    page.goto(f"/d/{room.pk}/")
    emit(answer, "progress", {"stage": "reading", "message": "Reading page 2 of 3", "done": 2, "total": 3})
    expect(page.locator(".stage")).to_have_text("Reading page 2 of 3")
    emit(answer, "token", {"start_char": 0, "text": "Within "})
    expect(page.locator(".live .prose")).to_have_text("Within")
    page.reload()
    emit(answer, "token", {"start_char": 7, "text": "thirty days.\n\n<b>It"})
    expect(page.locator(".live .block")).to_have_text(["Within thirty days.", "<b>It"])
    emit(answer, "token", {"start_char": 26, "text": " is"})
    expect(page.locator(".live .block")).to_have_text(["Within thirty days.", "<b>It is"])
    finish(answer, [("Within thirty days.", True, [QUOTE])])
    emit(answer, "answer", {"id": str(answer.pk)})
    emit(answer, "done", {"status": "done"})
    expect(page.locator(".live")).to_have_count(0)
    expect(page.locator(".answer .sentence.supported")).to_have_text("Within thirty days.")
    expect(page.locator(".answer .cite")).to_have_text("1")
    expect(page.locator(".receipt-line")).to_contain_text("412 tokens")


def test_a_refused_question_keeps_its_text(browser_page: Page, room: Document, console_problems: list[str]) -> None:
    page = browser_page
    page.goto(f"/d/{room.pk}/?tab=ask")
    page.locator("#question-text").fill("   ")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#error-ask .error")).to_be_visible()
    expect(page.locator("#question-text")).to_have_value("   ")
    console_problems.clear()  # Chromium reports every refusal as an error


def test_the_page_turns_into_the_reader_by_itself(
    browser_page: Page, cast: Cast, sign_in: Callable[[User], None]
) -> None:
    document = bare_document(cast.workspace, cast.owner, status="ingesting", stage="embed", stage_done=1, stage_total=4)
    sign_in(cast.viewer)
    page = browser_page
    page.goto(f"/d/{document.pk}/")
    expect(page.locator(".reading-in-words")).to_have_text("Embedding passage 1 of 4")
    rows = DocumentVersion.objects.filter(document=document)
    rows.update(stage_done=3)
    progress.announce_document(cast.workspace.pk, document.pk)
    expect(page.locator(".reading-in-words")).to_have_text("Embedding passage 3 of 4")
    rows.update(status="failed", error_message="The file is cut off.")
    progress.announce_document(cast.workspace.pk, document.pk)
    expect(page.locator(".notice-bad")).to_have_text("The file is cut off.")


def test_a_phone_shows_one_pane_at_a_time(browser_page: Page, room: Document, answer: Answer) -> None:
    page = browser_page
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"/d/{room.pk}/")
    expect(page.locator("#pages")).to_be_visible()
    expect(page.locator(".pane-side")).to_be_hidden()
    page.get_by_text("Answers", exact=True).click()
    expect(page.locator("#pages")).to_be_hidden()
    page.locator(".cite").click()
    expect(page.locator("#p2 .marks rect").first).to_be_in_viewport()
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_permalink_points_at_its_sources(browser_page: Page, room: Document, answer: Answer) -> None:
    page = browser_page
    page.goto(f"/q/{answer.question_id}/")
    page.locator(".cite").click()
    expect(page.locator("#source-1")).to_have_class(re.compile("chosen"))
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Within thirty days. [1] It is free.\n\n[1] service.pdf, page 2: “Payment is due within")
