"""Reading a document once: its prompt prefix is read in the background and the model's state is kept on disk.

A question then starts from the saved state, whatever was asked in between, and after a restart of the server too.
Only the embedded llama.cpp server works this way; other endpoints cache prefixes by themselves.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from analysis import progress
from analysis.answer import material
from analysis.answer.prompt import PROMPT_VERSION, DocumentText, prefix_key, whole_prompt
from analysis.beat import beating
from analysis.errors import AppError, EngineUnavailable
from analysis.llm import llamacpp, slots
from analysis.llm.catalogue import LLM, llm_get
from analysis.models import Answer, AnswerStatus, DocumentVersion, Reading, ReadingStatus
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release, renew
from config.env import env
from local.home import room

log = logging.getLogger(__name__)

STEP_TOKENS = 512  # one request's worth: a person's question never waits for more than this
LOOK_SECONDS = 0.5
ANSWER_RESERVE_TOKENS = 2048  # window left for a question, its history and its answer


def reading_file(document: DocumentText, llm: LLM) -> str:
    """Return the name of the file that holds the LLM's state after it has read this document."""
    safe = "".join(letter if letter.isalnum() else "-" for letter in llm.id)[-60:]
    return f"{prefix_key([document])}-{safe}.kv"


def usable_reading(document: DocumentText, llm: LLM) -> Reading | None:
    """Return the saved reading of this document as the prompt is built now, if there is one."""
    rows = Reading.objects.filter(version_id=document.version_id, llm=llm.id, prompt_version=PROMPT_VERSION)
    return rows.filter(status=ReadingStatus.READ, file_name=reading_file(document, llm)).first()


def prefix_tokens(document: DocumentText, llm: LLM) -> list[int]:
    """Return the tokens that every question on this document begins with.

    Found as what two different questions have in common, so that it holds for any chat template and any tokenizer that
    merges across the place where the question starts.
    """
    first, second = (
        llamacpp.tokenize(
            llm, llamacpp.template(llm, whole_prompt([document], [], words, max_output_tokens=1).messages), special=True
        )
        for words in ("What?", "0")
    )
    shared = next((place for place, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), 0)
    return first[:shared]


def load(llm: LLM, slot: int, reading: Reading) -> bool:
    """Put the saved state into the slot; return whether that worked. A file that cannot be used is forgotten."""
    try:
        llamacpp.restore_slot(llm, slot, reading.file_name)
    except EngineUnavailable:
        raise
    except AppError:
        log.warning("The saved reading %s cannot be used and is read again", reading.file_name)
        forget(Reading.objects.filter(pk=reading.pk))
        return False
    Reading.objects.filter(pk=reading.pk).update(last_used_at=timezone.now())
    return True


def keep(llm: LLM, slot: int, reads: list[DocumentText]) -> None:
    """Save what the slot has just read for a person, unless it is saved already."""
    if len(reads) != 1 or usable_reading(reads[0], llm) is not None:
        return
    reading, _ = Reading.objects.get_or_create(
        version_id=reads[0].version_id, llm=llm.id, prompt_version=PROMPT_VERSION
    )
    # A background reading of the same document finds its row finished when it renews its lease, and stops.
    _save(Reading.objects.filter(pk=reading.pk), llm, slot, reads[0], len(prefix_tokens(reads[0], llm)))


def forget(readings: QuerySet[Reading]) -> None:
    """Delete readings with their files."""
    for reading in readings:
        if reading.file_name:
            _path(reading.file_name).unlink(missing_ok=True)
    readings.delete()


def read_ahead(version_id: int) -> None:
    """Read a version in the background and save the state, as far as another run of this has not done so already.

    Documents that do not fit, and those past LECTERN_READ_AHEAD_TOKENS, are left to be read when somebody asks.
    """
    version = DocumentVersion.objects.filter(pk=version_id, document__version_id=version_id).first()
    llm = llm_get()
    if version is None or not version.ready or not llm.slots:
        return
    document = material.with_text(version.document)
    tokens = prefix_tokens(document, llm)
    if len(tokens) > min(env.read_ahead_tokens, llm.window_tokens - ANSWER_RESERVE_TOKENS):
        return
    rows = _rows(document, llm, len(tokens))
    token = claim(rows, waiting=ReadingStatus.QUEUED, working=ReadingStatus.READING)
    if token is not None:
        with _outcome(rows, token):
            _read(rows, token, llm, document, tokens)


def requeue_expired() -> None:
    """Send readings whose worker died, and those that wait, to a worker."""
    from analysis.tasks import read_version

    abandoned = Q(status=ReadingStatus.READING, lease_expires_at__lt=timezone.now())
    for reading in Reading.objects.filter(abandoned | Q(status=ReadingStatus.QUEUED)):
        if progress.connection().set(f"lectern:requeued:reading:{reading.pk}", 1, nx=True, ex=120):
            read_version.delay(reading.version_id)


def _rows(document: DocumentText, llm: LLM, total: int) -> QuerySet[Reading]:
    """Return the reading's row as a queryset; one made for another prompt, or without its file, is queued again."""
    reading, _ = Reading.objects.get_or_create(
        version_id=document.version_id, llm=llm.id, prompt_version=PROMPT_VERSION, defaults={"tokens_total": total}
    )
    rows = Reading.objects.filter(pk=reading.pk)
    file_name = reading_file(document, llm)
    if reading.status == ReadingStatus.READ and not (reading.file_name == file_name and _path(file_name).exists()):
        rows.update(status=ReadingStatus.QUEUED, tokens_done=0, attempts=0, file_name="")
    rows.update(tokens_total=total)
    return rows


@contextmanager
def _outcome(rows: QuerySet[Reading], token: UUID) -> Iterator[None]:
    """Write down how a reading ended that did not end well: queued again, or failed after several attempts."""
    try:
        yield
    except LeaseLost:
        log.info("A reading was finished elsewhere")
    except Exception as error:
        transient = isinstance(error, AppError) and error.transient
        again = transient and rows.filter(attempts__lt=MAX_ATTEMPTS).exists()
        if not transient:
            log.exception("A background reading failed")
        release(rows, token, status=ReadingStatus.QUEUED if again else ReadingStatus.FAILED)


def _read(rows: QuerySet[Reading], token: UUID, llm: LLM, document: DocumentText, tokens: list[int]) -> None:
    """Have the background slot read the tokens step by step, giving way to people, and save the state."""
    with (
        beating(lambda: renew(rows, token), every_seconds=env.lease_seconds / 3) as lost,
        slots.slot_for(llm, "", among=[slots.background_slot(llm)], should_stop=lost.is_set) as slot,
    ):
        done = rows.get().tokens_done
        while slot is not None and done < len(tokens):
            _give_way(llm)
            done = min(done + STEP_TOKENS, len(tokens))
            # A step sends everything up to its end: after a restart of the server it is read from the beginning again.
            llamacpp.prefill(llm, tokens[:done], slot=slot.number)
            renew(rows, token, tokens_done=done)
            _show(rows)
        if slot is not None:
            _save(rows.filter(lease_token=token), llm, slot.number, document, len(tokens))
            llamacpp.erase_slot(llm, slot.number)
            _show(rows)


def _give_way(llm: LLM) -> None:
    """Return once no person's question is waiting for this model or being answered by it."""
    busy = Answer.objects.filter(status__in=[AnswerStatus.QUEUED, AnswerStatus.RUNNING], llm=llm.id)
    while busy.exists():
        time.sleep(LOOK_SECONDS)


def _save(rows: QuerySet[Reading], llm: LLM, slot: int, document: DocumentText, total: int) -> None:
    file_name = reading_file(document, llm)
    _, size_bytes = llamacpp.save_slot(llm, slot, file_name)
    kept = rows.update(
        status=ReadingStatus.READ,
        tokens_done=total,
        tokens_total=total,
        file_name=file_name,
        size_bytes=size_bytes,
        last_used_at=timezone.now(),
        lease_token=None,
        lease_expires_at=None,
    )
    if not kept:
        raise LeaseLost("Another worker has taken this over.")
    _evict(document.version_id)


def _evict(newest_version_id: int) -> None:
    """Delete the least recently used readings until the rest is within LECTERN_SLOTS_MAX_MIB; the newest one stays."""
    saved = Reading.objects.filter(status=ReadingStatus.READ)
    excess = (saved.aggregate(bytes=Sum("size_bytes"))["bytes"] or 0) - env.slots_max_bytes
    for reading in saved.exclude(version_id=newest_version_id).order_by(F("last_used_at").asc(nulls_first=True)):
        if excess <= 0:
            return
        excess -= reading.size_bytes
        forget(Reading.objects.filter(pk=reading.pk))


def _show(rows: QuerySet[Reading]) -> None:
    reading = rows.select_related("version__document").get()
    document = reading.version.document
    stream = progress.workspace_stream(document.workspace_id)
    progress.emit(stream, "document", {"id": str(document.pk)}, keep=1000)


def _path(file_name: str) -> Path:
    return room("slots") / file_name
