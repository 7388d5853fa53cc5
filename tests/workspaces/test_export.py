"""A workspace's data out: what is written, and that it is what is there."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.core.management.base import CommandError

from analysis.models import Call, Document
from tests.rows import FIRST, TEXT, add_sentence, make_answer, make_document, make_repository
from workspaces.export import safe_name, workspace_export
from workspaces.models import AuditEvent, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "out"


@pytest.fixture
def firm(cast, folder) -> Document:
    version = make_document(cast)
    version.file.save("lease.pdf", ContentFile(b"%PDF- the original"))
    answer = make_answer(cast, version, "It is five years. Nobody knows why.")
    add_sentence(answer, 0, "It is five years.", (version, 0, len(FIRST) - 1))
    add_sentence(answer, 1, "Nobody knows why.")
    answer.question.asker = cast.owner
    answer.question.save()
    Call.objects.create(workspace=cast.workspace, user=cast.owner, llm="=cmd()", purpose="question", status="done")
    other = Workspace.objects.get(slug="elsewhere")
    Document.objects.create(workspace=other, name="theirs.pdf")
    return version.document


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_everything_of_the_workspace_is_there_and_nothing_of_another(cast, firm, folder):
    done = workspace_export(cast.workspace, folder)
    assert (done.documents, done.repositories, done.questions, done.missing) == (1, 0, 1, 0)
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert names == [
        "README.md",
        "audit.csv",
        "documents/0001 lease.pdf/document.json",
        "documents/0001 lease.pdf/original.pdf",
        "documents/0001 lease.pdf/text.txt",
        "members.csv",
        "questions/0001 How long.json",
        "questions/0001 How long.md",
        "usage.csv",
    ]
    place = folder / "documents" / "0001 lease.pdf"
    assert (place / "original.pdf").read_bytes() == b"%PDF- the original"
    assert (place / "text.txt").read_text(encoding="utf-8") == TEXT
    assert json.loads((place / "document.json").read_text())["versions"][0]["status"] == "ready"
    members = {row["email"]: row["role"] for row in rows(folder / "members.csv")}
    assert members["owner@firm.example"] == "owner"
    assert len(members) == cast.workspace.members.count()
    assert "outsider@elsewhere.example" not in members
    assert [row["llm"] for row in rows(folder / "usage.csv")] == ["'=cmd()"]
    assert not any("theirs" in path.read_text(errors="replace") for path in folder.rglob("*") if path.is_file())


def test_answers_come_with_their_citations_and_what_has_none(cast, firm, folder):
    workspace_export(cast.workspace, folder)
    page = (folder / "questions" / "0001 How long.md").read_text(encoding="utf-8")
    assert page.startswith("# How long?\n\nAsked ")
    assert "by owner@firm.example." in page
    assert "It is five years. [1] Nobody knows why." in page
    assert f"- [1] lease.pdf, page 1: “{FIRST.strip()}”" in page
    assert "Without support in the documents:\n\n- Nobody knows why.\n" in page
    held = json.loads((folder / "questions" / "0001 How long.json").read_text(encoding="utf-8"))
    cited = held["answers"][0]["citations"][0]
    text = (folder / "documents" / "0001 lease.pdf" / "text.txt").read_text(encoding="utf-8")
    assert text[cited["start_char"] : cited["end_char"]] == cited["quote"]


def test_an_earlier_version_and_a_missing_original_are_told(cast, firm, folder):
    old = firm.versions.get()
    new = firm.versions.create(number=2, sha256="1" * 64, size_bytes=1, status="ready")
    Document.objects.filter(pk=firm.pk).update(version=new)
    old.file.storage.delete(old.file.name)
    done = workspace_export(cast.workspace, folder)
    place = folder / "documents" / "0001 lease.pdf"
    assert done.missing == 1
    assert sorted(path.name for path in place.iterdir()) == ["document.json", "v1-text.txt"]
    assert "1 originals were missing" in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "0007 etc passwd"),
        ("Vertrag Müller & Söhne.pdf", "0007 Vertrag Müller Söhne.pdf"),
        ("合同.docx", "0007 合同.docx"),
        ("a" * 200, f"0007 {'a' * 60}"),
        ("fdp\u202eexe.", "0007 fdp exe"),
        ("///", "0007"),
    ],
)
def test_names_are_harmless_everywhere(name, safe):
    assert safe_name(name, 7) == safe


def test_the_command_writes_and_is_audited(cast, firm, folder, capsys):
    call_command("export", "firm", str(folder))
    assert "1 documents, 0 repositories, 1 questions." in capsys.readouterr().out
    assert AuditEvent.objects.latest("pk").action == "data.exported"
    with pytest.raises(CommandError, match="is there already"):
        call_command("export", "firm", str(folder))
    with pytest.raises(CommandError, match="There is no workspace"):
        call_command("export", "nowhere", str(folder))


def test_the_files_of_a_repository_stand_at_their_paths(cast, folder):
    files = {"README.md": "# Shop\n", "src/shop/cart.py": "def total(cart):\n    return sum(cart)\n"}
    make_repository(cast, files)
    done = workspace_export(cast.workspace, folder)
    assert (done.documents, done.repositories) == (0, 1)
    place = folder / "repositories" / "0001 shop"
    assert {path: (place / "files" / path).read_text() for path in files} == files
    assert json.loads((place / "repository.json").read_text())["current"] == 1
    assert len(list((place / "snapshots").iterdir())) == 1


def test_what_was_cut_off_is_written_anew(cast, firm, folder):
    partial = folder.with_name("out.partial")
    partial.mkdir()
    (partial / "half").write_text("")
    workspace_export(cast.workspace, folder)
    assert not partial.exists()
    assert not (folder / "half").exists()
