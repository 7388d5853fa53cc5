"""The passages of many contracts that answer a lawyer's question: how much of them is found, and how much else with it?

Reads LegalBench-RAG (Pipitone and Alami, arXiv:2408.10343): benchmarks/*.json, one file a set, each question with its
gold spans; the documents in corpus/. The sets are pooled: every question searches all documents. Precision at k is the
share of the characters of the first k passages that are gold, recall at k the share of the gold characters that are in
them; both are averaged over a set's questions, then over the sets.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet
from tqdm import tqdm

from analysis.answer.retrieve import retrieve
from analysis.evaluations import add_workspace, documents_in, room
from analysis.evaluations.metrics import Place, character_scores
from analysis.evaluations.ranking import Labelled, fitted, is_held_out
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.models import Document
from analysis.types import Hit

DEPTHS = (1, 2, 4, 8, 16, 32, 64)
SHOWN = 8
HEADLINES = ("precision@1", "recall@8", "recall@64")


def _measure(name: str) -> Measure:
    return Measure(name, name.replace("_", " "), headline=name in HEADLINES, macro=True)


MEASURES = tuple(
    _measure(name) for name in ("document_first", *(f"precision@{k}" for k in DEPTHS), *(f"recall@{k}" for k in DEPTHS))
)


@dataclass(frozen=True)
class Query:
    """One question of a set. gold: places by document path, in the characters of that document's text."""

    set_name: str
    text: str
    category: str
    gold: list[Place]

    @property
    def document(self) -> str:
        return self.gold[0].document if self.gold else ""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate legalbench-rag` can be told."""
    add_workspace(parser)
    parser.add_argument("--fit", action="store_true", help="print ranking weights fitted on half of the documents")
    parser.add_argument("--held-out", action="store_true", help="only ask about the other half of the documents")


def run(
    folder: Path, *, workspace: str = "", fit: bool = False, held_out: bool = False, limit: int = 0, **_: Any
) -> Outcome:
    """Read in every document, then put every question to all of them."""
    queries = [query for query in read_queries(folder) if not held_out or is_held_out(query.document)][: limit or None]
    paths = sorted(path for path in (folder / "corpus").rglob("*") if path.is_file())
    if not queries or not paths:
        raise CommandError(f"There are no questions in {folder}/benchmarks, or no documents in {folder}/corpus.")
    outcome = Outcome(MEASURES)
    with room(workspace) as here:
        files = {path.relative_to(folder / "corpus").as_posix(): path for path in paths}
        names = documents_in(here, files, outcome)
        everything = Document.objects.filter(workspace=here)
        if fit:
            outcome.notes.append(_fitted(queries, everything, names))
        for query in tqdm(queries, desc="questions", disable=None):
            hits = retrieve(query.text, documents=everything, limit=max(DEPTHS))
            outcome.trials.append(judged(query, hits, names))
    return outcome


def read_queries(folder: Path) -> Iterator[Query]:
    """Yield every question of every set, in the order of the files."""
    for path in sorted((folder / "benchmarks").glob("*.json")):
        for test in json.loads(path.read_text(encoding="utf-8"))["tests"]:
            gold = [Place(snippet["file_path"], *snippet["span"]) for snippet in test["snippets"]]
            yield Query(path.stem, test["query"], test.get("category", ""), gold)


def judged(query: Query, hits: Sequence[Hit], paths: dict[str, str]) -> Trial:
    """Return the trial with its precision and recall at each depth. paths: each document's path by its id."""
    places = [Place(paths.get(hit.document_id, ""), hit.start_char, hit.end_char) for hit in hits]
    scores = character_scores(places, query.gold, DEPTHS)
    documents = {place.document for place in query.gold}
    values = {"document_first": float(bool(places) and places[0].document in documents)}
    values |= {f"precision@{k}": scores[k].precision for k in DEPTHS}
    values |= {f"recall@{k}": scores[k].recall for k in DEPTHS}
    return Trial(
        key=f"{query.set_name}: {query.text}",
        document=query.document,
        category=query.set_name,
        values=values,
        question=query.text,
        gold=_listed(query.gold),
        returned="\n\n".join(hit.text for hit in hits[:SHOWN]),
        where=_listed(places[:SHOWN]),
        failed=scores[max(DEPTHS)].recall < 1,
        details={"category": query.category, "found": [list(place) for place in places]},
    )


def _fitted(queries: Sequence[Query], documents: QuerySet[Document], names: dict[str, str]) -> str:
    labelled = [Labelled(one.text, one.set_name, one.gold) for one in queries if not is_held_out(one.document)]
    weights = fitted(labelled, documents, names)
    return "\n".join(f"{name}: {weight:.2f}" for name, weight in weights.items())


def _listed(places: Sequence[Place]) -> str:
    return "; ".join(f"{place.document} [{place.start}:{place.end}]" for place in places)
