"""Clauses over the HTTP interface."""

from __future__ import annotations

import pytest

from analysis.models import ClauseReview, DocumentVersion
from analysis.review import run
from analysis.review.run import review_run
from tests.analysis.review.rows import CONTRACT, contract_document, no_embedder  # noqa: F401  # a fixture
from tests.api.conftest import Caller
from tests.conftest import Cast

pytestmark = pytest.mark.usefixtures("no_embedder")


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "enqueue", lambda review: None)


def test_a_document_is_gone_through_and_read_at_any_threshold(editor: Caller, viewer: Caller, cast: Cast) -> None:
    document = contract_document(cast)
    place = f"/documents/{document.pk}/clauses"
    assert viewer.get(place).json()["status"] == "none"
    started = editor.post(place, {})
    assert (started.status_code, started.json()["status"]) == (202, "queued")
    review_run(started.json()["id"])
    found = viewer.get(place, threshold=0.1).json()
    clauses = {clause["id"]: clause for clause in found["clauses"]}
    assert (found["status"], len(clauses)) == ("done", 41)
    law = clauses["governing-law"]["places"][0]
    assert law["quote"] == CONTRACT[law["start_char"] : law["end_char"]]
    assert (law["value"]["normal"], law["page_number"]) == ("US-OR", 2)
    assert clauses["expiration-date"]["worked_out"]["value"] == "2022-03-01"
    assert clauses["source-code-escrow"]["found"] is False
    assert not any(clause["found"] for clause in viewer.get(place, threshold=1).json()["clauses"])
    assert ClauseReview.objects.get().attempts == 1


def test_viewers_may_not_start_it_and_a_document_has_to_be_ready(editor: Caller, viewer: Caller, cast: Cast) -> None:
    document = contract_document(cast)
    assert viewer.post(f"/documents/{document.pk}/clauses", {}).status_code == 403
    DocumentVersion.objects.update(status="ingesting")
    refused = editor.post(f"/documents/{document.pk}/clauses", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "not_ready")
    assert viewer.get(f"/documents/{document.pk}/clauses", threshold=2).status_code == 422
