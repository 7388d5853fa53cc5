from __future__ import annotations

import dataclasses
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analysis.management import command
from analysis.management.commands import upload
from analysis.management.commands.upload import files_of
from analysis.management.uploading import is_code_base
from analysis.models import Document, DocumentVersion, Repository, Snapshot
from config.env import env
from tests.conftest import Cast


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "b.txt").write_text("The rent is 100 a month.")
    (tmp_path / "a.txt").write_text("The term is five years.")
    (tmp_path / "deeper" / "c.md").write_text("# Notice")
    (tmp_path / ".hidden.txt").write_text("Not meant.")
    return tmp_path


def run(*arguments: object) -> str:
    out = io.StringIO()
    call_command("upload", "firm", *map(str, arguments), stdout=out)
    return out.getvalue()


def worker(**changes: object) -> Callable[[float], None]:
    """Return a pause during which a worker settles every document that waits."""
    return lambda _: DocumentVersion.objects.filter(status="queued").update(**changes) and None


def test_a_folder_gives_its_files_in_order_without_hidden_ones(folder: Path) -> None:
    names = [path.name for path in files_of([folder, folder / ".hidden.txt"])]
    assert names == ["a.txt", "b.txt", "c.md", ".hidden.txt"]


def test_a_path_that_is_not_there_is_named_before_anything_is_stored(cast: Cast, folder: Path) -> None:
    with pytest.raises(CommandError, match=r"^There is no file .*missing\.pdf\.$"):
        run(folder, folder / "missing.pdf")
    assert not Document.objects.exists()


def test_without_waiting_the_documents_are_listed_as_they_stand(cast: Cast, folder: Path) -> None:
    printed = run(folder / "a.txt", "--no-wait")
    document = Document.objects.get(workspace=cast.workspace)
    assert printed == f"queued    {document.pk}  a.txt\n"
    assert document.uploaded_by == cast.owner


def test_it_waits_until_the_documents_are_ready(cast: Cast, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload.time, "sleep", worker(status="ready", page_count=12, tokens=7912))
    printed = run(folder / "a.txt", folder / "b.txt")
    first, second = Document.objects.order_by("name")
    assert printed == (
        f"ready     {first.pk}     12 pages     7,912 tokens  a.txt\n"
        f"ready     {second.pk}     12 pages     7,912 tokens  b.txt\n"
    )


def test_what_was_refused_or_failed_is_listed_and_the_rest_is_kept(
    cast: Cast, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "empty.txt").write_text("")
    monkeypatch.setattr(upload.time, "sleep", worker(status="failed", error_message="It is damaged."))
    with pytest.raises(CommandError) as failed:
        run(folder / "a.txt", folder / "empty.txt")
    assert str(failed.value) == (
        "2 of 2 could not be taken in:\n  empty.txt: The file is empty.\n  a.txt: It is damaged."
    )


def test_when_nothing_runs_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setattr(command, "env", dataclasses.replace(env, database_url=""))
    with pytest.raises(CommandError, match="^" + command.NOT_RUNNING.replace(".", r"\.") + "$"):
        run(folder)
    monkeypatch.setattr(command, "env", dataclasses.replace(env, database_url="postgresql://127.0.0.1:1/lectern"))
    with pytest.raises(CommandError, match="^" + command.NOT_RUNNING.replace(".", r"\.") + "$"):
        run(folder)


@pytest.fixture
def code_base(tmp_path: Path, settings: Any) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = tmp_path / "shop"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "cart.py").write_text("def total(prices):\n    return sum(prices)\n")
    (folder / "README.md").write_text("# Shop\n")
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("[core]\n")
    return folder


def packed_names(snapshot: Snapshot) -> list[str]:
    with snapshot.file.open() as file, tarfile.open(fileobj=file) as archive:
        return archive.getnames()


def test_a_code_base_becomes_a_repository_and_then_a_new_version_of_it(cast: Cast, code_base: Path) -> None:
    printed = run(code_base, "--no-wait")
    repository = Repository.objects.get(workspace=cast.workspace)
    assert printed == f"queued    {repository.pk}  shop (version 1)\n"
    first = repository.snapshots.get()
    assert (first.origin, first.added_by, packed_names(first)) == ("folder", cast.owner, ["README.md", "src/cart.py"])
    with pytest.raises(CommandError, match="Nothing has changed"):
        run(code_base, "--no-wait")
    (code_base / "src" / "cart.py").write_text("def total(prices):\n    return 0\n")
    assert "shop (version 2)" in run(code_base, "--no-wait")
    assert Repository.objects.count() == 1
    assert not Document.objects.exists()


def test_people_decide_what_a_folder_is(cast: Cast, code_base: Path, folder: Path) -> None:
    run(code_base, "--as", "documents", "--no-wait")
    assert set(Document.objects.values_list("name", flat=True)) == {"README.md", "cart.py"}
    run(folder / "deeper", "--as", "repository", "--no-wait")
    assert Repository.objects.get().name == "deeper"


def test_what_is_a_code_base(code_base: Path, folder: Path) -> None:
    assert is_code_base(code_base)
    shutil.rmtree(code_base / ".git")
    assert not is_code_base(code_base)  # as much prose as code
    (code_base / "src" / "main.go").write_text("package main\n")
    assert is_code_base(code_base)
    (code_base / "node_modules").mkdir()
    for number in range(9):
        (code_base / "node_modules" / f"{number}.md").write_text("x")
    assert is_code_base(code_base)
    shutil.rmtree(code_base)
    assert not is_code_base(folder)
    assert not is_code_base(folder / "a.txt")
    archive = shutil.make_archive(str(folder / "all"), "gztar", folder / "deeper")
    assert is_code_base(Path(archive))
    assert not is_code_base(folder / "missing")


def test_an_address_that_cannot_be_fetched_from_is_refused(cast: Cast) -> None:
    with pytest.raises(CommandError, match="1 of 1 could not be taken in"):
        run("https://user:secret@example.com/shop.git", "--no-wait")
    printed = run("https://example.com/team/shop.git", "--ref", "v1", "--no-wait")
    repository = Repository.objects.get()
    assert printed == f"queued    {repository.pk}  shop (version 1)\n"
    assert repository.snapshots.get().ref == "v1"


def test_it_waits_until_a_code_base_is_ready(cast: Cast, code_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = {"status": "ready", "file_count": 2, "line_count": 3, "tokens": 1200}
    monkeypatch.setattr(upload.time, "sleep", lambda _: Snapshot.objects.update(**done) and None)
    repository_line = run(code_base)
    assert (
        repository_line == f"ready     {Repository.objects.get().pk}  2 files 3 lines 1,200 tokens  shop (version 1)\n"
    )
