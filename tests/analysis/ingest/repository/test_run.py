"""The recipe of a snapshot against a real database: what it writes, takes over, and leaves when it dies half-way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from analysis import progress
from analysis.answer.retrieve import retrieve
from analysis.errors import EngineUnavailable, UserError
from analysis.ingest import sandbox
from analysis.ingest.reindex import reindex
from analysis.ingest.repository import (
    embedding,
    indexing,
    ingest_snapshot,
    read_in,
    reading,
    repository_add,
    repository_change_rules,
    repository_delete,
    repository_retry,
    run,
    snapshot_add,
)
from analysis.ingest.repository.add import snapshot_delete
from analysis.ingest.repository.folder import packed
from analysis.ingest.understand_again import understand_again
from analysis.ingest.unpack.rules import Rules
from analysis.ingest.upload import document_delete
from analysis.models import (
    Chunk,
    ChunkVector,
    Document,
    DocumentVersion,
    Import,
    Lexicon,
    Posting,
    Question,
    Repository,
    Snapshot,
    SnapshotFile,
    Symbol,
    SymbolUse,
    VersionText,
)
from analysis.models.lease import MAX_ATTEMPTS
from config.env import env
from tests.analysis.ingest.test_run import same_engines
from tests.rows import make_repository, make_snapshot, members

pytestmark = pytest.mark.django_db(transaction=True)

MAIN = "import cart\n\n\ndef main() -> None:\n    print(cart.total([1, 2]))\n"
CART = "def total(prices: list[int]) -> int:\n    return sum(prices)\n"
FILES = {"README.md": "# Shop\n\nIt sells things.\n", "src/cart.py": CART, "src/main.py": MAIN, "poetry.lock": "a\n"}


@pytest.fixture(autouse=True)
def own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


def add(cast, files: dict[str, str] = FILES, **more) -> Repository:
    """Return a repository that waits to be read in."""
    with packed("shop", members(files)) as archive:
        fields = {"workspace": cast.workspace, "user": cast.owner, "archive": archive, "origin": "folder"} | more
        return repository_add(**fields)


def versions(repository: Repository) -> dict[str, int | None]:
    return dict(repository.documents.values_list("path", "version"))


def facts(repository: Repository) -> list[tuple[object, ...]]:
    """Return everything that reading in writes but ids, times and vectors."""
    ours = {"version__document__repository": repository}
    snapshot = repository.snapshots.latest("number")
    return [
        (snapshot.status, snapshot.file_count, snapshot.line_count, snapshot.size_bytes, snapshot.tokens),
        *snapshot.files.values_list("path", "disposition", "size_bytes", "line_count", "digest", "syntax"),
        *repository.documents.order_by("path").values_list("path", "version__number", "version__status"),
        *Chunk.objects.filter(**ours)
        .order_by("document__path", "ordinal")
        .values_list("document__path", "start_char", "end_char", "heading_path", "text", "vectors__embedder__name"),
        *Symbol.objects.filter(**ours).order_by("version__document__path", "ordinal").values_list("path", "start_char"),
        *Posting.objects.filter(**ours)
        .order_by("version__document__path", "term")
        .values_list("term", "standing", "sentence_count"),
    ]


def embedded_during(monkeypatch) -> list[str]:
    """Return the list that every text which is embedded from now on comes into."""
    texts: list[str] = []
    embed = embedding.embed_passages
    monkeypatch.setattr(embedding, "embed_passages", lambda batch, by: texts.extend(batch) or embed(batch, by))
    return texts


def test_repository_becomes_ready_with_every_file(cast):
    repository = make_repository(cast, FILES)
    snapshot = repository.snapshot
    assert (snapshot.status, snapshot.number, snapshot.label) == ("ready", 1, "version 1")
    assert (snapshot.file_count, snapshot.line_count) == (4, 10)
    rows = list(snapshot.files.values_list("path", "disposition", "line_count"))
    assert rows == [
        ("README.md", "read", 3),
        ("poetry.lock", "lock", 0),
        ("src/cart.py", "read", 2),
        ("src/main.py", "read", 5),
    ]
    for row in snapshot.files.exclude(document=None):
        assert (row.document.path, row.document.name, row.document.version) == (row.path, row.path, row.version)
        assert row.version.read_text() == FILES[row.path]
        assert "".join(row.version.chunks.order_by("ordinal").values_list("text", flat=True)) == FILES[row.path]
        assert ChunkVector.objects.filter(version=row.version).count() == row.version.chunks.count() > 0
        assert Posting.objects.filter(version=row.version).exists()
        assert row.version.status == "ready"
    total = Symbol.objects.get(name="total")
    assert (total.path, total.version.document.path) == ("total", "src/cart.py")
    assert CART[total.name_start_char : total.name_end_char] == "total"
    assert SymbolUse.objects.filter(name="total", version__document__path="src/main.py").exists()
    assert Import.objects.get().module == "cart"
    assert {"unpack", "store", "chunk", "embed", "index"} <= set(snapshot.seconds)


def test_new_snapshot_reads_only_what_has_changed(cast):
    repository = make_repository(cast, FILES)
    before = dict(Document.objects.values_list("path", "version"))
    changed = {path: text for path, text in FILES.items() if path != "README.md"} | {"src/main.py": MAIN + "main()\n"}
    snapshot = make_snapshot(repository, changed)
    after = dict(Document.objects.values_list("path", "version"))
    assert (repository.snapshot, snapshot.number) == (snapshot, 2)
    assert after["src/cart.py"] == before["src/cart.py"]
    assert after["README.md"] is None
    assert after["src/main.py"] not in before.values()
    assert DocumentVersion.objects.get(pk=after["src/main.py"]).number == 2
    assert DocumentVersion.objects.count() == 4


def test_a_file_that_moved_and_what_is_the_same_in_a_changed_one_are_not_embedded_again(cast, monkeypatch):
    long = "".join(f"def step_{n}(order):\n" + f"    order.add({n}, 'a word and another')\n" * 30 for n in range(6))
    repository = make_repository(cast, FILES | {"src/steps.py": long})
    texts = embedded_during(monkeypatch)
    files = FILES | {"src/steps.py": long + "\n\ndef last():\n    return 1\n"}
    moved = {path.replace("src/cart", "lib/cart"): text for path, text in files.items()}
    make_snapshot(repository, moved)
    assert 1 <= len(texts) <= 2
    assert all("step_0" not in text and "src/" in text for text in texts)
    cart = Document.objects.get(path="lib/cart.py")
    assert (cart.version.number, cart.version.read_text()) == (1, CART)
    assert ChunkVector.objects.filter(version=cart.version).count() == cart.version.chunks.count() == 1
    assert Document.objects.get(path="src/cart.py").version is None


def test_documents_point_to_the_former_snapshot_until_the_new_one_is_complete(cast, monkeypatch):
    repository = make_repository(cast, FILES)
    before = versions(repository)
    seen: list[dict[str, int | None]] = []
    finish = run._finish
    monkeypatch.setattr(run, "_finish", lambda work: seen.append(versions(repository)) or finish(work))
    make_snapshot(repository, FILES | {"src/new.py": "x = 1\n", "src/cart.py": CART + "\n"})
    assert seen == [before | {"src/new.py": None}]
    after = versions(repository)
    assert after["src/new.py"] is not None
    assert after["src/cart.py"] != before["src/cart.py"]


def test_rules_that_people_change_make_a_new_snapshot_of_the_same_files(cast, own_files):
    repository = make_repository(cast, FILES)
    again = repository_change_rules(repository, Rules(include=("poetry.lock",), exclude=("src/main.py",)), cast.owner)
    read_in(repository)
    again.refresh_from_db()
    assert (again.number, again.ready, repository.snapshot) == (2, True, again)
    found = dict(again.files.values_list("path", "disposition"))
    assert (found["poetry.lock"], found["src/main.py"]) == ("read", "excluded")
    assert versions(repository)["src/main.py"] is None
    assert again.file.name == repository.snapshots.get(number=1).file.name
    assert len([path for path in own_files.rglob("*") if path.is_file()]) == 1


KILLED_HALF_WAY = """
import os, signal, sys
import django
django.setup()
from analysis.ingest import index
from analysis.ingest.repository import embedding, indexing, ingest_snapshot, reading
reading.BATCH_FILES = indexing.GROUP_CHUNKS = embedding.BATCH_CHUNKS = 2
embedding.FEW_CHUNKS = 0
stage = sys.argv[2]
module, name, last = {
    "parse": (reading, "write_files", 2),
    "index": (index, "write_postings", 3),
    "embed": (index, "write_vectors", 2),
}[stage]
write = getattr(module, name)
written = []
def write_and_die(*args, **kwargs):
    write(*args, **kwargs)
    written.append(args)
    if len(written) == last:
        os.kill(os.getpid(), signal.SIGKILL)  # inside a transaction: the one before it is committed, this one is not
setattr(module, name, write_and_die)
ingest_snapshot(int(sys.argv[1]), follow_up=False)
embedding.embed_waiting(seconds=600)
"""


def killed_at(stage: str, snapshot: Snapshot) -> None:
    """Have a worker read the snapshot in that dies in the middle of the stage, and let its lease run out."""
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_HALF_WAY, str(snapshot.pk), stage],
        cwd=Path(__file__).parents[4],
        env=os.environ | same_engines(),
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    Snapshot.objects.filter(pk=snapshot.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


@pytest.mark.parametrize("stage", ["parse", "index"])
def test_worker_killed_half_way_leaves_the_same_rows_and_repeats_nothing(cast, stage):
    files = FILES | {f"src/more_{n}.py": f"def more_{n}():\n    return {n}\n" for n in range(3)}
    undisturbed = make_repository(cast, files, name="undisturbed")
    repository = add(cast, files, workspace=cast.outsider.workspaces.get())
    snapshot = repository.snapshots.get()
    killed_at(stage, snapshot)
    kept = DocumentVersion.objects.filter(document__repository=repository)
    done = set(kept.values_list("pk", flat=True))
    ready = set(kept.filter(status="ready").values_list("pk", flat=True))
    assert (len(done), len(ready)) == ((2, 0) if stage == "parse" else (6, 2))
    run.requeue_expired()
    read_in(repository)
    assert facts(repository) == facts(undisturbed)
    assert done <= set(kept.values_list("pk", flat=True))
    assert kept.count() == 6


def test_worker_killed_among_the_vectors_leaves_search_by_words_and_embeds_nothing_twice(cast, monkeypatch):
    files = FILES | {f"src/more_{n}.py": f"def more_{n}():\n    return {n}\n" for n in range(3)}
    undisturbed = make_repository(cast, files, name="undisturbed")
    repository = add(cast, files, workspace=cast.outsider.workspaces.get())
    snapshot = repository.snapshots.get()
    killed_at("embed", snapshot)
    repository.refresh_from_db()
    assert (repository.snapshot, repository.snapshot.by_words_alone) == (snapshot, True)
    assert embedding.vectors_made(snapshot) == (2, 6)
    hits = retrieve("total of the prices", documents=repository.documents.all(), limit=1)
    assert [hit.document_name for hit in hits] == ["src/cart.py"]
    texts = embedded_during(monkeypatch)
    embedding.embed_waiting()
    assert facts(repository) == facts(undisturbed)
    assert len(texts) == 4
    snapshot.refresh_from_db()
    assert (snapshot.by_words_alone, snapshot.stage, snapshot.attempts) == (False, "", 0)


def test_vectors_come_in_slices_that_give_way_and_only_for_what_is_searched(cast, monkeypatch):
    monkeypatch.setattr(embedding, "FEW_CHUNKS", 0)
    monkeypatch.setattr(embedding, "BATCH_CHUNKS", 1)
    repository = add(cast)
    ingest_snapshot(repository.snapshots.get().pk, follow_up=False)
    embedding.embed_waiting(seconds=0)
    repository.refresh_from_db()
    assert embedding.vectors_made(repository.snapshot) == (1, 3)
    assert repository.snapshot.lease_token is None
    with packed("shop", members(FILES | {"src/main.py": MAIN + "main()\n"})) as archive:
        second = snapshot_add(repository=repository, user=None, archive=archive, origin="folder")
    embedding.embed_waiting()
    assert embedding.vectors_made(repository.snapshot) == (2, 3)  # an upload waits
    ingest_snapshot(second.pk, follow_up=False)
    texts = embedded_during(monkeypatch)
    embedding.embed_waiting()
    second.refresh_from_db()
    repository.snapshot.refresh_from_db()
    assert (len(texts), embedding.vectors_made(second), second.by_words_alone) == (1, (3, 3), False)
    embedding.embed_waiting()
    assert (embedding.vectors_made(repository.snapshot), repository.snapshot.by_words_alone) == ((2, 3), True)


def test_an_embedder_that_is_away_leaves_search_by_words_says_so_and_is_asked_again_later(cast, monkeypatch):
    with monkeypatch.context() as away:
        away.setattr(embedding, "embed_passages", lambda *_: (_ for _ in ()).throw(EngineUnavailable("Away.")))
        with pytest.raises(UserError, match="does not answer at the moment"):
            make_repository(cast, FILES)
    snapshot = Snapshot.objects.get()
    assert (snapshot.status, snapshot.by_words_alone, snapshot.lease_token) == ("ready", True, None)
    embedding.embed_waiting()
    assert embedding.vectors_made(snapshot) == (0, 3)
    Snapshot.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    embedding.embed_waiting()
    snapshot.refresh_from_db()
    assert (embedding.vectors_made(snapshot), snapshot.by_words_alone, snapshot.error_message) == ((3, 3), False, "")


def test_two_workers_never_hold_the_vectors_of_one_snapshot(cast, monkeypatch):
    monkeypatch.setattr(embedding, "FEW_CHUNKS", 0)
    repository = add(cast)
    ingest_snapshot(repository.snapshots.get().pk, follow_up=False)
    embed, second = embedding.embed_passages, []

    def meanwhile(texts: list[str], by: object) -> object:
        second.append(embedding.embed_snapshot(Snapshot.objects.get().pk, time_is_up=lambda: False))
        return embed(texts, by)

    monkeypatch.setattr(embedding, "embed_passages", meanwhile)
    embedding.embed_waiting()
    assert second == [False]
    assert not Snapshot.objects.get().by_words_alone


def test_the_same_snapshot_twice_is_once_and_a_held_one_is_left_alone(cast):
    repository = make_repository(cast, FILES)
    before, ready_at = facts(repository), repository.snapshot.ready_at
    ingest_snapshot(repository.snapshot.pk)
    Snapshot.objects.update(
        status="ingesting", lease_token=uuid.uuid4(), lease_expires_at=timezone.now() + timedelta(seconds=60)
    )
    ingest_snapshot(repository.snapshot.pk)
    Snapshot.objects.update(status="ready", lease_token=None, lease_expires_at=None)
    assert (facts(repository), Snapshot.objects.get().ready_at) == (before, ready_at)


def test_snapshots_of_one_repository_come_one_after_another(cast):
    repository = add(cast)
    with packed("shop", members(FILES | {"a.py": "a = 1\n"})) as archive:
        second = snapshot_add(repository=repository, user=None, archive=archive, origin="folder")
    progress.connection().flushdb()
    ingest_snapshot(second.pk)
    second.refresh_from_db()
    assert (second.status, second.attempts) == ("queued", 0)
    ingest_snapshot(repository.snapshots.get(number=1).pk)
    assert progress.connection().llen("lectern:celery:ingest") == 1
    ingest_snapshot(second.pk)
    repository.refresh_from_db()
    assert repository.snapshot == second


def test_a_lost_snapshot_is_sent_again_once(cast):
    repository = add(cast)
    progress.connection().flushdb()
    run.requeue_expired()
    assert progress.connection().llen("lectern:celery:ingest") == 0
    Snapshot.objects.update(created_at=timezone.now() - timedelta(seconds=61))
    run.requeue_expired()
    run.requeue_expired()
    assert progress.connection().llen("lectern:celery:ingest") == 1
    assert repository.snapshots.get().status == "queued"


def test_what_fails_says_why_and_can_be_tried_again(cast, monkeypatch):
    repository = add(cast)
    with monkeypatch.context() as broken:
        broken.setattr(reading, "write_files", lambda *_: 1 / 0)
        with pytest.raises(UserError, match="Something went wrong on our side"):
            read_in(repository)
    repository_retry(repository)
    with monkeypatch.context() as away:
        away.setattr(indexing, "tokens_of", lambda *_: (_ for _ in ()).throw(EngineUnavailable("Away.")))
        ingest_snapshot(repository.snapshots.get().pk)
    assert (repository.snapshots.get().status, repository.snapshots.get().attempts) == ("queued", 1)
    assert read_in(repository).ready
    with pytest.raises(UserError) as error:
        repository_retry(repository)
    assert error.value.code == "not_failed"
    Snapshot.objects.update(status="queued", attempts=MAX_ATTEMPTS)
    with pytest.raises(UserError, match="has failed several times"):
        read_in(repository)


def test_a_file_that_breaks_the_parsers_is_listed_and_the_others_are_read(cast, monkeypatch):
    parse = sandbox.parse_sources
    monkeypatch.setattr(
        sandbox, "parse_sources", lambda files: {k: v for k, v in parse(files).items() if k != "src/cart.py"}
    )
    snapshot = make_repository(cast, FILES).snapshot
    found = dict(snapshot.files.values_list("path", "disposition"))
    assert (found["src/cart.py"], found["src/main.py"]) == ("unreadable", "read")


def test_repository_deleted_meanwhile_stops_the_worker_and_leaves_no_trace(cast, own_files, monkeypatch, caplog):
    repository = add(cast)
    embed = embedding.embed_passages

    def deleted(texts: list[str], by: object) -> object:
        if Repository.objects.exists():
            repository_delete(Repository.objects.get())
        return embed(texts, by)

    monkeypatch.setattr(embedding, "embed_passages", deleted)
    ingest_snapshot(repository.snapshots.get().pk)
    for rows in (Repository, Snapshot, SnapshotFile, Document, DocumentVersion, VersionText, Chunk, Symbol, Posting):
        assert rows.objects.count() == 0
    assert not [path for path in own_files.rglob("*") if path.is_file()]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_deleting_takes_the_questions_put_to_it_alone(cast):
    repository, other = make_repository(cast, FILES), make_repository(cast, {"a.py": "a = 1\n"}, name="other")
    alone, both, anywhere = (Question.objects.create(workspace=cast.workspace, text=text) for text in "abc")
    alone.repositories.add(repository)
    both.repositories.add(repository, other)
    Question.objects.filter(pk=anywhere.pk).update(across_workspace=True)
    of_file = Question.objects.create(workspace=cast.workspace, text="d")
    of_file.documents.add(Document.objects.get(path="src/cart.py"))
    repository_delete(repository)
    assert set(Question.objects.all()) == {both, anywhere}
    assert list(Repository.objects.all()) == [other]
    assert set(Document.objects.values_list("path", flat=True)) == {"a.py"}


def test_old_snapshots_go_with_the_versions_that_nothing_names(cast, own_files, monkeypatch):
    monkeypatch.setattr(env, "snapshots_kept", 2)
    repository = make_repository(cast, FILES | {"old.py": "old = 1\n"})
    for n in range(2):
        make_snapshot(repository, FILES | {"src/cart.py": CART + f"# {n}\n"})
    assert set(repository.snapshots.values_list("number", flat=True)) == {2, 3}
    assert not Document.objects.filter(path="old.py").exists()
    assert set(DocumentVersion.objects.filter(document__path="src/cart.py").values_list("number", flat=True)) == {2, 3}
    assert DocumentVersion.objects.filter(document__path="src/main.py").count() == 1
    assert len([path for path in own_files.rglob("*") if path.is_file()]) == 2
    with pytest.raises(UserError) as error:
        snapshot_delete(repository.snapshot)
    assert error.value.code == "current"


def test_background_work_treats_files_of_repositories_rightly(cast):
    repository = make_repository(cast, FILES)
    DocumentVersion.objects.update(understanding_version=0, identity={})
    assert understand_again() == 0
    Lexicon.objects.update(analyzer_version=0)
    assert reindex() == 3
    with pytest.raises(UserError) as error:
        document_delete(Document.objects.get(path="src/cart.py"))
    assert (error.value.code, error.value.status) == ("in_repository", 409)
    assert repository.documents.count() == 3
