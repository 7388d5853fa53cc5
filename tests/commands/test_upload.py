from __future__ import annotations

import dataclasses
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.management import command
from analysis.management.commands import upload
from analysis.management.commands.upload import files_of
from analysis.models import Document, DocumentVersion
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
