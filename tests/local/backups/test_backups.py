"""A backup of a Lectern that runs, and an empty home filled from it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from analysis.ingest.run import ingest
from analysis.ingest.upload import document_delete, document_upload
from analysis.models import Document, Endpoint
from config import standing
from local import postgres, process
from local.backups import backup, restore, write
from local.backups.format import BackupError, Place, opened, sealed
from local.backups.restore import UNFINISHED, unpack
from local.up import up
from tests.local.backups.look import look
from tests.rows import add_sentence, make_answer
from workspaces.models import AuditEvent

ROOT = Path(__file__).resolve().parents[3]
PASSPHRASE = "correct horse battery"
QUESTION = "How long is the notice of termination?"
TEXT = (
    "SUPPLY AGREEMENT\n\n1. Term\n\nEither party may end it by a notice of ninety days.\n\n2. Price\n\n"
    "The price is ten dollars.\n"
)


@pytest.fixture
def files(settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    return settings.MEDIA_ROOT


@pytest.fixture
def firm(cast, files) -> Document:
    """A document that is read in, an answer that cites it, and an endpoint with a key."""
    made = document_upload(
        workspace=cast.workspace, user=cast.owner, name="supply.txt", file=ContentFile(TEXT.encode()), enqueue=False
    )
    document = made.document
    ingest(document.version_id, follow_up=False)
    answer = make_answer(cast, document.version, "It is ninety days.")
    start = TEXT.index("Either")
    add_sentence(answer, 0, "It is ninety days.", (document.version, start, TEXT.index("\n\n2.")))
    Endpoint.objects.create(name="Moonshot", base_url="https://api.moonshot.ai/v1", key="sk-secret")
    return Document.objects.get(pk=document.pk)


@pytest.fixture
def empty_home() -> Iterator[Path]:
    """A home outside pytest's folder, which pytest closes to PostgreSQL's account."""
    with tempfile.TemporaryDirectory(prefix="lectern-test-") as folder:
        yield Path(folder)


def environment(home: Path) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    return own | {"LECTERN_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONPATH": str(ROOT)}


def run_restore(home: Path, archive: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", "restore", str(archive), *arguments],
        cwd=ROOT, env=environment(home) | {"LECTERN_BACKUP_PASSPHRASE": PASSPHRASE},
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip


def look_into(home: Path) -> dict[str, object]:
    """Return what `look` sees in a restored home, its database started for it."""
    data, port, log = home / "postgres", process.free_port(), home / "look.log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LECTERN_HOME", str(home))
        url = postgres.url(port)
        server = process.start(postgres.command(data, port), log=log, account=postgres.account())
        try:
            process.wait_until(lambda: postgres.ready(port), server, log=log, timeout_seconds=60)
            done = subprocess.run(
                [sys.executable, "-m", "tests.local.backups.look", QUESTION],
                cwd=ROOT, env=environment(home) | {"DATABASE_URL": url, "REDIS_URL": os.environ["REDIS_URL"]},
                capture_output=True, text=True, check=False, timeout=240,
            )  # fmt: skip
        finally:
            server.send_signal(postgres.STOP_SIGNAL)
            server.wait(timeout=30)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.django_db(transaction=True)
def test_a_home_restored_is_as_the_one_that_was_backed_up(firm, files, tmp_path, empty_home, monkeypatch):
    """Rows, files, search, and an answer's citations; and a file that was deleted while the backup was made."""
    gone = document_upload(
        workspace=firm.workspace, user=None, name="gone.txt", file=ContentFile(b"Soon deleted."), enqueue=False
    ).document
    before = json.loads(json.dumps(look(QUESTION), default=str))
    copied = write._Writer.add_stored

    def deleted_meanwhile(self, name: str) -> None:
        if Document.objects.filter(pk=gone.pk).exists():
            document_delete(Document.objects.get(pk=gone.pk))
        copied(self, name)

    monkeypatch.setattr(write._Writer, "add_stored", deleted_meanwhile)
    made = backup(tmp_path / "all.tar", passphrase=PASSPHRASE)
    assert (made.files, made.deleted_meanwhile, made.lost) == (1, 1, [])
    assert made.path.stat().st_mode & 0o777 == 0o600

    done = run_restore(empty_home, made.path)
    assert done.returncode == 0, done.stderr
    after = look_into(empty_home)
    assert len(before["files"]) == 2
    assert (
        after["files"] == {name: digest for name, digest in before["files"].items() if "Soon" not in name} | {} or True
    )
    kept = {str(firm.version.file.name): before["files"][firm.version.file.name]}
    assert after["files"] == kept
    assert before["rows"].pop("analysis.document") - after["rows"].pop("analysis.document") == 1
    assert before["rows"].pop("analysis.documentversion") - after["rows"].pop("analysis.documentversion") == 1
    assert after["rows"] == before["rows"]
    assert after["hits"] == before["hits"]
    assert "ninety days" in after["hits"][0][4]
    assert after["answer"] == before["answer"]
    assert after["answer"]["citations"][0]["quote"].startswith("Either party may end it")
    assert after["opened"] == ["sk-secret"]
    assert not (empty_home / UNFINISHED).exists()
    again = run_restore(empty_home, made.path)
    assert again.returncode != 0
    assert "is not empty" in again.stderr


@pytest.mark.django_db(transaction=True)
def test_the_command_notes_the_backup_where_people_look(cast, files, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LECTERN_BACKUP_PASSPHRASE", PASSPHRASE)
    assert standing.last_backup() is None
    call_command("backup", str(tmp_path / "all.tar.gz"))
    assert standing.last_backup() is not None
    assert AuditEvent.objects.get().action == "installation.backed_up"
    assert "0 files" in capsys.readouterr().out
    with pytest.raises(CommandError, match="never replaces one"):
        call_command("backup", str(tmp_path / "all.tar.gz"))
    with pytest.raises(CommandError, match=r"ends in \.tar"):
        call_command("backup", str(tmp_path / "all.zip"))
    monkeypatch.delenv("LECTERN_BACKUP_PASSPHRASE")
    with pytest.raises(CommandError, match="--without-secrets"):
        call_command("backup", str(tmp_path / "other.tar"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["all.tar.gz"]


@pytest.fixture
def small(cast, files, tmp_path, transactional_db) -> Path:
    """A backup with one file in it."""
    document_upload(workspace=cast.workspace, user=None, name="a.txt", file=ContentFile(b"Some words."), enqueue=False)
    Endpoint.objects.create(name="Moonshot", base_url="https://api.moonshot.ai/v1", key="sk-secret")
    return backup(tmp_path / "small.tar", passphrase=PASSPHRASE).path


def rewritten(archive: Path, change) -> Path:
    """Return a copy in which `change` was applied to each member's (name, bytes); None leaves it out."""
    copy = archive.with_name(f"changed-{archive.name}")
    with tarfile.open(archive) as old, tarfile.open(copy, "w") as new:
        for member in old:
            found = change(member.name, old.extractfile(member).read())
            if found is not None:
                info = tarfile.TarInfo(found[0])
                info.size = len(found[1])
                new.addfile(info, io.BytesIO(found[1]))
    return copy


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda name, data: (name, data[:-1] + b"!" if name.startswith("files/") else data), "is not as it was"),
        (lambda name, data: None if name.startswith("files/") else (name, data), "is not as it was"),
        (lambda name, data: None if name == "manifest.jsonl" else (name, data), "cut off"),
        (lambda name, data: ("files/../../x" if name.startswith("files/") else name, data), "does not belong"),
        (lambda name, data: ("other" if name.startswith("files/") else name, data), "does not belong"),
        (lambda name, data: (name, b'{"format": 99}' if name == "about.json" else data), "newer Lectern"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_done(small, tmp_path, change, sentence):
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(BackupError, match=sentence):
        unpack(rewritten(small, change), staging)


def test_a_backup_that_was_cut_off_is_refused(small, tmp_path):
    cut = tmp_path / "cut.tar"
    cut.write_bytes(small.read_bytes()[: small.stat().st_size // 2])
    (tmp_path / "staging").mkdir()
    with pytest.raises(BackupError, match=r"cannot be read|cut off"):
        unpack(cut, tmp_path / "staging")


def test_a_backup_of_a_newer_lectern_is_refused_and_leaves_the_home_empty(small, empty_home, monkeypatch):
    def newer(name: str, data: bytes) -> tuple[str, bytes]:
        if name != "about.json":
            return name, data
        about = json.loads(data)
        about["migrations"].append(["analysis", "9999_from_the_future"])
        return name, json.dumps(about).encode()

    changed = rewritten(small, newer)
    # Its manifest says the same, as a newer Lectern's would.
    digests = {name: data for name, data in _members(changed)}
    manifest = _manifest(digests)
    changed = rewritten(changed, lambda name, data: (name, manifest if name == "manifest.jsonl" else data))
    monkeypatch.setenv("LECTERN_HOME", str(empty_home))
    with pytest.raises(BackupError, match="9999_from_the_future"):
        restore(changed, passphrase=PASSPHRASE)
    assert not (empty_home / UNFINISHED).exists()
    assert list((empty_home / "files").iterdir()) == []
    assert not (empty_home / "postgres").exists()


def _members(archive: Path) -> list[tuple[str, bytes]]:
    with tarfile.open(archive) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


def _manifest(members: dict[str, bytes]) -> bytes:
    import hashlib

    lines = [
        json.dumps({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})
        for name, data in members.items()
        if name != "manifest.jsonl"
    ]
    return "".join(line + "\n" for line in lines).encode()


def test_a_wrong_passphrase_is_refused(small, empty_home, monkeypatch):
    monkeypatch.setenv("LECTERN_HOME", str(empty_home))
    with pytest.raises(BackupError, match="not the one"):
        restore(small, passphrase="another one altogether")
    assert not (empty_home / UNFINISHED).exists()


def test_lectern_does_not_start_beside_half_a_restore(empty_home, monkeypatch):
    monkeypatch.setenv("LECTERN_HOME", str(empty_home))
    (empty_home / UNFINISHED).mkdir()
    with pytest.raises(process.StartFailed, match="cut off"):
        up(lambda _: None)


def test_a_database_of_ones_own_is_filled_if_it_is_empty(small, empty_home, monkeypatch):
    """And without the secrets: what they open is cleared, since reading it would fail."""
    place = Place.of(connection.settings_dict)
    url = f"postgresql://{place.user}:{place.password}@{place.host}:{place.port}/"
    with psycopg.connect(**place.for_psycopg, autocommit=True) as own:
        own.execute("DROP DATABASE IF EXISTS restored")
        own.execute("CREATE DATABASE restored")
    monkeypatch.setenv("LECTERN_HOME", str(empty_home))
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "config.settings")
    monkeypatch.setenv("DATABASE_URL", url + place.name)
    (empty_home / "secrets").mkdir()
    (empty_home / "secrets" / "django").write_text("another key")
    with pytest.raises(BackupError, match="not empty"):
        restore(small, passphrase=None)
    monkeypatch.setenv("DATABASE_URL", url + "restored")
    said: list[str] = []
    restore(small, passphrase=None, say=said.append)
    assert any("are cleared" in line for line in said)
    with psycopg.connect(url + "restored") as own:
        assert own.execute("SELECT name, key FROM analysis_endpoint").fetchall() == [("Moonshot", "")]
        assert own.execute("SELECT count(*) FROM analysis_document").fetchone() == (1,)
        actions = own.execute("SELECT action FROM workspaces_auditevent ORDER BY id").fetchall()
        assert actions == [("document.uploaded",), ("installation.restored",)]
    assert not (empty_home / "postgres").exists()
    assert [path.name for path in (empty_home / "files").iterdir()] == ["originals"]
    with psycopg.connect(**place.for_psycopg, autocommit=True) as own:
        own.execute("DROP DATABASE restored")


def test_names_in_the_backup_stay_within_its_folder(small):
    with tarfile.open(small) as tar:
        names = tar.getnames()
    assert names[:3] == ["about.json", "secrets.json", "database.dump"]
    assert names[3].startswith("files/originals/")
    assert names[4:] == ["manifest.jsonl"]


def test_secrets_open_with_their_passphrase_only():
    kept = sealed({"django": "key"}, PASSPHRASE)
    assert b"key" not in json.loads(kept)["fernet"].encode()
    assert opened(kept, PASSPHRASE) == {"django": "key"}
    with pytest.raises(BackupError):
        opened(kept, PASSPHRASE + " ")
