"""Terms and references in the reader: links on the words, cards, and the list of what to look into."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import Client
from reportlab.pdfbase.pdfmetrics import stringWidth

from analysis.models import Document
from analysis.types import ParsedHeading
from tests.analysis.views.reading import document_from, make_pdf, text_document, understood
from tests.conftest import Cast
from workspaces.models import User

TEXT = """\
1. Terms

“Fee” means the sum in Section 2.2.

“Cost” means what is spent.

“Cost” means what is lost & found.

2. Money

2.1 The Fee is due at once. Any Escrow Agent holds it; the Escrow Agent pays no Escrow Agent.

2.2 The Fee is ten pounds, see Section 9.9 and Section 1 of the Sale Act.
"""


def page(user: User, path: str, **headers: str) -> str:
    client = Client()
    client.force_login(user)
    response = client.get(path, headers=headers)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


@pytest.fixture
def document(cast: Cast) -> Document:
    headings = [ParsedHeading(1, "1", "Terms", 0, 8, len(TEXT))]
    return understood(text_document(TEXT, cast.workspace, cast.owner, headings=headings))


def link(html: str, words: str, kind: str) -> str:
    """Return the link of that kind around the words."""
    (found,) = re.findall(rf'<a class="lean lean-{kind}"[^>]*>{re.escape(words)}</a>', html)[:1]
    return found


def test_words_lead_to_their_definition_and_references_to_their_section(cast: Cast, document: Document) -> None:
    html = page(cast.viewer, f"/d/{document.pk}/pages/1/")
    start = TEXT.index("“Fee”")
    fee = link(html, "Fee", "term")
    assert f'href="?start_char={start}&amp;end_char={TEXT.index("2.2.") + 4}"' in fee
    assert f'data-card="/d/{document.pk}/terms/{start + 1}/"' in fee
    reference = link(html, "Section 2.2", "reference")
    assert f'data-start="{TEXT.index("2.2 The Fee")}"' in reference
    assert "href" not in link(html, "Section 9.9", "broken")
    assert "Sale Act</a>" not in html
    assert "Section 1</a>" not in html
    assert html.count(">Fee</a>") == 2  # where it is defined it is no link


def test_the_words_of_a_page_are_all_there(cast: Cast, document: Document) -> None:
    html = page(cast.viewer, f"/d/{document.pk}/pages/1/")
    drawn = re.sub(r"\s+", "", re.sub(r"<[^>]+>", "", html).replace("&amp;", "&"))
    assert drawn == re.sub(r"\s+", "", TEXT)


def test_a_page_image_has_lines_under_its_terms(cast: Cast, tmp_path: Path) -> None:
    lines = ["“Fee” means ten pounds.", "The Buyer shall pay the Fee at once."]
    pdf = understood(document_from(make_pdf(tmp_path / "a.pdf", [lines]), cast.workspace, cast.owner))
    html = page(cast.viewer, f"/d/{pdf.pk}/pages/1/")
    (x, y, width) = re.search(r'<path class="line-term" d="M([\d.]+) ([\d.]+)h([\d.]+)"', html).groups()  # type: ignore[union-attr]
    assert float(x) == pytest.approx(72 + stringWidth("The Buyer shall pay the ", "Helvetica", 12), abs=2)
    assert float(y) == pytest.approx(792 - 676, abs=5)
    assert float(width) == pytest.approx(stringWidth("Fee", "Helvetica", 12), abs=2)
    assert 'data-card="' in link(html, "Fee", "term")


def test_a_terms_card_shows_all_its_definitions(cast: Cast, document: Document) -> None:
    card = page(cast.viewer, f"/d/{document.pk}/terms/{TEXT.index('Cost')}/")
    assert "2 definitions" in card
    assert "“Cost” means what is spent." in card
    assert "“Cost” means what is lost &amp; found." in card


def test_a_references_card_shows_how_the_section_begins(cast: Cast, document: Document) -> None:
    card = page(cast.viewer, f"/d/{document.pk}/references/{TEXT.index('Section 2.2')}/")
    assert "2.2 The Fee is ten pounds" in card
    broken = page(cast.viewer, f"/d/{document.pk}/references/{TEXT.index('Section 9.9')}/")
    assert "No such part was found" in broken


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Cost", "Fee"]),
        ("?show=twice", ["Cost"]),
        ("?show=unused", ["Cost"]),
        ("?show=undefined", ["Escrow Agent"]),
        ("?show=broken", ["Section 9.9"]),
        ("?q=FE", ["Fee"]),
        ("?q=nothing", []),
        ("?show=no-such-list", ["Cost", "Fee"]),
    ],
)
def test_the_list_has_what_to_look_into(cast: Cast, document: Document, query: str, names: list[str]) -> None:
    html = page(cast.viewer, f"/d/{document.pk}/terms/{query}", **{"HX-Request": "true"})
    assert re.findall(r"<strong>([^<]*)</strong>", html) == names
    assert "<html" not in html


def test_the_list_is_a_page_of_its_own_without_scripts(cast: Cast, document: Document) -> None:
    html = page(cast.viewer, f"/d/{document.pk}/terms/")
    assert html.count("<html") == 1
    assert f'<a href="/d/{document.pk}/terms/">' in page(cast.viewer, f"/d/{document.pk}/?tab=terms")


def test_a_card_of_nothing_is_not_found(cast: Cast, document: Document) -> None:
    client = Client()
    client.force_login(cast.viewer)
    assert client.get(f"/d/{document.pk}/terms/0/").status_code == 404
    assert client.get(f"/d/{document.pk}/references/0/").status_code == 404
