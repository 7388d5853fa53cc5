"""The ingest recipe: one version under a lease, through parse, understand, chunk, embed and index, to ready or failed.

A worker may die anywhere. What it has written stands under natural keys, and the next worker goes on from there: the
text is not parsed again, and chunks that have their vector are not embedded again. A version's chunks are searched only
once it is ready, so half of them is never seen.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePath
from tempfile import NamedTemporaryFile
from typing import Any

import redis
from celery import Task
from django.db import transaction
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
from analysis.ingest.hold import Hold, quietly, requeue
from analysis.ingest.parse import PARSER_VERSION
from analysis.ingest.understand import UNDERSTANDING_VERSION, understand
from analysis.models import Document, DocumentVersion, Embedder, EmbedderStatus, Heading, IngestStatus, Page
from analysis.models.lease import MAX_ATTEMPTS, LeaseLost, claim, release
from analysis.types import ChunkSpan, ParsedDocument, ParsedHeading
from config.env import env
from workspaces.hooks.events import HookEvent
from workspaces.hooks.outbox import tell

logger = logging.getLogger(__name__)

EMBED_BATCH_CHUNKS = 64
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
class Run(Hold[DocumentVersion]):
    """One worker's hold on one version."""

    too_long = TOO_LONG
    our_fault = OUR_FAULT

    @property
    def version(self) -> DocumentVersion:
        return self.row

    def tell(self) -> None:
        announce(self.version.document)

    def task(self) -> Task:
        from analysis.tasks import ingest_version

        return ingest_version

    def failed(self) -> None:
        document = self.version.document
        tell(HookEvent.DOCUMENT_FAILED, document, document.workspace_id)

    def after_failure(self) -> None:
        _release_waiting(self.version)


def ingest(version_id: int, *, follow_up: bool = True) -> None:
    """Read the version in unless it is done, gone, or in the hands of a living worker.

    follow_up: start what waits for the document, draw its pages, and have it read ahead.
    """
    rows = DocumentVersion.objects.filter(pk=version_id)
    token = claim(rows, waiting=IngestStatus.QUEUED, working=IngestStatus.INGESTING)
    version = rows.select_related("document").first()
    if token is None or version is None:
        return
    run = Run(version, token, follow_up)
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
        run.settle(error)


def requeue_expired() -> None:
    """Send to a worker again the versions that a dead worker or a lost message has left behind."""
    from analysis.tasks import ingest_version

    requeue(DocumentVersion.objects.all(), ingest_version.delay)


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
        tell(HookEvent.DOCUMENT_READY, run.version.document, run.version.document.workspace_id)
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
