"""A real Chromium, and the real application on a port of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.test import Client
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.live import LiveApp, served
from workspaces.models import User

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=10_000)


def chromium_path(bundled: str) -> str | None:
    """Return the Chromium to drive: LECTERN_CHROMIUM, one on the PATH, else Playwright's own; None without any."""
    named = os.environ.get("LECTERN_CHROMIUM")
    on_path = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
    return next((path for path in [named, *on_path, bundled] if path and Path(path).exists()), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a test of the browser a second try: Chromium on a busy machine drops a key or a copy now and then.

    The summary counts such tries as "rerun", so that they are seen.
    """
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.flaky(reruns=1))


# Of the package, not of the session: while Playwright runs, the main thread counts as inside an event loop, and the
# asynchronous tests of other folders could not run.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """Return a running Chromium with an empty profile."""
    with sync_playwright() as playwright:
        path = chromium_path(playwright.chromium.executable_path)
        if path is None:
            pytest.skip("There is no Chromium: `apt-get install chromium`, or set LECTERN_CHROMIUM to its path.")
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def live_app(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveApp]:
    """Return the ASGI application, served by uvicorn from a thread, on the test database."""
    # Playwright's loop makes Django take the test's own thread for an asynchronous one.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    with served(ASGIStaticFilesHandler(get_asgi_application())) as app:
        yield app


@pytest.fixture
def console_problems() -> list[str]:
    """Return what the page complained of: script errors, console errors, breaches of the content security policy.

    `browser_page` asserts at its end that there is none; a test that provokes one clears the list.
    """
    return []


@pytest.fixture
def browser_page(chromium: Browser, live_app: LiveApp, console_problems: list[str]) -> Iterator[Page]:
    """Return an empty tab, 1440 by 900, whose relative addresses lead to `live_app`; no console problem may be left."""
    context = chromium.new_context(base_url=live_app.url, viewport={"width": 1440, "height": 900})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    context.set_default_timeout(10_000)
    context.on("console", lambda message: message.type == "error" and console_problems.append(_told(message)))
    context.on("weberror", lambda error: console_problems.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert console_problems == []


@pytest.fixture
def sign_in(browser_page: Page, live_app: LiveApp) -> Callable[[User], None]:
    """Return a function that signs a person in on `browser_page`."""

    def sign_in_as(user: User) -> None:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        browser_page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_app.url}])

    return sign_in_as


def _told(message: ConsoleMessage) -> str:
    return f"{message.text} ({message.location['url']})"
