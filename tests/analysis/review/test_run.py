"""A review from the question to its findings: once, again, after a death, with pages that cannot be read."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from analysis import progress
from analysis.errors import UserError
from analysis.models import ClauseFindingRow, ClauseReview, DocumentVersion, ReviewStatus
from analysis.review import run
from analysis.review.report import entries, review_of, review_payload
from analysis.review.run import requeue_expired, review_ask, review_run
from tests.analysis.review.rows import CONTRACT, contract_document, no_embedder  # noqa: F401  # a fixture
from tests.conftest import Cast

pytestmark = pytest.mark.usefixtures("no_embedder")


@pytest.fixture(autouse=True)
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep what would go to a worker."""
    sent: list[str] = []
    monkeypatch.setattr(run, "enqueue", lambda review: sent.append(str(review.pk)))
    return sent


def reviewed(cast: Cast, **given: bool) -> ClauseReview:
    review = review_ask(document=contract_document(cast, **given), user=cast.editor)
    review_run(str(review.pk))
    review.refresh_from_db()
    return review


def test_a_review_ends_with_findings_and_a_receipt(cast: Cast) -> None:
    review = reviewed(cast)
    assert (review.status, review.attempts, review.asked_by) == (ReviewStatus.DONE, 1, cast.editor)
    assert review.receipt["complete"] is True
    assert review.receipt["characters"] == len(CONTRACT)
    assert review.receipt["pages_read_count"] == 2
    names = [event.name for event in progress.replay(progress.review_stream(review.pk))]
    assert set(names[:-1]) == {"progress"}
    assert names[-1] == "done"


def test_a_page_that_cannot_be_read_is_on_the_receipt(cast: Cast) -> None:
    review = reviewed(cast, unreadable=True)
    assert (review.receipt["complete"], review.receipt["pages_unreadable"]) == (False, [[2, 2]])


def test_run_twice_changes_nothing_and_asked_again_replaces(cast: Cast) -> None:
    review = reviewed(cast)
    before = list(review.findings.values_list("clause", "start_char", "end_char", "probability"))
    review_run(str(review.pk))
    assert list(review.findings.values_list("clause", "start_char", "end_char", "probability")) == before
    again = review_ask(document=review.version.document, user=cast.owner)
    assert again.pk == review.pk
    review_run(str(again.pk))
    assert list(again.findings.values_list("clause", "start_char", "end_char", "probability")) == before
    assert ClauseReview.objects.count() == 1


def test_one_that_goes_on_is_not_asked_for_again(
    cast: Cast, sent: list[str], django_capture_on_commit_callbacks: pytest.FixtureRequest
) -> None:
    document = contract_document(cast)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        first = review_ask(document=document, user=cast.editor)
        second = review_ask(document=document, user=cast.owner)
    assert first.pk == second.pk
    assert sent == [str(first.pk)]


def test_a_review_whose_worker_died_is_sent_again_and_finished(cast: Cast, sent: list[str]) -> None:
    review = review_ask(document=contract_document(cast), user=cast.editor)
    past = timezone.now() - timedelta(seconds=1)
    ClauseReview.objects.update(status=ReviewStatus.RUNNING, lease_expires_at=past, attempts=1)
    requeue_expired()
    requeue_expired()
    assert sent == [str(review.pk)]
    review_run(str(review.pk))
    review.refresh_from_db()
    assert (review.status, review.attempts) == (ReviewStatus.DONE, 2)


def test_a_worker_that_was_given_up_for_dead_writes_nothing(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    review = review_ask(document=contract_document(cast), user=cast.editor)

    def taken_over(*_: object, **__: object) -> list[object]:
        ClauseReview.objects.update(lease_token=None)
        return []

    monkeypatch.setattr(run, "find", taken_over)
    review_run(str(review.pk))
    review.refresh_from_db()
    assert review.status == ReviewStatus.RUNNING
    assert ClauseFindingRow.objects.count() == 0


def test_a_failure_is_said_to_people(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> list[object]:
        raise RuntimeError("no")

    monkeypatch.setattr(run, "find", broken)
    review = review_ask(document=contract_document(cast), user=cast.editor)
    review_run(str(review.pk))
    review.refresh_from_db()
    assert (review.status, review.error_code, review.error_message) == (ReviewStatus.FAILED, "internal", run.OUR_FAULT)


def test_a_document_that_is_not_ready_is_refused(cast: Cast) -> None:
    document = contract_document(cast)
    DocumentVersion.objects.update(status="ingesting")
    document.refresh_from_db()
    with pytest.raises(UserError, match="not been read in") as refused:
        review_ask(document=document, user=cast.editor)
    assert refused.value.code == "not_ready"


def test_a_threshold_moves_what_is_found_without_a_new_review(cast: Cast) -> None:
    review = reviewed(cast)
    counts = [sum(entry.found for entry in entries(review, threshold)) for threshold in (0.02, 0.15, 0.5, 0.99)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1] == 0
    kept = review_of(review.version.document)
    assert kept is not None
    assert kept.attempts == 1


def test_the_end_is_worked_out_from_start_and_length_with_both_places(cast: Cast) -> None:
    payload = review_payload(reviewed(cast), 0.1)
    end = next(clause for clause in payload["clauses"] if clause["id"] == "expiration-date")["worked_out"]
    assert end["value"] == "2022-03-01"
    assert [place["value"]["normal"] for place in end["from"]] == ["2019-03-01", "P3Y"]
    for clause in payload["clauses"]:
        for place in clause["places"]:
            assert CONTRACT[place["start_char"] : place["end_char"]] == place["quote"]
            assert place["page_number"] == (2 if place["start_char"] >= CONTRACT.index("3. Assignment") else 1)
