"""Runs that are kept: written once when an evaluation ends, read again for the page and for comparison."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from getpass import getuser
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from analysis.evaluations import evaluations
from analysis.evaluations.intervals import Interval, difference_interval, statistic_interval
from analysis.evaluations.reports import figures_as_json
from analysis.evaluations.trials import Measure, Outcome, RunFacts, Summary, Trial, Unit
from analysis.ingest.embedders import serving
from analysis.models import EvaluationRun, EvaluationTrial
from config.env import env
from config.version import version

TEXT_MAX_CHARACTERS = 4000
INSERT_ROWS = 500
_TEXTS = ("question", "gold", "returned", "where")


@dataclass(frozen=True)
class Difference:
    """A measure in a run against another, over the trials that both have.

    interval: of the difference, paired. better: None where the interval holds 0, so that chance may be all of it.
    """

    measure: Measure
    interval: Interval
    better: bool | None


def facts_of(
    outcome: Outcome, *, name: str, folder: Path, note: str, options: dict[str, Any], started_at: datetime
) -> RunFacts:
    """Return the circumstances of a run that has just ended."""
    return RunFacts(
        name=name,
        folder=folder.resolve().name[:255],
        note=note[:200],
        options={key: _plain(value) for key, value in options.items()},
        run_by=getuser()[:150],
        code=version()[:100],
        embedder=embedder_measured()[:200],
        llm=outcome.llm,
        started_at=started_at,
        finished_at=timezone.now(),
    )


def embedder_measured() -> str:
    """Return the name of the embedder that searched: the one that serves, which need not be the one that is set."""
    embedder = serving()
    return embedder.name if embedder else env.embedder


def run_keep(outcome: Outcome, summary: Summary, facts: RunFacts) -> EvaluationRun:
    """Write the run with its trials, and return it."""
    with transaction.atomic():
        run = EvaluationRun.objects.create(
            **vars(facts),
            measures=[_measure_as_json(measure) for measure in outcome.measures],
            figures=figures_as_json(summary.overall),
            categories={name: figures_as_json(figures) for name, figures in summary.categories.items()},
            notes=outcome.notes,
        )
        rows = [_row(run, number, trial) for number, trial in enumerate(outcome.trials)]
        EvaluationTrial.objects.bulk_create(rows, INSERT_ROWS)
    return run


def measures_of(run: EvaluationRun) -> list[Measure]:
    """Return the run's measures as they were then; those that are no means are worked out as the code has it now."""
    module = evaluations().get(run.name)
    statistics = {measure.name: measure.statistic for measure in module.MEASURES} if module else {}
    return [
        Measure(**{**each, "unit": Unit(each["unit"])}, statistic=statistics.get(each["name"])) for each in run.measures
    ]


def trials_of(run: EvaluationRun) -> list[Trial]:
    """Return the run's trials in their order."""
    names = [field.name for field in fields(Trial)]
    return [Trial(**row) for row in run.trials.order_by("ordinal").values(*names)]


def differences(one: EvaluationRun, other: EvaluationRun) -> tuple[int, list[Difference]]:
    """Return how many trials both runs have, and how `other` differs from `one` over those in each shared measure."""
    before = {trial.key: trial for trial in trials_of(one)}
    pairs = [(before[trial.key], trial) for trial in trials_of(other) if trial.key in before]
    of_one = {measure.name for measure in measures_of(one)}
    found = [_difference(measure, pairs) for measure in measures_of(other) if measure.name in of_one]
    return len(pairs), [difference for difference in found if difference]


def _difference(measure: Measure, pairs: list[tuple[Trial, Trial]]) -> Difference | None:
    name, statistic = measure.name, measure.statistic
    if not statistic:
        pairs = [(a, b) for a, b in pairs if name in a.values and name in b.values]
    if not pairs:
        return None
    clusters = [b.cluster for _, b in pairs]
    if statistic:
        interval = statistic_interval(
            lambda drawn: statistic([b for _, b in drawn]) - statistic([a for a, _ in drawn]), pairs, clusters
        )
    else:
        categories = [b.category for _, b in pairs] if measure.macro else None
        one, other = [a.values[name] for a, _ in pairs], [b.values[name] for _, b in pairs]
        interval = difference_interval(one, other, clusters, categories)
    sure = interval.low > 0 or interval.high < 0
    return Difference(measure, interval, (interval.value > 0) == measure.more_is_better if sure else None)


def _row(run: EvaluationRun, ordinal: int, trial: Trial) -> EvaluationTrial:
    columns = asdict(trial) | {name: getattr(trial, name)[:TEXT_MAX_CHARACTERS] for name in _TEXTS}
    return EvaluationTrial(run=run, ordinal=ordinal, **columns)


def _measure_as_json(measure: Measure) -> dict[str, Any]:
    return {field.name: getattr(measure, field.name) for field in fields(measure) if field.name != "statistic"}


def _plain(value: Any) -> Any:
    """Return the value of an option as JSON; of a path its name."""
    return value.name if isinstance(value, Path) else value
