"""The evaluation of definitions: what it counts, by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.evaluations.definitions import half_of, run

TEXT = """\
1. Terms

“Fee” means ten pounds a month.

The prices (the “Prices”) stand in Section 2, and not in Section 7.

2. Prices

3. End
"""


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "corpus" / "sale.txt").write_text(TEXT)
    start = TEXT.index("“Fee”")
    snippet = {"file_path": "sale.txt", "span": [start, start + 16], "answer": ""}
    tests = [
        {"query": 'What is the Definition of "Fee"', "snippets": [snippet]},
        {"query": "Which law governs?", "snippets": [snippet]},
    ]
    (tmp_path / "benchmarks" / "sale.json").write_text(json.dumps({"tests": tests}))
    return tmp_path


def test_gold_definitions_and_a_documents_own_are_counted(labelled: Path) -> None:
    document, definition = run(labelled).trials
    assert document.values == {"plain_recall": 1.0, "references_resolved": 0.5}
    assert document.returned == "Section 7"
    assert document.details == {"terms": 2, "plain": 2, "references": 2, "resolved": 1}
    assert definition.returned == "“Fee” means ten pounds a month."
    # The gold is “Fee” means ten and a blank, which does not count: 15 characters of the 31 that were found.
    assert definition.values == {"gold_overlap": 15 / 31, "gold_recall": 1.0, "gold_precision": 15 / 31}
    assert definition.failed


def test_each_document_is_in_one_half(labelled: Path) -> None:
    own = half_of(labelled / "corpus" / "sale.txt")
    other = "odd" if own == "even" else "even"
    assert len(run(labelled, half=own).trials) == 2
    assert run(labelled, half=other).trials == []
