"""Code search: each function is a file of one repository, and each query is ranked beside plain BM25."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations import cosqa, read_in
from analysis.evaluations.bm25 import BM25, words_of
from analysis.models import Document, DocumentVersion, IngestStatus, Repository
from workspaces.models import Workspace

FUNCTIONS = [
    "def readLines(path):\n    return open(path).read().splitlines()",
    "def is_iterable(obj):\n    return hasattr(obj, '__iter__')",
    "def flip(image):\n    return image[::-1]",
]


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    (tmp_path / "code_idx_map.txt").write_text(json.dumps({text: index for index, text in enumerate(FUNCTIONS)}))
    rows = [
        {"idx": "q0", "doc": "python read lines of a path", "code": FUNCTIONS[0], "retrieval_idx": 0},
        {"idx": "q1", "doc": "check whether an obj is iterable", "code": FUNCTIONS[1], "retrieval_idx": 1},
    ]
    (tmp_path / "cosqa-retrieval-dev-2.json").write_text(json.dumps(rows))
    return tmp_path


def test_bm25_by_hand() -> None:
    index = BM25(["apple pie", "apple apple tart cake", "plum"])
    assert index.ranked("apple") == [1, 0]
    assert index.ranked("plum tart") == [2, 1]
    assert index.ranked("nothing") == []
    assert words_of("readHTTPLines(file_name2)") == ["read", "http", "lines", "file", "name", "2"]


@pytest.mark.django_db(transaction=True)
def test_each_query_finds_its_function(words_as_meaning: None, labelled: Path) -> None:
    outcome = cosqa.run(labelled)
    assert [trial.values["found@1"] for trial in outcome.trials] == [1, 1]
    assert [trial.values["bm25_rank"] for trial in outcome.trials] == [1, 1]
    assert {trial.category for trial in outcome.trials} == {"dev-2"}
    assert Document.objects.count() == Repository.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_functions_that_are_kept_are_not_read_in_again(words_as_meaning: None, labelled: Path) -> None:
    first = cosqa.run(labelled, workspace="kept")
    versions = set(DocumentVersion.objects.values_list("pk", flat=True))
    assert len(versions) == len(FUNCTIONS)
    again = cosqa.run(labelled, workspace="kept")
    assert set(DocumentVersion.objects.values_list("pk", flat=True)) == versions
    assert [trial.values for trial in first.trials] == [trial.values for trial in again.trials]


@pytest.mark.django_db(transaction=True)
def test_what_failed_is_read_in_anew(words_as_meaning: None) -> None:
    workspace = Workspace.objects.create(slug="kept", name="Kept")
    document = read_in(workspace, "0.py", FUNCTIONS[0].encode())
    DocumentVersion.objects.filter(document=document).update(status=IngestStatus.FAILED)
    again = read_in(workspace, "0.py", FUNCTIONS[0].encode())
    assert again.version is not None
    assert again.version.ready
    assert Document.objects.count() == 1


def test_what_is_missing_is_named(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"There is no code_idx_map\.txt"):
        call_command("evaluate", "cosqa", str(tmp_path))
    (tmp_path / "code_idx_map.txt").write_text(json.dumps({FUNCTIONS[0]: 0}))
    with pytest.raises(CommandError, match="There are no queries"):
        call_command("evaluate", "cosqa", str(tmp_path))
