"""The recipe of a snapshot: under a lease, through fetch, unpack, parse, embed and index, to ready or failed.

A worker may die anywhere. Versions that were written stand under their document and digest, and are taken over as those
of unchanged files are; chunks that have their vector are not embedded again. Documents go on pointing to the versions
of the snapshot before until everything is there, and then all at once to the new ones.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any
from uuid import UUID

import redis
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from analysis import progress
from analysis.beat import beating
from analysis.egress import sending_for
from analysis.errors import UserError
from analysis.ingest.repository import messages
from analysis.ingest.repository.add import snapshot_delete
from analysis.ingest.run import LOST_AFTER, REPORT_SECONDS, SENT_AGAIN_AFTER, quietly, transient
from analysis.models import (
    Disposition,
    Document,
    IngestStatus,
    Repository,
    Snapshot,
    SnapshotFile,
)
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, expired, release, renew
from config.env import env

logger = logging.getLogger(__name__)


@dataclass
class Run:
    """One worker's hold on one snapshot. Every write goes through `report` or `writing`, which check the lease.

    lost: set when the lease could not be kept while the worker waited for somebody else.
    """

    snapshot: Snapshot
    token: UUID
    follow_up: bool = True
    seconds: dict[str, float] = field(default_factory=dict)
    lost: Event = field(default_factory=Event)
    _reported_at: float = 0.0

    @property
    def rows(self) -> QuerySet[Snapshot]:
        return Snapshot.objects.filter(pk=self.snapshot.pk)

    @property
    def files(self) -> QuerySet[SnapshotFile]:
        return SnapshotFile.objects.filter(snapshot=self.snapshot)

    def renew(self, **changes: Any) -> None:
        """Move the lease on and write `changes`; raises LeaseLost when the snapshot is another's, or deleted."""
        renew(self.rows, self.token, **changes)
        for name, value in changes.items():
            setattr(self.snapshot, name, value)

    def report(self, stage: str, done: int, total: int) -> None:
        """Write how far the stage is and tell the live pages; at most four times a second within a stage."""
        now = time.monotonic()
        if stage == self.snapshot.stage and done < total and now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at = now
        self.renew(stage=stage, stage_done=done, stage_total=total)
        announce(self.snapshot)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction that holds the snapshot's row, so that no other worker can take it before the commit."""
        with transaction.atomic():
            self.renew()
            yield

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what the block takes to the stage's seconds."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0) + time.perf_counter() - started, 3)


def ingest_snapshot(snapshot_id: int, *, follow_up: bool = True) -> None:
    """Read the snapshot in unless it is done, gone, in the hands of a living worker, or an earlier one is not done.

    follow_up: start what waits for the repository.
    """
    rows = Snapshot.objects.filter(pk=snapshot_id)
    token = claim(rows.exclude(Exists(_earlier())), waiting=IngestStatus.QUEUED, working=IngestStatus.INGESTING)
    snapshot = rows.select_related("repository").first()
    if token is None or snapshot is None:
        return
    run = Run(snapshot, token, follow_up)
    try:
        with (
            sending_for(snapshot.repository.workspace_id),
            beating(partial(renew, rows, token), every_seconds=env.lease_seconds / 3) as run.lost,
        ):
            _read_in(run)
    except LeaseLost:
        logger.info("Snapshot %s was taken over or deleted; this worker stops", snapshot_id)
    except Exception as error:
        _settle(run, error)
    _send_next(snapshot)


def read_in(repository: Repository) -> Snapshot:
    """Read the repository's newest snapshot in where it stands, and return it; `repository` is read again.

    Raises UserError with what a person would be told if it fails.
    """
    newest = repository.snapshots.latest("number")
    ingest_snapshot(newest.pk, follow_up=False)
    repository.refresh_from_db()
    newest.refresh_from_db()
    if not newest.ready:
        raise UserError(newest.error_message, code=newest.error_code or "not_ready")
    return newest


def requeue_expired() -> None:
    """Send to a worker again the snapshots whose worker died, and those queued whose message may have been lost."""
    now = timezone.now()
    for snapshot in expired(Snapshot.objects.all(), working=IngestStatus.INGESTING):
        _send_again(snapshot, now + LOST_AFTER)
    # While queued, lease_expires_at says when a worker should have taken the snapshot.
    overdue = Q(lease_expires_at=None, created_at__lt=now - LOST_AFTER) | Q(lease_expires_at__lt=now)
    for snapshot in Snapshot.objects.filter(overdue, status=IngestStatus.QUEUED).exclude(Exists(_earlier())):
        _send_again(snapshot, now + SENT_AGAIN_AFTER)


def announce(snapshot: Snapshot) -> None:
    """Tell the workspace's live pages that the repository has moved on; a broker that is away costs only liveness."""
    repository = snapshot.repository
    try:
        progress.announce_repository(repository.workspace_id, repository.pk)
    except redis.RedisError:
        logger.warning("No broker to tell that repository %s has changed", repository.pk)


def _earlier() -> QuerySet[Snapshot]:
    """Return the snapshots that must be done before the one outside: of one repository they come one after another."""
    unfinished = Snapshot.objects.filter(status__in=[IngestStatus.QUEUED, IngestStatus.INGESTING])
    return unfinished.filter(repository=OuterRef("repository"), number__lt=OuterRef("number"))


def _read_in(run: Run) -> None:
    from analysis.ingest.repository.embedding import embed_and_index
    from analysis.ingest.repository.fetching import fetch
    from analysis.ingest.repository.reading import parse

    if run.snapshot.attempts > MAX_ATTEMPTS:
        raise UserError(messages.GAVE_UP, code="gave_up")
    if not run.snapshot.file:
        fetch(run)
    if run.snapshot.symbols_at is None:
        parse(run)
    embed_and_index(run)
    _finish(run)


def _finish(run: Run) -> None:
    """Let every document of the repository point to its version in this snapshot, in one transaction."""
    run.report("index", 0, 1)
    repository = run.snapshot.repository
    with transaction.atomic():
        Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
        release(
            run.rows,
            run.token,
            status=IngestStatus.READY,
            stage="",
            stage_done=0,
            stage_total=0,
            seconds=run.snapshot.seconds | run.seconds,
            ready_at=timezone.now(),
            **_sums(run),
        )
        _switch(run)
        Repository.objects.filter(pk=repository.pk).update(snapshot=run.snapshot)
    announce(run.snapshot)
    quietly(partial(_delete_oldest, repository))
    if run.follow_up:
        quietly(partial(_release_waiting, repository))


def _switch(run: Run) -> None:
    """Point the repository's documents to the versions of this snapshot, and those of files it has not to none."""
    documents = Document.objects.filter(repository=run.snapshot.repository)
    named = run.files.exclude(document=None).values("document")
    here = Subquery(run.files.filter(document=OuterRef("pk")).values("version")[:1])
    documents.filter(pk__in=named).exclude(version=here).update(version=here)
    documents.exclude(pk__in=named).exclude(version=None).update(version=None)


def _sums(run: Run) -> dict[str, int]:
    read = run.files.filter(disposition=Disposition.READ)
    sums = read.aggregate(lines=Sum("line_count"), tokens=Sum("version__tokens"))
    size_bytes = run.files.aggregate(sum=Sum("size_bytes"))["sum"]
    return {
        "file_count": run.files.count(),
        "line_count": sums["lines"] or 0,
        "tokens": sums["tokens"] or 0,
        "size_bytes": size_bytes or 0,
    }


def _delete_oldest(repository: Repository) -> None:
    """Delete the snapshots that are more than are kept, oldest first; neither the current nor an unfinished one."""
    done = repository.snapshots.filter(status__in=[IngestStatus.READY, IngestStatus.FAILED]).order_by("-number")
    for snapshot in done[env.snapshots_kept :]:
        if snapshot.pk != Repository.objects.values_list("snapshot", flat=True).get(pk=repository.pk):
            snapshot_delete(snapshot)


def _release_waiting(repository: Repository) -> None:
    from analysis.answer.ask import release_waiting

    release_waiting(repository)


def _settle(run: Run, error: Exception) -> None:
    """Write what the error means for the snapshot; a lease lost meanwhile means that it is no longer ours to say."""
    try:
        if isinstance(error, UserError):
            _fail(run, error.code, error.message)
        elif isinstance(error, SoftTimeLimitExceeded):
            _fail(run, "too_long", messages.TOO_LONG)
        elif transient(error) and run.snapshot.attempts < MAX_ATTEMPTS:
            _try_later(run, error)
        else:
            _fail(run, "internal", messages.OUR_FAULT)
            logger.error("Snapshot %s failed", run.snapshot.pk, exc_info=error)
    except LeaseLost:
        logger.info("Snapshot %s was taken over or deleted while it failed", run.snapshot.pk)


def _fail(run: Run, code: str, message: str) -> None:
    seconds = run.snapshot.seconds | run.seconds
    release(run.rows, run.token, status=IngestStatus.FAILED, error_code=code, error_message=message, seconds=seconds)
    announce(run.snapshot)
    if run.follow_up:
        quietly(partial(_release_waiting, run.snapshot.repository))


def _try_later(run: Run, error: Exception) -> None:
    from analysis.tasks import ingest_snapshot

    wait_seconds = 5 * 2**run.snapshot.attempts
    logger.warning("Snapshot %s is tried again in %s s: %s", run.snapshot.pk, wait_seconds, error)
    release(run.rows, run.token, status=IngestStatus.QUEUED)
    expected_by = timezone.now() + timedelta(seconds=wait_seconds) + LOST_AFTER
    run.rows.filter(status=IngestStatus.QUEUED).update(lease_expires_at=expected_by)
    quietly(partial(ingest_snapshot.apply_async, [run.snapshot.pk], countdown=wait_seconds))
    announce(run.snapshot)


def _send_next(snapshot: Snapshot) -> None:
    """Send the next snapshot of the repository that waited for this one."""
    from analysis.tasks import ingest_snapshot

    waiting = Snapshot.objects.filter(repository=snapshot.repository_id, status=IngestStatus.QUEUED)
    following = waiting.filter(number__gt=snapshot.number).order_by("number").first()
    if following:
        quietly(partial(ingest_snapshot.delay, following.pk))


def _send_again(snapshot: Snapshot, expected_by: Any) -> None:
    from analysis.tasks import ingest_snapshot

    # The former deadline is in the filter: of two beats, and of a beat and a worker, one gets the row.
    deadline = {"lease_token": snapshot.lease_token, "lease_expires_at": snapshot.lease_expires_at}
    unchanged = Snapshot.objects.filter(pk=snapshot.pk, status=snapshot.status, **deadline)
    if unchanged.update(status=IngestStatus.QUEUED, lease_token=None, lease_expires_at=expected_by):
        ingest_snapshot.delay(snapshot.pk)
