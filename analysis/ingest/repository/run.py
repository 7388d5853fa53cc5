"""The recipe of a snapshot: under a lease, through fetch, unpack, parse and index, to ready or failed.

A worker may die anywhere. Versions that were written stand under their document and digest, and are taken over as those
of unchanged files are. Documents go on pointing to the versions of the snapshot before until every file can be searched
by words, and then all at once to the new ones. Vectors that are missing then follow, see `embedding`.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import redis
from celery import Task
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.utils import timezone

from analysis import progress
from analysis.beat import beating
from analysis.egress import sending_for
from analysis.errors import UserError
from analysis.ingest.hold import Hold, quietly, requeue
from analysis.ingest.repository import messages
from analysis.ingest.repository.add import snapshot_delete
from analysis.models import (
    Disposition,
    Document,
    IngestStatus,
    Repository,
    Snapshot,
    SnapshotFile,
)
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release, renew
from config.env import env
from workspaces.hooks.events import HookEvent
from workspaces.hooks.outbox import tell

logger = logging.getLogger(__name__)


@dataclass
class Run(Hold[Snapshot]):
    """One worker's hold on one snapshot."""

    too_long = messages.TOO_LONG
    our_fault = messages.OUR_FAULT

    @property
    def snapshot(self) -> Snapshot:
        return self.row

    @property
    def files(self) -> QuerySet[SnapshotFile]:
        return SnapshotFile.objects.filter(snapshot=self.snapshot)

    def renew(self, **changes: Any) -> None:
        """Move the lease on and write `changes`, here too; raises LeaseLost when the snapshot is another's, or gone."""
        super().renew(**changes)
        for name, value in changes.items():
            setattr(self.snapshot, name, value)

    def tell(self) -> None:
        announce(self.snapshot)

    def task(self) -> Task:
        from analysis.tasks import ingest_snapshot

        return ingest_snapshot

    def failed(self) -> None:
        repository = self.snapshot.repository
        tell(HookEvent.REPOSITORY_FAILED, repository, repository.workspace_id, version=self.snapshot.number)

    def after_failure(self) -> None:
        if self.follow_up:
            _release_waiting(self.snapshot.repository)


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
        run.settle(error)
    _send_next(snapshot)
    if follow_up:
        quietly(partial(_plan_ahead, snapshot.repository_id))


def read_in(repository: Repository) -> Snapshot:
    """Read the repository's newest snapshot in where it stands, vectors and all, and return it.

    `repository` is read again. Raises UserError with what a person would be told if it fails.
    """
    from analysis.ingest.repository.embedding import embed_in_full

    newest = repository.snapshots.latest("number")
    ingest_snapshot(newest.pk, follow_up=False)
    repository.refresh_from_db()
    newest.refresh_from_db()
    if not newest.ready:
        raise UserError(newest.error_message, code=newest.error_code or "not_ready")
    embed_in_full(newest)
    return newest


def requeue_expired() -> None:
    """Send to a worker again the snapshots that a dead worker or a lost message has left behind."""
    from analysis.tasks import ingest_snapshot

    requeue(Snapshot.objects.all(), ingest_snapshot.delay, takeable=~Q(Exists(_earlier())))


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
    from analysis.ingest.repository.embedding import embed_few
    from analysis.ingest.repository.fetching import fetch
    from analysis.ingest.repository.indexing import index_words
    from analysis.ingest.repository.reading import parse

    if run.snapshot.attempts > MAX_ATTEMPTS:
        raise UserError(messages.GAVE_UP, code="gave_up")
    if not run.snapshot.file:
        fetch(run)
    if run.snapshot.symbols_at is None:
        parse(run)
    index_words(run)
    embed_few(run)
    _finish(run)


def _finish(run: Run) -> None:
    """Let every document of the repository point to its version in this snapshot, in one transaction."""
    repository = run.snapshot.repository
    with transaction.atomic():
        vectors = _vectors(run.snapshot)
        Repository.objects.select_for_update(no_key=True).get(pk=repository.pk)
        release(
            run.rows,
            run.token,
            status=IngestStatus.READY,
            seconds=run.snapshot.seconds | run.seconds,
            ready_at=timezone.now(),
            attempts=0,
            **vectors,
            **_sums(run),
        )
        _switch(run)
        Repository.objects.filter(pk=repository.pk).update(snapshot=run.snapshot)
        tell(HookEvent.REPOSITORY_READY, repository, repository.workspace_id, version=run.snapshot.number)
    announce(run.snapshot)
    quietly(partial(_delete_oldest, repository))
    if run.follow_up:
        quietly(partial(_release_waiting, repository))
    if run.follow_up and vectors["vectors_at"] is None:
        quietly(_embed_behind)


def _switch(run: Run) -> None:
    """Point the repository's documents to the versions of this snapshot, and those of files it has not to none."""
    documents = Document.objects.filter(repository=run.snapshot.repository)
    named = run.files.exclude(document=None).values("document")
    here = Subquery(run.files.filter(document=OuterRef("pk")).values("version")[:1])
    documents.filter(pk__in=named).exclude(version=here).update(version=here)
    documents.exclude(pk__in=named).exclude(version=None).update(version=None)


def _vectors(snapshot: Snapshot) -> dict[str, Any]:
    """Return what the snapshot's row says of its vectors: that all are there, or how many."""
    from analysis.ingest.repository.embedding import vectors_complete_at, vectors_made

    complete_at = vectors_complete_at(snapshot)
    stage, (done, total) = ("", (0, 0)) if complete_at else ("embed", vectors_made(snapshot))
    return {"vectors_at": complete_at, "stage": stage, "stage_done": done, "stage_total": total}


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


def _embed_behind() -> None:
    from analysis.tasks import embed_snapshots

    embed_snapshots.delay()


def _release_waiting(repository: Repository) -> None:
    from analysis.answer.ask import release_waiting

    release_waiting(repository)


def _plan_ahead(repository_id: UUID) -> None:
    from analysis.answer.plan_ahead import plan_ahead

    for repository in Repository.objects.filter(pk=repository_id).exclude(snapshot=None):
        plan_ahead(repository)


def _send_next(snapshot: Snapshot) -> None:
    """Send the next snapshot of the repository that waited for this one."""
    from analysis.tasks import ingest_snapshot

    waiting = Snapshot.objects.filter(repository=snapshot.repository_id, status=IngestStatus.QUEUED)
    following = waiting.filter(number__gt=snapshot.number).order_by("number").first()
    if following:
        quietly(partial(ingest_snapshot.delay, following.pk))
