"""Evaluations that were run: all of them, one with its failures, several side by side. For administrators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from analysis.evaluations.intervals import Interval
from analysis.evaluations.kept import Difference, differences, measures_of, trials_of
from analysis.evaluations.reports import difference_in_words, in_words, interval_in_words, trial_lines
from analysis.evaluations.trials import Measure, Unit
from analysis.models import EvaluationRun, EvaluationTrial
from analysis.views.figures import duration
from analysis.views.plots import SERIES, Whisker, charts, whisker
from workspaces.access import staff_or_404

HEADLINES_SHOWN = 3
RUNS_A_PAGE = 50
FAILURES_A_PAGE = 20
CHANGES_SHOWN = 20
MOST_COMPARED = SERIES
LONGEST_ID = 19  # digits of the largest key


@dataclass(frozen=True)
class Cell:
    """A figure in words, and its place on its row's scale. verdict: "", "better" or "worse" than the first run's."""

    value: str
    interval: str
    whisker: Whisker
    trials: int
    difference: str = ""
    verdict: str = ""


@dataclass(frozen=True)
class Line:
    """A row of a table of figures: what it is of, and a cell for each column; None where there is no figure."""

    label: str
    cells: list[Cell | None]
    trials: int = 0


@dataclass(frozen=True)
class Listed:
    """A run in the list, with its headline figures in words."""

    run: EvaluationRun
    headlines: list[tuple[str, str]]


@dataclass(frozen=True)
class Side:
    """A run beside others. series: its kind of line in plots. shared: how many trials it has with the first."""

    run: EvaluationRun
    series: int
    label: str
    shared: int
    mended: list[EvaluationTrial]
    broken: list[EvaluationTrial]


@dataclass(frozen=True)
class Beside:
    """A measure of several runs, a cell for each; None where a run has no figure of it."""

    label: str
    cells: list[tuple[Side, Cell | None]]


@login_required
@never_cache
@require_safe
def evaluation_runs(request: HttpRequest) -> HttpResponse:
    """Show the runs that are kept, the latest first; `?name=` those of one evaluation."""
    staff_or_404(request)
    name = request.GET.get("name", "")
    rows = EvaluationRun.objects.filter(name=name) if name else EvaluationRun.objects.all()
    page = Paginator(rows, RUNS_A_PAGE).get_page(request.GET.get("page"))
    names = list(EvaluationRun.objects.order_by("name").values_list("name", flat=True).distinct())
    listed = [Listed(run, _headlines(run)) for run in page.object_list]
    return render(request, "evaluation_runs.html", {"listed": listed, "page": page, "names": names, "name": name})


@login_required
@never_cache
@require_safe
def evaluation_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show a run: its figures with their intervals, by category, and what failed."""
    staff_or_404(request)
    run = get_object_or_404(EvaluationRun, pk=run_id)
    measures = measures_of(run)
    headlines = [measure for measure in measures if measure.headline and measure.name in run.figures["measures"]]
    failed = run.trials.filter(failed=True)
    category = request.GET.get("category", "")
    shown = failed.filter(category=category) if category else failed
    context = {
        "run": run,
        "command": _command(run),
        "took": duration((run.finished_at - run.started_at).total_seconds()),
        "lines": [_line(measure, [run.figures], measure.label) for measure in _measured(measures, [run])],
        "charts": charts([(run.name, run.figures["measures"])], _shares(measures)),
        "headlines": headlines,
        "categories": _by_category(run, headlines),
        "category": category,
        "failed": failed.count(),
        "failures": Paginator(shown, FAILURES_A_PAGE).get_page(request.GET.get("page")),
        "others": EvaluationRun.objects.filter(name=run.name).exclude(pk=run.pk)[:RUNS_A_PAGE],
    }
    return render(request, "evaluation_run.html", context)


@login_required
@never_cache
@require_safe
def evaluation_compare(request: HttpRequest) -> HttpResponse:
    """Show `?run=` of one evaluation beside each other; the others' differences are from the first."""
    staff_or_404(request)
    asked = [value for value in request.GET.getlist("run") if value.isdecimal() and len(value) < LONGEST_ID]
    ids = [int(value) for value in asked[:MOST_COMPARED]]
    runs = list(EvaluationRun.objects.filter(pk__in=ids).order_by("started_at", "pk"))
    problem = _problem(runs)
    if problem:
        return render(request, "evaluation_compare.html", {"problem": problem, "runs": runs}, status=422)
    found = [differences(runs[0], run) for run in runs[1:]]
    shared = [runs[0].figures["trials"], *(count for count, _ in found)]
    sides = [_side(runs[0], run, number, shared[number]) for number, run in enumerate(runs)]
    measures = measures_of(runs[0])
    context = {
        "sides": sides,
        "lines": _compared(_measured(measures, runs), sides, [{}, *(_by_name(each) for _, each in found)]),
        "charts": charts([(side.label, side.run.figures["measures"]) for side in sides], _shares(measures)),
    }
    return render(request, "evaluation_compare.html", context)


@login_required
@never_cache
@require_safe
def evaluation_trials(request: HttpRequest, run_id: int) -> HttpResponse:
    """Return all trials of a run, one JSON object a line."""
    staff_or_404(request)
    run = get_object_or_404(EvaluationRun, pk=run_id)
    response = HttpResponse(trial_lines(trials_of(run)), content_type="application/x-ndjson; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{run.name}-{run.pk}.jsonl"'
    return response


@login_required
@require_POST
def evaluation_delete(request: HttpRequest, run_id: int) -> HttpResponse:
    """Delete a run with its trials."""
    staff_or_404(request)
    run = get_object_or_404(EvaluationRun, pk=run_id)
    run.delete()
    messages.success(request, gettext("Run %(run_id)s of %(name)s is deleted.") % {"run_id": run_id, "name": run.name})
    return redirect("evaluation_runs")


def _command(run: EvaluationRun) -> str:
    """Return the command that the run was, without the options that were left as they are when not given."""
    words = ["manage.py evaluate", run.name, run.folder]
    for name, value in run.options.items():
        if value not in ("", 0, None, False, []):
            values = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *(str(each) for each in values if each is not True)]
    return " ".join(words)


def _problem(runs: Sequence[EvaluationRun]) -> str:
    if len(runs) < 2:
        return gettext("Choose two runs or more to compare them.")
    if len({run.name for run in runs}) > 1:
        return gettext("Only runs of the same evaluation can be compared: their figures mean the same.")
    return ""


def _headlines(run: EvaluationRun) -> list[tuple[str, str]]:
    figures = run.figures["measures"]
    shown = [measure for measure in measures_of(run) if measure.headline and measure.name in figures]
    return [(each.label, in_words(figures[each.name]["value"], each.unit)) for each in shown[:HEADLINES_SHOWN]]


def _measured(measures: Sequence[Measure], runs: Sequence[EvaluationRun]) -> list[Measure]:
    """Return the measures that any of the runs has a figure of."""
    return [measure for measure in measures if any(measure.name in run.figures["measures"] for run in runs)]


def _shares(measures: Sequence[Measure]) -> list[str]:
    return [measure.name for measure in measures if measure.unit == Unit.SHARE]


def _line(measure: Measure, columns: Sequence[dict[str, Any]], label: str, top: float = 0.0) -> Line:
    """Return the measure in each of the columns of figures, on one scale; top: where it ends, 0 for what is needed."""
    found = [figures["measures"].get(measure.name) for figures in columns]
    top = top or _top(measure, found)
    return Line(label, [_cell(measure, each, top) if each else None for each in found], columns[0]["trials"])


def _top(measure: Measure, found: Sequence[dict[str, Any] | None]) -> float:
    """Return where the scale ends: at the whole for shares, else at the highest end of an interval."""
    return 1.0 if measure.unit == Unit.SHARE else max((each["high"] for each in found if each), default=0) or 1.0


def _cell(measure: Measure, found: dict[str, Any], top: float) -> Cell:
    interval = Interval(**found)
    words = in_words(interval.value, measure.unit), interval_in_words(interval, measure.unit)
    return Cell(*words, whisker(found, top), interval.trials)


def _by_category(run: EvaluationRun, headlines: Sequence[Measure]) -> list[Line]:
    """Return a row for each category; each measure has one scale for all of them."""
    rows = sorted(run.categories.items())
    tops = {each.name: _top(each, [figures["measures"].get(each.name) for _, figures in rows]) for each in headlines}
    lines = []
    for name, figures in rows:
        cells = [_line(measure, [figures], name, tops[measure.name]).cells[0] for measure in headlines]
        lines.append(Line(name or "none", cells, figures["trials"]))
    return lines


def _by_name(found: Sequence[Difference]) -> dict[str, Difference]:
    return {difference.measure.name: difference for difference in found}


def _compared(
    measures: Sequence[Measure], sides: Sequence[Side], found: Sequence[dict[str, Difference]]
) -> list[Beside]:
    """Return a row for each measure, with a cell for each run that says how it differs from the first."""
    lines = []
    for measure in measures:
        line = _line(measure, [side.run.figures for side in sides], measure.label)
        cells = [_differing(cell, each.get(measure.name)) for cell, each in zip(line.cells, found, strict=True)]
        lines.append(Beside(line.label, list(zip(sides, cells, strict=True))))
    return lines


def _differing(cell: Cell | None, difference: Difference | None) -> Cell | None:
    if cell is None or difference is None:
        return cell
    words = difference_in_words(difference.interval, difference.measure.unit)
    verdict = "" if difference.better is None else "better" if difference.better else "worse"
    return Cell(cell.value, cell.interval, cell.whisker, cell.trials, words, verdict)


def _side(first: EvaluationRun, run: EvaluationRun, number: int, shared: int) -> Side:
    label = f"{run.pk}: {run.note or run.llm or run.embedder}"
    if run is first:
        return Side(run, number, label, shared, [], [])
    return Side(run, number, label, shared, _turned(first, run, failed=False), _turned(first, run, failed=True))


def _turned(first: EvaluationRun, run: EvaluationRun, *, failed: bool) -> list[EvaluationTrial]:
    """Return some of the run's trials that failed, or did not, where it was the other way in the first."""
    other_way: QuerySet[EvaluationTrial, str] = first.trials.filter(failed=not failed).values_list("key", flat=True)
    return list(run.trials.filter(failed=failed, key__in=other_way)[:CHANGES_SHOWN])
