"""Web queries and the Python function that answers each: where does it come among thousands of functions?

Reads CoSQA (Huang et al., ACL 2021, arXiv:2105.13239), its code search part: code_idx_map.txt, the functions as JSON
{text: index}, and cosqa-retrieval-*.json, the queries with the index of their function. Each function is a file of one
repository, and each query searches all of it. A query has one right function: another one that would do counts as
wrong.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.answer.retrieve import retrieve
from analysis.evaluations import add_workspace, repository_in, room
from analysis.evaluations.bm25 import BM25
from analysis.evaluations.metrics import recall_at, reciprocal_rank
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.ingest.repository.folder import Member, packed
from analysis.models import Document

NAME = "cosqa"
DEPTH = 100  # a function that comes later counts as not found
SHOWN = 3
MEASURES = (
    Measure("rank", f"MRR, first {DEPTH}", headline=True),
    Measure("bm25_rank", f"MRR of BM25 alone, first {DEPTH}", headline=True),
    *(Measure(f"found@{k}", f"found among the first {k}") for k in (1, 10, DEPTH)),
)


@dataclass(frozen=True)
class Query:
    """A query of one of the files. function: the index of the function that answers it."""

    key: str
    text: str
    split: str
    function: int


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate cosqa` can be told."""
    add_workspace(parser)


def run(folder: Path, *, workspace: str = "", limit: int = 0, **_: Any) -> Outcome:
    """Read in every function, then search all of them for each query."""
    functions, queries = read_functions(folder), list(read_queries(folder))[: limit or None]
    if not queries:
        raise CommandError(f"There are no queries in {folder}/cosqa-retrieval-*.json.")
    outcome = Outcome(MEASURES)
    baseline = BM25(functions)
    with room(workspace) as here, packed(NAME, _files(functions)) as archive:
        everything = Document.objects.filter(repository=repository_in(here, NAME, archive, outcome))
        for query in tqdm(queries, desc="queries", disable=None):
            hits = retrieve(query.text, documents=everything, limit=DEPTH)
            found = [_index(hit.document_name) for hit in hits]
            outcome.trials.append(judged(query, found, baseline.ranked(query.text), functions))
    return outcome


def read_functions(folder: Path) -> list[str]:
    """Return the functions in the order of their index."""
    path = folder / "code_idx_map.txt"
    if not path.is_file():
        raise CommandError(f"There is no {path.name} in {folder}.")
    indexes: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
    texts = {index: text for text, index in indexes.items()}
    return [texts.get(index, "") for index in range(max(texts, default=-1) + 1)]


def read_queries(folder: Path) -> Iterator[Query]:
    """Yield the queries of all files, in the order of their names."""
    for path in sorted(folder.glob("cosqa-retrieval-*.json")):
        split = path.stem.removeprefix("cosqa-retrieval-")
        for row in json.loads(path.read_text(encoding="utf-8")):
            yield Query(row["idx"], row["doc"], split, row["retrieval_idx"])


def _files(functions: Sequence[str]) -> Iterator[Member]:
    """Yield each function as a file."""
    for index, text in enumerate(functions):
        if text.strip():
            content = text.encode()
            yield Member(name_of(index), len(content), BytesIO(content))


def name_of(index: int) -> str:
    """Return what the file of a function is called."""
    return f"{index}.py"


def judged(query: Query, found: Sequence[int], by_words: Sequence[int], functions: Sequence[str]) -> Trial:
    """Return the trial. found, by_words: indexes of functions, best first, by the product's search and by BM25."""
    ranked, gold = list(dict.fromkeys(found))[:DEPTH], {query.function}
    values = {"rank": reciprocal_rank(ranked, gold), "bm25_rank": reciprocal_rank(by_words[:DEPTH], gold)}
    values |= {f"found@{k}": recall_at(ranked, gold, k) for k in (1, 10, DEPTH)}
    return Trial(
        key=query.key,
        category=query.split,
        values=values,
        question=query.text,
        gold=functions[query.function],
        returned="\n\n".join(functions[index] for index in ranked[:SHOWN]),
        where=", ".join(name_of(index) for index in ranked[:SHOWN]),
        failed=not values["found@10"],
    )


def _index(name: str) -> int:
    return int(Path(name).stem)
