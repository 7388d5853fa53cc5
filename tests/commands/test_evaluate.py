"""`manage.py evaluate`: what it prints, writes and keeps, and what it says when it cannot."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from analysis.evaluations import evaluations, needle
from analysis.evaluations.trials import Outcome, Trial
from analysis.models import Embedder, EmbedderStatus, EvaluationRun

TRIALS = [
    Trial("one", {"said": 1.0, "cited": 1.0}, category="whole", question="What is hidden?", gold="A needle."),
    Trial("two", {"said": 0.0, "cited": 0.0}, category="sweep", question="What is hidden?", failed=True),
]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, db: None) -> dict[str, Any]:
    """Let the evaluation return two trials at once; return what it was told."""
    given: dict[str, Any] = {}

    def run(folder: Path, **options: Any) -> Outcome:
        given.update(options, folder=folder)
        return Outcome(needle.MEASURES, TRIALS, notes=["One essay was empty."], llm="some-llm")

    monkeypatch.setattr(evaluations()["needle"], "run", run)
    return given


def evaluate(folder: Path, *options: str) -> str:
    printed = io.StringIO()
    call_command("evaluate", "needle", str(folder), *options, stdout=printed)
    return printed.getvalue()


def test_it_prints_figures_by_category_and_keeps_the_run(told: dict[str, Any], tmp_path: Path) -> None:
    printed = evaluate(tmp_path, "--limit", "2", "--llm", "some-llm", "--note", "as it is", "--depths", "0.5")
    said = next(line.split() for line in printed.splitlines() if line.split()[:1] == ["said"])
    assert said == ["said", "50.0", "%", "0.0", "to", "100.0", "2", "2"]
    assert ["sweep", "1", "0.0", "%", "0.0", "%"] in [line.split() for line in printed.splitlines()]
    assert "One essay was empty." in printed
    assert f"needle on {tmp_path.name}, 20" in printed
    run = EvaluationRun.objects.get()
    assert (run.note, run.llm, run.figures["failed"]) == ("as it is", "some-llm", 1)
    assert run.options.keys() == {"limit", "llm", "tokens", "depths", "modes"}
    assert (told["limit"], told["llm"], told["depths"], told["folder"]) == (2, "some-llm", [0.5], tmp_path)


def test_the_embedder_that_was_measured_is_named(told: dict[str, Any], tmp_path: Path) -> None:
    Embedder.objects.create(name="from-before", dims=4, status=EmbedderStatus.SERVING)
    assert "which does not serve yet: from-before was measured." in evaluate(tmp_path)
    assert EvaluationRun.objects.get().embedder == "from-before"


def test_failures_are_written_and_nothing_kept_when_asked(told: dict[str, Any], tmp_path: Path) -> None:
    printed = evaluate(tmp_path, "--no-store", "--failures", str(tmp_path / "failed.md"))
    assert f"1 of the trials failed: see {tmp_path}" in printed
    assert "## 1. What is hidden?" in (tmp_path / "failed.md").read_text()
    assert not EvaluationRun.objects.exists()


def test_an_evaluation_without_a_trial_says_why(
    told: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = Outcome(needle.MEASURES, notes=["No report could be read."])
    monkeypatch.setattr(evaluations()["needle"], "run", lambda *_, **__: nothing)
    with pytest.raises(CommandError, match=r"Nothing could be measured\. No report could be read\."):
        evaluate(tmp_path)
    assert not EvaluationRun.objects.exists()
