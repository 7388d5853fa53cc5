"""The clause evaluation: which questions it makes of the labels, and what it counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.evaluations import cuad
from analysis.types import Span
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM

LONG = "The Agreement is made in Delaware. " * 40
SHORT = "The term is five years. Delaware law governs this Agreement."


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    (tmp_path / "txt").mkdir()
    (tmp_path / "txt" / "long.txt").write_text(LONG)
    (tmp_path / "txt" / "short.txt").write_text(SHORT)
    (tmp_path / "category_descriptions.csv").write_text(
        "\ufeffCategory (incl.),Description\nCategory: Governing Law,Description: Which law governs?\n"
        "Category: Audit Rights,Description: May a party audit the other?\n"
    )
    start = SHORT.index("Delaware")
    labels = [
        {"contract": "long.txt", "category": "Governing Law", "spans": []},
        {"contract": "short.txt", "category": "Governing Law", "spans": [{"parts": [[start, len(SHORT)]]}]},
        {"contract": "short.txt", "category": "Audit Rights", "spans": []},
    ]
    (tmp_path / "labels.jsonl").write_text("\n".join(json.dumps(label) for label in labels))
    return tmp_path


def test_the_shortest_contracts_come_first_and_gold_keeps_its_place(labelled: Path) -> None:
    clauses = list(cuad.read_clauses(labelled, 1))
    assert [(clause.contract, clause.category, clause.gold) for clause in clauses] == [
        ("short.txt", "Governing Law", (Span(24, 60),)),
        ("short.txt", "Audit Rights", ()),
    ]
    assert clauses[0].question == "Is there anything in this contract about “Governing Law”: Which law governs?"
    assert len(list(cuad.read_clauses(labelled, 2))) == 3


@pytest.mark.django_db(transaction=True)
def test_present_and_absent_clauses_are_counted_apart(
    bundled_llm: ScriptedLLM, words_as_meaning: None, labelled: Path
) -> None:
    bundled_llm.replies = [Reply(words=["Delaware", " law", " governs", " this", " Agreement."])]
    outcome = cuad.run(labelled, present=5, absent=1, contracts=1, mode="whole")
    assert [trial.category for trial in outcome.trials] == ["Governing Law", "Audit Rights"]
    law, audit = (trial.values for trial in outcome.trials)
    assert (law["found"], law["missed"]) == (1.0, 0.0)
    assert "found" not in audit
    assert audit["said_absent"] in (0.0, 1.0)
    assert outcome.trials[0].gold == "Delaware law governs this Agreement."
    assert not outcome.trials[0].failed
