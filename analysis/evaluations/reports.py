"""An outcome in writing: tables for the terminal, failures to read, everything as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.benchmarks import Report
from analysis.evaluations.intervals import Interval
from analysis.evaluations.trials import Figures, Measure, Outcome, RunFacts, Summary, Trial, Unit

MARKDOWN_ENDINGS = {".md", ".markdown"}


def in_words(value: float, unit: Unit) -> str:
    """Return a figure as it is printed: "41.2 %", "3.1 s", "12.5"."""
    if unit == Unit.SHARE:
        return f"{100 * value:.1f} %"
    return f"{value:.2f} s" if unit == Unit.SECONDS else f"{value:.4g}"


def interval_in_words(interval: Interval, unit: Unit) -> str:
    """Return the ends of the interval, in the unit of the figure: "38.0 to 44.1"."""
    scale, digits = (100, 1) if unit == Unit.SHARE else (1, 2)
    return f"{scale * interval.low:.{digits}f} to {scale * interval.high:.{digits}f}"


def difference_in_words(interval: Interval, unit: Unit) -> str:
    """Return a difference with its sign and its interval: "+2.1 (0.4 to 3.9)"; of shares in percentage points."""
    scale, digits = (100, 1) if unit == Unit.SHARE else (1, 2)
    return f"{scale * interval.value:+.{digits}f} ({interval_in_words(interval, unit)})"


def figures_table(outcome: Outcome, summary: Summary) -> Report:
    """Return all measures over all trials."""
    report = Report(("figure", "value", "95 % interval", "trials", "documents"))
    for measure in outcome.measures:
        if found := summary.overall.intervals.get(measure.name):
            shown = in_words(found.value, measure.unit), interval_in_words(found, measure.unit)
            report.rows.append((measure.label, *shown, found.trials, found.clusters))
    return report


def categories_table(outcome: Outcome, summary: Summary) -> Report:
    """Return the headline measures of each category."""
    overall = summary.overall.intervals
    headlines = [measure for measure in outcome.measures if measure.headline and measure.name in overall]
    report = Report(("category", "trials", *(measure.label for measure in headlines)))
    for name, figures in summary.categories.items():
        report.rows.append((name, figures.trials, *(_cell(figures, measure) for measure in headlines)))
    report.notes += outcome.notes
    return report


def write_failures(trials: Iterable[Trial], path: Path) -> int:
    """Write what failed to `path`, as Markdown where it ends so, else as JSON lines; return how many there were."""
    failed = [trial for trial in trials if trial.failed]
    shown = failures_markdown(failed) if path.suffix.lower() in MARKDOWN_ENDINGS else trial_lines(failed)
    path.write_text(shown, encoding="utf-8")
    return len(failed)


def failures_markdown(failed: Sequence[Trial]) -> str:
    """Return the trials as a page to read: question, what was expected, what came, and where."""
    return "\n".join(_section(number, trial) for number, trial in enumerate(failed, start=1))


def trial_lines(trials: Iterable[Trial]) -> str:
    """Return one JSON object a line."""
    return "".join(json.dumps(asdict(trial), ensure_ascii=False) + "\n" for trial in trials)


def as_json(outcome: Outcome, summary: Summary, facts: RunFacts) -> dict[str, Any]:
    """Return the circumstances, the figures and all trials as plain values."""
    when = {name: getattr(facts, name).isoformat() for name in ("started_at", "finished_at")}
    return {
        "run": asdict(facts) | when,
        "figures": figures_as_json(summary.overall),
        "categories": {name: figures_as_json(figures) for name, figures in summary.categories.items()},
        "notes": outcome.notes,
        "trials": [asdict(trial) for trial in outcome.trials],
    }


def figures_as_json(figures: Figures) -> dict[str, Any]:
    """Return the figures of a set of trials: its size, and each measure with its interval."""
    measures = {name: interval._asdict() for name, interval in figures.intervals.items()}
    return {"trials": figures.trials, "failed": figures.failed, "measures": measures}


def _cell(figures: Figures, measure: Measure) -> str:
    found = figures.intervals.get(measure.name)
    return in_words(found.value, measure.unit) if found else "–"


def _section(number: int, trial: Trial) -> str:
    values = ", ".join(f"{name} {value:.3g}" for name, value in trial.values.items())
    parts = [
        f"## {number}. {_one_line(trial.question or trial.key)}\n",
        *(f"{name}: {_one_line(text)}  " for name, text in _named(trial) if text),
        f"Figures: {values}\n",
        *(f"{title}:\n\n{_quoted(text)}\n" for title, text in (("Expected", trial.gold), ("Came", trial.returned))),
    ]
    return "\n".join(parts)


def _named(trial: Trial) -> list[tuple[str, str]]:
    return [("Document", trial.document), ("Category", trial.category), ("Where", trial.where), ("Key", trial.key)]


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in (text or "(nothing)").splitlines())


def _one_line(text: str) -> str:
    return " ".join(text.split())
