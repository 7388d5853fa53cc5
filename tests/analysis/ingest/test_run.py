"""The ingest recipe against a real database and broker: what it writes, and what a death half-way leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from analysis import progress
from analysis.errors import EngineUnavailable
from analysis.ingest import hold, index, run
from analysis.ingest.parse import PARSER_VERSION
from analysis.ingest.understand import UNDERSTANDING_VERSION
from analysis.ingest.upload import document_delete, document_retry, document_upload
from analysis.models import Chunk, Document, DocumentVersion, Page, Posting, VersionText
from analysis.models.lease import MAX_ATTEMPTS
from analysis.types import Identity

pytestmark = pytest.mark.django_db(transaction=True)

CLAUSE = "The Supplier shall deliver the Goods within ten days of each Order. "
TEXT = "SUPPLY AGREEMENT\n\n" + "".join(f"{n}. Clause {n}\n\n{CLAUSE * 12}\n\n" for n in range(1, 13))


@pytest.fixture(autouse=True)
def small_batches(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(run, "EMBED_BATCH_CHUNKS", 4)


@pytest.fixture
def version(cast) -> DocumentVersion:
    return put(cast.workspace)


def put(workspace, text: str = TEXT, name: str = "supply.txt") -> DocumentVersion:
    file = ContentFile(text.encode())
    return document_upload(workspace=workspace, user=None, name=name, file=file).document.version


def queued(queue: str) -> int:
    return progress.connection().llen(f"lectern:celery:{queue}")


def facts(version: DocumentVersion) -> list[tuple[object, ...]]:
    """Return everything that ingest writes of a version but ids and vectors."""
    columns = ("ordinal", "start_char", "end_char", "page_number", "heading_path", "token_count", "text")
    rows = version.chunks.order_by("ordinal").values_list(*columns, "chunker_version", "vectors__embedder__name")
    headings = version.headings.values_list("ordinal", "level", "label", "title", "start_char", "section_end_char")
    pages = version.pages.values_list("number", "start_char", "end_char", "source")
    again = DocumentVersion.objects.get(pk=version.pk)
    counts = (again.page_count, again.characters, again.tokens)
    terms = Posting.objects.filter(version=version).order_by("term").values_list("term", "standing", "sentence_count")
    return [*rows, *headings, *pages, *terms, (again.status, again.stage, again.language, *counts)]


def test_version_becomes_ready_with_its_text_and_chunks(version):
    assert queued("ingest") == 1
    run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.stage, version.error_code) == ("ready", "", "")
    assert (version.kind, version.characters, version.lease_token) == ("text", len(TEXT), None)
    assert version.read_text() == TEXT
    chunks = list(version.chunks.order_by("ordinal"))
    assert "".join(chunk.text for chunk in chunks) == TEXT
    assert all(chunk.text == TEXT[chunk.start_char : chunk.end_char] for chunk in chunks)
    assert all([len(row.embedding) for row in chunk.vectors.all()] == [384] for chunk in chunks)
    assert version.lexicon.chunk_count == len(chunks)
    assert Posting.objects.get(version=version, term="supplier").sentence_count == TEXT.count(CLAUSE)
    assert {chunk.workspace_id for chunk in chunks} == {version.document.workspace_id}
    assert {"parse", "understand", "chunk", "embed", "index"} <= set(version.seconds)
    assert version.ready_at is not None
    assert (version.language, version.understanding_version) == ("en", UNDERSTANDING_VERSION)
    assert version.known_identity == Identity("SUPPLY AGREEMENT", 0, len("SUPPLY AGREEMENT"))


def test_being_ready_is_told_and_sets_off_what_follows(version):
    run.ingest(version.pk)
    events = progress.replay(progress.workspace_stream(version.document.workspace_id))
    assert {(event.name, event.data["id"]) for event in events} == {("document", str(version.document_id))}
    assert queued("reading") == 2  # the pages' images, and the reading ahead


def test_progress_is_reported_by_stage(version, monkeypatch):
    reports: list[tuple[str, int, int]] = []
    monkeypatch.setattr(hold, "REPORT_SECONDS", 0)
    monkeypatch.setattr(run, "announce", lambda document: reports.append(progress_of(document)))
    run.ingest(version.pk)
    total = version.chunks.count()
    assert [report for report in reports if report[0] == "embed"] == [
        ("embed", min(done, total), total) for done in range(0, total + 4, 4)
    ]
    stages = list(dict.fromkeys(report[0] for report in reports))
    assert stages == ["parse", "understand", "chunk", "embed", "index", ""]


def progress_of(document: Document) -> tuple[str, int, int]:
    row = DocumentVersion.objects.get(document=document)
    return row.stage, row.stage_done, row.stage_total


def test_ready_version_is_not_taken_again(version):
    run.ingest(version.pk)
    ready_at = DocumentVersion.objects.get().ready_at
    run.ingest(version.pk)
    assert DocumentVersion.objects.get().ready_at == ready_at


@pytest.mark.parametrize("parser_version", [PARSER_VERSION - 1, PARSER_VERSION])
def test_twice_is_once(version, parser_version):
    """The second run parses again if the parser has changed, and goes on from what is there if not."""
    run.ingest(version.pk)
    once = facts(version)
    DocumentVersion.objects.update(status="queued", parser_version=parser_version)
    run.ingest(version.pk)
    assert facts(version) == once


def test_text_is_understood_again_without_parsing_when_that_code_has_changed(version, monkeypatch):
    run.ingest(version.pk)
    DocumentVersion.objects.update(status="queued", understanding_version=UNDERSTANDING_VERSION - 1, language="fr")
    monkeypatch.setattr(run, "_parse", lambda run: pytest.fail("parsed again"))
    run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.language) == ("ready", "en")
    assert version.understanding_version == UNDERSTANDING_VERSION


def test_what_is_understood_already_is_kept(version, monkeypatch):
    run.ingest(version.pk)
    DocumentVersion.objects.update(status="queued")
    monkeypatch.setattr(run, "understand", lambda text: pytest.fail("understood again"))
    run.ingest(version.pk)
    assert DocumentVersion.objects.get().status == "ready"


def test_chunks_that_have_their_vector_are_not_embedded_again(version, monkeypatch):
    run.ingest(version.pk)
    kept = set(version.chunks.values_list("pk", flat=True))
    version.chunks.filter(ordinal__gte=5).delete()
    DocumentVersion.objects.update(status="queued")
    embedded: list[str] = []
    embed = run.embed_passages
    monkeypatch.setattr(run, "embed_passages", lambda texts, by: embedded.extend(texts) or embed(texts, by))
    run.ingest(version.pk)
    assert len(embedded) == len(kept) - 5
    assert len(kept & set(version.chunks.values_list("pk", flat=True))) == 5


def test_file_without_words_fails_in_a_sentence_and_keeps_the_file(cast):
    version = put(cast.workspace, " \n \n")
    run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.error_code) == ("failed", "empty_document")
    assert version.error_message.endswith(".")
    assert version.file.read() == b" \n \n"


def test_fault_of_ours_shows_no_traceback_keeps_the_text_and_can_be_tried_again(version, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(index, "write_chunks", lambda *a, **k: 1 / 0)
        run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.error_code, version.error_message) == ("failed", "internal", run.OUR_FAULT)
    assert version.read_text() == TEXT
    document_retry(version.document)
    run.ingest(version.pk)
    assert DocumentVersion.objects.get().status == "ready"


def test_engine_that_is_away_is_waited_for(version, monkeypatch):
    def away(texts: list[str], by: object) -> None:
        raise EngineUnavailable("The embedding endpoint answered 503.")

    monkeypatch.setattr(run, "embed_passages", away)
    before = timezone.now()
    run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.attempts, version.lease_token) == ("queued", 1, None)
    # Tried in 10 s; should that message be lost, the beat sends another a minute later.
    assert timedelta(seconds=70) <= version.lease_expires_at - before < timedelta(seconds=80)
    DocumentVersion.objects.update(attempts=MAX_ATTEMPTS - 1)
    run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.error_code) == ("failed", "internal")


def test_version_that_keeps_killing_its_worker_is_given_up(version):
    DocumentVersion.objects.update(attempts=MAX_ATTEMPTS)
    run.ingest(version.pk)
    version.refresh_from_db()
    assert (version.status, version.error_code, version.error_message) == ("failed", "gave_up", run.GAVE_UP)


def test_worker_given_up_for_dead_writes_no_more(version, monkeypatch):
    embed, other = run.embed_passages, uuid.uuid4()

    def taken_over(texts: list[str], by: object) -> object:
        if Chunk.objects.exists():
            DocumentVersion.objects.update(lease_token=other)
        return embed(texts, by)

    monkeypatch.setattr(run, "embed_passages", taken_over)
    run.ingest(version.pk)
    version.refresh_from_db()
    assert Chunk.objects.count() == 4
    assert (version.status, version.lease_token) == ("ingesting", other)


def test_version_in_the_hands_of_a_living_worker_is_left_alone(version):
    DocumentVersion.objects.update(
        status="ingesting", lease_token=uuid.uuid4(), lease_expires_at=timezone.now() + timedelta(seconds=60)
    )
    run.ingest(version.pk)
    assert VersionText.objects.count() == 0


def test_document_deleted_meanwhile_stops_the_worker_quietly(version, monkeypatch, caplog):
    embed = run.embed_passages

    def deleted(texts: list[str], by: object) -> object:
        if Document.objects.exists():
            document_delete(Document.objects.get())
        return embed(texts, by)

    monkeypatch.setattr(run, "embed_passages", deleted)
    run.ingest(version.pk)
    assert Chunk.objects.count() == VersionText.objects.count() == Page.objects.count() == 0
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_version_deleted_before_it_was_taken_is_nothing(version):
    document_delete(version.document)
    run.ingest(version.pk)
    assert DocumentVersion.objects.count() == 0


def test_expired_lease_is_sent_to_a_worker_once(version):
    progress.connection().flushdb()
    DocumentVersion.objects.update(
        status="ingesting", lease_token=uuid.uuid4(), lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    run.requeue_expired()
    run.requeue_expired()
    version.refresh_from_db()
    assert (version.status, version.lease_token, queued("ingest")) == ("queued", None, 1)


def test_version_whose_message_was_lost_is_sent_again_after_a_minute(version):
    progress.connection().flushdb()
    run.requeue_expired()
    assert queued("ingest") == 0
    DocumentVersion.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    run.requeue_expired()
    run.requeue_expired()
    assert queued("ingest") == 1


KILLED_HALF_WAY = """
import os, signal, sys
import django
django.setup()
from analysis.ingest import hold, index, run
from analysis.ingest.parse import PARSER_VERSION
run.EMBED_BATCH_CHUNKS = 4
write = index.write_chunks
def write_and_die(*args, **kwargs):
    write(*args, **kwargs)
    if args[2][0].ordinal:
        os.kill(os.getpid(), signal.SIGKILL)  # in the second batch's transaction: the first is committed, this is not
index.write_chunks = write_and_die
run.ingest(int(sys.argv[1]))
"""


def test_worker_killed_half_way_leaves_the_same_rows_in_the_end(cast, version):
    undisturbed = put(cast.outsider.workspaces.get())
    run.ingest(undisturbed.pk)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_HALF_WAY, str(version.pk)],
        cwd=Path(__file__).parents[3],
        env=os.environ | same_engines(),
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    version.refresh_from_db()
    assert (version.status, version.chunks.count()) == ("ingesting", 4)
    DocumentVersion.objects.filter(pk=version.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    run.requeue_expired()
    run.ingest(version.pk)
    assert facts(version) == facts(undisturbed)
    assert DocumentVersion.objects.get(pk=version.pk).attempts == 2


def same_engines() -> dict[str, str]:
    """Return the environment under which another process works on this test's database and files."""
    database = str(connection.settings_dict["NAME"])
    url = os.environ["DATABASE_URL"].rsplit("/", 1)[0] + f"/{database}"
    code = "from tests.settings import *\n" + f"MEDIA_ROOT = {str(django_settings.MEDIA_ROOT)!r}\n"
    module = Path(django_settings.MEDIA_ROOT).parent / "worker_settings.py"
    module.write_text(code)
    root = str(Path(__file__).parents[3])
    return {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "worker_settings",
        "PYTHONPATH": f"{module.parent}{os.pathsep}{root}",
    }
