"""The evaluation on statements about agreements: what it reads, what it takes for right, and what it counts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from analysis.evaluations import contractnli
from analysis.evaluations.contractnli import CONTRADICTED, ENTAILED, SILENT, read_pairs
from analysis.evaluations.trials import summarise
from analysis.types import Span
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM

SENTENCES = (
    "The Recipient shall not disclose the Information to any third party.",
    "The Recipient may keep one copy of the Information for its records.",
    "This Agreement is governed by the laws of Ireland.",
)
TEXT = "\n\n".join(SENTENCES)
HYPOTHESES = {
    "a": ("Receiving Party shall not share the Information with any third party.", ENTAILED, [0]),
    "b": ("Receiving Party may disclose the Information to any third party.", CONTRADICTED, [0]),
    "c": ("Receiving Party shall pay a penalty of EUR 5,000.", SILENT, []),
}


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    spans = [[TEXT.index(sentence), TEXT.index(sentence) + len(sentence)] for sentence in SENTENCES]
    annotations = {key: {"choice": label, "spans": held} for key, (_, label, held) in HYPOTHESES.items()}
    document = {"id": 5, "text": TEXT, "spans": spans, "annotation_sets": [{"annotations": annotations}]}
    labels = {key: {"hypothesis": hypothesis} for key, (hypothesis, _, _) in HYPOTHESES.items()}
    (tmp_path / "dev.json").write_text(json.dumps({"documents": [document], "labels": labels}))
    return tmp_path


def test_pairs_have_their_evidence(annotated: Path) -> None:
    pairs = list(read_pairs(annotated))
    assert [(pair.key, pair.label, pair.gold) for pair in pairs] == [
        ("a", ENTAILED, (Span(0, 68),)), ("b", CONTRADICTED, (Span(0, 68),)), ("c", SILENT, ()),
    ]  # fmt: skip
    assert list(read_pairs(annotated, "odd")) == []


@pytest.mark.django_db(transaction=True)
def test_statements_are_judged_and_counted(annotated: Path, words_as_meaning: None) -> None:
    outcome = contractnli.run(annotated)
    assert [trial.details["said"] for trial in outcome.trials] == [ENTAILED, CONTRADICTED, SILENT]
    figures = {name: i.value for name, i in summarise(outcome.measures, outcome.trials).overall.intervals.items()}
    assert (figures["right"], figures["f1_contradiction"], figures["evidence_hit"]) == (1, 1, 1)
    assert (figures["citation_precision"], figures["citation_recall"], figures["evidence_map"]) == (1, 1, 1)
    assert figures["supported"] == pytest.approx(1 / 3)
    assert outcome.trials[0].where == SENTENCES[0]


@pytest.mark.django_db(transaction=True)
def test_the_weights_are_fitted(annotated: Path, words_as_meaning: None) -> None:
    (note,) = contractnli.run(annotated, task="fit").notes
    assert note.startswith("Fitted on")
    assert "meaning" in note


@pytest.mark.django_db(transaction=True)
def test_a_language_model_is_asked(annotated: Path, bundled_llm: ScriptedLLM, words_as_meaning: None) -> None:
    bundled_llm.replies = [
        Reply(words=["Yes", ". ", SENTENCES[0]]), Reply(words=["No", ". ", SENTENCES[0]]), Reply(words=["Yes", "."]),
    ]  # fmt: skip
    outcome = contractnli.run(annotated, task="ask", mode="whole")
    assert [trial.details["said"] for trial in outcome.trials] == [ENTAILED, CONTRADICTED, SILENT]
