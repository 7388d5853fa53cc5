"""Leases: how one worker at a time works on a row, and how work survives the worker's death.

A claim is one conditional UPDATE that writes a fresh token and a deadline. Whoever holds the token renews it while
working and writes results only if the token still stands (a fence), so a worker that was given up for dead cannot
overwrite its successor. `tasks.requeue_expired` sends rows whose deadline has passed to a worker again.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, TypeVar

from django.db import models
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from analysis.errors import AppError
from config.env import env

MAX_ATTEMPTS = 4


class LeaseLost(AppError):
    """Another worker has taken the row over; this one must stop without writing."""

    code = "lease_lost"


class Leased(models.Model):
    """A row that workers claim. Subclasses have a `status` field."""

    lease_token = models.UUIDField(null=True, editable=False)
    lease_expires_at = models.DateTimeField(null=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True


Row = TypeVar("Row", bound=Leased)


def claim(rows: QuerySet[Row], *, waiting: str, working: str) -> uuid.UUID | None:
    """Take the one row of `rows` that is `waiting`, or `working` under an expired lease; return the lease token.

    Returns None when there is nothing to take: it is done, or a living worker holds it.
    """
    token = uuid.uuid4()
    now = timezone.now()
    taken = rows.filter(Q(status=waiting) | Q(status=working, lease_expires_at__lt=now)).update(
        status=working,
        lease_token=token,
        lease_expires_at=now + timedelta(seconds=env.lease_seconds),
        attempts=F("attempts") + 1,
    )
    return token if taken else None


def renew(rows: QuerySet[Row], token: uuid.UUID, **changes: Any) -> None:
    """Move the deadline on and write `changes` with it; raises LeaseLost if the lease is no longer ours."""
    deadline = timezone.now() + timedelta(seconds=env.lease_seconds)
    if not rows.filter(lease_token=token).update(lease_expires_at=deadline, **changes):
        raise LeaseLost("Another worker has taken this over.")


def release(rows: QuerySet[Row], token: uuid.UUID, **changes: Any) -> None:
    """Give the lease back and write `changes` with it; raises LeaseLost if it is no longer ours."""
    if not rows.filter(lease_token=token).update(lease_token=None, lease_expires_at=None, **changes):
        raise LeaseLost("Another worker has taken this over.")


def expired(rows: QuerySet[Row], *, working: str) -> QuerySet[Row]:
    """Return the rows whose worker has stopped renewing."""
    return rows.filter(status=working, lease_expires_at__lt=timezone.now())
