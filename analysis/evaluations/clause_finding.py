"""The clause finder on CUAD: every clause of every contract looked for, no language model asked.

A place that was found is right when its words and a marked span's have a Jaccard of at least 0.5, each marked span
once, as in the data set's own script. The area under the curve is over all places kept of all clauses of all contracts.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import CommandError
from numpy.typing import NDArray
from tqdm import tqdm

from analysis.benchmarks import scratch_workspace
from analysis.errors import UserError
from analysis.evaluations import read_in
from analysis.evaluations.clause_labels import Marked, as_toml, clause_of, fitted_weights, is_clause
from analysis.evaluations.cuad import Clause, contract_document, read_clauses
from analysis.evaluations.metrics import Scored, area_under_curve, overlaps, precision_at_recall, span_match
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.models import Document, DocumentVersion
from analysis.review.checklist import built_in
from analysis.review.finder import find
from analysis.review.kept import sentences_of
from analysis.types import ClauseFinding, Span
from workspaces.models import Workspace

BINS = (0.02, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.01)


def _scored(trials: Sequence[Trial]) -> tuple[list[Scored], int]:
    scored = [Scored(*pair) for trial in trials for pair in trial.details["scored"]]
    return scored, sum(trial.details["positives"] for trial in trials)


def _area(trials: Sequence[Trial]) -> float:
    return area_under_curve(*_scored(trials))


def _precision(trials: Sequence[Trial]) -> float:
    return precision_at_recall(*_scored(trials), recall=0.8)


MEASURES = (
    Measure("aupr", "area under precision and recall", headline=True, statistic=_area),
    Measure("p80", "precision at 80 % recall", statistic=_precision),
    Measure("has_clause", "there or not: said rightly", headline=True),
    Measure("found", "there: in the right place", headline=True),
    Measure("missed", "there: said to be absent", more_is_better=False),
    Measure("said_absent", "not there: said to be absent", headline=True),
)


def found_clauses(
    folder: Path, *, threshold: float, contracts: int | None = None, crossfit: bool = False, pdf: bool = False,
    limit: int = 0, **_: Any,
) -> Outcome:  # fmt: skip
    """Return a trial for each clause and contract. limit: at most so many contracts."""
    clauses = list(read_clauses(folder, contracts))
    if not clauses:
        raise CommandError(f"There are no labelled contracts in {folder}.")
    outcome = Outcome(MEASURES)
    with scratch_workspace() as workspace:
        marked = _marked(outcome, workspace, folder, clauses, pdf=pdf, limit=limit)
        weights = _crossfitted(outcome, marked) if crossfit else {}
        for contract in tqdm(marked, desc="clauses", disable=None):
            found = find(
                built_in(), contract.text, contract.sentences, contract.identity, weights=weights.get(contract.name)
            )
            own = [clause for clause in clauses if clause.contract == contract.name]
            outcome.trials += [_judged(contract, clause, found, threshold) for clause in own]
    if not pdf:
        outcome.notes += _reliability(outcome.trials)
    return outcome


def _marked(
    outcome: Outcome, workspace: Workspace, folder: Path, clauses: Sequence[Clause], *, pdf: bool, limit: int
) -> list[Marked]:
    """Return the contracts, read in through the real pipeline; what cannot be read in is noted."""
    files = _pdf_files(folder) if pdf else {}
    names = [name for name in dict.fromkeys(clause.contract for clause in clauses) if not pdf or name in files]
    marked = []
    for name in tqdm(names[: limit or None], desc="documents", disable=None):
        try:
            document = _pdf_document(workspace, files[name]) if pdf else contract_document(workspace, folder, name)
        except UserError as error:
            outcome.notes.append(f"{name}: {error.message}")
            continue
        version = document.version or DocumentVersion()
        gold = {clause.category: () if pdf else clause.gold for clause in clauses if clause.contract == name}
        marked.append(Marked(name, version.read_text(), sentences_of(version), version.known_identity, gold))
    return marked


def _crossfitted(outcome: Outcome, marked: Sequence[Marked]) -> Mapping[str, NDArray[np.float64]]:
    """Return for each contract weights fitted on the half that it is not in: every second one by name."""
    ordered = sorted(marked, key=lambda contract: contract.name)
    halves = ordered[0::2], ordered[1::2]
    fitted = [fitted_weights(half) for half in halves]
    outcome.notes += [f"Fitted on half {n}:\n{as_toml(weights)}" for n, weights in enumerate(fitted, start=1)]
    outcome.notes.append(f"Fitted on all:\n{as_toml(fitted_weights(ordered))}")
    return {contract.name: fitted[1 - n] for n, half in enumerate(halves) for contract in half}


def _judged(contract: Marked, clause: Clause, found: Sequence[ClauseFinding], threshold: float) -> Trial:
    own = [finding for finding in found if finding.clause == clause_of(clause.category).id]
    shown = [finding for finding in own if finding.probability >= threshold]
    scored = list(_matched(contract.text, own, clause.quotes))
    spans = [_span(finding) for finding in shown]
    right = _in_place(spans, clause, contract, scored[: len(shown)])
    values = {"found": right, "missed": not shown} if clause.quotes else {"said_absent": not shown}
    values["has_clause"] = bool(shown) == bool(clause.quotes)
    return Trial(
        key=f"{clause.contract}, {clause.category}",
        document=clause.contract,
        category=clause.category,
        values={name: float(value) for name, value in values.items()},
        question=clause_of(clause.category).asks,
        gold="\n\n".join(clause.quotes),
        returned="\n\n".join(
            f"{each.probability:.2f} {contract.text[each.start_char : each.end_char]}" for each in own
        ),
        where=", ".join(f"characters {span.start_char} to {span.end_char}" for span in spans),
        failed=not (right if clause.quotes else not shown),
        details={
            "scored": [list(pair) for pair in scored],
            "positives": len(clause.quotes),
            "placed": [
                [each.probability, is_clause(Span(each.start_char, each.end_char), clause.gold)] for each in own
            ],
        },
    )


def _span(finding: ClauseFinding) -> Span:
    return Span(finding.start_char, finding.end_char)


def _words(contract: Marked, finding: ClauseFinding) -> str:
    return contract.text[finding.start_char : finding.end_char]


def _matched(text: str, findings: Sequence[ClauseFinding], quotes: Sequence[str]) -> Iterator[Scored]:
    """Yield each finding's probability and whether it is one of the marked spans, the most probable finding first."""
    left = list(quotes)
    for finding in findings:
        words = text[finding.start_char : finding.end_char]
        match = next((quote for quote in left if span_match(words, quote)), None)
        if match is not None:
            left.remove(match)
        yield Scored(finding.probability, match is not None)


def _in_place(spans: Sequence[Span], clause: Clause, contract: Marked, scored: Sequence[Scored]) -> bool:
    """Return whether a place overlaps a marked span; by its words where the text has other offsets (PDF)."""
    if contract.gold.get(clause.category):
        return any(overlaps(spans, gold) for gold in clause.gold)
    return any(one.right for one in scored)


def _reliability(trials: Sequence[Trial]) -> list[str]:
    """Return how often places of each probability are a good part of what was marked, beside how probable they were."""
    placed = [pair for trial in trials for pair in trial.details["placed"]]
    notes = []
    for low, high in pairwise(BINS):
        held = [(probability, right) for probability, right in placed if low <= probability < high]
        if held:
            probable, right = (sum(column) / len(held) for column in zip(*held, strict=True))
            notes.append(
                f"{low:.0%} to {min(high, 1):.0%}: {len(held)} places, {probable:.0%} probable, {right:.0%} right"
            )
    return notes


def _pdf_files(folder: Path) -> dict[str, Path]:
    """Return the PDF of each contract by its text's name."""
    with (folder / "pdf_index.csv").open(newline="") as file:
        files = {row["txt_in_full_contract_txt"]: folder / "pdf" / row["pdf"] for row in csv.DictReader(file)}
    return {name: path for name, path in files.items() if path.exists()}


def _pdf_document(workspace: Workspace, path: Path) -> Document:
    return read_in(workspace, path.name[-255:], path.read_bytes())
