"""What changed between two versions: files, words and symbols, unchanged lines on request; nothing for outsiders."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from analysis.models import Repository
from analysis.views.differences import changed_words
from tests.analysis.views.repositories import repository_of, snapshot_of
from tests.conftest import Cast
from workspaces.models import User

OLD = "import os\n\n\ndef total(items):\n    return sum(items)\n" + "# filler\n" * 20 + "end = 1\n"
NEW = OLD.replace("def total(items):", "def total(items, tax):").replace("end = 1", "end = 2")


@pytest.fixture
def shop(cast: Cast) -> Repository:
    repository = repository_of(cast, {"shop.py": OLD, "gone.py": "x = 1\n", "old.py": "moved = True\n"})
    snapshot_of(repository, {"shop.py": NEW, "new.py": "moved = True\n", "come.py": "y = 2\n"})
    return repository


def page(user: User, url: str, **headers: str) -> str:
    client = Client()
    client.force_login(user)
    reply = client.get(url, headers=headers)
    assert reply.status_code == 200
    return reply.content.decode()


def plain(html: str) -> list[str]:
    """Return the lines of a drawn difference with their marks."""
    rows = re.findall(r'<div class="diff-line( gone| come)?">.*?<code>(.*?)</code></div>', html, re.S)
    marks = {"": " ", " gone": "-", " come": "+"}
    return [marks[mark] + re.sub(r"<[^>]+>", "", words).rstrip("\n") for mark, words in rows]


def test_words_that_differ_are_found() -> None:
    before, after = "return sum(items)\n", "return sum(prices, tax)\n"
    assert [before[slice(*span)] for span in changed_words(before, after, old=True)] == ["items"]
    assert [after[slice(*span)] for span in changed_words(before, after, old=False)] == ["prices, tax"]
    assert changed_words("a b c\n", "x = y * z\n", old=True) == []


def test_files_and_symbols_that_changed(shop: Repository, cast: Cast) -> None:
    html = page(cast.viewer, f"/r/{shop.pk}/compare/1...2/")
    assert re.findall(r'<span class="change-sign change-(\w+)"', html) == ["added", "removed", "renamed", "changed"]
    assert '<code class="was">def total(items):</code><code class="is">def total(items, tax):</code>' in html
    assert "Moved as it was." in html
    assert Client().get(f"/r/{shop.pk}/compare/").status_code == 302


def test_links_lead_to_the_file_that_is_meant_though_names_are_alike(cast: Cast) -> None:
    repository = repository_of(cast, {"a/b.py": "def f(x):\n    pass\n", "ab.py": "def g(x):\n    pass\n"})
    snapshot_of(repository, {"a/b.py": "def f(x, y):\n    pass\n", "ab.py": "def g(x, y):\n    pass\n"})
    html = page(cast.viewer, f"/r/{repository.pk}/compare/1...2/")
    files = re.findall(r'class="changed-file" id="([^"]+)".*?<span class="truncate">([^<]+)</span>', html, re.S)
    links = re.findall(r'href="#([^"]+)">([^<]+)</a></p><code class="was">', html)
    assert [path for _, path in files] == ["a/b.py", "ab.py"]
    assert sorted(links) == sorted(files)
    assert len(dict(files)) == 2


def test_lines_are_drawn_with_their_words_and_the_rest_on_request(shop: Repository, cast: Cast) -> None:
    url = f"/r/{shop.pk}/compare/1...2/file/shop.py"
    html = page(cast.viewer, url, HX_Request="true")
    lines = plain(html)
    assert lines[:6] == [
        " import os",
        " ",
        " ",
        "-def total(items):",
        "+def total(items, tax):",
        "     return sum(items)",
    ]
    assert lines[-2:] == ["-end = 1", "+end = 2"]
    assert '<span class="changed">' in html
    gap = re.search(r'hx-get="([^"]+count=15)"', html)
    assert gap is not None
    left_out = page(cast.viewer, gap[1].replace("&amp;", "&"))
    assert plain(left_out) == [" # filler"] * 15
    assert len(re.findall('<div class="diff-row">', page(cast.viewer, f"{url}?view=split", HX_Request="true"))) == 11


def test_outsiders_find_nothing(shop: Repository, cast: Cast) -> None:
    client = Client()
    client.force_login(cast.outsider)
    for url in ("compare/", "compare/1...2/", "compare/1...2/file/shop.py"):
        assert client.get(f"/r/{shop.pk}/{url}").status_code == 404
    client.force_login(cast.viewer)
    assert client.get(f"/r/{shop.pk}/compare/1...3/").status_code == 404
    assert client.get(f"/r/{shop.pk}/compare/1...1/").status_code == 404
