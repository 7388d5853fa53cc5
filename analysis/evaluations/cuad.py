"""Clauses that a contract has and clauses that it lacks: found in the right place, or said to be absent?

Reads the Contract Understanding Atticus Dataset (Hendrycks et al., NeurIPS 2021): labels.jsonl, one line a contract and
category with its gold spans, none where the clause is absent; category_descriptions.csv; the contracts in txt/.
"""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.benchmarks import Report, scratch_workspace
from analysis.errors import UserError
from analysis.evaluations import answered, cited_spans, read_in
from analysis.evaluations.metrics import overlaps
from analysis.models import Answer, AnswerStatus, Document, SweepPart
from analysis.types import Mode, Span
from workspaces.models import Workspace

COLUMNS = ("clause", "mode", "questions", "in the right place", "said absent", "complete receipt", "seconds each")


@dataclass(frozen=True)
class Trial:
    """One clause in one contract. gold: where it stands; empty where the contract lacks it."""

    contract: str
    category: str
    question: str
    gold: tuple[Span, ...]


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate cuad` can be told."""
    parser.add_argument("--present", type=int, default=10, help="how many clauses that are there to ask for")
    parser.add_argument("--absent", type=int, default=10, help="how many that are not")
    parser.add_argument("--contracts", type=int, default=5, help="in so many contracts, the shortest first")
    parser.add_argument("--mode", choices=["whole", "passages", "sweep"], default="sweep")
    parser.add_argument("--llm", default="", help="id of the language model; the default one if not given")


def run(
    folder: Path, *, present: int, absent: int, contracts: int, mode: str, llm: str = "", limit: int = 0, **_: Any
) -> Report:
    """Ask for each clause in its contract; present and absent ones are reported apart."""
    trials = list(read_trials(folder, contracts))
    chosen = _spread([t for t in trials if t.gold], present) + _spread([t for t in trials if not t.gold], absent)
    if not chosen:
        raise CommandError(f"There are no labelled contracts in {folder}.")
    report = Report(COLUMNS, values={"trials": []})
    with scratch_workspace() as workspace:
        # Contract by contract, so that whatever was read of one is used for all of its questions.
        chosen.sort(key=lambda trial: trial.contract)
        for trial in tqdm(chosen[: limit or None], desc="cuad", disable=None):
            _try(report, workspace, folder, trial, mode=Mode(mode), llm=llm)
    _add_rows(report, mode)
    return report


def read_trials(folder: Path, contracts: int) -> Iterator[Trial]:
    """Yield every clause of the `contracts` shortest contracts, in the order of the labels."""
    with (folder / "labels.jsonl").open() as lines:
        labels = [json.loads(line) for line in lines]
    files = sorted({label["contract"] for label in labels}, key=lambda name: (folder / "txt" / name).stat().st_size)
    descriptions = _descriptions(folder / "category_descriptions.csv")
    for label in labels:
        if label["contract"] in files[:contracts]:
            gold = tuple(Span(*part) for span in label["spans"] for part in span["parts"])
            yield Trial(label["contract"], label["category"], _question(label["category"], descriptions), gold)


def found_spans(answer: Answer) -> list[Span]:
    """Return where the answer says that the clause is: what a sweep found, else what its sentences cite."""
    parts = list(SweepPart.objects.filter(answer=answer))
    if not parts:
        return cited_spans(answer)
    return [
        Span(part.start_char + finding["start_char"], part.start_char + finding["end_char"])
        for part in parts
        for finding in part.result.get("findings", [])
    ]


def _descriptions(path: Path) -> dict[str, str]:
    """Return each category's description by its name in lower case; the cells begin with their column's name."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell.partition(": ")[2].strip() for cell in row] for row in csv.reader(file)]
    return {row[0].lower(): row[1] for row in rows[1:] if len(row) > 1}


def _question(category: str, descriptions: dict[str, str]) -> str:
    about = descriptions.get(category.lower(), "").rstrip(".?")
    return f"Is there anything in this contract about “{category}”" + (f": {about}?" if about else "?")


def _spread(trials: list[Trial], count: int) -> list[Trial]:
    """Return `count` of the trials, evenly spaced, so that contracts and categories are mixed."""
    if count >= len(trials):
        return trials
    return [trials[place * len(trials) // count] for place in range(count)]


def _try(report: Report, workspace: Workspace, folder: Path, trial: Trial, *, mode: Mode, llm: str) -> None:
    try:
        document = _document(workspace, folder, trial.contract)
        answer = answered(document, trial.question, mode=mode, llm=llm)
    except UserError as error:
        report.notes.append(f"{trial.contract}, {trial.category}: {error.message}")
        return
    if answer.status != AnswerStatus.DONE:
        report.notes.append(f"{trial.contract}, {trial.category}: {answer.error_message or answer.status}")
    spans = found_spans(answer)
    report.values["trials"].append(
        {
            "contract": trial.contract,
            "category": trial.category,
            "present": bool(trial.gold),
            "right": any(overlaps(spans, gold) for gold in trial.gold),
            "said_absent": not spans,
            "complete": bool(answer.coverage.get("complete")),
            "found": len(spans),
            "seconds": answer.usage.get("seconds", 0.0),
            "answer": answer.text,
        }
    )


def _document(workspace: Workspace, folder: Path, contract: str) -> Document:
    there = workspace.documents.select_related("version", "workspace").filter(name=contract[:255]).first()
    return there or read_in(workspace, contract[:255], (folder / "txt" / contract).read_bytes())


def _add_rows(report: Report, mode: str) -> None:
    for name, present in (("present", True), ("absent", False)):
        trials = [trial for trial in report.values["trials"] if trial["present"] is present]
        if not trials:
            continue
        shares = {
            key: sum(trial[key] for trial in trials) / len(trials) for key in ("right", "said_absent", "complete")
        }
        seconds = sum(trial["seconds"] for trial in trials) / len(trials)
        report.values[name] = shares | {"questions": len(trials), "seconds": seconds}
        shown = [f"{shares[key]:.0%}" for key in ("right", "said_absent", "complete")]
        report.rows.append((name, mode, len(trials), *shown, round(seconds, 1)))
