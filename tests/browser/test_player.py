"""A recording in a real browser: a citation and a time play from their place, and what is spoken is marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File
from playwright.sync_api import Page, expect

from analysis.ingest.index import write_parsed
from analysis.ingest.spoken import Said, spoken_document
from analysis.models import Document, DocumentVersion
from tests.analysis.ingest import sounds
from tests.conftest import Cast
from tests.rows import add_sentence, make_answer
from workspaces.models import User

pytestmark = pytest.mark.browser

MEETING = [Said(10.0 * n, 10.0 * n + 8, f"Point {n} of the lease is agreed.") for n in range(6)]


@pytest.fixture
def call(browser_page: Page, cast: Cast, sign_in: Callable[[User], None], settings: Any, tmp_path: Path) -> Document:
    """A minute of sound with a sentence every ten seconds, and an answer that cites the one at 0:40."""
    settings.MEDIA_ROOT = tmp_path / "files"
    parsed = spoken_document(MEETING, 60.0)
    document = Document.objects.create(workspace=cast.workspace, name="call.wav", uploaded_by=cast.owner)
    with sounds.wav(tmp_path / "call.wav", (60, 0.2)).open("rb") as sound:
        version = DocumentVersion.objects.create(
            document=document,
            file=File(sound, "call.wav"),
            sha256="5" * 64,
            size_bytes=1,
            kind="recording",
            status="ready",
            page_count=len(parsed.pages),
            characters=len(parsed.text),
            metadata=parsed.metadata,
        )
    Document.objects.filter(pk=document.pk).update(version=version)
    write_parsed(version, parsed)
    answer = make_answer(cast, version, "It is agreed.")
    start = parsed.text.index("Point 4")
    add_sentence(answer, 0, "It is agreed.", (version, start, start + len("Point 4 of the lease is agreed.")))
    sign_in(cast.editor)
    browser_page.goto(f"/d/{document.pk}/?tab=ask")
    return document


def player(page: Page) -> dict[str, Any]:
    told: dict[str, Any] = page.locator("audio").evaluate("({ currentTime, paused }) => ({ currentTime, paused })")
    return told


def test_a_citation_plays_from_its_start_and_marks_what_is_spoken(browser_page: Page, call: Document) -> None:
    browser_page.locator(".cite").click()
    expect(browser_page.locator(".spoken[aria-current] p")).to_have_text("Point 4 of the lease is agreed.")
    expect(browser_page.locator("audio")).to_have_js_property("paused", False)
    assert 40 <= player(browser_page)["currentTime"] < 48
    expect(browser_page.locator("mark.shown")).to_have_text("Point 4 of the lease is agreed.")


def test_a_time_plays_from_there_and_p_stops_it(browser_page: Page, call: Document) -> None:
    browser_page.locator(".clock", has_text="0:20").click()
    expect(browser_page.locator(".spoken[aria-current] p")).to_have_text("Point 2 of the lease is agreed.")
    browser_page.locator("#pages").press("p")
    expect(browser_page.locator("audio")).to_have_js_property("paused", True)
    assert 20 <= player(browser_page)["currentTime"] < 30


def test_a_link_to_a_place_waits_there(browser_page: Page, call: Document) -> None:
    start = len(MEETING[0].text) + len("\n\n")
    browser_page.goto(f"/d/{call.pk}/?start_char={start}&end_char={start + 7}")
    expect(browser_page.locator("audio")).to_have_js_property("currentTime", 10)
    assert player(browser_page)["paused"] is True
