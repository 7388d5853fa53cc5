"""The Clauses tab: before, while and after a document is gone through; the threshold; the files."""

from __future__ import annotations

import csv
import json

import pytest
from asgiref.sync import sync_to_async
from django.test import AsyncClient, Client

from analysis.models import ClauseReview, Document
from analysis.review import run
from analysis.review.run import review_ask, review_run
from tests.analysis.review.rows import CONTRACT, contract_document, no_embedder  # noqa: F401  # a fixture
from tests.conftest import Cast
from workspaces.models import User

pytestmark = pytest.mark.usefixtures("no_embedder")


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "enqueue", lambda review: None)


@pytest.fixture
def document(cast: Cast) -> Document:
    return contract_document(cast)


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def tab(user: User, document: Document, query: str = "") -> str:
    return client_of(user).get(f"/d/{document.pk}/clauses/{query}", headers={"HX-Request": "true"}).content.decode()


def review(document: Document, cast: Cast) -> ClauseReview:
    asked = review_ask(document=document, user=cast.editor)
    review_run(str(asked.pk))
    return asked


def test_editors_may_start_it_and_viewers_see_that_there_is_none(cast: Cast, document: Document) -> None:
    assert "Look for clauses" in tab(cast.editor, document)
    page = client_of(cast.viewer).get(f"/d/{document.pk}/?tab=clauses").content.decode()
    assert "No clauses looked for yet" in page
    assert "Look for clauses" not in page
    assert client_of(cast.viewer).post(f"/d/{document.pk}/clauses/").status_code == 403


def test_started_without_scripts_it_leads_back_to_the_tab(cast: Cast, document: Document) -> None:
    response = client_of(cast.editor).post(f"/d/{document.pk}/clauses/")
    assert (response.status_code, response["Location"]) == (302, f"/d/{document.pk}/?tab=clauses")
    assert ClauseReview.objects.get().status == "queued"
    assert "Waiting for a worker" in tab(cast.viewer, document)


def test_what_was_found_stands_with_value_quote_page_and_place(cast: Cast, document: Document) -> None:
    review(document, cast)
    page = tab(cast.viewer, document, "?threshold=10")
    start = CONTRACT.index("March 1, 2019")
    assert f'data-start="{start}" data-end="{start + len("March 1, 2019")}" data-page="1"' in page
    assert "Oregon, United States" in page
    assert "2022-03-01" in page
    assert "worked out" in page
    assert "None is 10 % probable." in page
    assert "Look again" not in page


def test_the_threshold_is_in_the_address_or_kept_for_everybody(cast: Cast, document: Document) -> None:
    review(document, cast)
    assert "Keep for everybody" not in tab(cast.editor, document)
    assert "Keep for everybody" in tab(cast.editor, document, "?threshold=40")
    assert 'value="95"' in tab(cast.editor, document, "?threshold=400")
    assert 'value="15"' in tab(cast.editor, document, "?threshold=many")
    response = client_of(cast.editor).post(f"/d/{document.pk}/clauses/threshold/", {"threshold": "40"})
    assert response["Location"] == f"/d/{document.pk}/?tab=clauses"
    assert 'value="40"' in tab(cast.viewer, document)
    leads = client_of(cast.viewer).get(f"/d/{document.pk}/clauses/?threshold=30")
    assert leads["Location"] == f"/d/{document.pk}/?tab=clauses&threshold=30"


def test_it_can_be_saved_as_csv_and_json(cast: Cast, document: Document) -> None:
    review(document, cast)
    saved = client_of(cast.viewer).get(f"/d/{document.pk}/clauses/csv/?threshold=10")
    rows = list(csv.DictReader(saved.content.decode().splitlines()))
    law = next(row for row in rows if row["clause"] == "Governing law")
    assert (law["found"], law["value"], law["page"]) == ("found", "Oregon, United States", "2")
    assert CONTRACT[int(law["start_char"]) : int(law["end_char"])] == law["quote"]
    assert next(row for row in rows if row["clause"] == "Source code escrow")["found"] == "absent"
    whole = json.loads(client_of(cast.viewer).get(f"/d/{document.pk}/clauses/json/?threshold=10").content)
    assert len(whole["clauses"]) == 41
    assert client_of(cast.viewer).get(f"/d/{document.pk}/clauses/exe/").status_code == 404


def test_an_older_finder_and_an_unreadable_page_are_said(cast: Cast) -> None:
    document = contract_document(cast, unreadable=True)
    review(document, cast)
    ClauseReview.objects.update(finder_version=0)
    page = tab(cast.editor, document)
    assert "Lectern has learnt to look better since" in page
    assert "They may stand on pages that could not be read: 2." in page


@pytest.mark.django_db(transaction=True)
async def test_the_stream_ends_with_the_finished_tab(cast: Cast, document: Document) -> None:
    await sync_to_async(review)(document, cast)
    client = AsyncClient()
    await client.aforce_login(cast.viewer)
    response = await client.get(f"/d/{document.pk}/clauses/events/")
    body = b"".join([part async for part in response.streaming_content]).decode()  # type: ignore[union-attr]
    assert body.startswith('data: <hx-partial hx-target="#clauses" hx-swap="innerHTML">')
    assert "Oregon, United States" in body
    assert body.endswith("event: done\ndata: \n\n")
