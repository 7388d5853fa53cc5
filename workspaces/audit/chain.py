"""Entries sealed one to the other: each has the hash of the one before in its own, so that none can be changed unseen.

Entries are written by many transactions at once and commit in any order; they get their place in the chain afterwards,
by one sealer at a time. An entry's hash is the SHA-256 of its facts as JSON with sorted keys. Whoever can write to the
database can still cut the chain's end off, or seal a forged one anew from some place on: the last hash, kept elsewhere
(see `outlets`, or written down), shows that too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from workspaces.audit.outlets import send_on
from workspaces.models import AuditEvent

START = "0" * 64
BATCH = 500
# Sealing follows each commit; what is older than this was left by a process that died, or was put in by hand.
SEALED_WITHIN = timedelta(minutes=10)
_LOCK = 0x6C656374_61756469  # any number that no other advisory lock has
FACTS = (
    "action workspace_id workspace_name actor_id actor via address agent token_id object_type object_id object_name "
    "details"
).split()


@dataclass
class Verified:
    """What verifying found. head: the last hash. problems: sentences, none for a whole chain."""

    count: int = 0
    head: str = START
    problems: list[str] = field(default_factory=list)


def seal() -> int:
    """Give every entry without a place its place in the chain, in the order they were made; return how many."""
    sealed: list[AuditEvent] = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        last = _sealed().order_by("-number").first()
        number, previous = (last.number or 0, last.hash) if last else (0, START)
        for event in AuditEvent.objects.filter(number=None).order_by("pk")[:BATCH]:
            number += 1
            event.number, event.previous_hash = number, previous
            event.hash = previous = digest_of(event)
            event.save(update_fields=["number", "previous_hash", "hash"])
            sealed.append(event)
        transaction.on_commit(lambda: send_on(sealed), robust=True)
    return len(sealed)


def digest_of(event: AuditEvent) -> str:
    """Return the hash that seals the entry at its place."""
    facts: dict[str, Any] = {name: getattr(event, name) for name in FACTS}
    facts |= {
        "number": event.number,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "previous_hash": event.previous_hash,
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def verify(*, head: str = "") -> Verified:
    """Return what is wrong with the chain, reading all of it.

    head: a hash that was kept elsewhere, which must be in it.
    """
    found = Verified()
    heads = {START}
    for event in _chained():
        _check(event, found)
        found.count, found.head = event.number or 0, event.hash
        if event.hash == head:
            heads.add(head)
    if head and head not in heads:
        found.problems.append(f"No entry has the hash {head}: the chain was cut off or made anew.")
    late = AuditEvent.objects.filter(number=None, at__lt=timezone.now() - SEALED_WITHIN).count()
    if late:
        found.problems.append(f"{late} entries were never sealed.")
    return found


def _check(event: AuditEvent, found: Verified) -> None:
    number = event.number or 0
    if number != found.count + 1:
        found.problems.append(f"Between {found.count} and {number}, entries are missing.")
    elif event.previous_hash != found.head:
        found.problems.append(f"Entry {number} does not follow the one before it.")
    if event.hash != digest_of(event):
        found.problems.append(f"Entry {number} was changed after it was sealed.")


def _sealed() -> QuerySet[AuditEvent]:
    return AuditEvent.objects.exclude(number=None)


def _chained() -> Iterator[AuditEvent]:
    """Yield the chain in order, in pieces, so that memory does not grow with it."""
    return _sealed().order_by("number").iterator(chunk_size=2000)
