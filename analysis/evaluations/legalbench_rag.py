"""The passages of many contracts that answer a lawyer's question: how much of them is found, and how much else with it?

Reads LegalBench-RAG (Pipitone and Alami, arXiv:2408.10343): benchmarks/*.json, one file a set, each question with its
gold spans; the documents in corpus/. The sets are pooled: every question searches all documents. Precision at k is the
share of the characters of the first k passages that are gold, recall at k the share of the gold characters that are in
them; both are averaged over a set's questions, then over the sets.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.answer.receipt import merged
from analysis.answer.retrieve import retrieve
from analysis.benchmarks import Report, scratch_workspace
from analysis.errors import UserError
from analysis.evaluations import read_in
from analysis.models import Document
from analysis.types import Hit, Span
from workspaces.models import Workspace

DEPTHS = (1, 2, 4, 8, 16, 32, 64)
COLUMNS = ("set", "questions", "document first", *(f"P / R @{k}" for k in DEPTHS))
MEAN = "mean"


@dataclass(frozen=True)
class Trial:
    """One question of a set. gold: spans by document path, in the characters of that document's text."""

    set_name: str
    query: str
    category: str
    gold: dict[str, list[Span]]


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate legalbench-rag` can be told."""
    parser.add_argument(
        "--workspace", default="", metavar="SLUG", help="keep the documents in this workspace, for the next time"
    )


def run(folder: Path, *, workspace: str = "", limit: int = 0, **_: Any) -> Report:
    """Read in every document, then put every question to all of them."""
    trials = list(read_trials(folder))[: limit or None]
    paths = sorted(path for path in (folder / "corpus").rglob("*") if path.is_file())
    if not trials or not paths:
        raise CommandError(f"There are no questions in {folder}/benchmarks, or no documents in {folder}/corpus.")
    report = Report(COLUMNS, values={"trials": []})
    with _room(workspace) as room:
        names = _documents(report, room, folder / "corpus", paths)
        everything = Document.objects.filter(workspace=room)
        for trial in tqdm(trials, desc="questions", disable=None):
            hits = retrieve(trial.query, documents=everything, limit=max(DEPTHS))
            report.values["trials"].append(judged(trial, hits, names))
    _add_rows(report)
    return report


def read_trials(folder: Path) -> Iterator[Trial]:
    """Yield every question of every set, in the order of the files."""
    for path in sorted((folder / "benchmarks").glob("*.json")):
        for test in json.loads(path.read_text(encoding="utf-8"))["tests"]:
            gold: dict[str, list[Span]] = {}
            for snippet in test["snippets"]:
                gold.setdefault(snippet["file_path"], []).append(Span(*snippet["span"]))
            yield Trial(path.stem, test["query"], test.get("category", ""), gold)


def judged(trial: Trial, hits: Sequence[Hit], paths: dict[str, str]) -> dict[str, Any]:
    """Return the trial with its precision and recall at each depth. paths: each document's path by its id."""
    places = [(paths.get(hit.document_id, ""), Span(hit.start_char, hit.end_char)) for hit in hits]
    values = {k: precision_and_recall(places[:k], trial.gold) for k in DEPTHS}
    return {
        "set": trial.set_name,
        "query": trial.query,
        "category": trial.category,
        "document_first": bool(places) and places[0][0] in trial.gold,
        "precision": {str(k): values[k][0] for k in DEPTHS},
        "recall": {str(k): values[k][1] for k in DEPTHS},
        "gold": {path: [list(span) for span in spans] for path, spans in trial.gold.items()},
        "found": [[path, *span] for path, span in places],
    }


def precision_and_recall(found: Iterable[tuple[str, Span]], gold: dict[str, list[Span]]) -> tuple[float, float]:
    """Return the shares of the found and of the gold characters that are both; 0 where there are none."""
    by_path: dict[str, list[Span]] = {}
    for path, span in found:
        by_path.setdefault(path, []).append(span)
    common = sum(_length(_common(by_path.get(path, []), spans)) for path, spans in gold.items())
    retrieved = sum(_length(merged(spans)) for spans in by_path.values())
    wanted = sum(_length(merged(spans)) for spans in gold.values())
    return common / retrieved if retrieved else 0.0, common / wanted if wanted else 0.0


def _common(some: Iterable[Span], others: Iterable[Span]) -> list[Span]:
    others = merged(others)
    both = [Span(max(a.start_char, b.start_char), min(a.end_char, b.end_char)) for a in merged(some) for b in others]
    return [span for span in both if span.start_char < span.end_char]


def _length(spans: Iterable[Span]) -> int:
    return sum(span.end_char - span.start_char for span in spans)


def _room(slug: str) -> AbstractContextManager[Workspace]:
    if not slug:
        return scratch_workspace()
    return nullcontext(Workspace.objects.get_or_create(slug=slug, defaults={"name": slug})[0])


def _documents(report: Report, room: Workspace, corpus: Path, paths: Sequence[Path]) -> dict[str, str]:
    """Return each document's path by its id, all of them read in; what cannot be read in is noted."""
    names = {}
    for path in tqdm(paths, desc="documents", disable=None):
        try:
            document = read_in(room, path.name[-255:], path.read_bytes())
        except UserError as error:
            report.notes.append(error.message)
        else:
            names[str(document.pk)] = path.relative_to(corpus).as_posix()
    return names


def _add_rows(report: Report) -> None:
    """Add a row for each set and the mean of the sets."""
    trials = report.values["trials"]
    sets = {name: [t for t in trials if t["set"] == name] for name in dict.fromkeys(t["set"] for t in trials)}
    figures = {name: _figures(of_set) for name, of_set in sets.items()}
    figures[MEAN] = {key: sum(one[key] for one in figures.values()) / len(sets) for key in next(iter(figures.values()))}
    for name, values in figures.items():
        shown = [f"{values[f'precision@{k}']:.1%} / {values[f'recall@{k}']:.1%}" for k in DEPTHS]
        report.rows.append((name, len(sets.get(name, trials)), f"{values['document_first']:.1%}", *shown))
        report.values[name] = values


def _figures(trials: Sequence[dict[str, Any]]) -> dict[str, float]:
    figures = {"document_first": sum(trial["document_first"] for trial in trials) / len(trials)}
    for k in DEPTHS:
        for measure in ("precision", "recall"):
            figures[f"{measure}@{k}"] = sum(trial[measure][str(k)] for trial in trials) / len(trials)
    return figures
