"""The pages against WCAG 2.2 A and AA, as axe-core checks them, in light; the keyboard; and what scripts say."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from tests import test_routes
from tests.conftest import Cast
from workspaces.models import Member, Role, User, Workspace

pytestmark = pytest.mark.browser

SignIn = Callable[[User], None]
# The rows of the test of every route: one of everything that a page can show.
arguments = test_routes.arguments
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN = """async (options) => {
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.html.slice(0, 200)}`));
}"""
SAY = """[
  lectern.say("Copied"),
  lectern.say("Sending {name}", { name: "a.pdf" }),
  lectern.many(1200, "{count} place", "{count} places"),
]"""
OPEN = ("account_login", "account_signup", "account_reset_password")
PAGES = (
    "workspace documents_delete ask search document document_terms clauses repository code_file repository_compare "
    "repositories repository_settings repository_delete question compare prompt members workspace_settings "
    "workspace_policy workspace_audit workspace_usage workspace_create account_settings account_email api_tokens "
    "mfa_index usersessions_list account_delete models endpoint endpoint_add llm evaluation_runs evaluation_run "
    "status usage audit mail api-1:openapi-view"
).split()
QUERIES = {"search": "?q=term", "documents_delete": "?document={document_id}"}


def complaints(page: Page, path: str) -> list[str]:
    """Return what axe finds on a page, as it is in light."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(path)
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, {"runOnly": STANDARDS})
    return found


def test_pages_keep_to_wcag(
    browser_page: Page, cast: Cast, sign_in: SignIn, arguments: dict[str, Any], console_problems: list[str]
) -> None:
    User.objects.filter(pk=cast.owner.pk).update(is_staff=True, is_superuser=True)
    found = {name: complaints(browser_page, reverse(name)) for name in OPEN}
    sign_in(cast.owner)
    for name in PAGES:
        needed = test_routes.get_resolver_arguments(name)
        path = reverse(name, kwargs={key: arguments[key] for key in needed})
        found[name] = complaints(browser_page, path + QUERIES.get(name, "").format(**arguments))
    console_problems.clear()  # images of pages that nobody has drawn
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_keys_are_listed_switched_off_and_never_taken_from_who_types(
    browser_page: Page, cast: Cast, sign_in: SignIn
) -> None:
    other = Workspace.objects.create(slug="other", name="Another matter")
    Member.objects.create(workspace=other, user=cast.editor, role=Role.EDITOR)
    sign_in(cast.editor)
    page = browser_page
    page.goto("/w/firm/")

    # The list opens from the key and from its button, and gives the focus back.
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    expect(page.locator("#keys")).to_contain_text("Switch workspace")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).to_be_hidden()
    page.locator("[data-open=keys]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-open=keys]")).to_be_focused()

    # One key, and the workspaces are there to choose from.
    page.keyboard.press("w")
    expect(page.locator(".switcher .menu-items a").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator(".switcher summary")).to_be_focused()

    # Who types, types.
    page.locator(".bar-search input").focus()
    page.keyboard.type("w?")
    expect(page.locator(".bar-search input")).to_have_value("w?")
    expect(page.locator("#keys")).to_be_hidden()

    # Switched off they do nothing, here and on the next page; what is held with Ctrl still works.
    page.locator("[data-open=keys]").click()
    page.locator("[data-single-keys]").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    page.locator("main").focus()
    page.keyboard.press("w")
    page.keyboard.press("?")
    expect(page.locator(".switcher[open]")).to_have_count(0)
    expect(page.locator("#keys")).to_be_hidden()
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()


def test_scripts_speak_the_language_of_the_page(browser_page: Page, cast: Cast, sign_in: SignIn) -> None:
    User.objects.filter(pk=cast.editor.pk).update(language="de")
    sign_in(cast.editor)
    browser_page.goto("/w/firm/")
    said = browser_page.evaluate(SAY)
    assert said == ["Kopiert", "a.pdf wird gesendet", "1.200 Stellen"]
