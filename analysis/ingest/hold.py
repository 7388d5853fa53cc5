"""One worker's hold on what is being read in: its progress, its seconds, writes that check the lease, and its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

import redis
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from analysis.errors import AppError, UserError
from analysis.models import DocumentVersion, IngestStatus, Snapshot
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, expired, release, renew

logger = logging.getLogger(__name__)

REPORT_SECONDS = 0.25
# A queued row that nobody takes was lost by the broker, or waits behind others: then a second message does no harm.
LOST_AFTER = timedelta(seconds=60)
SENT_AGAIN_AFTER = timedelta(minutes=10)

Row = TypeVar("Row", DocumentVersion, Snapshot)


@dataclass
class Hold(Generic[Row]):
    """One worker's hold on one row. Every write goes through `report` or `writing`, which check the lease.

    follow_up: start what waits for it. lost: set when the lease could not be kept while the worker waited for somebody
    else. too_long, our_fault: what people are told.
    """

    row: Row
    token: UUID
    follow_up: bool = True
    seconds: dict[str, float] = field(default_factory=dict)
    lost: Event = field(default_factory=Event)
    _reported_at: float = 0.0

    too_long: ClassVar[str]
    our_fault: ClassVar[str]

    @property
    def rows(self) -> Any:
        return type(self.row)._default_manager.filter(pk=self.row.pk)

    def tell(self) -> None:
        """Tell the live pages that the row has moved on."""
        raise NotImplementedError

    def task(self) -> Task:
        """Return what sends the row to a worker."""
        raise NotImplementedError

    def failed(self) -> None:
        """Write what follows on a failure, in its transaction."""
        raise NotImplementedError

    def after_failure(self) -> None:
        """Do what waits for the row to be settled."""
        raise NotImplementedError

    def renew(self, **changes: Any) -> None:
        """Move the lease on and write `changes`; raises LeaseLost when the row is another's, or deleted."""
        renew(self.rows, self.token, **changes)

    def report(self, stage: str, done: int, total: int) -> None:
        """Write how far the stage is and tell the live pages; at most four times a second within a stage."""
        now = time.monotonic()
        if stage == self.row.stage and done < total and now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at, self.row.stage = now, stage
        self.renew(stage=stage, stage_done=done, stage_total=total)
        self.tell()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction that holds the row, so that no other worker can take it before the commit."""
        with transaction.atomic():
            self.renew()
            yield

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what the block takes to the stage's seconds."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0) + time.perf_counter() - started, 3)

    def settle(self, error: Exception) -> None:
        """Write what the error means for the row; a lease lost meanwhile means that it is no longer ours to say."""
        try:
            if isinstance(error, UserError):
                self._fail(error.code, error.message)
            elif isinstance(error, SoftTimeLimitExceeded):
                self._fail("too_long", self.too_long)
            elif _transient(error) and self.row.attempts < MAX_ATTEMPTS:
                self._try_later(error)
            else:
                self._fail("internal", self.our_fault)
                logger.error("%s %s failed", type(self.row).__name__, self.row.pk, exc_info=error)
        except LeaseLost:
            logger.info("%s %s was taken over or deleted while it failed", type(self.row).__name__, self.row.pk)

    def _fail(self, code: str, message: str) -> None:
        seconds = self.row.seconds | self.seconds
        failed = {"status": IngestStatus.FAILED, "error_code": code, "error_message": message}
        with transaction.atomic():
            release(self.rows, self.token, **failed, seconds=seconds)
            self.failed()
        self.tell()
        quietly(self.after_failure)

    def _try_later(self, error: Exception) -> None:
        wait_seconds = 5 * 2**self.row.attempts
        logger.warning("%s %s is tried again in %s s: %s", type(self.row).__name__, self.row.pk, wait_seconds, error)
        release(self.rows, self.token, status=IngestStatus.QUEUED)
        expected_by = timezone.now() + timedelta(seconds=wait_seconds) + LOST_AFTER
        self.rows.filter(status=IngestStatus.QUEUED).update(lease_expires_at=expected_by)
        quietly(partial(self.task().apply_async, [self.row.pk], countdown=wait_seconds))
        self.tell()


def requeue(rows: QuerySet[Row], send: Callable[[int], object], *, takeable: Q | None = None) -> None:
    """Send to a worker again those whose worker died, and those queued whose message may have been lost.

    takeable: of those that are queued, the ones that a worker would take.
    """
    now = timezone.now()
    for row in expired(rows, working=IngestStatus.INGESTING):
        _send_again(rows, row, send, now + LOST_AFTER)
    # While queued, lease_expires_at says when a worker should have taken the row.
    overdue = Q(lease_expires_at=None, created_at__lt=now - LOST_AFTER) | Q(lease_expires_at__lt=now)
    for row in rows.filter(overdue & (takeable or Q()), status=IngestStatus.QUEUED):
        _send_again(rows, row, send, now + SENT_AGAIN_AFTER)


def _send_again(rows: QuerySet[Row], row: Row, send: Callable[[int], object], expected_by: Any) -> None:
    # The former deadline is in the filter: of two beats, and of a beat and a worker, one gets the row.
    deadline = {"lease_token": row.lease_token, "lease_expires_at": row.lease_expires_at}
    unchanged = rows.filter(pk=row.pk, status=row.status, **deadline)
    if unchanged.update(status=IngestStatus.QUEUED, lease_token=None, lease_expires_at=expected_by):
        send(row.pk)


def uploads_wait() -> bool:
    """Return whether something is waiting to be read in, to which work in the background gives way."""
    return any(rows.objects.filter(status=IngestStatus.QUEUED).exists() for rows in (DocumentVersion, Snapshot))


def quietly(action: Callable[[], object]) -> None:
    """Run what follows on something's being read in: its failure is logged, and what was read stays ready."""
    try:
        action()
    except Exception:
        logger.exception("What follows on reading in has failed")


def _transient(error: Exception) -> bool:
    if isinstance(error, AppError):
        return error.transient
    return isinstance(error, OperationalError | InterfaceError | redis.ConnectionError | redis.TimeoutError)
