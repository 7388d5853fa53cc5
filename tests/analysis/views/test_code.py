"""The pages of a repository: its files with their lines, what names lead to, and what is kept from whom."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from analysis.answer.masked import MASK, mask
from analysis.models import Disposition, Document, DocumentVersion, Repository, Secret
from analysis.repository.lines import line_table
from analysis.types import Span
from analysis.views.code import CHUNK_LINES
from analysis.views.highlight import Mark, Part, known_only, lexer_for
from tests.analysis.views.repositories import repository_of, snapshot_of
from tests.conftest import Cast
from workspaces.models import User

BASKET = '''"""What is bought."""

from prices import price_of


class Basket:
    """Holds what is bought."""

    def total(self):
        return sum(price_of(each) for each in self.items)
'''
PRICES = '''API_TOKEN = "hunter2hunter2"


def price_of(item):
    """Return what it costs."""
    return item.price
'''


@pytest.fixture
def shop(cast: Cast) -> Repository:
    repository = repository_of(cast, {})
    files = {"shop/basket.py": BASKET, "prices.py": PRICES, "README.md": "# Shop\n\nSells **things**.\n"}
    snapshot_of(repository, files, unread={"logo.png": Disposition.BINARY}, commit="ab" * 20)
    version = DocumentVersion.objects.get(document__path="prices.py")
    start = PRICES.index("hunter2")
    Secret.objects.create(version=version, kind="Password", start_char=start, end_char=start + 14)
    return repository


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page(client: Client, url: str, **headers: str) -> str:
    reply = client.get(url, headers=headers)
    assert reply.status_code == 200, url
    return reply.content.decode()


def lines_in(html: str) -> dict[int, str]:
    """Return the drawn lines as plain text by number."""
    found = re.findall(r'<div class="line[^"]*" id="L(\d+)"[^>]*>.*?<code>(.*?)</code></div>', html, re.S)
    return {int(number): re.sub(r"<[^>]+>", "", words) for number, words in found}


def test_a_part_is_drawn_as_its_text() -> None:
    text = 'x = """one\ntwo <b>"""\ny = call(x)  # three\n'
    table = line_table(text)
    whole = Part(text, Span(0, len(text)), lexer_for("a.py", "python"), 0)
    lines = whole.lines(table, [], known_only({"call"}, lambda name, start: f'href="/{name}/{start}"'))
    assert [re.sub(r"<[^>]+>", "", line.html) for line in lines] == [
        "x = &quot;&quot;&quot;one\n",
        "two &lt;b&gt;&quot;&quot;&quot;\n",
        "y = call(x)  # three\n",
    ]
    assert '<i class="s">two &lt;b&gt;' in lines[1].html  # the string goes on in the second line
    assert '<a class="lean " tabindex="-1" href="/call/26">call</a>' in lines[2].html
    assert whole.names == {"x", "y", "call"}
    second = Part(text, table.span_of(2, 2), lexer_for("a.py", "python"), 0)
    assert [line.html for line in second.lines(table, [], lambda name, start: "")] == [lines[1].html]


def test_a_secret_is_covered_character_by_character() -> None:
    text = 'key = "abc\ndef"\n'
    secret = Mark(7, 14, "Key")
    hidden = mask(text, 0, [Span(7, 14)])
    part = Part(hidden, Span(0, len(text)), lexer_for("a.txt", ""), 0)
    first, second = part.lines(line_table(text), [secret], lambda name, start: "")
    assert f'<span class="secret" title="Key">{MASK * 3}' in first.html
    assert (first.secret, second.secret) == ("Key", "Key")


def test_a_file_is_shown_with_its_lines_and_names(shop: Repository, cast: Cast) -> None:
    html = page(signed_in(cast.viewer), f"/r/{shop.pk}/file/shop/basket.py?lines=9-10")
    lines = lines_in(html)
    assert "".join(lines.values()).replace("&quot;", '"') == BASKET
    assert re.findall(r'<div class="line shown" id="L(\d+)"', html) == ["9", "10"]
    version = DocumentVersion.objects.get(document__path="shop/basket.py")
    char = BASKET.index("price_of(each)")
    assert f'href="/r/{shop.pk}/names/price_of/?from={version.pk}.{char}"' in html
    assert f'href="/r/{shop.pk}/names/sum/' not in html  # nothing here defines it
    assert "<title>shop/basket.py · shop · Lectern</title>" in html
    assert 'aria-current="page"' in html


def test_a_name_leads_to_its_definition_and_uses(shop: Repository, cast: Cast) -> None:
    client = signed_in(cast.viewer)
    card = page(client, f"/r/{shop.pk}/names/price_of/", HX_Request="true")
    assert f'data-only="/r/{shop.pk}/file/prices.py?lines=4#L4"' in card
    assert "def price_of(item):" in card
    assert "2 uses in 1 file" in card
    whole = page(client, f"/r/{shop.pk}/names/price_of/")
    assert f'href="/r/{shop.pk}/file/shop/basket.py?lines=10#L10"' in whole
    assert "<html" in whole


def test_secrets_are_shown_to_editors_who_ask(shop: Repository, cast: Cast) -> None:
    url = f"/r/{shop.pk}/file/prices.py"
    dots = f"API_TOKEN = &quot;{MASK * 14}&quot;\n"
    assert lines_in(page(signed_in(cast.viewer), url))[1] == dots
    assert lines_in(page(signed_in(cast.viewer), f"{url}?secrets=1"))[1] == dots
    assert lines_in(page(signed_in(cast.editor), url))[1] == dots
    assert "hunter2hunter2" in lines_in(page(signed_in(cast.editor), f"{url}?secrets=1"))[1]
    found = page(signed_in(cast.editor), f"/r/{shop.pk}/find/?q=hunter2&path=prices.py", HX_Request="true")
    assert "does not stand in the open file" in found
    uses = page(signed_in(cast.viewer), f"/r/{shop.pk}/names/API_TOKEN/?uses=1", HX_Request="true")
    assert "hunter2" not in uses


def test_a_long_file_comes_in_chunks(cast: Cast) -> None:
    text = "".join(f"value_{number} = {number}\n" for number in range(1, 20_001))
    repository = repository_of(cast, {"long.py": text})
    client = signed_in(cast.viewer)
    first = CHUNK_LINES * 40 + 1
    html = page(client, f"/r/{repository.pk}/file/long.py?lines={first + 5}")
    assert set(lines_in(html)) == set(range(first, first + 2 * CHUNK_LINES))
    assert html.count('class="chunk"') == 20_000 // CHUNK_LINES
    part = page(client, f"/r/{repository.pk}/lines/long.py?first=201")
    assert lines_in(part)[201] == "value_201 = 201\n"
    assert client.get(f"/r/{repository.pk}/lines/long.py?first=202").status_code == 404


def test_what_is_not_read_says_why(shop: Repository, cast: Cast) -> None:
    html = page(signed_in(cast.viewer), f"/r/{shop.pk}/file/logo.png")
    assert "This file is not read" in html
    assert "Not text" in html
    assert signed_in(cast.viewer).get(f"/r/{shop.pk}/file/none.py").status_code == 404


def test_markdown_can_be_read_as_it_reads(shop: Repository, cast: Cast) -> None:
    client = signed_in(cast.viewer)
    assert "Sells <strong>things</strong>." in page(client, f"/r/{shop.pk}/file/README.md?rendered=1")
    assert lines_in(page(client, f"/r/{shop.pk}/file/README.md"))[3] == "Sells **things**.\n"


def test_an_older_version_keeps_its_lines(shop: Repository, cast: Cast) -> None:
    changed = BASKET.replace("what is bought", "all that is bought")
    snapshot_of(shop, {"shop/basket.py": changed, "prices.py": PRICES}, commit="cd" * 20)
    client = signed_in(cast.viewer)
    assert "all that" in lines_in(page(client, f"/r/{shop.pk}/file/shop/basket.py"))[7]
    assert "all that" not in lines_in(page(client, f"/r/{shop.pk}/file/shop/basket.py?at=2"))[7]
    document = Document.objects.get(path="shop/basket.py")
    start = BASKET.index("def total")
    old = client.get(f"/d/{document.pk}/?version=1&start_char={start}&end_char={start + 60}")
    assert old["Location"] == f"/r/{shop.pk}/file/shop/basket.py?at=2&lines=9-10#L9"
    new = client.get(f"/d/{document.pk}/")
    assert new["Location"].split("?")[0] == f"/r/{shop.pk}/file/shop/basket.py"
    gone = Document.objects.get(path="README.md")
    assert client.get(f"/d/{gone.pk}/")["Location"] == f"/r/{shop.pk}/file/README.md?at=2"


def test_the_tree_and_what_is_found(shop: Repository, cast: Cast) -> None:
    client = signed_in(cast.viewer)
    html = page(client, f"/r/{shop.pk}/")
    assert f'href="/r/{shop.pk}/file/shop/basket.py"' in html
    assert 'class="tree-file unread"' in html
    found = page(client, f"/r/{shop.pk}/find/?q=bask", HX_Request="true")
    assert f'href="/r/{shop.pk}/file/shop/basket.py?lines=6#L6"' in found
    assert f'href="/r/{shop.pk}/file/shop/basket.py"' in found
    folder = page(client, f"/r/{shop.pk}/folder/shop")
    assert "basket.py" in folder
    assert client.get(f"/r/{shop.pk}/folder/none").status_code == 404


def test_what_a_page_asks_the_database_does_not_grow(cast: Cast) -> None:
    def queries(count: int) -> int:
        files = {f"pkg{number // 20}/mod{number}.py": f"def name_{number}():\n    pass\n" for number in range(count)}
        repository = repository_of(cast, files)
        client = signed_in(cast.viewer)
        page(client, f"/r/{repository.pk}/file/pkg0/mod0.py")
        with CaptureQueriesContext(
            connection,
        ) as captured:
            page(client, f"/r/{repository.pk}/file/pkg0/mod0.py")
        return len(captured)

    assert queries(4) == queries(60) <= 40


def test_a_script_gets_only_what_differs(shop: Repository, cast: Cast) -> None:
    html = page(signed_in(cast.editor), f"/r/{shop.pk}/file/prices.py", HX_Request="true")
    panes = ["#middle", "#summary-pane", "#symbols", "#scope", "#comments-pane", "#comments-count"]
    assert re.findall(r'<hx-partial hx-target="([^"]+)"', html) == panes
    assert "<html" not in html
    assert '<option value="prices.py">prices.py</option>' in html


@pytest.mark.parametrize("kind", ["", "file/prices.py", "folder/shop", "lines/prices.py", "find/", "names/price_of/"])
def test_outsiders_find_nothing(shop: Repository, cast: Cast, kind: str) -> None:
    assert signed_in(cast.outsider).get(f"/r/{shop.pk}/{kind}").status_code == 404


CELLS = """# %% [1] markdown
# Weights
All of **them**.

# %% [2] code
import os
# %% [9] code
y = 1

# %% [3] raw
<b>

"""


def test_a_notebook_is_drawn_cell_by_cell_with_the_lines_of_its_text(cast: Cast) -> None:
    repository = repository_of(cast, {"a.ipynb": CELLS})
    DocumentVersion.objects.update(syntax="notebook", warnings=[{"code": "notebook_outputs", "message": "…"}])
    repository.snapshot.files.update(syntax="notebook")
    html = page(signed_in(cast.viewer), f"/r/{repository.pk}/file/a.ipynb?lines=6-8")
    assert re.findall(r'<span class="cell-label">(.*?)</span>', html) == [
        "Cell 1 · text",
        "Cell 2 · code",
        "Cell 3 · raw text",
    ]
    lines = re.findall(r'<div class="line([^"]*)" id="L(\d+)".*?<code>(.*?)</code></div>', html, re.S)
    assert [int(number) for _, number, _ in lines] == list(range(1, 13))
    text = "".join(re.sub(r"<[^>]+>", "", drawn) for *_, drawn in lines)
    assert text == CELLS.replace("<b>", "&lt;b&gt;")
    assert [css.split() for css, *_ in lines[:3]] == [["cell-head"], ["cell-prose"], ["cell-prose"]]
    assert [css.split() for css, *_ in lines[4:8]] == [["cell-head"], ["shown"], ["shown"], ["shown"]]
    assert 'class="k"' in lines[5][2]
    assert "3 cells" in html
    assert "What the cells put out is left out" in html
