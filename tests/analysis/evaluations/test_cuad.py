"""The clause evaluation: which questions it makes of the labels, and what it counts."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.evaluations import clause_finding, clause_labels, cuad
from analysis.review import finder
from analysis.review.sentences import sentences_in
from analysis.types import Identity, Span
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.analysis.review.meanings import word_vectors

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
        {
            "contract": "short.txt",
            "category": "Governing Law",
            "spans": [{"text": SHORT[start:], "parts": [[start, len(SHORT)]]}],
        },
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
    outcome = cuad.run(labelled, task="answers", present=5, absent=1, contracts=1, mode="whole")
    assert [trial.category for trial in outcome.trials] == ["Governing Law", "Audit Rights"]
    law, audit = (trial.values for trial in outcome.trials)
    assert (law["found"], law["missed"]) == (1.0, 0.0)
    assert "found" not in audit
    assert audit["said_absent"] in (0.0, 1.0)
    assert outcome.trials[0].gold == "Delaware law governs this Agreement."
    assert not outcome.trials[0].failed


def in_marked_contracts(monkeypatch: pytest.MonkeyPatch, words: dict[str, str]) -> None:
    """Have contracts of these words read in without the embedder."""

    class Version:
        known_identity = Identity()

        def __init__(self, text: str) -> None:
            self.text = text

        def read_text(self) -> str:
            return self.text

    monkeypatch.setattr(
        clause_finding, "contract_document", lambda _, __, name: SimpleNamespace(version=Version(words[name]))
    )
    monkeypatch.setattr(
        clause_finding, "sentences_of", lambda version: sentences_in(version.read_text(), [], word_vectors)
    )
    monkeypatch.setattr(clause_labels, "embed", word_vectors)
    monkeypatch.setitem(finder.find.__kwdefaults__ or {}, "meaning", word_vectors)


@pytest.mark.django_db
def test_places_of_clauses_are_matched_with_what_was_marked(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_marked_contracts(monkeypatch, {"short.txt": SHORT, "long.txt": LONG})
    outcome = cuad.run(labelled, task="clauses", contracts=1, threshold=0.02)
    law, audit = outcome.trials
    assert law.values == {"found": 1.0, "missed": 0.0, "has_clause": 1.0}
    assert audit.values == {"said_absent": 1.0, "has_clause": 1.0}
    ((probability, right),) = law.details["scored"]
    assert right
    assert 0.02 < probability < 1
    figures = {measure.name: measure.interval(outcome.trials) for measure in outcome.measures}
    assert figures["aupr"] is not None
    assert figures["aupr"].value == 1.0


@pytest.mark.django_db
def test_weights_of_one_half_are_used_on_the_other(labelled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_marked_contracts(monkeypatch, {"short.txt": SHORT, "long.txt": f"{SHORT} {LONG}"})
    labels = [json.loads(line) for line in (labelled / "labels.jsonl").read_text().splitlines()]
    labels[0]["spans"] = labels[1]["spans"]
    (labelled / "labels.jsonl").write_text("\n".join(json.dumps(label) for label in labels))
    outcome = cuad.run(labelled, task="clauses", threshold=0.02, crossfit=True)
    assert len(outcome.trials) == 3
    fitted = [note for note in outcome.notes if note.startswith("Fitted on")]
    assert [note.partition(":")[0] for note in fitted] == ["Fitted on half 1", "Fitted on half 2", "Fitted on all"]
    assert all("meaning = " in note and "by_itself = " in note for note in fitted)


@pytest.mark.parametrize(
    ("sentence", "gold", "is_one"),
    [
        (Span(0, 10), Span(0, 10), True),
        (Span(0, 100), Span(40, 50), True),
        (Span(40, 50), Span(0, 100), True),
        (Span(0, 10), Span(6, 20), False),
        (Span(0, 10), Span(5, 20), True),
        (Span(0, 10), Span(10, 20), False),
    ],
)
def test_a_sentence_is_a_clause_when_half_of_the_shorter_is_shared(sentence: Span, gold: Span, is_one: bool) -> None:
    assert clause_labels.is_clause(sentence, [gold]) is is_one
