"""From one embedder to the next: vectors by the wanted one are built in the background while the old one serves.

Passages stay as they are (see `embed.passage_tokenizer`); only vectors are added. Worked on in short slices, so that an
upload never waits long, by one worker at a time under a lease. Whatever is written stands under a natural key, so a
worker may die anywhere. When no passage of a ready document lacks its vector, search goes over at once, and the vectors
and the index of the former embedder are dropped.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from analysis.beat import beating
from analysis.egress import embedder_is_away, sending_for
from analysis.errors import AppError
from analysis.ingest import index
from analysis.ingest.embed import Encoder, Vectors, embed_passages
from analysis.ingest.embedders import encoder_if_there, serving
from analysis.ingest.hold import uploads_wait
from analysis.models import Chunk, ChunkVector, Embedder, EmbedderStatus, IngestStatus
from analysis.models.lease import LeaseLost, claim, release, renew
from config.env import env

logger = logging.getLogger(__name__)

SLICE_SECONDS = 10
BATCH_CHUNKS = 32
# Dropping an index waits for the searches that run and keeps others waiting: then rather later.
LOCK_TIMEOUT = "2s"


@dataclass(frozen=True)
class Progress:
    """How far the wanted embedder is. serving, wanted: their names; done of total: passages of ready documents."""

    serving: str
    wanted: str
    done: int
    total: int

    @property
    def complete(self) -> bool:
        return self.serving in {"", self.wanted}

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 100


def progress() -> Progress:
    """Return where things stand now."""
    current = serving()
    done = ChunkVector.objects.filter(embedder__name=env.embedder, version__status=IngestStatus.READY).count()
    total = Chunk.objects.filter(version__status=IngestStatus.READY).count()
    return Progress(current.name if current else "", env.embedder, min(done, total), total)


def reembed(*, seconds: float = SLICE_SECONDS) -> bool:
    """Go on with what there is to do for about `seconds`; return whether search uses the wanted embedder now."""
    _purge_retired()
    current = serving()
    if current is None or current.name == env.embedder:
        _retire_unwanted()
        return True
    encoder = encoder_if_there(env.embedder)
    if encoder is None:
        return False
    target = _wanted(encoder)
    rows = Embedder.objects.filter(pk=target.pk)
    token = claim(rows, waiting=EmbedderStatus.QUEUED, working=EmbedderStatus.BUILDING)
    return token is not None and _work(Build(target, encoder, token), seconds)


@dataclass(frozen=True)
class Build:
    """One worker's hold on the embedder that is being built; every write goes through `renew`, which checks it."""

    embedder: Embedder
    encoder: Encoder
    token: UUID

    @property
    def rows(self) -> QuerySet[Embedder]:
        return Embedder.objects.filter(pk=self.embedder.pk)

    def renew(self) -> None:
        renew(self.rows, self.token)


def _work(build: Build, seconds: float) -> bool:
    """Build for a while, and let the embedder take over when nothing is missing; return whether it has."""
    deadline = time.monotonic() + seconds
    try:
        with beating(build.renew, every_seconds=env.lease_seconds / 3):
            complete = _built(build, lambda: time.monotonic() >= deadline or uploads_wait())
        if complete and _taken_over(build):
            logger.info("Search uses %s now", build.embedder)
            return True
        release(build.rows, build.token, status=EmbedderStatus.QUEUED, attempts=0)
    except LeaseLost:
        logger.info("Another worker goes on building the vectors by %s", build.embedder)
    except AppError as error:
        logger.warning("Vectors by %s wait: %s", build.embedder, error)
        release(build.rows, build.token, status=EmbedderStatus.QUEUED, attempts=0)
    return False


def _built(build: Build, time_is_up: Callable[[], bool]) -> bool:
    """Write missing vectors until the time is up; return whether none was missing at the end."""
    last_id = 0
    while batch := _lacking(build.embedder, after_id=last_id):
        texts = [index.embedded_text(chunk.heading_path, chunk.text, chunk.version.language) for chunk in batch]
        with sending_for(None):  # those that keep their text in the house are not among them
            vectors = embed_passages(texts, build.encoder)
        _write(build, batch, vectors)
        last_id = batch[-1].pk
        if time_is_up():
            return False
    return True


def _lacking(embedder: Embedder, *, after_id: int = 0) -> list[Chunk]:
    """Return the next passages of ready documents that have no vector by the embedder."""
    has_one = ChunkVector.objects.filter(chunk=OuterRef("pk"), embedder=embedder)
    rows = Chunk.objects.filter(~Exists(has_one), pk__gt=after_id, version__status=IngestStatus.READY)
    if embedder_is_away():
        rows = rows.exclude(workspace__policy__self_hosted_only=True)
    rows = rows.select_related("version").only("version", "version__language", "heading_path", "text")
    return list(rows.order_by("pk")[:BATCH_CHUNKS])


def _write(build: Build, batch: Sequence[Chunk], vectors: Vectors) -> None:
    """Write the vectors of those passages that are still there: a document may be deleted or read in anew meanwhile."""
    with transaction.atomic():
        build.renew()
        held = Chunk.objects.select_for_update(no_key=True).filter(pk__in=[chunk.pk for chunk in batch])
        there = set(held.values_list("pk", flat=True))
        kept = [at for at, chunk in enumerate(batch) if chunk.pk in there]
        places = [(batch[at].pk, batch[at].version_id) for at in kept]
        index.write_vectors(build.embedder, places, vectors[kept])


def _taken_over(build: Build) -> bool:
    """Make the embedder the one that serves, unless a document that became ready meanwhile lacks its vectors."""
    with transaction.atomic():
        # A document that becomes ready holds its embedder's row (`run.check_embedder`): wait for it, then look.
        list(Embedder.objects.select_for_update(no_key=True).order_by("pk"))
        if _lacking(build.embedder):
            return False
        release(build.rows, build.token, attempts=0)
        index.serve(build.embedder)
    return True


def _wanted(encoder: Encoder) -> Embedder:
    """Return the encoder's row; one that was retired is taken up again with the vectors that are left of it."""
    embedder = index.current_embedder(encoder)
    if embedder.status == EmbedderStatus.RETIRED:
        index.ensure_vector_index(embedder)
        Embedder.objects.filter(pk=embedder.pk).update(status=EmbedderStatus.QUEUED)
    return embedder


def _retire_unwanted() -> None:
    """Retire what was begun for a setting that has been changed back."""
    left = Q(status=EmbedderStatus.QUEUED) | Q(status=EmbedderStatus.BUILDING, lease_expires_at__lt=timezone.now())
    Embedder.objects.filter(left).exclude(name=env.embedder).update(status=EmbedderStatus.RETIRED, lease_token=None)


def _purge_retired() -> None:
    """Drop the vectors and the index of embedders that served before. Their rows stay: a worker may still name them."""
    for embedder in Embedder.objects.filter(status=EmbedderStatus.RETIRED).exclude(name=env.embedder):
        if embedder.vectors.exists():
            try:
                _purge(embedder)
            except OperationalError:
                logger.info("The index of %s is in use; it is dropped later", embedder)


def _purge(embedder: Embedder) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        cursor.execute(f"DROP INDEX IF EXISTS {index.vector_index_name(embedder)}")
        embedder.vectors.all().delete()
