"""What an evaluation hands back: one record a trial, and the figures that they come to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from analysis.evaluations.intervals import Interval, mean_interval, statistic_interval


class Unit(StrEnum):
    """What a figure counts, and so how it is written."""

    SHARE = "share"  # in [0, 1]
    SECONDS = "seconds"
    COUNT = "count"


@dataclass(frozen=True)
class Trial:
    """One question put to Lectern, what was expected and what came.

    key: the same in each run over the same data, by which runs are compared. document: trials that share one are drawn
    together. values: what was measured, by the measure's name; one that does not apply is left out. details: whatever
    else a figure is worked out from, as JSON. returned, where: what came, for reading. failed: worth reading.
    """

    key: str
    values: dict[str, float]
    document: str = ""
    category: str = ""
    question: str = ""
    gold: str = ""
    returned: str = ""
    where: str = ""
    failed: bool = False
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def cluster(self) -> str:
        """What the trial is drawn together with: its document, else nothing but itself."""
        return self.document or self.key


@dataclass(frozen=True)
class Measure:
    """A figure of an evaluation.

    name: under which trials hold it. headline: shown for each category and wherever there is little room.
    macro: the mean of the categories' means, so that each counts alike. statistic: works it out from trials where it is
    no mean of their values, such as an area under a curve; it returns a number for any trials, since those of one
    draw may all be alike.
    """

    name: str
    label: str
    unit: Unit = Unit.SHARE
    headline: bool = False
    more_is_better: bool = True
    macro: bool = False
    statistic: Callable[[Sequence[Trial]], float] | None = None

    def interval(self, trials: Sequence[Trial]) -> Interval | None:
        """Return the figure over the trials that it applies to, None when it applies to none."""
        if self.statistic:
            return statistic_interval(self.statistic, trials, [trial.cluster for trial in trials]) if trials else None
        held = [trial for trial in trials if self.name in trial.values]
        if not held:
            return None
        categories = [trial.category for trial in held] if self.macro else None
        return mean_interval([trial.values[self.name] for trial in held], [trial.cluster for trial in held], categories)


@dataclass
class Outcome:
    """What one run of an evaluation found. llm: what answered, "" where none was asked."""

    measures: Sequence[Measure]
    trials: list[Trial] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    llm: str = ""


@dataclass(frozen=True)
class RunFacts:
    """Under which circumstances a run was made, so that another can be told from it.

    folder: the data's folder by its name alone, since a machine's paths are nobody's business. options: what the
    command was told beside the data. run_by: the account on the machine that ran it.
    """

    name: str
    folder: str
    note: str
    options: dict[str, Any]
    run_by: str
    code: str
    embedder: str
    llm: str
    started_at: datetime
    finished_at: datetime

    def in_words(self) -> str:
        """Return the circumstances in a line."""
        asked = f", {self.llm}" if self.llm else ""
        return f"{self.name} on {self.folder}, {self.started_at:%Y-%m-%d}: {self.embedder}{asked}, Lectern {self.code}"


@dataclass(frozen=True)
class Figures:
    """The measures over a set of trials. intervals: by the measure's name, without those that do not apply."""

    trials: int
    failed: int
    intervals: dict[str, Interval]


@dataclass(frozen=True)
class Summary:
    """The figures over all trials and over those of each category, categories in the order of their names."""

    overall: Figures
    categories: dict[str, Figures]


def summarise(measures: Sequence[Measure], trials: Sequence[Trial]) -> Summary:
    """Return the figures that the trials come to; a single category is no row of its own."""
    by_category: dict[str, list[Trial]] = {}
    for trial in trials:
        by_category.setdefault(trial.category, []).append(trial)
    apart = sorted(by_category) if len(by_category) > 1 else []
    return Summary(_figures(measures, trials), {name: _figures(measures, by_category[name]) for name in apart})


def _figures(measures: Sequence[Measure], trials: Sequence[Trial]) -> Figures:
    found = {measure.name: measure.interval(trials) for measure in measures}
    intervals = {name: interval for name, interval in found.items() if interval is not None}
    return Figures(len(trials), sum(trial.failed for trial in trials), intervals)
