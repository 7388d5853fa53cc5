"""A repository in a real browser: its files, lines and names, what points at them, and a folder that is dropped."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from analysis.models import Repository, Snapshot
from tests.analysis.views.repositories import repository_of
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.browser

LONG = "".join(f"value_{number} = {number}\n" for number in range(1, 3001)) + "\n\ndef last():\n    return value_1\n"
BASKET = "from long import last\n\n\nclass Basket:\n    def total(self):\n        return last()\n"
FILES = {"src/shop/basket.py": BASKET, "long.py": LONG}


def test_lines_names_and_files_without_loading_the_page_again(
    browser_page: Page, cast: Cast, sign_in: Callable[[User], None]
) -> None:
    repository = repository_of(cast, FILES)
    sign_in(cast.editor)
    page = browser_page
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"/r/{repository.pk}/")
    page.evaluate("window.stayed = true")

    page.keyboard.press("t")
    page.keyboard.type("bask")
    expect(page.locator("#found [data-found]")).to_have_count(3)  # the class, its method, and the file
    page.keyboard.press("Enter")
    expect(page.locator("#L4")).to_have_class(re.compile("shown"))
    expect(page.locator('#tree [aria-current="page"]')).to_have_text("basket.py")
    expect(page).to_have_title("src/shop/basket.py · shop · Lectern")

    page.locator("#L6 a.lean", has_text="last").click()
    expect(page.locator("#L3003")).to_be_in_viewport()  # far down a file that came in parts
    expect(page.locator("#L3003")).to_have_class(re.compile("shown"))
    page.locator("#L3003 a.lean", has_text="last").click()
    expect(page.locator("#uses")).to_contain_text("2 uses")

    page.locator("#L3003 .ln").click()
    page.locator("#L3004 .ln").click(modifiers=["Shift"])
    page.locator("[data-selection=copy]").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == "def last():\n    return value_1\n\n(long.py:3003-3004 @ version 1)\n"
    page.locator("#L3003 .ln").click()
    page.locator("[data-selection=ask]").click()
    expect(page.locator("#question-text")).to_have_value("About long.py:3003: ")
    page.go_back()
    expect(page.locator("#code")).to_have_attribute("data-path", "src/shop/basket.py")
    assert page.evaluate("window.stayed")


def test_a_dropped_folder_of_code_becomes_a_repository(
    browser_page: Page, cast: Cast, sign_in: Callable[[User], None]
) -> None:
    sign_in(cast.editor)
    page = browser_page
    page.goto("/w/firm/")
    long_path = f"{'very/' * 25}deep.py"
    files = {"app.py": "run = 1\n", long_path: "deep = 'ü'\n", "node_modules/x.js": "never"}
    page.evaluate(DROP, files)
    expect(page.locator(".document-name")).to_have_text("shop")
    assert Repository.objects.get().name == "shop"
    snapshot = Snapshot.objects.get()
    assert (snapshot.origin, snapshot.file.name[-7:]) == ("folder", ".tar.gz")
    assert packed_in(snapshot) == {"app.py": b"run = 1\n", long_path: "deep = 'ü'\n".encode()}


def packed_in(snapshot: Snapshot) -> dict[str, bytes]:
    with snapshot.file.open() as stored, tarfile.open(fileobj=io.BytesIO(stored.read())) as archive:
        return {member.name: content.read() for member in archive if (content := archive.extractfile(member))}


# A folder as browsers hand it over: entries that are read one by one.
DROP = """(files) => {
    const entry = (name, inside) => typeof inside === "string"
        ? { name, isFile: true, isDirectory: false, file: (resolve) => resolve(new File([inside], name)) }
        : { name, isFile: false, isDirectory: true, createReader: () => {
            let given = false;
            const all = () => Object.entries(inside).map(([inner, more]) => entry(inner, more));
            return { readEntries: (resolve) => { resolve(given ? [] : all()); given = true; } };
        } };
    const root = {};
    for (const [path, text] of Object.entries(files)) {
        const parts = path.split("/");
        let place = root;
        for (const part of parts.slice(0, -1)) place = place[part] ??= {};
        place[parts.at(-1)] = text;
    }
    return window.lectern.addEntries([entry("shop", root)], []);
}"""
