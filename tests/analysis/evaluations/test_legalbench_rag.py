"""The retrieval evaluation: what it counts, by hand, and that every question searches all documents."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations.legalbench_rag import precision_and_recall, read_trials
from analysis.models import Document
from analysis.types import Span
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
    trial = next(read_trials(labelled))
    (span,) = trial.gold["trade/supply.txt"]
    assert (trial.set_name, trial.category) == ("trade", "")
    assert SUPPLY[slice(*span)] == "2. Governing law. This Agreement is governed by the laws of Ireland."


@pytest.mark.parametrize(
    ("found", "precision", "recall"),
    [
        ([], 0.0, 0.0),
        ([("a", Span(0, 20))], 0.5, 1 / 3),  # 10 of 20 found, 10 of 30 wanted
        ([("a", Span(0, 20)), ("a", Span(10, 20))], 0.5, 1 / 3),  # the same characters count once
        ([("a", Span(10, 20)), ("b", Span(0, 30))], 30 / 40, 1.0),
        ([("c", Span(0, 100))], 0.0, 0.0),
    ],
)
def test_precision_and_recall_count_characters(found: list[tuple[str, Span]], precision: float, recall: float) -> None:
    gold = {"a": [Span(10, 20)], "b": [Span(0, 10), Span(5, 20)]}
    assert precision_and_recall(found, gold) == pytest.approx((precision, recall))


@pytest.mark.django_db(transaction=True)
def test_every_question_finds_the_law_of_the_contract_it_names(labelled: Path, tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    call_command("evaluate", "legalbench-rag", str(labelled), "--json", str(figures), stdout=io.StringIO())
    values = json.loads(figures.read_text())["values"]
    assert values["trade"] == values["mean"]
    assert values["mean"]["document_first"] == 1.0
    assert values["mean"]["recall@1"] == 1.0
    assert values["mean"]["precision@1"] > 0
    assert Workspace.objects.count() == Document.objects.count() == 0


@pytest.mark.django_db(transaction=True)
def test_documents_are_kept_for_the_next_time(labelled: Path) -> None:
    for _ in range(2):
        call_command("evaluate", "legalbench-rag", str(labelled), "--workspace", "kept", stdout=io.StringIO())
    assert Document.objects.filter(workspace__slug="kept").count() == 2


def test_a_folder_without_questions_is_said(db: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="There are no questions"):
        call_command("evaluate", "legalbench-rag", str(tmp_path))
