"""How the work stands: what waits, what is in hand, what a dead worker has left, how much room is taken."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet, Sum
from django.utils import timezone

from analysis.models import (
    Answer,
    AnswerStatus,
    ClauseReview,
    DocumentVersion,
    IngestStatus,
    Reading,
    ReadingStatus,
    ReviewStatus,
    Snapshot,
)
from analysis.progress import connection as broker
from config.heartbeat import QUEUES

BROKER_PREFIX = "lectern:celery:"  # as CELERY_BROKER_TRANSPORT_OPTIONS has it
LAST_BACKUP = "lectern:backup:last"


@dataclass(frozen=True)
class Work:
    """A kind of row that workers claim. since: the field that says since when a row waits, "" for none."""

    kind: str
    rows: QuerySet[Any]
    waiting: str
    working: str
    since: str

    @property
    def expired(self) -> Q:
        """The rows whose worker has stopped renewing its lease."""
        return Q(status=self.working, lease_expires_at__lt=timezone.now())


def work() -> list[Work]:
    """Return all that workers claim, documents that are ready left out.

    The files of a repository are claimed with their snapshot.
    """
    versions = DocumentVersion.objects.exclude(status=IngestStatus.READY).filter(document__repository=None)
    return [
        Work("document", versions, IngestStatus.QUEUED, IngestStatus.INGESTING, "created_at"),
        Work("snapshot", Snapshot.objects.all(), IngestStatus.QUEUED, IngestStatus.INGESTING, "created_at"),
        Work("answer", Answer.objects.all(), AnswerStatus.QUEUED, AnswerStatus.RUNNING, "created_at"),
        Work("review", ClauseReview.objects.all(), ReviewStatus.QUEUED, ReviewStatus.RUNNING, "asked_at"),
        Work("reading", Reading.objects.all(), ReadingStatus.QUEUED, ReadingStatus.READING, ""),
    ]


def storage() -> dict[str, int]:
    """Return the bytes of the database, of originals and of what language models have read, saved."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        (database,) = cursor.fetchone()
    originals = DocumentVersion.objects.exclude(file="").aggregate(size=Sum("size_bytes", default=0))["size"]
    archives = Snapshot.objects.exclude(file="").aggregate(size=Sum("size_bytes", default=0))["size"]
    readings = Reading.objects.aggregate(size=Sum("size_bytes", default=0))["size"]
    return {"database": database, "originals": originals, "archives": archives, "readings": readings}


def disk_free() -> int:
    """Return the bytes left where the files are."""
    return shutil.disk_usage(settings.MEDIA_ROOT).free


def queue_lengths() -> dict[str, int]:
    """Return how many messages wait in each queue; raises redis.RedisError."""
    pipe = broker().pipeline(transaction=False)
    for queue in QUEUES:
        pipe.llen(f"{BROKER_PREFIX}{queue}")
    return dict(zip(QUEUES, pipe.execute(), strict=True))


def messages_in_hand() -> int:
    """Return how many messages a worker has taken and not finished; raises redis.RedisError."""
    return int(broker().hlen(f"{BROKER_PREFIX}unacked"))


def note_backup() -> None:
    """Write down that a backup has just ended."""
    broker().set(LAST_BACKUP, f"{time.time():.0f}")


def last_backup() -> datetime | None:
    """Return when the last backup ended, None if none is known of."""
    noted: Any = broker().get(LAST_BACKUP)
    return datetime.fromtimestamp(float(noted), UTC) if noted else None


def engine_versions() -> list[tuple[str, str]]:
    """Return the versions of the database, its vectors and the broker, as far as they answer."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'"
        )
        database, vectors = cursor.fetchone()
    found = [("PostgreSQL", database.split()[0]), ("pgvector", vectors)]
    try:
        server: Any = broker().info("server")
    except redis.RedisError:
        return found
    name = "Valkey" if "valkey_version" in server else "Redis"
    return [*found, (name, str(server.get("valkey_version") or server["redis_version"]))]
