"""The ingest recipe: one version under a lease, through parse, understand, chunk, embed and index, to ready or failed.

A worker may die anywhere. What it has written stands under natural keys, and the next worker goes on from there: the
text is not parsed again, and chunks that have their vector are not embedded again. A version's chunks are searched only
once it is ready, so half of them is never seen.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePath
from tempfile import NamedTemporaryFile
from threading import Event
from typing import Any
from uuid import UUID

import redis
from billiard.exceptions import SoftTimeLimitExceeded
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from analysis import progress
from analysis.beat import beating
from analysis.egress import sending_for
from analysis.errors import AppError, UserError
from analysis.ingest import index
from analysis.ingest.chunk import chunk
from analysis.ingest.embed import Encoder, embed_passages, passage_tokenizer
from analysis.ingest.embedders import reading_in
from analysis.ingest.parse import PARSER_VERSION
from analysis.ingest.understand import UNDERSTANDING_VERSION, understand
from analysis.models import Document, DocumentVersion, Embedder, EmbedderStatus, Heading, IngestStatus, Page
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, expired, release, renew
from analysis.types import ChunkSpan, ParsedDocument, ParsedHeading
from config.env import env

logger = logging.getLogger(__name__)

EMBED_BATCH_CHUNKS = 64
REPORT_SECONDS = 0.25
# A queued version that nobody takes was lost by the broker, or waits behind others: then a second message does no harm.
LOST_AFTER = timedelta(seconds=60)
SENT_AGAIN_AFTER = timedelta(minutes=10)
OUR_FAULT = "Something went wrong on our side while reading this document. The file is kept; you can try again."
GAVE_UP = (
    "Reading this document has failed several times, most likely because it needs more memory or time than there is. "
    "The file is kept; you can try again."
)
TOO_LONG = "Reading this document took longer than two hours and was stopped. The file is kept; you can try again."


class EmbedderChanged(AppError):
    """Search uses another embedder by now: the version is embedded again."""

    code = "embedder_changed"
    transient = True


@dataclass
class Run:
    """One worker's hold on one version. Every write goes through `report` or `writing`, which check the lease.

    lost: set when the lease could not be kept while the worker waited for somebody else.
    """

    version: DocumentVersion
    token: UUID
    follow_up: bool = True
    parsed: ParsedDocument | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    lost: Event = field(default_factory=Event)
    _reported_at: float = 0.0

    @property
    def rows(self) -> Any:
        return DocumentVersion.objects.filter(pk=self.version.pk)

    def renew(self, **changes: Any) -> None:
        """Move the lease on and write `changes`; raises LeaseLost when the version is another's, or deleted."""
        renew(self.rows, self.token, **changes)

    def report(self, stage: str, done: int, total: int) -> None:
        """Write how far the stage is and tell the live list; at most four times a second within a stage."""
        now = time.monotonic()
        if stage == self.version.stage and done < total and now - self._reported_at < REPORT_SECONDS:
            return
        self._reported_at, self.version.stage = now, stage
        self.renew(stage=stage, stage_done=done, stage_total=total)
        announce(self.version.document)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Open a transaction that holds the version's row, so that no other worker can take it before the commit."""
        with transaction.atomic():
            self.renew()
            yield

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what the block takes to the stage's seconds."""
        started = time.perf_counter()
        yield
        self.seconds[stage] = round(self.seconds.get(stage, 0) + time.perf_counter() - started, 3)


def ingest(version_id: int, *, follow_up: bool = True, parsed: ParsedDocument | None = None) -> None:
    """Read the version in unless it is done, gone, or in the hands of a living worker.

    follow_up: start what waits for the document, draw its pages, and have it read ahead. parsed: its file as
    `sandbox.parse_each` has read it already, together with others.
    """
    rows = DocumentVersion.objects.filter(pk=version_id)
    token = claim(rows, waiting=IngestStatus.QUEUED, working=IngestStatus.INGESTING)
    version = rows.select_related("document").first()
    if token is None or version is None:
        return
    run = Run(version, token, follow_up, parsed)
    version.stage = ""
    try:
        with (
            sending_for(version.document.workspace_id),
            beating(run.renew, every_seconds=env.lease_seconds / 3) as run.lost,
        ):
            _read_in(run)
    except LeaseLost:
        logger.info("Version %s was taken over or deleted; this worker stops", version_id)
    except Exception as error:
        _settle(run, error)


def requeue_expired() -> None:
    """Send to a worker again the versions whose worker died, and those queued whose message may have been lost."""
    now = timezone.now()
    for version in expired(DocumentVersion.objects.all(), working=IngestStatus.INGESTING):
        _send_again(version, expected_by=now + LOST_AFTER)
    # While queued, lease_expires_at says when a worker should have taken the version.
    overdue = Q(lease_expires_at=None, created_at__lt=now - LOST_AFTER) | Q(lease_expires_at__lt=now)
    for version in DocumentVersion.objects.filter(overdue, status=IngestStatus.QUEUED):
        _send_again(version, expected_by=now + SENT_AGAIN_AFTER)


def announce(document: Document) -> None:
    """Tell the workspace's live list that the document has moved on; a broker that is away costs only liveness."""
    try:
        progress.announce_document(document.workspace_id, document.pk)
    except redis.RedisError:
        logger.warning("No broker to tell that document %s has changed", document.pk)


def _read_in(run: Run) -> None:
    if run.version.attempts > MAX_ATTEMPTS:
        raise UserError(GAVE_UP, code="gave_up")
    text = _parsed_text(run)
    _understand(run, text)
    with run.timed("load"):
        embedder, encoder = reading_in()
    with run.timed("chunk"):
        run.report("chunk", 0, 1)
        tables = [row.parsed for row in run.version.tables.order_by("ordinal")]
        spans = chunk(text, stored_headings(run.version), passage_tokenizer(), tables)
        run.report("chunk", 1, 1)
    _embed_and_index(run, text, spans, embedder, encoder)
    _finish(run, text, embedder)


def _parsed_text(run: Run) -> str:
    """Return the canonical text, parsed now unless this parser has read this file before."""
    version = run.version
    text = version.read_text()
    if text and version.parser_version == PARSER_VERSION:
        return text
    with run.timed("parse"):
        run.report("parse", 0, 0)
        parsed = _parse(run)
    with run.timed("store"), run.writing():
        index.write_parsed(version, parsed)
        run.renew(**_facts(parsed))
    return parsed.text


def _parse(run: Run) -> ParsedDocument:
    from analysis.ingest import recordings, sandbox, vision

    version = run.version
    if run.parsed:
        return run.parsed
    with local_file(version.file) as path:
        if recordings.is_recording(path):
            return recordings.heard(run, path)
        transcripts = vision.page_transcripts(run, path)
        return sandbox.parse(
            path,
            name=version.document.name,
            password=version.password,
            transcripts=transcripts,
            on_progress=run.report,
        )


@contextmanager
def local_file(file: FieldFile) -> Iterator[Path]:
    """Yield an original as a file on this host, fetched when storage is elsewhere."""
    try:
        path = Path(file.path)
    except NotImplementedError:
        with NamedTemporaryFile(suffix=PurePath(str(file.name)).suffix) as copy:
            for piece in file.chunks():
                copy.write(piece)
            copy.flush()
            yield Path(copy.name)
    else:
        yield path


def _facts(parsed: ParsedDocument) -> dict[str, Any]:
    return {
        "kind": parsed.kind,
        "metadata": parsed.metadata,
        "warnings": [vars(warning) for warning in parsed.warnings],
        "page_count": len(parsed.pages),
        "characters": len(parsed.text),
        "parser_version": PARSER_VERSION,
        "understanding_version": 0,
    }


def _understand(run: Run, text: str) -> None:
    """Find out what the text says about itself, unless this code has found it out before."""
    if run.rows.filter(understanding_version=UNDERSTANDING_VERSION).exists():
        return
    with run.timed("understand"):
        run.report("understand", 0, 0)
        facts = understand(text, stored_headings(run.version))
        with run.writing():
            index.write_understanding(run.version, facts)


def stored_headings(version: DocumentVersion) -> list[ParsedHeading]:
    """Return the version's headings in order."""
    rows = Heading.objects.filter(version=version).order_by("ordinal")
    columns = ("level", "label", "title", "start_char", "end_char", "section_end_char")
    return [ParsedHeading(**row) for row in rows.values(*columns)]


def _embed_and_index(run: Run, text: str, spans: Sequence[ChunkSpan], embedder: Embedder, encoder: Encoder) -> None:
    """Give each chunk its row, batch by batch, so that memory does not grow with the document."""
    version = run.version
    with run.writing():
        todo = index.missing_chunks(version, embedder, spans)
    page_starts = list(Page.objects.filter(version=version).order_by("number").values_list("start_char", flat=True))
    run.report("embed", len(spans) - len(todo), len(spans))
    for at in range(0, len(todo), EMBED_BATCH_CHUNKS):
        batch = todo[at : at + EMBED_BATCH_CHUNKS]
        with run.timed("embed"):
            pieces = [index.embedded_text(span.heading_path, text[span.start_char : span.end_char]) for span in batch]
            vectors = embed_passages(pieces, encoder)
        with run.timed("index"), run.writing():
            index.write_chunks(version, embedder, batch, vectors, text=text, page_starts=page_starts)
        run.report("embed", len(spans) - len(todo) + at + len(batch), len(spans))
    # After the chunks, whose sentences it keeps with them.
    with run.timed("index"), run.writing():
        version.refresh_from_db(fields=["language", "identity"])
        index.write_postings(version, text, spans)


def _finish(run: Run, text: str, embedder: Embedder) -> None:
    run.report("index", 0, 1)
    with run.timed("tokens"):
        tokens, exact = tokens_of(run.version, text)
    metadata = run.rows.values_list("metadata", flat=True).get() | {"tokens_exact": exact}
    with transaction.atomic():
        check_embedder(embedder)
        release(
            run.rows,
            run.token,
            status=IngestStatus.READY,
            stage="",
            stage_done=0,
            stage_total=0,
            tokens=tokens,
            metadata=metadata,
            seconds=run.version.seconds | run.seconds,
            ready_at=timezone.now(),
        )
        if run.follow_up:
            transaction.on_commit(partial(_after_ready, run.version))


def check_embedder(embedder: Embedder) -> None:
    """Raise EmbedderChanged if another embedder has taken over since the version was embedded.

    Holds the embedder's row until the version is ready, so that none takes over in between.
    """
    row = Embedder.objects.select_for_update(no_key=True).get(pk=embedder.pk)
    if row.status == EmbedderStatus.RETIRED:
        raise EmbedderChanged(f"{embedder} was replaced while a document was read in with it.")


def tokens_of(version: DocumentVersion, text: str) -> tuple[int, bool]:
    """Return the text's tokens for the default LLM, and whether its own tokenizer counted them."""
    from analysis.llm.registry import llm_get
    from analysis.llm.tokens import count_version, estimate

    try:
        counted = count_version(version.pk, text, llm_get(workspace_id=version.document.workspace_id))
    except UserError:  # no language model is set up yet: search works without one
        return estimate(text), False
    return counted.tokens, counted.exact


def _after_ready(version: DocumentVersion) -> None:
    from analysis.tasks import read_version, render_pages

    announce(version.document)
    quietly(partial(_release_waiting, version))
    for task in (read_version, render_pages):
        quietly(partial(task.delay, version.pk))


def _release_waiting(version: DocumentVersion) -> None:
    from analysis.answer.ask import release_waiting

    release_waiting(Document.objects.get(pk=version.document_id))


def quietly(action: Callable[[], object]) -> None:
    """Run what follows on something's being read in: its failure is logged, and what was read stays ready."""
    try:
        action()
    except Exception:
        logger.exception("What follows on reading in has failed")


def _settle(run: Run, error: Exception) -> None:
    """Write what the error means for the version; a lease lost meanwhile means that it is no longer ours to say."""
    try:
        if isinstance(error, UserError):
            _fail(run, error.code, error.message)
        elif isinstance(error, SoftTimeLimitExceeded):
            _fail(run, "too_long", TOO_LONG)
        elif transient(error) and run.version.attempts < MAX_ATTEMPTS:
            _try_later(run, error)
        else:
            _fail(run, "internal", OUR_FAULT)
            logger.error("Version %s failed", run.version.pk, exc_info=error)
    except LeaseLost:
        logger.info("Version %s was taken over or deleted while it failed", run.version.pk)


def transient(error: Exception) -> bool:
    """Return whether trying again later may help."""
    if isinstance(error, AppError):
        return error.transient
    return isinstance(error, OperationalError | InterfaceError | redis.ConnectionError | redis.TimeoutError)


def _fail(run: Run, code: str, message: str) -> None:
    seconds = run.version.seconds | run.seconds
    release(run.rows, run.token, status=IngestStatus.FAILED, error_code=code, error_message=message, seconds=seconds)
    announce(run.version.document)
    quietly(partial(_release_waiting, run.version))


def _try_later(run: Run, error: Exception) -> None:
    from analysis.tasks import ingest_version

    wait_seconds = 5 * 2**run.version.attempts
    logger.warning("Version %s is tried again in %s s: %s", run.version.pk, wait_seconds, error)
    release(run.rows, run.token, status=IngestStatus.QUEUED)
    expected_by = timezone.now() + timedelta(seconds=wait_seconds) + LOST_AFTER
    run.rows.filter(status=IngestStatus.QUEUED).update(lease_expires_at=expected_by)
    quietly(partial(ingest_version.apply_async, [run.version.pk], countdown=wait_seconds))
    announce(run.version.document)


def _send_again(version: DocumentVersion, *, expected_by: Any) -> None:
    from analysis.tasks import ingest_version

    # The former deadline is in the filter: of two beats, and of a beat and a worker, one gets the row.
    unchanged = DocumentVersion.objects.filter(
        pk=version.pk, status=version.status, lease_token=version.lease_token, lease_expires_at=version.lease_expires_at
    )
    if unchanged.update(status=IngestStatus.QUEUED, lease_token=None, lease_expires_at=expected_by):
        ingest_version.delay(version.pk)
