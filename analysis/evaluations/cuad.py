"""Clauses that a contract has and clauses that it lacks: found in the right place, or said to be absent?

Task *clauses* puts the clause finder to it (clause_finding.py), task *answers* a question for each clause.

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

from analysis.benchmarks import scratch_workspace
from analysis.errors import UserError
from analysis.evaluations import answered, cited_spans, read_in
from analysis.evaluations.metrics import overlaps
from analysis.evaluations.trials import Measure, Outcome, Trial, Unit
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, Document, SweepPart
from analysis.types import Mode, Span
from workspaces.models import Workspace

ASKED_CONTRACTS = 5
MEASURES = (
    Measure("found", "there: in the right place", headline=True),
    Measure("missed", "there: said to be absent", more_is_better=False),
    Measure("said_absent", "not there: said to be absent", headline=True),
    Measure("complete", "complete receipt"),
    Measure("seconds", "whole answer", unit=Unit.SECONDS, more_is_better=False),
)


@dataclass(frozen=True)
class Clause:
    """One clause in one contract. gold: where it stands; empty where the contract lacks it. quotes: its words."""

    contract: str
    category: str
    question: str
    gold: tuple[Span, ...]
    quotes: tuple[str, ...] = ()


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate cuad` can be told."""
    parser.add_argument(
        "--task",
        choices=["clauses", "answers"],
        default="clauses",
        help="the clause finder, which asks no language model; or answers to a question for each clause",
    )
    parser.add_argument("--contracts", type=int, help="the so many shortest (clauses: all of them; answers: 5)")
    finder = parser.add_argument_group("clauses")
    finder.add_argument("--threshold", type=float, default=0.15, help="least probability of what counts as found")
    finder.add_argument("--crossfit", action="store_true", help="each half with weights fitted on the other half")
    finder.add_argument("--pdf", action="store_true", help="read the contracts in pdf/ instead of those in txt/")
    answers = parser.add_argument_group("answers")
    answers.add_argument("--mode", choices=["whole", "passages", "sweep"], default="passages")
    answers.add_argument("--present", type=int, default=10, help="how many clauses that are there to ask for")
    answers.add_argument("--absent", type=int, default=10, help="how many that are not")


def run(folder: Path, *, task: str = "clauses", contracts: int | None = None, **options: Any) -> Outcome:
    """Look for each clause in its contract; what is there and what is not is measured apart."""
    if task == "clauses":
        from analysis.evaluations.clause_finding import found_clauses

        return found_clauses(folder, contracts=contracts, **options)
    return answered_clauses(folder, contracts=contracts or ASKED_CONTRACTS, **options)


def answered_clauses(
    folder: Path, *, present: int, absent: int, contracts: int, mode: str, llm: str = "", limit: int = 0, **_: Any
) -> Outcome:
    """Ask for each clause in its contract."""
    clauses = list(read_clauses(folder, contracts))
    chosen = _spread([c for c in clauses if c.gold], present) + _spread([c for c in clauses if not c.gold], absent)
    if not chosen:
        raise CommandError(f"There are no labelled contracts in {folder}.")
    outcome = Outcome(MEASURES, llm=llm_get(llm).id)
    with scratch_workspace() as workspace:
        # Contract by contract, so that whatever was read of one is used for all of its questions.
        chosen.sort(key=lambda clause: clause.contract)
        for clause in tqdm(chosen[: limit or None], desc="cuad", disable=None):
            _try(outcome, workspace, folder, clause, mode=Mode(mode), llm=llm)
    return outcome


def read_clauses(folder: Path, contracts: int | None) -> Iterator[Clause]:
    """Yield every clause of the `contracts` shortest contracts (None: of all), in the order of the labels."""
    with (folder / "labels.jsonl").open() as lines:
        labels = [json.loads(line) for line in lines]
    files = sorted({label["contract"] for label in labels}, key=lambda name: (folder / "txt" / name).stat().st_size)
    descriptions = _descriptions(folder / "category_descriptions.csv")
    for label in labels:
        if label["contract"] in files[:contracts]:
            gold = tuple(Span(*part) for span in label["spans"] for part in span["parts"])
            quotes = tuple(span.get("text", "") for span in label["spans"])
            yield Clause(label["contract"], label["category"], _question(label["category"], descriptions), gold, quotes)


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


def _spread(clauses: list[Clause], count: int) -> list[Clause]:
    """Return `count` of the clauses, evenly spaced, so that contracts and categories are mixed."""
    if count >= len(clauses):
        return clauses
    return [clauses[place * len(clauses) // count] for place in range(count)]


def _try(outcome: Outcome, workspace: Workspace, folder: Path, clause: Clause, *, mode: Mode, llm: str) -> None:
    try:
        document = contract_document(workspace, folder, clause.contract)
        answer = answered(document, clause.question, mode=mode, llm=llm)
    except UserError as error:
        outcome.notes.append(f"{clause.contract}, {clause.category}: {error.message}")
        return
    if answer.status != AnswerStatus.DONE:
        outcome.notes.append(f"{clause.contract}, {clause.category}: {answer.error_message or answer.status}")
    outcome.trials.append(_judged(clause, answer, document.version.read_text() if document.version else "", mode))


def _judged(clause: Clause, answer: Answer, text: str, mode: Mode) -> Trial:
    spans = found_spans(answer)
    right, absent = any(overlaps(spans, gold) for gold in clause.gold), not spans
    values = {"found": right, "missed": absent} if clause.gold else {"said_absent": absent}
    values |= {"complete": bool(answer.coverage.get("complete")), "seconds": answer.usage.get("seconds", 0.0)}
    return Trial(
        key=f"{clause.contract}, {clause.category}, {mode}",
        document=clause.contract,
        category=clause.category,
        values={name: float(value) for name, value in values.items()},
        question=clause.question,
        gold="\n\n".join(text[slice(*span)] for span in clause.gold),
        returned="\n\n".join([answer.text, *(text[slice(*span)] for span in spans)]),
        where=", ".join(f"characters {start} to {end}" for start, end in spans),
        failed=not (right if clause.gold else absent),
    )


def contract_document(workspace: Workspace, folder: Path, contract: str) -> Document:
    """Return the contract as a document, read in if it is not there yet. Raises UserError."""
    there = workspace.documents.select_related("version", "workspace").filter(name=contract[:255]).first()
    return there or read_in(workspace, contract[:255], (folder / "txt" / contract).read_bytes())
