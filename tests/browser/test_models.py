"""An administrator adds an endpoint, uses a language model there and tests it, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from analysis.models import Endpoint, ServedLLM
from config.env import env
from tests.analysis.conftest import scripted_llm  # noqa: F401  # pytest finds the fixture by this name
from tests.analysis.llm.scripted_server import Reply
from workspaces.models import User

pytestmark = pytest.mark.browser


def test_added_tested_and_in_the_list(live_app, browser_page, sign_in, cast, scripted_llm, monkeypatch):  # noqa: F811
    monkeypatch.setattr(env, "llm_url", "")
    monkeypatch.setattr(env, "llm_key", "")
    told = {"prompt_tokens": 412, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 400}}
    scripted_llm.replies = [Reply(words=["one", " two"], usage=told)]
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True)
    page = browser_page
    sign_in(cast.owner)
    page.goto("/models/")
    page.get_by_role("link", name="Add an endpoint").click()
    page.get_by_role("link", name="vLLM", exact=True).click()
    expect(page.get_by_label("Address")).to_have_value("http://127.0.0.1:8000/v1")
    page.get_by_label("Address").fill(scripted_llm.url)
    page.get_by_role("textbox", name="Key").fill("sk-very-secret-0123456789")
    page.get_by_role("button", name="Add endpoint").click()
    page.get_by_label("Name at the endpoint").fill("scripted")
    page.get_by_role("button", name="Use this language model").click()
    page.get_by_label("Price in, $ per million tokens").fill("0.5")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Test this endpoint").click()
    report = page.locator("#trial")
    expect(report).to_contain_text("The window is 4,096 tokens.")
    expect(report).to_contain_text("It reports its usage: 412 tokens read, 2 written.")
    expect(report).to_contain_text("400 of 412 tokens came from its cache")
    expect(report.locator(".notice")).to_contain_text("The endpoint works.")
    assert "sk-very-secret" not in page.content()
    assert Endpoint.objects.get().test["ok"] is True
    assert ServedLLM.objects.get().price_in_usd_per_million == 0.5
    page.goto("/models/")
    expect(page.get_by_role("table").first).to_contain_text("scripted")
