"""The search page: what it leads to, and what it marks."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Imported before anything is replaced, or it would keep the replacement for the tests after these.
import analysis.api.search  # noqa: F401
from analysis.answer.retrieve import filters
from analysis.models import Document, DocumentVersion
from analysis.types import Hit, Span
from analysis.views.search import results_of, snippets
from tests.analysis.views.repositories import repository_of
from tests.conftest import Cast

LAW = "Delaware law governs. Either party may terminate this agreement on <b>sixty</b> days' notice & cause."


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch, cast: Cast) -> dict[str, Any]:
    """Return what retrieval was asked; it finds LAW on page 7 of a lease."""
    asked: dict[str, Any] = {}
    id = str(uuid.uuid4())

    def retrieve(query: str, *, documents: Any, limit: int) -> list[Hit]:
        asked.update(query=query, documents=documents, limit=limit, id=id)
        return [Hit(id, "lease.pdf", 1, 40, 140, 7, LAW, 0.03, "ARTICLE IX > 9.2 Termination")]

    monkeypatch.setattr(filters, "retrieve", retrieve)
    return asked


def search(user: Any, **query: str) -> str:
    client = Client()
    client.force_login(user)
    return client.get("/w/firm/search/", query).content.decode()


@pytest.mark.django_db
def test_found_words_are_marked_in_every_form_and_the_rest_is_escaped() -> None:
    [snippet] = snippets("termination notices", [LAW])
    assert snippet == (
        "Delaware law governs. Either party may <mark>terminate</mark> this agreement on &lt;b&gt;sixty&lt;/b&gt; "
        "days&#x27; <mark>notice</mark> &amp; cause."
    )


@pytest.mark.django_db
def test_each_text_has_its_own_snippet_in_order() -> None:
    assert snippets("fees", ["The fees are due.", "Nothing of it.", ""]) == [
        "The <mark>fees</mark> are due.",
        "Nothing of it.",
        "",
    ]


@pytest.mark.django_db
def test_a_long_passage_is_cut_between_words_around_what_was_found() -> None:
    before, after = "Recital after recital. " * 30, " and so on" * 60
    [snippet] = snippets("liability", [f"{before}The liability is capped{after}"])
    assert snippet.startswith("… ")
    assert "The <mark>liability</mark> is capped and so on" in snippet
    assert snippet.endswith(" …")
    assert len(snippet) <= 360 + len("… <mark></mark> …")
    bare = snippet.replace("<mark>", "").replace("</mark>", "")[2:-2]
    assert f" {bare} " in f"{before}The liability is capped{after}"


@pytest.mark.django_db
def test_a_script_without_spaces_is_cut_too() -> None:
    [snippet] = snippets("fees", ["本协议" * 200])
    assert snippet == "本协议" * 120 + " …"


@pytest.mark.django_db
def test_nothing_to_cut_is_nothing() -> None:
    assert snippets("fees", []) == []


@pytest.mark.django_db
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=80), st.text(max_size=20))
def test_no_text_brings_markup_of_its_own(text: str, query: str) -> None:
    [snippet] = snippets(query.replace("\0", "").encode("utf-8", "ignore").decode(), [text + " <i>fees</i>\ufdd0"])
    bare = snippet.replace("<mark>", "").replace("</mark>", "")
    assert "<" not in bare
    assert "\ufdd0" not in snippet
    assert snippet.count("<mark>") == snippet.count("</mark>")
    assert not {"\ufdd1", "\ufdd2"} & set(snippet)


def test_a_result_leads_to_its_words(cast: Cast, found: dict[str, Any]) -> None:
    html = search(cast.viewer, q="  notice ")
    assert f'href="/d/{found["id"]}/?start_char=40&amp;end_char=140"' in html
    assert '<span class="result-document">lease.pdf</span><span class="muted"> page 7</span>' in html
    assert "ARTICLE IX &gt; 9.2 Termination" in html
    assert "days&#x27; <mark>notice</mark> &amp; cause." in html
    assert (found["query"], found["limit"]) == ("notice", 20)


def test_only_the_workspace_is_searched(cast: Cast, found: dict[str, Any]) -> None:
    ours = Document.objects.create(workspace=cast.workspace, name="notice of default.pdf")
    Document.objects.create(workspace=cast.outsider.workspaces.get(), name="notice of theirs.pdf")
    html = search(cast.viewer, q="notice")
    assert list(found["documents"]) == [ours]
    assert "notice of default.pdf" in html
    assert "notice of theirs.pdf" not in html


def test_no_words_search_nothing(cast: Cast, found: dict[str, Any]) -> None:
    assert "by words and by meaning" in search(cast.viewer, q=" \0 ")
    assert found == {}


def test_a_question_as_long_as_a_book_is_cut(cast: Cast, found: dict[str, Any]) -> None:
    search(cast.viewer, q="x" * 10_000)
    assert found["query"] == "x" * 500


def test_a_wrong_filter_is_explained(cast: Cast, found: dict[str, Any]) -> None:
    html = search(cast.viewer, q="lang:klingon parse")
    assert "“klingon” is no language that files are read in." in html
    assert found == {}


def test_the_palette_leads_to_repositories(cast: Cast) -> None:
    repository = repository_of(cast, {"a.py": "x = 1\n"})
    client = Client()
    client.force_login(cast.viewer)
    html = client.get("/w/firm/palette/?q=sho").content.decode()
    assert f'href="/r/{repository.pk}/"' in html


def test_code_is_shown_by_its_lines(cast: Cast) -> None:
    text = "def total(items):\n    return sum(items)\n"
    repository = repository_of(cast, {"src/shop.py": text})
    version = DocumentVersion.objects.get()
    hit = Hit(
        document_id=str(version.document_id),
        document_name="src/shop.py",
        version_id=version.pk,
        start_char=0,
        end_char=len(text),
        page_number=1,
        text=text,
        score=1.0,
        repository_id=str(repository.pk),
        start_line=1,
        end_line=2,
        core=Span(18, len(text)),
    )
    results = results_of("sum", [hit])
    assert results[0].url == f"/r/{repository.pk}/file/src/shop.py?lines=1-2#L1"
    assert results[0].repository == "shop"
    assert [(line.number, re.sub(r"<[^>]+>", "", line.html)) for line in results[0].lines] == [
        (2, "    return sum(items)\n")
    ]
