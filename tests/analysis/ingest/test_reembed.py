"""Going over from the bundled embedder to an endpoint with vectors of another width, while people search."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from analysis.answer.retrieve import retrieve
from analysis.ingest import embedders, reembed, run
from analysis.ingest.embed import BUNDLED
from analysis.ingest.index import vector_index_name
from analysis.models import Chunk, ChunkVector, Document, DocumentVersion, Embedder
from config.env import env
from tests.analysis.ingest.embedding_server import EmbeddingServer, embedding_server
from tests.analysis.ingest.test_run import put, same_engines, small_batches  # noqa: F401

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[EmbeddingServer]:
    monkeypatch.setattr(reembed, "BATCH_CHUNKS", 4)
    monkeypatch.setattr(embedders, "_failed_at", {})
    with embedding_server() as running:
        yield running


@pytest.fixture
def version(cast) -> DocumentVersion:
    version = put(cast.workspace)
    run.ingest(version.pk)
    return version


def step() -> bool:
    """Do one batch."""
    return reembed.reembed(seconds=0)


def ask(query: str = "deliver the Goods within ten days") -> list[str]:
    return [hit.text for hit in retrieve(query, documents=Document.objects.all(), limit=3)]


def rows() -> list[tuple[object, ...]]:
    """Return every vector with what it belongs to, but for ids."""
    order = ("chunk__document__name", "chunk__ordinal", "embedder__name")
    return [
        (*place, list(vector))
        for *place, vector in ChunkVector.objects.order_by(*order).values_list(*order, "embedding")
    ]


def vector_indexes() -> list[str]:
    """Return the definitions of the embedders' indexes; those of former tests, whose rows are gone, do not count."""
    names = [vector_index_name(embedder) for embedder in Embedder.objects.all()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [names])
        return [definition for (definition,) in cursor.fetchall()]


def test_the_old_index_serves_until_the_new_one_is_complete(version, server, monkeypatch):
    chunks = set(version.chunks.values_list("pk", flat=True))
    monkeypatch.setattr(env, "embedder", server.url)
    assert step() is False
    assert reembed.progress() == reembed.Progress(BUNDLED, server.url, 4, len(chunks))
    server.texts.clear()
    assert ask()
    assert server.texts == []  # the query went to the model that built the vectors

    while not step():
        assert embedders.serving().name == BUNDLED
    assert reembed.progress() == reembed.Progress(server.url, server.url, len(chunks), len(chunks))
    server.texts.clear()
    assert ask()
    assert server.texts == ["deliver the Goods within ten days"]

    assert step() is True  # and now what served before is dropped
    assert set(version.chunks.values_list("pk", flat=True)) == chunks
    assert {row.embedder.name for row in ChunkVector.objects.select_related("embedder")} == {server.url}
    assert ChunkVector.objects.count() == len(chunks)
    assert [("vector(24)" in index) for index in vector_indexes()] == [True]


def test_document_read_in_meanwhile_is_found_before_and_after(cast, version, server, monkeypatch):
    monkeypatch.setattr(env, "embedder", server.url)
    step()
    added = put(cast.workspace, "The penguin clause: penguins shall be fed twice a day.", "zoo.txt")
    run.ingest(added.pk)
    assert "penguin" in ask("feeding of penguins")[0]
    while not step():
        pass
    assert {row.embedder.name for row in ChunkVector.objects.filter(version=added)} == {BUNDLED, server.url}
    assert "penguin" in ask("penguins shall be fed")[0]


def test_document_that_becomes_ready_while_another_embedder_takes_over_is_embedded_again(
    cast, version, server, monkeypatch
):
    monkeypatch.setattr(env, "embedder", server.url)
    added = put(cast.workspace, "Penguins shall be fed.", "zoo.txt")
    tokens = run.tokens_of

    def taken_over(*args):
        while not step():
            pass
        return tokens(*args)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(run, "tokens_of", taken_over)
        meanwhile.setattr(reembed, "uploads_wait", lambda: False)
        run.ingest(added.pk)
    added.refresh_from_db()
    assert added.status == "queued"
    run.ingest(added.pk)
    added.refresh_from_db()
    assert added.status == "ready"
    step()
    assert [row.embedder.name for row in ChunkVector.objects.filter(version=added)] == [server.url]


def test_a_setting_that_is_changed_back_leaves_nothing(version, server, monkeypatch):
    before = rows()
    with monkeypatch.context() as changed:
        changed.setattr(env, "embedder", server.url)
        step()
    assert len(rows()) == len(before) + 4
    assert step() is True  # retired
    step()  # dropped
    assert rows() == before
    assert len(vector_indexes()) == 1


KILLED_HALF_WAY = """
import os, signal, sys
import django
django.setup()
from analysis.ingest import index, reembed
from config.env import env
env.embedder = sys.argv[1]
reembed.BATCH_CHUNKS = 4
write = index.write_vectors
batches = []
def write_and_die(*args):
    write(*args)
    batches.append(args)
    if len(batches) == 2:
        os.kill(os.getpid(), signal.SIGKILL)  # the first batch is committed, this one is not
index.write_vectors = write_and_die
reembed.reembed(seconds=60)
"""


def test_worker_killed_half_way_leaves_the_same_rows_in_the_end(version, server, monkeypatch):
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_HALF_WAY, server.url],
        cwd=Path(__file__).parents[3],
        env=os.environ | same_engines(),
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    built = Embedder.objects.get(name=server.url)
    assert (built.status, built.vectors.count()) == ("building", 4)
    monkeypatch.setattr(env, "embedder", server.url)
    assert step() is False  # the dead worker's lease stands
    assert built.vectors.count() == 4
    Embedder.objects.filter(pk=built.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert reembed.reembed(seconds=60) is True
    resumed = [row for row in rows() if row[2] == server.url]
    assert len(resumed) == version.chunks.count()
    ChunkVector.objects.filter(embedder=built).delete()
    Embedder.objects.filter(pk=built.pk).update(status="queued")
    Embedder.objects.filter(name=BUNDLED).update(status="serving")
    assert reembed.reembed(seconds=60) is True  # undisturbed
    assert [row for row in rows() if row[2] == server.url] == resumed


def test_waiting_uploads_go_first(cast, version, server, monkeypatch):
    monkeypatch.setattr(env, "embedder", server.url)
    put(cast.workspace, "Penguins shall be fed.", "zoo.txt")
    assert reembed.reembed(seconds=60) is False
    assert Embedder.objects.get(name=server.url).vectors.count() == 4


def test_endpoint_that_is_away_is_waited_for_and_the_old_one_serves(version, server, monkeypatch):
    monkeypatch.setattr(env, "embedder", server.url)
    step()
    server.away = True
    assert reembed.reembed(seconds=60) is False
    assert (Embedder.objects.get(name=server.url).status, embedders.notice()) == ("queued", "")
    assert ask()
    server.away = False
    assert reembed.reembed(seconds=60) is True


def test_without_the_serving_model_words_are_searched_and_the_page_says_so(cast, client, version, server, monkeypatch):
    Embedder.objects.update(name="/no/such/model")
    assert "deliver the Goods" in ask()[0]
    assert "words alone" in embedders.notice()
    client.force_login(cast.viewer)
    page = client.get("/w/firm/search/", {"q": "deliver the Goods"})
    assert embedders.notice() in page.content.decode()
    # New documents are read in with the model that can be had, and search comes back when it has read them all.
    monkeypatch.setattr(env, "embedder", server.url)
    while not step():
        pass
    assert embedders.notice() == ""


def test_deleted_passages_are_passed_over(version, server, monkeypatch):
    monkeypatch.setattr(env, "embedder", server.url)
    embed = reembed.embed_passages

    def deleted_meanwhile(texts, by):
        vectors = embed(texts, by)
        Chunk.objects.filter(ordinal=1).delete()
        return vectors

    monkeypatch.setattr(reembed, "embed_passages", deleted_meanwhile)
    assert reembed.reembed(seconds=60) is True
    assert Embedder.objects.get(name=server.url).vectors.count() == version.chunks.count()


def test_the_command_does_it_in_one_go_and_says_how_far_it_is(version, server, monkeypatch):
    monkeypatch.setattr(env, "embedder", server.url)

    def said(*arguments: str) -> str:
        out = StringIO()
        call_command("reembed", *arguments, stdout=out)
        return out.getvalue().strip()

    total = version.chunks.count()
    assert said("--status") == f"Search by meaning uses {BUNDLED}; {server.url} has read 0 of {total}."
    assert said() == f"Search by meaning uses {server.url}."
    monkeypatch.setattr(env, "embedder", "/no/such/model")
    with pytest.raises(CommandError):
        said()


def test_administrators_see_how_far_it_is(cast, client, version, server, monkeypatch):
    cast.owner.is_staff = True
    cast.owner.save()
    client.force_login(cast.owner)
    assert f"Search by meaning uses <code>{BUNDLED}</code>" in client.get("/models/").content.decode()
    monkeypatch.setattr(env, "embedder", server.url)
    step()
    assert f"4 of {version.chunks.count()}" in client.get("/models/").content.decode()
