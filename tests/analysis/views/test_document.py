"""The document's page: what stands where, what is found, who may do what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import connection
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext

from analysis.errors import UserError
from analysis.models import Document, IngestStatus
from analysis.types import ParsedHeading, Span
from analysis.views import document as views
from analysis.views.pages import Shown, find, flow_blocks
from tests.analysis.views.reading import ask, bare_document, document_from, finish, make_pdf, span_of, text_document
from tests.conftest import Cast
from workspaces.models import User

TEXT = "MASTER AGREEMENT\n\nThe term is three years.\nIt renews.\n\n<script>alert(1)</script> & more."


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def get(user: User, url: str, **headers: str) -> str:
    response = signed_in(user).get(url, headers=headers)
    assert response.status_code == 200, response.status_code
    return response.content.decode()


@pytest.fixture
def text_doc(cast: Cast) -> Document:
    heading = ParsedHeading(1, "", "MASTER AGREEMENT", 0, 16, len(TEXT))
    return text_document(TEXT, cast.workspace, cast.owner, headings=[heading])


@pytest.fixture
def pdf_doc(cast: Cast, tmp_path: Path) -> Document:
    return document_from(make_pdf(tmp_path / "service.pdf"), cast.workspace, cast.owner)


# Formats without pages


def test_text_is_drawn_as_headings_and_paragraphs_with_their_offsets(cast: Cast, text_doc: Document) -> None:
    page = get(cast.viewer, f"/d/{text_doc.pk}/pages/1/")
    assert page.split("\n</p>")[0].startswith(
        '<p class="heading level-1" role="heading" aria-level="2" data-start="0">MASTER AGREEMENT</p>\n'
        '<p data-start="18">The term is three years.\nIt renews.</p>\n'
    )
    assert '<p data-start="55">&lt;script&gt;alert(1)&lt;/script&gt; &amp; more.</p>' in page
    assert "<script" not in page
    for start, words in re.findall(r'data-start="(\d+)">([^<]+)<', page):
        shown = words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        assert TEXT[int(start) : int(start) + len(shown)] == shown


def test_a_span_is_marked_in_the_text(cast: Cast, text_doc: Document) -> None:
    start, end = span_of(text_doc, "three years. It")
    page = get(cast.viewer, f"/d/{text_doc.pk}/?start_char={start}&end_char={end}")
    assert 'The term is <mark class="shown">three years.\nIt</mark> renews.</p>' in page
    assert f'data-open-start="{start}" data-open-end="{end}"' in page


def test_every_character_but_white_space_is_drawn(text_doc: Document) -> None:
    page = text_doc.version.pages.get()
    for mark in [None, Span(0, 5), Span(10, 40), Span(len(TEXT) - 1, len(TEXT))]:
        for kind in ("text", "docx"):
            blocks = flow_blocks(page, TEXT, list(text_doc.version.headings.all()), kind=kind, shown=Shown(mark))
            drawn = "".join(piece.text for block in blocks for piece in block.pieces)
            assert "".join(drawn.split()) == "".join(TEXT.split())
            marked = "".join(piece.text for block in blocks for piece in block.pieces if piece.marked)
            assert "".join(marked.split()) == ("".join(TEXT[slice(*mark)].split()) if mark else "")


# Pages


def test_a_page_has_its_image_and_its_words_where_they_stand(cast: Cast, pdf_doc: Document) -> None:
    page = get(cast.viewer, f"/d/{pdf_doc.pk}/pages/2/")
    text = pdf_doc.version.read_text()
    assert 'viewBox="0 0 612.00 792.00"' in page
    assert f'href="/d/{pdf_doc.pk}/pages/2.webp?v={pdf_doc.version.pk}-' in page
    lines = re.findall(
        r'<text x="([\d.]+)" y="([\d.]+)" font-size="[\d.]+" textLength="[\d.]+"[^>]*data-start="(\d+)">([^<]+)<', page
    )
    assert [words for _, _, _, words in lines] == [
        "2. Fees",
        "Beta shall pay one thousand dollars a month.",
        "Payment is due",
        "within thirty days.",
    ]
    for row, (x, y, start, words) in enumerate(lines):
        assert text[int(start) : int(start) + len(words)] == words
        assert float(x) == pytest.approx(72, abs=1.5)
        assert float(y) == pytest.approx(792 - (700 - 24 * row), abs=3)  # the baseline it was written on


def test_the_reader_knows_each_page_before_it_is_drawn(cast: Cast, pdf_doc: Document) -> None:
    page = get(cast.viewer, f"/d/{pdf_doc.pk}/")
    pages = list(pdf_doc.version.pages.all())
    assert len(pages) == 3
    for each in pages:
        span = f'data-page-start="{each.start_char}" data-page-end="{each.end_char}"'
        assert f'id="p{each.number}" data-number="{each.number}" {span}' in page
    assert page.count('<svg class="sheet" viewBox="0 0 612.00 792.00" aria-hidden="true">') == 3


def test_a_span_opens_its_page_with_the_words_marked(cast: Cast, pdf_doc: Document) -> None:
    start, end = span_of(pdf_doc, "Payment is due within thirty days.")
    page = get(cast.viewer, f"/d/{pdf_doc.pk}/?start_char={start}&end_char={end}")
    [marks] = re.findall(r'<g class="marks">(.*?)</g>', page)
    assert marks.count("<rect ") == 2  # one for each of its two lines
    span = signed_in(cast.viewer).get(f"/d/{pdf_doc.pk}/span/?start_char={start}&end_char={end}").json()
    assert span["text"] == "Payment is due\nwithin thirty days."
    assert (span["page_number"], span["citation"]) == (2, "service.pdf, page 2")
    [on_page] = span["pages"]
    assert on_page["number"] == 2
    assert [round(box[0] * 612) for box in on_page["rectangles"]] == [72, 72]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?start_char=5",
        "?start_char=9&end_char=5",
        "?start_char=-1&end_char=5",
        "?start_char=x&end_char=y",
        "?start_char=99999&end_char=999999",
    ],
)
def test_a_span_that_is_none_is_left_out(cast: Cast, text_doc: Document, query: str) -> None:
    assert "data-open-start" not in get(cast.viewer, f"/d/{text_doc.pk}/{query}")
    assert signed_in(cast.viewer).get(f"/d/{text_doc.pk}/span/{query}").status_code == 422


def test_a_page_image_is_kept_for_good(cast: Cast, pdf_doc: Document) -> None:
    url = f"/d/{pdf_doc.pk}/pages/1.webp"
    response = signed_in(cast.viewer).get(url)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/webp"
    assert response.content[:4] == b"RIFF"
    assert "immutable" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]
    again = signed_in(cast.viewer).get(url, headers={"If-None-Match": response["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert signed_in(cast.viewer).get(f"/d/{pdf_doc.pk}/pages/9.webp").status_code == 404
    assert signed_in(cast.outsider).get(url, headers={"If-None-Match": response["ETag"]}).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_pages(cast: Cast, tmp_path: Path) -> None:
    counts = []
    for pages in (2, 12):
        lines = [[f"{number}. Section", "Words."] for number in range(1, pages + 1)]
        document = document_from(make_pdf(tmp_path / f"{pages}.pdf", lines), cast.workspace, cast.owner)
        client = signed_in(cast.viewer)
        client.get(f"/d/{document.pk}/")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client.get(f"/d/{document.pk}/")
        counts.append(len(queries))
    assert counts[0] == counts[1]


# Finding


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("Three  YEARS", ["three years"]),
        ("years. it renews", ["years.\nIt renews"]),
        ("it", ["It", "it"]),
        ("three.years", []),
        ("", []),
        ("   ", []),
    ],
)
def test_find_gives_exact_places(query: str, found: list[str]) -> None:
    text = "The term is three years.\nIt renews, so it"
    assert [text[slice(*span)] for span in find(text, query)] == found


def test_find_does_not_mind_the_kind_of_quotes() -> None:
    text = "the “Licensed Mark” is Licensor’s — always"
    assert [text[slice(*span)] for span in find(text, '"licensed mark" is licensor\'s')] == [
        "“Licensed Mark” is Licensor’s"
    ]
    assert [text[slice(*span)] for span in find(text, "- always")] == ["— always"]


def test_find_shows_each_place_with_its_page(cast: Cast, pdf_doc: Document) -> None:
    page = get(cast.viewer, f"/d/{pdf_doc.pk}/find/?q=THIRTY+days", **{"HX-Request": "true"})
    start, end = span_of(pdf_doc, "thirty days")
    assert 'data-count="1"' in page
    assert f'data-start="{start}" data-end="{end}" data-page="2"' in page
    assert "<mark>thirty days</mark>" in page
    assert "<html" not in page
    assert "<html" in get(cast.viewer, f"/d/{pdf_doc.pk}/find/?q=thirty")


def test_what_is_not_there_is_said(cast: Cast, text_doc: Document) -> None:
    page = get(cast.viewer, f"/d/{text_doc.pk}/find/?q=<b>arbitration", **{"HX-Request": "true"})
    assert "“&lt;b&gt;arbitration” does not stand in this document." in page


# States


def test_while_it_is_read_in_the_page_says_how_far(cast: Cast) -> None:
    document = bare_document(
        cast.workspace, cast.owner, status=IngestStatus.INGESTING, stage="parse", stage_done=41, stage_total=120
    )
    page = get(cast.viewer, f"/d/{document.pk}/")
    assert "Reading page 41 of 120" in page
    assert f'hx-sse:connect="/d/{document.pk}/events/"' in page
    assert 'id="pages"' not in page


def test_a_failed_document_says_why_and_what_to_do(cast: Cast) -> None:
    document = bare_document(
        cast.workspace,
        cast.owner,
        status=IngestStatus.FAILED,
        error_code="damaged",
        error_message="The file is <cut> off.",
    )
    page = get(cast.editor, f"/d/{document.pk}/")
    assert "The file is &lt;cut&gt; off." in page
    assert f'action="/d/{document.pk}/retry/"' in page
    assert f'href="/d/{document.pk}/original/"' in page
    assert f'action="/d/{document.pk}/retry/"' not in get(cast.viewer, f"/d/{document.pk}/")


def test_an_encrypted_document_asks_for_its_password(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    document = bare_document(
        cast.workspace,
        cast.owner,
        status=IngestStatus.FAILED,
        error_code="password_required",
        error_message="It is encrypted.",
    )
    assert 'type="password"' in get(cast.editor, f"/d/{document.pk}/")
    tried: list[Any] = []
    monkeypatch.setattr(views, "document_retry", lambda document, **given: tried.append((document.pk, given)))
    response = signed_in(cast.editor).post(f"/d/{document.pk}/password/", {"password": "secret"})
    assert (response.status_code, response["Location"]) == (302, f"/d/{document.pk}/")
    assert tried == [(document.pk, {"password": "secret"})]
    refused = signed_in(cast.editor).post(
        f"/d/{document.pk}/password/", {"password": ""}, headers={"HX-Request": "true"}
    )
    assert refused.status_code == 422
    assert "Please enter the password." in refused.content.decode()


@pytest.mark.django_db(transaction=True)
async def test_the_original_is_saved_under_its_name_and_never_shown(cast: Cast) -> None:
    text_doc = await sync_to_async(text_document)(TEXT, cast.workspace, cast.owner)
    client = AsyncClient()
    await client.aforce_login(cast.outsider)
    assert (await client.get(f"/d/{text_doc.pk}/original/")).status_code == 404
    await client.aforce_login(cast.viewer)
    response: Any = await client.get(f"/d/{text_doc.pk}/original/")
    assert response["Content-Disposition"] == 'attachment; filename="agreement.txt"'
    assert response["Content-Type"] == "application/octet-stream"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert b"".join([piece async for piece in response]) == TEXT.encode()


def test_rename_and_delete(cast: Cast, text_doc: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(cast.editor)
    assert client.post(f"/d/{text_doc.pk}/rename/", {"name": "lease.txt"}).status_code == 302
    text_doc.refresh_from_db()
    assert text_doc.name == "lease.txt"

    def refuse(document: Document, name: str) -> None:
        raise UserError("A name is needed.", code="bad_name")

    monkeypatch.setattr(views, "document_rename", refuse)
    assert "A name is needed." in client.post(f"/d/{text_doc.pk}/rename/", {"name": " "}, follow=True).content.decode()
    assert client.post(f"/d/{text_doc.pk}/delete/")["Location"] == "/w/firm/"
    assert not Document.objects.filter(pk=text_doc.pk).exists()


def test_the_open_answer_stands_beside_the_pages(cast: Cast, pdf_doc: Document) -> None:
    answer = finish(
        ask(pdf_doc, cast.owner, "How <long>?"),
        [("It runs for three years.", True, ["The term is three (3) years."]), ("It is free.", False, [])],
    )
    start, end = span_of(pdf_doc, "The term is three (3) years.")
    page = get(cast.viewer, f"/d/{pdf_doc.pk}/")
    assert "How &lt;long&gt;?" in page
    assert f'data-start="{start}" data-end="{end}" data-page="1"' in page
    assert "1 sentence without support in the text" in page
    assert "412 tokens, 97 % cached" in page
    assert 'id="ask-form"' not in page
    assert 'id="ask-form"' in get(cast.editor, f"/d/{pdf_doc.pk}/?question={answer.question_id}")


# Access

VIEWED = ["", "pages/1/", "pages/1.webp", "find/?q=x", "span/?start_char=0&end_char=1"]
DONE = ["password/", "retry/", "rename/", "delete/", "summary/"]


@pytest.mark.parametrize("path", VIEWED)
def test_an_outsider_sees_no_document(cast: Cast, text_doc: Document, path: str) -> None:
    assert signed_in(cast.outsider).get(f"/d/{text_doc.pk}/{path}").status_code == 404
    assert Client().get(f"/d/{text_doc.pk}/{path}")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", DONE)
def test_only_an_editor_changes_a_document(cast: Cast, text_doc: Document, path: str) -> None:
    assert signed_in(cast.outsider).post(f"/d/{text_doc.pk}/{path}").status_code == 404
    assert signed_in(cast.viewer).post(f"/d/{text_doc.pk}/{path}").status_code == 403
    assert signed_in(cast.editor).get(f"/d/{text_doc.pk}/{path}").status_code == 405
    assert Document.objects.filter(pk=text_doc.pk).exists()
