"""The exact prompt and the receipt in a real browser: opened, read on, without any script of the page's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from analysis.answer.prompt import DocumentText, whole_prompt
from analysis.answer.receipt import coverage
from analysis.llm.segments import segments
from analysis.models import Answer, Call
from analysis.types import Mode, ReadingPlan, Source, Usage
from tests.analysis.answer.rows import document
from tests.conftest import Cast
from tests.rows import make_answer
from workspaces.models import User

pytestmark = pytest.mark.browser
TEXT = "".join(f"{number}. The fee of year {number} is due.\n" for number in range(1500))


@pytest.fixture
def answer(cast: Cast) -> Answer:
    row = document(cast, name="long.txt", text=TEXT, pages=140)
    answer = make_answer(cast, row.version, "A fee is due.")
    plan = ReadingPlan(Mode.WHOLE, Mode.AUTO, "It fits.", "kimi", [], 1, 1, 0, 1, 1, 1.0, 0.0, 0.0)
    source = Source(str(row.pk), row.name, row.version_id, 0, len(TEXT), TEXT)
    answer.coverage = coverage(plan, [row], [source], Usage(9000, 8000))
    answer.save()
    text = DocumentText(str(row.pk), row.name, row.version_id, "digest", text=TEXT)
    prompt = whole_prompt([text], [], "What is due?", max_output_tokens=10)
    Call.objects.create(
        workspace=cast.workspace, answer=answer, purpose="question", llm="kimi", status="done", prompt=segments(prompt)
    )
    return answer


def test_from_the_receipt_to_the_words_that_were_sent(
    browser_page: Page, sign_in: Callable[[User], None], cast: Cast, answer: Answer
) -> None:
    sign_in(cast.editor)
    page = browser_page
    page.goto(f"/q/{answer.question_id}/")
    expect(page.get_by_role("img", name="140 pages read whole")).to_be_visible()
    page.locator(".receipt > summary").click()
    page.get_by_role("link", name="Show the exact prompt").click()
    words = page.locator(".sent-document")
    expect(words).to_have_count(0)
    page.locator(".sent-call > summary").click()
    expect(words).to_have_count(1)
    expect(words.first).to_contain_text("0. The fee of year 0 is due.")
    page.get_by_role("link", name="Show more").click()
    expect(words).to_have_count(2)
    page.get_by_role("link", name="Show more").click()
    expect(words.last).to_contain_text("1499. The fee of year 1499 is due.")
    expect(page.get_by_role("link", name="Show more")).to_have_count(0)
    assert "".join(words.all_text_contents()) == TEXT


def test_the_days_are_a_table_too(
    browser_page: Page, sign_in: Callable[[User], None], cast: Cast, answer: Answer
) -> None:
    Call.objects.update(prompt_tokens=1234, completion_tokens=6)
    sign_in(cast.editor)
    page = browser_page
    page.goto("/w/firm/settings/")
    page.get_by_role("link", name="Usage").click()
    expect(page.get_by_role("img", name="Tokens by day, at most 1,240 tokens a day")).to_be_visible()
    page.get_by_text("The days as a table").click()
    expect(page.get_by_role("region", name="Days").get_by_role("cell", name="1,234")).to_be_visible()
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page.get_by_role("heading", name="Calls by day")).to_be_visible()
