"""Vectors of a snapshot's passages: lent where the same passage has one, and made behind search by words.

Making them takes many times as long as all the rest. So where many are missing the snapshot becomes ready without:
search goes by words, and by meaning as far as vectors have come. They are made in short slices under the snapshot's
lease, so that an upload never waits long. A worker may die anywhere: what is written stays, and any worker goes on from
there. Only the snapshot that is searched gets vectors; what the next one takes over keeps those that it has.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from analysis.beat import beating
from analysis.egress import sending_for
from analysis.errors import AppError, UserError
from analysis.ingest import index
from analysis.ingest.embed import Encoder, embed_passages
from analysis.ingest.embedders import reading_in, serving
from analysis.ingest.hold import uploads_wait
from analysis.ingest.repository import messages
from analysis.ingest.repository.run import Run, announce
from analysis.models import (
    Chunk,
    ChunkVector,
    DocumentVersion,
    Embedder,
    EmbedderStatus,
    IngestStatus,
    Repository,
    Snapshot,
)
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release, renew
from config.env import env

logger = logging.getLogger(__name__)

SLICE_SECONDS = 10
BATCH_CHUNKS = 128
# So few are made before the snapshot is ready: nobody waits for them, and the first question has them.
FEW_CHUNKS = 256
# When it is tried again after a failure that passes by itself, and after one that somebody has to mend.
SOON, LATER = timedelta(minutes=1), timedelta(hours=1)
LOOK_SECONDS = 1.0


def lend(group: Sequence[DocumentVersion], embedder: Embedder) -> None:
    """Give passages the vectors of the same passages in the version before, or in the same file at another path."""
    loans = _loans(group)
    if not loans:
        return
    sql = f"""
        INSERT INTO {ChunkVector._meta.db_table} (chunk_id, embedder_id, version_id, embedding)
        SELECT DISTINCT ON (ours.id) ours.id, vector.embedder_id, ours.version_id, vector.embedding
        FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[]) AS loan(borrower, lender, path, old_path)
        JOIN {Chunk._meta.db_table} ours ON ours.version_id = loan.borrower
        JOIN {Chunk._meta.db_table} theirs
          ON theirs.version_id = loan.lender AND theirs.text = ours.text
          AND substr(theirs.heading_path, length(loan.old_path) + 1) = substr(ours.heading_path, length(loan.path) + 1)
        JOIN {ChunkVector._meta.db_table} vector ON vector.chunk_id = theirs.id AND vector.embedder_id = %s
        ON CONFLICT DO NOTHING
    """
    columns = [(one.pk, lender.pk, one.document.path, lender.document.path) for one, lender in loans]
    with connection.cursor() as cursor:
        cursor.execute(sql, [*map(list, zip(*columns, strict=True)), embedder.pk])


def _loans(group: Sequence[DocumentVersion]) -> list[tuple[DocumentVersion, DocumentVersion]]:
    """Return versions with the one that most of their passages are in already: of the same bytes, or the one before."""
    same = Q(sha256__in=[version.sha256 for version in group])
    before = Q(pk__in=[version.document.version_id for version in group if version.document.version_id])
    ours = DocumentVersion.objects.filter(document__repository=group[0].document.repository_id)
    ready = ours.filter(same | before, status=IngestStatus.READY).select_related("document").order_by("-pk")
    by_bytes = {version.sha256: version for version in ready}
    by_key = {version.pk: version for version in ready}
    lenders = [(one, by_bytes.get(one.sha256) or by_key.get(one.document.version_id or 0)) for one in group]
    return [(one, lender) for one, lender in lenders if lender]


def embed_few(run: Run) -> None:
    """Make the vectors that the snapshot lacks if they are few; otherwise, and where no embedder answers, none."""
    if _lacking(run.snapshot, serving())[: FEW_CHUNKS + 1].count() > FEW_CHUNKS:
        return
    try:
        _embed(run, time_is_up=lambda: False)
    except AppError as error:
        logger.warning("Vectors of snapshot %s are made later: %s", run.snapshot.pk, error)


def vectors_complete_at(snapshot: Snapshot) -> datetime | None:
    """Return the time if no passage lacks a vector by the embedder that serves, None otherwise.

    In a transaction: the embedder is held until it ends, so that no other takes over in between.
    """
    embedder = Embedder.objects.select_for_update(no_key=True).filter(status=EmbedderStatus.SERVING).first()
    return timezone.now() if embedder and not _lacking(snapshot, embedder).exists() else None


def vectors_made(snapshot: Snapshot) -> tuple[int, int]:
    """Return how many of the snapshot's passages have a vector by the embedder that serves, and how many there are."""
    total = _passages(snapshot).count()
    return total - _lacking(snapshot, serving()).count(), total


def embed_waiting(*, seconds: float = SLICE_SECONDS) -> None:
    """Go on for about `seconds` with the vectors of one snapshot that is searched by words alone; the oldest first."""
    deadline = time.monotonic() + seconds
    for pk in list(_waiting().order_by("ready_at").values_list("pk", flat=True)):
        if embed_snapshot(pk, time_is_up=lambda: time.monotonic() >= deadline or uploads_wait()):
            break


def embed_in_full(snapshot: Snapshot) -> None:
    """Return when every passage of the snapshot has its vector, made here or by the worker that is at it.

    Raises UserError with what keeps them from being made.
    """
    while _waiting(put_off=True).filter(pk=snapshot.pk).exists():
        if not embed_snapshot(snapshot.pk, time_is_up=lambda: False):
            time.sleep(LOOK_SECONDS)
        snapshot.refresh_from_db()
        if snapshot.error_message:
            raise UserError(snapshot.error_message, code=snapshot.error_code)


def embed_snapshot(snapshot_id: int, *, time_is_up: Callable[[], bool]) -> bool:
    """Make vectors of the snapshot until it has all or the time is up; return False if another worker has it."""
    rows = Snapshot.objects.filter(pk=snapshot_id)
    token = claim(_waiting().filter(pk=snapshot_id), waiting=IngestStatus.READY, working=IngestStatus.READY)
    snapshot = rows.select_related("repository").first()
    if token is None or snapshot is None:
        return False
    run = Run(snapshot, token, seconds=dict(snapshot.seconds))
    try:
        with (
            sending_for(snapshot.repository.workspace_id),
            beating(partial(renew, rows, token), every_seconds=env.lease_seconds / 3) as run.lost,
        ):
            _slice(run, time_is_up)
    except LeaseLost:
        logger.info("Vectors of snapshot %s were taken over, or it was deleted", snapshot_id)
    except Exception as error:
        _put_off(run, error)
    return True


def _waiting(*, put_off: bool = False) -> QuerySet[Snapshot]:
    """Return the snapshots that are searched and lack vectors, without those that a worker holds.

    put_off: with these, and with those whose turn has been put off.
    """
    # A subquery and no join: with a join Django claims by id alone, and of two workers both would have it.
    current = Exists(Repository.objects.filter(snapshot=OuterRef("pk")))
    rows = Snapshot.objects.filter(current, status=IngestStatus.READY, vectors_at=None)
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lt=timezone.now())
    return rows if put_off else rows.filter(free)


def _slice(run: Run, time_is_up: Callable[[], bool]) -> None:
    if run.snapshot.attempts > MAX_ATTEMPTS:
        raise UserError(messages.NO_VECTORS, code="gave_up")
    _embed(run, time_is_up=lambda: time_is_up() or _superseded(run.snapshot))
    with transaction.atomic():
        complete_at = vectors_complete_at(run.snapshot)
        over = {"stage": "", "stage_done": 0, "stage_total": 0} if complete_at else {}
        fine = {"attempts": 0, "error_code": "", "error_message": ""}
        release(run.rows, run.token, vectors_at=complete_at, seconds=run.seconds, **fine, **over)
    announce(run.snapshot)


def _superseded(snapshot: Snapshot) -> bool:
    return not Snapshot.objects.filter(pk=snapshot.pk, repository__snapshot=snapshot.pk).exists()


def _put_off(run: Run, error: Exception) -> None:
    """Let the snapshot wait for its next turn, and say why."""
    passes = isinstance(error, AppError) and error.transient
    logger.warning("Vectors of snapshot %s wait: %s", run.snapshot.pk, error, exc_info=None if passes else error)
    message = error.message if isinstance(error, UserError) else messages.NO_EMBEDDER if passes else messages.NO_VECTORS
    # Without a token this is no lease, but the time before which nobody tries.
    held = run.rows.filter(lease_token=run.token)
    held.update(
        lease_token=None,
        lease_expires_at=timezone.now() + (SOON if passes else LATER),
        attempts=0,
        error_code="vectors",
        error_message=message,
    )
    announce(run.snapshot)


def _embed(run: Run, *, time_is_up: Callable[[], bool]) -> None:
    """Write the vectors that the snapshot lacks, batch by batch, until there are all or the time is up."""
    with run.timed("load"):
        embedder, encoder = reading_in()
    total = _passages(run.snapshot).count()
    done = total - _lacking(run.snapshot, embedder).count()
    run.report("embed", done, total)
    for batch in _batches(run.snapshot, embedder):
        _write(run, batch, embedder, encoder)
        done += len(batch)
        run.report("embed", done, total)
        if time_is_up():
            break


def _passages(snapshot: Snapshot) -> QuerySet[Chunk]:
    return Chunk.objects.filter(version__snapshot_files__snapshot=snapshot)


def _lacking(snapshot: Snapshot, embedder: Embedder | None) -> QuerySet[Chunk]:
    """Return the passages without a vector by the embedder, which are all of them while there is none."""
    has_one = ChunkVector.objects.filter(chunk=OuterRef("pk"), embedder=embedder)
    return _passages(snapshot).filter(~Exists(has_one))


def _batches(snapshot: Snapshot, embedder: Embedder) -> Iterator[list[Chunk]]:
    last_id = 0
    rows = _lacking(snapshot, embedder).select_related("version").order_by("pk")
    rows = rows.only("version", "version__language", "heading_path", "text")
    while batch := list(rows.filter(pk__gt=last_id)[:BATCH_CHUNKS]):
        yield batch
        last_id = batch[-1].pk


def _write(run: Run, batch: Sequence[Chunk], embedder: Embedder, encoder: Encoder) -> None:
    with run.timed("embed"):
        texts = [index.embedded_text(one.heading_path, one.text, one.version.language) for one in batch]
        vectors = embed_passages(texts, encoder)
    with run.timed("vectors"), run.writing():
        index.write_vectors(embedder, [(one.pk, one.version_id) for one in batch], vectors)
