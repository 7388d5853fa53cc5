"""The retrieval evaluation: which questions it makes of the files, and that every question searches all documents."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations.legalbench_rag import read_queries
from analysis.models import Document
from workspaces.models import Workspace

SUPPLY = """SUPPLY AGREEMENT

This Supply Agreement is made between Harbour Foods Limited ("Supplier") and Quill Bakeries Limited ("Buyer").

1. Price. The Buyer shall pay the prices in the price list within thirty days of the invoice.

2. Governing law. This Agreement is governed by the laws of Ireland.
"""
LICENCE = """SOFTWARE LICENCE

This Software Licence is made between Orchard Systems GmbH ("Licensor") and Tern Shipping plc ("Licensee").

1. Licence. The Licensor grants the Licensee a licence that cannot be transferred.

2. Governing law. This Licence is governed by the laws of Austria.
"""


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    (tmp_path / "corpus" / "trade").mkdir(parents=True)
    (tmp_path / "benchmarks").mkdir()
    tests = []
    for name, text, law, asked in (
        ("supply.txt", SUPPLY, "Ireland", "the Supply Agreement between Harbour Foods and Quill Bakeries"),
        ("licence.txt", LICENCE, "Austria", "the Software Licence between Orchard Systems and Tern Shipping"),
    ):
        (tmp_path / "corpus" / "trade" / name).write_text(text)
        start, end = text.index("2. Governing"), text.index(law) + len(law) + 1
        snippet = {"file_path": f"trade/{name}", "span": [start, end], "answer": text[start:end]}
        tests.append({"query": f"Which law governs {asked}?", "snippets": [snippet]})
    (tmp_path / "benchmarks" / "trade.json").write_text(json.dumps({"tests": tests}))
    return tmp_path


def test_questions_keep_their_gold(labelled: Path) -> None:
    query = next(read_queries(labelled))
    (place,) = query.gold
    assert (query.set_name, query.category, place.document) == ("trade", "", "trade/supply.txt")
    assert SUPPLY[place.start : place.end] == "2. Governing law. This Agreement is governed by the laws of Ireland."


@pytest.mark.django_db(transaction=True)
def test_every_question_finds_the_law_of_the_contract_it_names(labelled: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    call_command("evaluate", "legalbench-rag", str(labelled), "--json", str(figures), stdout=io.StringIO())
    measures = json.loads(figures.read_text())["figures"]["measures"]
    assert measures["document_first"]["value"] == 1.0
    assert measures["recall@1"]["value"] == 1.0
    assert measures["precision@1"]["value"] > 0
    assert Workspace.objects.count() == Document.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_documents_are_kept_for_the_next_time(labelled: Path) -> None:
    for _ in range(2):
        call_command("evaluate", "legalbench-rag", str(labelled), "--workspace", "kept", stdout=io.StringIO())
    assert Document.objects.filter(workspace__slug="kept").count() == 2


def test_a_folder_without_questions_is_said(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There are no questions"):
        call_command("evaluate", "legalbench-rag", str(tmp_path))
