"""Saved readings: the state of the bundled model after it has read a document, or a part of it, kept in a file.

A file is written under a name of its own and renamed in the transaction that tells its row of it, so a row never names
half a file, however many processes save at once. Rows are fenced by their lease.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import redis.exceptions
from django.db import transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from analysis.answer.prompt import PROMPT_VERSION, DocumentText, prefix_key
from analysis.errors import AppError, EngineUnavailable
from analysis.llm import llamacpp
from analysis.llm.catalogue import LLM
from analysis.models import Reading, ReadingStatus
from analysis.models.lease import release, renew
from analysis.progress import connection
from config.env import env
from local.home import room

log = logging.getLogger(__name__)

ORPHAN_SECONDS = 3600  # a file that no row names may be one that is being saved; after this it is not


def reading_file(document: DocumentText, llm: LLM) -> str:
    """Return the name of the file that holds the LLM's state after it has read this document."""
    safe = "".join(letter if letter.isalnum() else "-" for letter in llm.id)[-60:]
    return f"{prefix_key([document])}-{safe}.kv"


def readings_of(document: DocumentText, llm: LLM) -> QuerySet[Reading]:
    """Return the reading of this document by this LLM under the prompt as it is now: one row or none."""
    return Reading.objects.filter(version_id=document.version_id, llm=llm.id, prompt_version=PROMPT_VERSION)


def usable_reading(document: DocumentText, llm: LLM) -> Reading | None:
    """Return the saved reading of the whole document as the prompt is built now, if there is one."""
    return readings_of(document, llm).filter(status=ReadingStatus.READ, file_name=reading_file(document, llm)).first()


def under_way() -> Q:
    """Return the condition of readings that go on, or have paused for somebody who went first."""
    alive = Q(status=ReadingStatus.READING, lease_expires_at__gte=timezone.now())
    return alive | Q(status=ReadingStatus.QUEUED, tokens_done__gt=0)


def opened(document: DocumentText, llm: LLM, total: int) -> QuerySet[Reading]:
    """Return the document's row, made if missing; one whose file is of another prompt or gone is queued again."""
    reading, _ = Reading.objects.get_or_create(
        version_id=document.version_id, llm=llm.id, prompt_version=PROMPT_VERSION, defaults={"tokens_total": total}
    )
    rows = Reading.objects.filter(pk=reading.pk)
    rows.exclude(tokens_total=total).update(tokens_total=total)
    kept = reading.status == ReadingStatus.READ or reading.file_name
    if kept and not _in_use(reading) and not _fits(reading, document, llm):
        # As it was when we looked: whoever has saved since then has made it fit.
        seen = rows.filter(status=reading.status, file_name=reading.file_name, lease_token=reading.lease_token)
        if seen.update(status=ReadingStatus.QUEUED, tokens_done=0, attempts=0, file_name="", size_bytes=0):
            _unlink([reading.file_name])
    return rows


def load(llm: LLM, slot: int, reading: Reading) -> int:
    """Put the saved state into the slot; return its tokens, 0 for a file that cannot be used, which is forgotten."""
    if not reading.file_name:
        return 0
    try:
        tokens = llamacpp.restore_slot(llm, slot, reading.file_name)
    except EngineUnavailable:
        raise
    except AppError:
        log.warning("The saved reading %s cannot be used and is read again", reading.file_name)
        _unlink([reading.file_name])
        return 0
    Reading.objects.filter(pk=reading.pk).update(last_used_at=timezone.now())
    return min(tokens, reading.tokens_total)


def save(
    rows: QuerySet[Reading], lease: UUID, llm: LLM, slot: int, document: DocumentText, *, done: int, total: int
) -> None:
    """Save what the slot has read of the document; when that is all of it, the row is READ and the lease given back.

    Raises LeaseLost, and then keeps nothing.
    """
    draft, name = f"{uuid4().hex}.part", reading_file(document, llm)
    try:
        _, size_bytes = llamacpp.save_slot(llm, slot, draft)
        facts = {"tokens_done": done, "file_name": name, "size_bytes": size_bytes, "last_used_at": timezone.now()}
        with transaction.atomic():
            if done >= total:
                release(rows, lease, status=ReadingStatus.READ, tokens_total=total, **facts)
            else:
                renew(rows, lease, **facts)
            path_of(draft).rename(path_of(name))
    finally:
        path_of(draft).unlink(missing_ok=True)
    evict()


def forget(readings: QuerySet[Reading]) -> None:
    """Delete readings with their files."""
    with transaction.atomic():
        locked = list(readings.select_for_update())
        _unlink(reading.file_name for reading in locked)
        Reading.objects.filter(pk__in=[reading.pk for reading in locked]).delete()


def evict() -> None:
    """Delete the readings used longest ago until the rest is within LECTERN_SLOTS_MAX_MIB; the newest one stays.

    When another process is at it already, it will see to this one's excess too, or the next look will.
    """
    lock = connection().lock("lectern:readings:evict", timeout=30)
    if not lock.acquire(blocking=False):
        return
    try:
        _evict()
    finally:
        try:
            lock.release()
        except redis.exceptions.LockError:
            log.warning("Making room for readings took longer than its lock lasts")


def tidy() -> None:
    """Delete what is of no use: readings too old or of another prompt, files without a row, what is past the limit."""
    idle = _idle()
    oldest = timezone.now() - timedelta(days=env.slots_max_days)
    forget(idle.filter(Q(last_used_at__lt=oldest) | ~Q(prompt_version=PROMPT_VERSION)))
    named = set(Reading.objects.exclude(file_name="").values_list("file_name", flat=True))
    for file in room("slots").iterdir():
        if file.name not in named and _age_seconds(file) > ORPHAN_SECONDS:
            file.unlink(missing_ok=True)
    evict()


def path_of(file_name: str) -> Path:
    """Return where the server keeps a state of this name."""
    return room("slots") / file_name


def _fits(reading: Reading, document: DocumentText, llm: LLM) -> bool:
    return reading.file_name == reading_file(document, llm) and path_of(reading.file_name).exists()


def _in_use(reading: Reading) -> bool:
    expires_at = reading.lease_expires_at
    return reading.status == ReadingStatus.READING and expires_at is not None and expires_at >= timezone.now()


def _idle() -> QuerySet[Reading]:
    """Return the readings that nobody is working on."""
    return Reading.objects.exclude(status=ReadingStatus.READING, lease_expires_at__gte=timezone.now())


def _evict() -> None:
    kept = Reading.objects.exclude(file_name="")
    excess = (kept.aggregate(bytes=Sum("size_bytes"))["bytes"] or 0) - env.slots_max_bytes
    newest = kept.order_by(F("last_used_at").desc(nulls_last=True)).values_list("pk", flat=True).first()
    for reading in _idle().exclude(file_name="").order_by(F("last_used_at").asc(nulls_first=True)):
        if excess <= 0:
            return
        if reading.pk != newest:
            excess -= reading.size_bytes
            forget(Reading.objects.filter(pk=reading.pk))


def _unlink(file_names: Iterable[str]) -> None:
    for name in file_names:
        if name:
            path_of(name).unlink(missing_ok=True)


def _age_seconds(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0
