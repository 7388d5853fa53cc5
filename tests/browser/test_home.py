"""The workspace's home in a real browser: adding files, live rows, keys, themes, and a lost connection."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from analysis import progress
from analysis.models import Document, DocumentVersion
from tests.browser.conftest import LiveApp
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.browser

SignIn = Callable[[User], None]


def payload(name: str, words: str) -> FilePayload:
    return {"name": name, "mimeType": "text/plain", "buffer": words.encode()}


def make(cast: Cast, name: str, **fields: Any) -> DocumentVersion:
    document = Document.objects.create(workspace=cast.workspace, name=name, uploaded_by=cast.owner)
    given = {"sha256": uuid.uuid4().hex, "size_bytes": 1, "status": "ready", "kind": "pdf", "file": "none.pdf"} | fields
    document.version = DocumentVersion.objects.create(document=document, **given)
    document.save()
    return document.version


def change(version: DocumentVersion, **fields: Any) -> None:
    DocumentVersion.objects.filter(pk=version.pk).update(**fields)
    progress.announce_document(version.document.workspace_id, version.document_id)


@pytest.fixture
def home(browser_page: Page, cast: Cast, sign_in: SignIn) -> Page:
    """Return a tab that can go to the home of the cast's workspace as its editor."""
    sign_in(cast.editor)
    return browser_page


def test_several_files_go_in_and_the_bad_one_is_named(home: Page, console_problems: list[str]) -> None:
    home.goto("/w/firm/")
    expect(home.get_by_text("Drop contracts here, or choose files")).to_be_visible()

    home.set_input_files(
        "#files", [payload("lease.txt", "Five years."), payload("empty.txt", ""), payload("terms.txt", "Delaware.")]
    )

    expect(home.locator("[data-uploads-title]")).to_have_text("2 documents added · 1 not added")
    expect(home.locator("[data-uploads-list] > li")).to_have_count(1)
    expect(home.locator("[data-uploads-list] > .refused")).to_contain_text("empty.txt")
    expect(home.locator("[data-uploads-list] > .refused")).to_contain_text("The file is empty.")
    expect(home.locator(".document-name")).to_have_count(2)  # by the event stream: the page was not loaded again
    assert sorted(Document.objects.values_list("name", flat=True)) == ["lease.txt", "terms.txt"]
    home.get_by_role("button", name="Dismiss: empty.txt").click()
    expect(home.locator("[data-uploads]")).to_be_hidden()
    assert len(console_problems) == 1
    assert "422" in console_problems.pop()


def test_a_file_too_large_is_not_even_sent(home: Page, settings: Any) -> None:
    settings.UPLOAD_MAX_BYTES = 2**20
    home.goto("/w/firm/")
    sent: list[str] = []
    home.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    home.set_input_files("#files", payload("long.txt", "x" * (2**20 + 1)))
    expect(home.locator(".refused")).to_contain_text("The file is larger than 1 MiB.")
    assert sent == []


def test_an_upload_that_breaks_can_be_tried_again(home: Page, console_problems: list[str]) -> None:
    home.goto("/w/firm/")
    home.route("**/w/firm/documents/", lambda route: route.abort("connectionreset"))
    home.set_input_files("#files", payload("lease.txt", "Five years."))
    expect(home.locator(".refused")).to_contain_text("The connection was lost before the file was through.")
    assert not Document.objects.exists()
    console_problems.clear()

    home.unroute("**/w/firm/documents/")
    home.get_by_role("button", name="Retry: lease.txt").click()

    expect(home.locator(".document-name")).to_have_text("lease.txt")
    expect(home.get_by_text("1 document added.")).to_be_visible()
    expect(home.locator("[data-uploads]")).to_be_hidden()


def test_files_can_be_dropped_anywhere(home: Page) -> None:
    home.goto("/w/firm/")
    transfer = home.evaluate_handle(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File(["Five years."], "dropped.txt", {type: "text/plain"}));
            return transfer;
        }"""
    )
    home.dispatch_event("h1", "dragenter", {"dataTransfer": transfer})
    expect(home.get_by_text("Drop to add to The Firm")).to_be_visible()
    home.dispatch_event("h1", "drop", {"dataTransfer": transfer})
    expect(home.get_by_text("Drop to add to The Firm")).to_be_hidden()
    expect(home.locator(".document-name")).to_have_text("dropped.txt")


def test_without_a_script_the_form_does_it(chromium: Browser, live_app: LiveApp, cast: Cast, home: Page) -> None:
    context = chromium.new_context(base_url=live_app.url, java_script_enabled=False)
    context.add_cookies(home.context.cookies())  # type: ignore[arg-type]
    page = context.new_page()
    page.goto("/w/firm/")
    page.set_input_files("#files", [payload("lease.txt", "Five years."), payload("empty.txt", "")])
    page.get_by_role("button", name="Add documents").click()
    expect(page.get_by_text("Added “lease.txt”.")).to_be_visible()
    expect(page.get_by_text("empty.txt: The file is empty.")).to_be_visible()
    expect(page.locator(".document-name")).to_have_text("lease.txt")
    context.close()


def test_rows_follow_the_reading_in(home: Page, cast: Cast) -> None:
    version = make(cast, "lease.pdf", status="ingesting", stage="parse", stage_done=1, stage_total=9)
    other = make(cast, "other.pdf")
    home.goto("/w/firm/")
    row = home.locator(f"#document-{version.document_id}")
    expect(row).to_contain_text("Reading page 1 of 9")
    home.locator(f"#document-{other.document_id} [name=document]").check()

    change(version, stage="embed", stage_done=41, stage_total=120)
    expect(row).to_contain_text("Embedding passage 41 of 120")
    change(version, stage_done=60)
    expect(row).to_contain_text("Embedding passage 60 of 120")
    expect(row.locator("progress")).to_have_attribute("value", "595")
    change(version, status="ready", page_count=9, tokens=1234)

    expect(row).to_contain_text("1,234")
    expect(row.locator("progress")).to_have_count(0)
    expect(home.locator(f"#document-{other.document_id} [name=document]")).to_be_checked()
    expect(home.locator(".chip[aria-current]")).to_have_text("All 2")


def test_what_is_typed_into_a_row_outlives_a_redraw(home: Page, cast: Cast) -> None:
    locked = make(cast, "minutes.pdf", status="failed", error_code="password_required", error_message="Encrypted.")
    home.goto("/w/firm/")
    home.fill(f"#password-{locked.document_id}", "open ses")
    make(cast, "new.pdf")
    change(locked)
    expect(home.locator(".document-name")).to_have_count(2)
    expect(home.locator(f"#password-{locked.document_id}")).to_have_value("open ses")


def test_a_failed_document_is_tried_again_without_leaving(home: Page, cast: Cast) -> None:
    failed = make(cast, "scan.pdf", status="failed", error_code="damaged", error_message="Its end is missing.")
    home.goto("/w/firm/")
    row = home.locator(f"#document-{failed.document_id}")
    expect(row).to_contain_text("Its end is missing.")
    row.get_by_role("button", name="Try again").click()
    expect(row).to_contain_text("Waiting to be read")
    assert home.url.endswith("/w/firm/")


def test_the_palette_goes_to_a_document_by_keyboard(home: Page, cast: Cast) -> None:
    wanted = make(cast, "Lease of Harbour Street.pdf")
    make(cast, "Side letter.pdf")
    home.goto("/w/firm/")
    home.keyboard.press("Control+k")
    expect(home.get_by_role("option", name="Ask the whole workspace")).to_be_visible()
    home.keyboard.type("harbour")
    expect(home.get_by_role("option")).to_have_text(
        ["Ask: harbour", "Search for: harbour", "Lease of Harbour Street.pdf"]
    )
    expect(home.locator('[aria-selected="true"]')).to_have_text("Ask: harbour")
    home.keyboard.press("ArrowUp")
    expect(home.locator('[aria-selected="true"]')).to_have_text("Lease of Harbour Street.pdf")
    target = home.get_by_role("option", name="Lease of Harbour Street.pdf").get_attribute("href")
    assert target == f"/d/{wanted.document_id}/"
    home.keyboard.press("Escape")
    expect(home.locator("#palette")).to_be_hidden()


def test_keys(home: Page) -> None:
    home.goto("/w/firm/")
    home.keyboard.press("?")
    expect(home.get_by_role("dialog", name="Keys")).to_be_visible()
    home.keyboard.press("Escape")
    expect(home.locator("#keys")).to_be_hidden()
    home.keyboard.press("/")
    expect(home.get_by_role("searchbox", name="Search the text of all documents")).to_be_focused()
    home.keyboard.type("?")
    expect(home.locator("#keys")).to_be_hidden()


def test_the_filter_works_as_one_types_and_stays_in_the_address(home: Page, cast: Cast) -> None:
    for name in ["lease.pdf", "letter.pdf", "minutes.pdf"]:
        make(cast, name)
    home.goto("/w/firm/?sort=name")
    box = home.get_by_role("searchbox", name="Filter by name")
    box.press_sequentially("le")
    expect(home.locator(".document-name")).to_have_text(["lease.pdf", "letter.pdf"])
    expect(box).to_be_focused()
    expect(box).to_have_value("le")
    assert home.url.endswith("/w/firm/?name=le&sort=name")
    make(cast, "lessor.pdf")
    change(Document.objects.get(name="lessor.pdf").version)  # type: ignore[arg-type]
    expect(home.locator(".document-name")).to_have_text(["lease.pdf", "lessor.pdf", "letter.pdf"])


def test_chosen_documents_are_counted_and_deleted_after_asking(home: Page, cast: Cast) -> None:
    for name in ["a.pdf", "b.pdf", "c.pdf", "d.pdf"]:
        make(cast, name)
    home.goto("/w/firm/?sort=name")
    expect(home.locator("#selection")).to_be_hidden()
    boxes = home.locator("[name=document]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(home.locator("[data-selection-count]")).to_have_text("3 chosen")
    home.get_by_role("button", name="Delete…").click()
    expect(home.get_by_role("heading", name="Delete these 3 documents?")).to_be_visible()
    home.get_by_role("button", name="Delete 3 documents").click()
    expect(home.get_by_text("Deleted 3 documents.")).to_be_visible()
    expect(home.locator(".document-name")).to_have_text(["d.pdf"])


def test_the_chosen_theme_stays(home: Page) -> None:
    home.goto("/w/firm/")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert home.evaluate(paper) == "rgb(245, 245, 242)"
    home.locator("summary[aria-label^=Account]").click()
    home.get_by_label("Dark").check()
    assert home.evaluate(paper) == "rgb(18, 22, 21)"
    home.reload()
    assert home.evaluate(paper) == "rgb(18, 22, 21)"
    home.locator("summary[aria-label^=Account]").click()
    expect(home.get_by_label("Dark")).to_be_checked()
    home.get_by_label("System").check()
    home.emulate_media(color_scheme="dark")
    assert home.evaluate(paper) == "rgb(18, 22, 21)"


PAGES = ["/w/firm/", "/w/firm/search/", "/w/firm/documents/delete/?document={id}", "/nowhere/"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone(home: Page, cast: Cast, path: str, console_problems: list[str]) -> None:
    version = make(cast, "An_agreement_whose_name_has_no_place_to_break_at_all_and_goes_on_and_on_until_the_end.pdf")
    make(cast, "scan.pdf", status="failed", error_code="password_required", error_message="It is encrypted.")
    home.set_viewport_size({"width": 390, "height": 844})
    home.goto(path.format(id=version.document_id))
    assert home.evaluate("document.documentElement.scrollWidth") == 390
    if path == "/nowhere/":
        console_problems.clear()


def test_a_lost_connection_is_said_and_forgotten(home: Page) -> None:
    home.goto("/w/firm/")
    notice = home.get_by_text("Connection lost. Reconnecting…")
    expect(notice).to_be_hidden()
    home.context.set_offline(True)
    expect(notice).to_be_visible()
    home.context.set_offline(False)
    expect(notice).to_be_hidden()


def test_a_stream_that_breaks_comes_back_where_it_was(home: Page, cast: Cast, console_problems: list[str]) -> None:
    version = make(cast, "lease.pdf", status="ingesting", stage="embed", stage_total=4)
    refusals = iter([True, True])
    home.route("**/events/*", lambda route: route.abort() if next(refusals, False) else route.continue_())
    home.goto("/w/firm/")
    expect(home.get_by_text("Connection lost. Reconnecting…")).to_be_visible()
    change(version, status="ready", tokens=4321)
    expect(home.locator(f"#document-{version.document_id}")).to_contain_text("4,321")
    expect(home.get_by_text("Connection lost. Reconnecting…")).to_be_hidden()
    console_problems.clear()
