"""Reading a document once: what every question on it begins with is read into a slot, and the state is kept on disk.

Whoever needs a document whole, a person or the background, reads it under the lease of its `Reading` row, step by step
from as far as anybody has come: so nobody reads what another is reading or has read, across pauses, deaths of workers
and restarts of the server. Only the embedded llama.cpp server works this way; others cache prefixes by themselves.

Several documents read together are not saved: which ones are asked together is seldom known before, and a file for each
choice would crowd out those of single documents. Their prefix stays in its slot until another question needs that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from time import sleep
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from analysis import progress
from analysis.answer import material
from analysis.answer.precedence import ahead, give_way
from analysis.answer.prompt import PROMPT_VERSION, DocumentText, whole_prompt
from analysis.answer.readings import load, opened, path_of, readings_of, save, under_way, usable_reading
from analysis.beat import beating
from analysis.errors import AppError
from analysis.llm import ledger, llamacpp, slots
from analysis.llm.catalogue import LLM
from analysis.llm.client import Stop, never
from analysis.llm.registry import llm_get, llms
from analysis.models import CallStatus, Document, DocumentVersion, Reading, ReadingStatus
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release, renew
from analysis.types import Account, CallPurpose, Message, Priority, Token, Usage
from config.env import env

log = logging.getLogger(__name__)

STEP_TOKENS = 512  # one request's worth: a person's question never waits for more than this
SAVE_STEPS = 4  # a reading that is killed loses at most this many steps
LOOK_SECONDS = 0.25
ANSWER_RESERVE_TOKENS = 2048  # window left for a question, its history and its answer


def reading_now(document: DocumentText, llm: LLM) -> Reading | None:
    """Return the reading that is under way, or has paused for somebody who went first; tokens_done says how far."""
    return readings_of(document, llm).filter(under_way()).first()


def kept_tokens(document: DocumentText, llm: LLM) -> int:
    """Return how many tokens of the document a question would not have to read again."""
    reading = usable_reading(document, llm) or reading_now(document, llm)
    if reading is None:
        return 0
    return reading.tokens_total if reading.status == ReadingStatus.READ else reading.tokens_done


def prompt_tokens(messages: list[Message], llm: LLM) -> list[int]:
    """Return the tokens that the server makes of the messages."""
    return llamacpp.tokenize(llm, llamacpp.template(llm, messages), special=True)


def prefix_tokens(document: DocumentText, llm: LLM) -> list[int]:
    """Return the tokens that every question on this document begins with.

    Found as what two different questions have in common, so that it holds for any chat template and any tokenizer that
    merges across the place where the question starts.
    """
    prompts = (whole_prompt([document], [], words, max_output_tokens=1) for words in ("What?", "0"))
    first, second = (prompt_tokens(prompt.messages, llm) for prompt in prompts)
    shared = next((place for place, pair in enumerate(zip(first, second, strict=False)) if pair[0] != pair[1]), 0)
    return first[:shared]


@dataclass
class Reader:
    """Reads one document into one slot.

    account: whom each stretch of reading is noted for in the ledger; None where it is part of a call that notes it.
    held: the slot is thought to hold the document already. done: tokens that it holds, of which `saved` are on disk.
    fresh, seconds: what has been read here so far, and how long that took without the waiting.
    """

    llm: LLM
    slot: int
    document: DocumentText
    tokens: list[int]
    priority: Priority
    should_stop: Stop
    on_wait: Callable[[], None] = lambda: None
    account: Account | None = None
    held: bool = False
    done: int = 0
    saved: int = 0
    fresh: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> int:
        return len(self.tokens)

    def read(self) -> Generator[Token, None, Usage]:
        """Yield how far the reading has come until the slot holds the document; return what was read here.

        The slot holds less when this is stopped or the server refuses; raises EngineUnavailable when it is away. A
        reader in the background leaves a document alone that somebody else is reading.
        """
        self._retry_failed()
        while give_way(self.llm, self.priority, self.should_stop, self.on_wait):
            rows = opened(self.document, self.llm, self.total)
            lease = claim(rows, waiting=ReadingStatus.QUEUED, working=ReadingStatus.READING)
            if lease is not None:
                yield from self._stretch(rows, lease)
            reading = rows.first()
            if reading is not None and self._settled(reading, lease):
                break
            if reading is not None and reading.status == ReadingStatus.READING:
                yield Token("prefill", done=reading.tokens_done, total=self.total)
                sleep(LOOK_SECONDS)
        return self.usage()

    def usage(self) -> Usage:
        """Return what was read here: `prompt_tokens` are in the slot, all but `cached_tokens` of them read now."""
        return Usage(prompt_tokens=self.done, cached_tokens=self.done - self.fresh, seconds=self.seconds)

    def _retry_failed(self) -> None:
        """Let what the background gave up be tried again for somebody who asks."""
        if self.priority is not Priority.AHEAD:
            failed = readings_of(self.document, self.llm).filter(status=ReadingStatus.FAILED)
            failed.update(status=ReadingStatus.QUEUED, attempts=0)

    def _settled(self, reading: Reading, lease: UUID | None) -> bool:
        """Return whether there is nothing more to do or to wait for."""
        background = self.priority is Priority.AHEAD
        if reading.status == ReadingStatus.READ:
            if lease is None and not background:
                self.done = load(self.llm, self.slot, reading)
            return background or self.done > 0
        return reading.status == ReadingStatus.FAILED or (background and reading.status == ReadingStatus.READING)

    def _stretch(self, rows: QuerySet[Reading], lease: UUID) -> Iterator[Token]:
        """Read on from what is saved until all is read, somebody goes first, or this is stopped."""
        with self._noted(), _outcome(rows, lease):
            with beating(lambda: renew(rows, lease), every_seconds=env.lease_seconds / 3) as lost:
                self.done = self.saved = load(self.llm, self.slot, rows.get())
                while self._goes_on(lost) and self._step(lost):
                    renew(rows, lease, tokens_done=self.done)
                    if self.done - self.saved >= SAVE_STEPS * STEP_TOKENS:
                        self._save(rows, lease)
                    show(rows)
                    yield Token("prefill", done=self.done, total=self.total)
                if self.done >= self.total or (self.done > self.saved and not self._ended(lost)):
                    self._save(rows, lease)
            show(rows)

    def _goes_on(self, lost: Event) -> bool:
        return self.done < self.total and not self._ended(lost) and not ahead(self.llm, self.priority).exists()

    def _save(self, rows: QuerySet[Reading], lease: UUID) -> None:
        save(rows, lease, self.llm, self.slot, self.document, done=self.done, total=self.total)
        self.saved = self.done

    def _step(self, lost: Event) -> bool:
        """Have the slot read one step more; return False when that was cut short."""
        begun = time.monotonic()
        end = self.total if self.held else min(self.done + STEP_TOKENS, self.total)
        # A step sends everything up to its end: what the slot has lost meanwhile is read again with it.
        fresh = llamacpp.prefill(self.llm, self.tokens[:end], slot=self.slot, should_stop=lambda: self._ended(lost))
        self.seconds += time.monotonic() - begun
        if fresh is None:
            return False
        self.done, self.fresh = end, self.fresh + fresh
        return True

    def _ended(self, lost: Event) -> bool:
        return lost.is_set() or self.should_stop()

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Write what is read meanwhile into the ledger, however it ends, unless a call counts it as its own."""
        fresh, seconds, status = self.fresh, self.seconds, CallStatus.FAILED
        try:
            yield
            status = CallStatus.DONE if self.done >= self.total else CallStatus.STOPPED
        finally:
            read = self.fresh - fresh
            if self.account is not None and read:
                usage = Usage(self.done, cached_tokens=self.done - read, seconds=self.seconds - seconds)
                ledger.record(self.llm, usage, self.account, status=status)


def read_ahead(version_id: int) -> None:
    """Read a version in the background and save the state, as far as another run of this has not done so already.

    Documents that do not fit, and those past LECTERN_READ_AHEAD_TOKENS, are left to be read when somebody asks.
    """
    version = DocumentVersion.objects.filter(pk=version_id, document__version_id=version_id).first()
    llm = llm_get()
    if version is None or not version.ready or not llm.slots:
        return
    document = material.with_text(version.document)
    kept = usable_reading(document, llm)
    if kept is not None and path_of(kept.file_name).exists():
        return
    tokens = prefix_tokens(document, llm)
    if len(tokens) > min(env.read_ahead_tokens, llm.window_tokens - ANSWER_RESERVE_TOKENS):
        # One that a person began and stopped would be sent here again and again.
        readings_of(document, llm).filter(status=ReadingStatus.QUEUED).update(status=ReadingStatus.FAILED)
        return
    if opened(document, llm, len(tokens)).filter(status__in=[ReadingStatus.QUEUED, ReadingStatus.READING]).exists():
        _read_ahead(llm, document, tokens, _account(version.document))


def _read_ahead(llm: LLM, document: DocumentText, tokens: list[int], account: Account) -> None:
    with slots.slot_for(llm, "", priority=Priority.AHEAD, should_stop=never) as slot:
        if slot is None:
            return
        reader = Reader(llm, slot.number, document, tokens, Priority.AHEAD, never, account=account)
        try:
            for _ in reader.read():
                pass
        except AppError as error:
            log.info("Reading %s ahead is put off: %s", document.document_id, error)
            return
        llamacpp.erase_slot(llm, slot.number)


def _account(document: Document) -> Account:
    return Account(CallPurpose.READING, workspace_id=document.workspace_id, document_id=str(document.pk))


def requeue_expired() -> None:
    """Send readings whose worker died, and those that wait, to a worker."""
    from analysis.tasks import read_version

    abandoned = Q(status=ReadingStatus.READING, lease_expires_at__lt=timezone.now())
    # Those of a model that is not the default now, or of an earlier prompt, nobody reads on.
    current = Reading.objects.filter(llm__in=[llm.id for llm in llms()[:1]], prompt_version=PROMPT_VERSION)
    for reading in current.filter(abandoned | Q(status=ReadingStatus.QUEUED)):
        if progress.connection().set(f"lectern:requeued:reading:{reading.pk}", 1, nx=True, ex=120):
            read_version.delay(reading.version_id)


@contextmanager
def _outcome(rows: QuerySet[Reading], lease: UUID) -> Iterator[None]:
    """Give the lease back however a stretch of reading ends: queued while that may help, else failed.

    Raises what is transient, EngineUnavailable above all, for the caller to try again.
    """
    try:
        yield
        # Still ours unless all was read: somebody goes first, or it was stopped.
        rows.filter(lease_token=lease).update(
            status=ReadingStatus.QUEUED, lease_token=None, lease_expires_at=None, attempts=0
        )
    except LeaseLost:
        log.info("A reading was taken over or deleted")
    except Exception as error:
        transient = isinstance(error, AppError) and error.transient
        again = transient and rows.filter(attempts__lt=MAX_ATTEMPTS).exists()
        if not transient:
            log.exception("A reading failed")
        with _if_ours():
            release(rows, lease, status=ReadingStatus.QUEUED if again else ReadingStatus.FAILED)
        if transient:
            raise
    except BaseException:
        with _if_ours():
            release(rows, lease, status=ReadingStatus.QUEUED)
        raise


@contextmanager
def _if_ours() -> Iterator[None]:
    try:
        yield
    except LeaseLost:
        log.info("A reading was taken over or deleted")


def show(rows: QuerySet[Reading]) -> None:
    """Have the workspace's pages draw the document's row again."""
    for workspace_id, document_id in rows.values_list("version__document__workspace_id", "version__document_id"):
        progress.announce_document(workspace_id, document_id)
