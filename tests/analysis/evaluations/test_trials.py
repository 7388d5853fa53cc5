"""What trials come to, in figures and in writing, and runs that are kept and compared."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from django.utils import timezone

from analysis.evaluations import evaluations
from analysis.evaluations.intervals import Interval
from analysis.evaluations.kept import TEXT_MAX_CHARACTERS, differences, facts_of, measures_of, run_keep, trials_of
from analysis.evaluations.reports import (
    as_json,
    categories_table,
    figures_table,
    in_words,
    write_failures,
)
from analysis.evaluations.trials import Measure, Outcome, RunFacts, Trial, Unit, summarise
from analysis.models import EvaluationRun, EvaluationTrial


def share_of_kinds(trials: Sequence[Trial]) -> float:
    """Return a figure that is no mean: the share of kinds in which nothing failed."""
    kinds = {trial.category for trial in trials}
    return len(kinds - {trial.category for trial in trials if trial.failed}) / len(kinds)


MEASURES = (
    Measure("right", "right", headline=True),
    Measure("whole_kinds", "kinds without a failure", statistic=share_of_kinds),
    Measure("seconds", "whole answer", unit=Unit.SECONDS, more_is_better=False),
)


def trial(number: int, *, right: float, kind: str = "short", seconds: float | None = None) -> Trial:
    values = {"right": right} | ({} if seconds is None else {"seconds": seconds})
    return Trial(
        key=f"trial {number}",
        document=f"contract {number // 2}",
        category=kind,
        values=values,
        question=f"Question {number}?",
        gold="one\ntwo",
        failed=right < 1,
    )


OUTCOME = Outcome(
    MEASURES,
    [trial(0, right=1), trial(1, right=1), trial(2, right=1, seconds=3), trial(3, right=0, kind="long", seconds=5)],
    notes=["One file was damaged."],
    llm="some-llm",
)


def facts(outcome: Outcome = OUTCOME, **changes: object) -> RunFacts:
    given = {"name": "needle", "folder": Path("/private/essays"), "note": "first", "options": {}, **changes}
    return facts_of(outcome, started_at=timezone.now(), **given)  # type: ignore[arg-type]


def kept(outcome: Outcome = OUTCOME, **changes: object) -> EvaluationRun:
    return run_keep(outcome, summarise(MEASURES, outcome.trials), facts(outcome, **changes))


def test_figures_over_all_and_by_category() -> None:
    summary = summarise(MEASURES, OUTCOME.trials)
    overall = summary.overall.intervals
    assert (summary.overall.trials, summary.overall.failed) == (4, 1)
    assert (overall["right"].value, overall["right"].trials, overall["right"].clusters) == (0.75, 4, 2)
    assert overall["whole_kinds"].value == 0.5
    assert overall["seconds"][0] == 4  # of the two that have any
    assert list(summary.categories) == ["long", "short"]
    assert summary.categories["long"].intervals["right"].value == 0
    assert "seconds" in summary.categories["short"].intervals


def test_one_category_is_no_row_of_its_own() -> None:
    assert summarise(MEASURES, OUTCOME.trials[:3]).categories == {}


def test_in_writing(db: None, tmp_path: Path) -> None:
    summary = summarise(MEASURES, OUTCOME.trials)
    assert figures_table(OUTCOME, summary).rows[0][:2] == ("right", "75.0 %")
    assert categories_table(OUTCOME, summary).rows == [("long", 1, "0.0 %"), ("short", 3, "100.0 %")]
    assert (in_words(0.0321, Unit.SHARE), in_words(2, Unit.SECONDS), in_words(12.5, Unit.COUNT)) == (
        "3.2 %", "2.00 s", "12.5",
    )  # fmt: skip
    assert write_failures(OUTCOME.trials, tmp_path / "failed.md") == 1
    page = (tmp_path / "failed.md").read_text()
    assert page.startswith("## 1. Question 3?\n")
    assert "Document: contract 1" in page
    assert "> one\n> two" in page
    assert "> (nothing)" in page
    write_failures(OUTCOME.trials, tmp_path / "failed.jsonl")
    (line,) = (tmp_path / "failed.jsonl").read_text().splitlines()
    assert json.loads(line)["key"] == "trial 3"
    written = json.loads(json.dumps(as_json(OUTCOME, summary, facts())))
    assert written["figures"]["measures"]["right"]["value"] == 0.75
    assert (written["run"]["folder"], written["run"]["llm"]) == ("essays", "some-llm")
    assert facts().in_words().startswith("needle on essays, 20")


def test_a_run_is_kept_as_it_was_found(db: None) -> None:
    long = replace(OUTCOME.trials[0], returned="x" * 10_000)
    run = kept(
        Outcome(MEASURES, [long, *OUTCOME.trials[1:]], llm="some-llm"), options={"file": Path("/secret/list.csv")}
    )
    run.refresh_from_db()
    assert (run.folder, run.note, run.llm, run.options) == ("essays", "first", "some-llm", {"file": "list.csv"})
    assert run.embedder
    assert run.code.startswith("0.")
    assert run.figures["measures"]["right"]["value"] == 0.75
    assert run.categories["long"]["trials"] == 1
    assert [replace(each, returned="") for each in trials_of(run)] == OUTCOME.trials
    assert len(trials_of(run)[0].returned) == TEXT_MAX_CHARACTERS
    assert [(m.name, m.unit, m.statistic) for m in measures_of(run)] == [(m.name, m.unit, None) for m in MEASURES]
    run.delete()
    assert not EvaluationTrial.objects.exists()


def test_two_runs_are_compared_on_the_trials_of_both(db: None) -> None:
    before = kept(Outcome(MEASURES, [trial(number, right=0, seconds=9) for number in range(8)]))
    after = kept(Outcome(MEASURES, [trial(number, right=number != 6, seconds=9) for number in range(2, 12)]))
    shared, (right, seconds) = differences(before, after)
    assert shared == 6
    assert right.interval.value == pytest.approx(5 / 6)
    assert (right.better, right.interval.trials, right.interval.clusters) == (True, 6, 3)
    assert seconds.interval == Interval(0, 0, 0, 6, 3)
    assert seconds.better is None
    assert differences(after, before)[1][0].better is False


def test_a_figure_that_is_no_mean_is_compared_as_its_evaluation_works_it_out(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluations()["needle"], "MEASURES", MEASURES)
    before = kept(Outcome(MEASURES, [trial(0, right=0), trial(1, right=0, kind="long")]))
    after = kept(Outcome(MEASURES, [trial(0, right=1), trial(1, right=0, kind="long")]))
    found = {difference.measure.name: difference.interval for difference in differences(before, after)[1]}
    assert found["whole_kinds"].value == 0.5
    assert found["whole_kinds"].low < 0.5


def test_where_categories_count_alike_so_do_their_differences(db: None) -> None:
    measures = evaluations()["legalbench-rag"].MEASURES

    def run(*recalls: float) -> EvaluationRun:
        kinds = ("nda", "nda", "nda", "lease")
        trials = [Trial(f"{n}", {"recall@8": value}, category=kinds[n]) for n, value in enumerate(recalls)]
        return kept(Outcome(measures, trials), name="legalbench-rag")

    _, found = differences(run(0, 0, 0, 0), run(0, 0, 0, 1))
    recall = next(difference for difference in found if difference.measure.name == "recall@8")
    assert recall.interval.value == 0.5


def test_runs_without_a_trial_in_common_have_no_difference(db: None) -> None:
    before, after = kept(Outcome(MEASURES, [trial(1, right=0)])), kept(Outcome(MEASURES, [trial(2, right=1)]))
    assert differences(before, after) == (0, [])


def test_every_evaluation_says_what_it_measures() -> None:
    assert evaluations().keys() >= {"docugami", "sweqa", "cosqa", "needle", "cuad", "legalbench-rag"}
    for name, module in evaluations().items():
        names = [measure.name for measure in module.MEASURES]
        assert len(names) == len(set(names)), name
        assert 1 <= sum(measure.headline for measure in module.MEASURES) <= 4, name
        assert module.__doc__, name
