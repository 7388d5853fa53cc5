"""The review recipe: asked for by a person, claimed by a worker, gone through, kept. It can be killed anywhere and
run again: sentences that are embedded stay so, and the findings are replaced in one transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from threading import Event
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from analysis import progress
from analysis.answer.receipt import ranges
from analysis.beat import beating
from analysis.egress import sending_for
from analysis.errors import AppError, LecternError, UserError
from analysis.models import ClauseFindingRow, ClauseReview, Document, DocumentVersion, ReviewStatus
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release, renew
from analysis.review.checklist import Checklist, built_in
from analysis.review.finder import FINDER_VERSION, find
from analysis.review.kept import sentences_of
from analysis.review.sentences import Sentences
from analysis.types import ClauseFinding, PageSource
from config.env import env
from workspaces.models import User

log = logging.getLogger(__name__)

LOST_SECONDS = 60  # a queued review that is older than this may have lost its message
OUR_FAULT = "Something went wrong on our side. It has been logged; please try again."


def review_ask(*, document: Document, user: User | None) -> ClauseReview:
    """Return the review of the document by the built-in checklist, on its way to a worker; the one going on if it is.

    Raises UserError not_ready.
    """
    version = document.version
    if version is None or not version.ready:
        raise UserError(gettext("This document has not been read in yet."), code="not_ready", status=409)
    with transaction.atomic():
        Document.objects.select_for_update().get(pk=document.pk)
        review = ClauseReview.objects.filter(version=version, checklist=built_in().id).first()
        if review is not None and review.open:
            return review
        review = review or ClauseReview(version=version, checklist=built_in().id)
        review.status, review.attempts, review.asked_at, review.asked_by = ReviewStatus.QUEUED, 0, timezone.now(), user
        review.save()
        progress.forget(progress.review_stream(review.pk))
        transaction.on_commit(lambda: enqueue(review))
    return review


def enqueue(review: ClauseReview) -> None:
    """Send the review to a worker."""
    from analysis.tasks import review_clauses

    review_clauses.delay(str(review.pk))


def review_run(review_id: str) -> None:
    """Go through the review's document, unless that is done or a living worker is at it."""
    rows = ClauseReview.objects.filter(pk=review_id)
    token = claim(rows, waiting=ReviewStatus.QUEUED, working=ReviewStatus.RUNNING)
    if token is None:
        return
    review = rows.select_related("version__document").get()
    with (
        sending_for(review.version.document.workspace_id),
        beating(lambda: renew(rows, token), every_seconds=env.lease_seconds / 3) as lost,
    ):
        try:
            _attempt(review, token, lost)
        except LeaseLost:
            log.info("Review %s was taken over or deleted", review_id)
        except Exception as error:
            _fail(review, token, error)


def requeue_expired() -> None:
    """Send to a worker again the reviews that a dead one left, or that lost their message."""
    stale = timezone.now() - timedelta(seconds=LOST_SECONDS)
    abandoned = Q(status=ReviewStatus.RUNNING, lease_expires_at__lt=timezone.now())
    for review in ClauseReview.objects.filter(abandoned | Q(status=ReviewStatus.QUEUED, asked_at__lt=stale)):
        # Once a minute each: behind a long queue the message is not lost, and a second one changes nothing.
        if progress.connection().set(f"lectern:requeued:review:{review.pk}", 1, nx=True, ex=LOST_SECONDS):
            enqueue(review)


def receipt_of(version: DocumentVersion, sentences: Sentences, checklist: Checklist) -> dict[str, Any]:
    """Return what was read: every sentence of every page that could be read, for every clause."""
    pages = list(version.pages.values_list("number", "source"))
    unreadable = [number for number, source in pages if source == PageSource.UNREADABLE]
    return {
        "clauses": len(checklist.clauses),
        "sentences": len(sentences.spans),
        "characters": version.characters,
        "pages_total": len(pages),
        "pages_read_count": len(pages) - len(unreadable),
        "pages_unreadable": ranges(unreadable),
        "complete": not unreadable,
    }


def _attempt(review: ClauseReview, token: UUID, lost: Event) -> None:
    if review.attempts > MAX_ATTEMPTS:
        raise AppError(
            gettext("This was tried %(times)s times and broke off each time.") % {"times": MAX_ATTEMPTS},
            code="gave_up",
        )
    version, checklist = review.version, built_in()

    def show(message: str, done: int, total: int) -> None:
        if lost.is_set():
            raise LeaseLost("Another worker has taken this over.")
        data = {"message": message, "done": done, "total": total}
        progress.emit(progress.review_stream(review.pk), "progress", data)

    sentences = sentences_of(version, lambda done, total: show("Reading every sentence", done, total))
    found = find(
        checklist, version.read_text(), sentences, version.known_identity,
        on_clause=lambda done, total: show("Looking for each clause", done, total),
    )  # fmt: skip
    _keep(review, token, found, receipt_of(version, sentences, checklist))


def _keep(review: ClauseReview, token: UUID, found: Sequence[ClauseFinding], receipt: dict[str, Any]) -> None:
    """Replace the findings, in one transaction and under our lease only; then say so."""
    rows = ClauseReview.objects.filter(pk=review.pk)
    with transaction.atomic():
        release(
            rows, token, status=ReviewStatus.DONE, receipt=receipt, finder_version=FINDER_VERSION,
            finished_at=timezone.now(), error_code="", error_message="",
        )  # fmt: skip
        review.findings.all().delete()
        ClauseFindingRow.objects.bulk_create(_row(review, n, finding) for n, finding in enumerate(found))
    progress.emit(progress.review_stream(review.pk), "done", {"status": ReviewStatus.DONE.value})


def _row(review: ClauseReview, ordinal: int, finding: ClauseFinding) -> ClauseFindingRow:
    return ClauseFindingRow(
        review=review, ordinal=ordinal, clause=finding.clause, start_char=finding.start_char,
        end_char=finding.end_char, probability=round(finding.probability, 4),
        value=asdict(finding.value) if finding.value else {},
    )  # fmt: skip


def _fail(review: ClauseReview, token: UUID, error: Exception) -> None:
    """Write down what went wrong, for people."""
    known = isinstance(error, LecternError)
    if not known:
        log.exception("Review %s failed", review.pk)
    code = error.code if isinstance(error, LecternError) else "internal"
    message = str(error) if known else OUR_FAULT
    rows = ClauseReview.objects.filter(pk=review.pk)
    try:
        release(
            rows, token, status=ReviewStatus.FAILED, error_code=code[:40], error_message=message,
            finished_at=timezone.now(),
        )  # fmt: skip
    except LeaseLost:
        log.info("Review %s was taken over or deleted", review.pk)
        return
    progress.emit(progress.review_stream(review.pk), "failed", {"code": code, "message": message})
