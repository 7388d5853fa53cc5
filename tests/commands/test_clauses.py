"""`manage.py clauses`: what it prints of a document, and whom it refuses."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from django.core.management import CommandError, call_command

from analysis.models import ClauseReview
from analysis.review import run
from analysis.review.run import review_run
from tests.analysis.review.rows import contract_document, no_embedder  # noqa: F401  # a fixture
from tests.conftest import Cast

pytestmark = [pytest.mark.usefixtures("no_embedder"), pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "enqueue", lambda review: review_run(str(review.pk)))


def printed(*arguments: str) -> str:
    out = io.StringIO()
    call_command("clauses", *arguments, stdout=out)
    return out.getvalue()


def test_what_was_found_is_printed_with_values_and_what_is_absent(cast: Cast) -> None:
    document = contract_document(cast)
    said = printed("firm", "--document", str(document.pk), "--threshold", "0.1")
    assert "Governing law\n    Oregon, United States: “" in said
    assert "2022-03-01, worked out from 3 years after the start" in said
    assert "Source code escrow" in said.partition("Absent: ")[2]
    assert json.loads(printed("firm", "--document", str(document.pk), "--json"))["threshold"] == 0.15


def test_a_failure_and_a_document_of_elsewhere_are_said(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="not in 'firm'"):
        printed("firm", "--document", str(uuid.uuid4()))
    monkeypatch.setattr(run, "find", lambda *_, **__: 1 / 0)
    with pytest.raises(CommandError, match="went wrong on our side"):
        printed("firm", "--document", str(contract_document(cast).pk))
    assert ClauseReview.objects.get().status == "failed"
