"""Questions on a code base: does search come out at the files and lines that answer them?

Reads SWE-QA (Peng et al., arXiv:2509.14635) with gold places: qa_with_gold_files.jsonl, one line a question with
`source_tree`, `gold_files` and `gold_lines` (file, start, end; counted from 1, both ends included); the trees in
repos/, as folders or as .tar.gz. Each question searches the source files of its own tree.
"""

from __future__ import annotations

import json
import tarfile
from argparse import ArgumentParser
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.answer.retrieve import retrieve
from analysis.evaluations import add_workspace, documents_in, room
from analysis.evaluations.metrics import Place, character_scores, recall_at, reciprocal_rank
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.models import Document
from analysis.types import Hit
from workspaces.models import Workspace

FILE_DEPTHS = (1, 5, 10)
PASSAGE_DEPTHS = (5, 10, 20)
PASSAGES = 60  # so that ten different files are among them
SHOWN = 5
# What people read to understand a code base; data and generated files are not asked about.
ENDINGS = frozenset(
    ".py .pyi .pyx .c .h .cc .cpp .hpp .rs .go .java .kt .js .jsx .ts .tsx .rb .php .cs .swift .sh .sql "
    ".md .rst .txt .toml .cfg .ini .yml .yaml".split()
)
LARGEST_BYTES = 1_000_000
MEASURES = (
    *(Measure(f"files@{k}", f"files among the first {k}", headline=k in {1, 10}) for k in FILE_DEPTHS),
    Measure("rank", "MRR of the first right file"),
    *(Measure(f"lines@{k}", f"lines in {k} passages", headline=k == 10) for k in PASSAGE_DEPTHS),
    *(Measure(f"line_precision@{k}", f"share of the lines of {k} passages") for k in PASSAGE_DEPTHS),
)


@dataclass(frozen=True)
class Question:
    """A line of the data set. files: paths in the tree; lines: half-open, counted from 1."""

    key: str
    text: str
    answer: str
    tree: str
    files: tuple[str, ...]
    lines: tuple[Place, ...]


@dataclass(frozen=True)
class Tree:
    """A source tree that was read in. paths: by document id. same: of each path, the one that is read in for it."""

    paths: dict[str, str]
    same: dict[str, str]
    line_starts: dict[str, list[int]]

    def lines_of(self, hit: Hit) -> Place:
        """Return the passage as lines of its file."""
        starts = self.line_starts[hit.document_id]
        first, last = bisect_right(starts, hit.start_char), bisect_right(starts, hit.end_char - 1)
        return Place(self.paths[hit.document_id], first, last + 1)


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate sweqa` can be told."""
    parser.add_argument("--trees", nargs="+", default=[], metavar="NAME", help="only these source trees")
    add_workspace(parser)


def run(folder: Path, *, trees: Sequence[str] = (), workspace: str = "", limit: int = 0, **_: Any) -> Outcome:
    """Read in each source tree and put its questions to it."""
    questions = [question for question in read_questions(folder) if not trees or question.tree in trees][
        : limit or None
    ]
    outcome = Outcome(MEASURES)
    with room(workspace) as here:
        for name in dict.fromkeys(question.tree for question in questions):
            with _unpacked(folder / "repos", name) as root:
                tree = _read_in(here, root, outcome)
            asked = [question for question in questions if question.tree == name]
            documents = Document.objects.filter(workspace=here, pk__in=tree.paths)
            for question in tqdm(asked, desc=name, disable=None):
                hits = retrieve(question.text, documents=documents, limit=PASSAGES)
                outcome.trials.append(judged(question, hits, tree))
    return outcome


def read_questions(folder: Path) -> Iterator[Question]:
    """Yield the questions that have a gold file."""
    path = folder / "qa_with_gold_files.jsonl"
    if not path.is_file():
        raise CommandError(f"There is no {path.name} in {folder}.")
    for row in map(json.loads, filter(str.strip, path.read_text(encoding="utf-8").splitlines())):
        lines = [Place(each["file"], each["start"], each["end"] + 1) for each in row.get("gold_lines", [])]
        if row["gold_files"]:
            yield Question(
                row["id"], row["question"], row["answer"], row["source_tree"], tuple(row["gold_files"]), tuple(lines)
            )


def judged(question: Question, hits: Sequence[Hit], tree: Tree) -> Trial:
    """Return the trial; lines are measured where the question has some."""
    files = {tree.same.get(path, path) for path in question.files}
    lines = [place._replace(document=tree.same.get(place.document, place.document)) for place in question.lines]
    found = [tree.lines_of(hit) for hit in hits]
    ranked = list(dict.fromkeys(place.document for place in found))
    values = {f"files@{k}": recall_at(ranked, files, k) for k in FILE_DEPTHS} | {"rank": reciprocal_rank(ranked, files)}
    if lines:
        for k, score in character_scores(found, lines, PASSAGE_DEPTHS).items():
            values |= {f"lines@{k}": score.recall, f"line_precision@{k}": score.precision}
    return Trial(
        key=question.key,
        document=f"{question.tree}/{question.files[0]}",  # a tree is too much to be drawn as one
        category=question.tree,
        values=values,
        question=question.text,
        gold=f"{_listed(lines) or ', '.join(sorted(files))}\n\n{question.answer}",
        returned="\n\n".join(hit.text for hit in hits[:SHOWN]),
        where=_listed(found[:SHOWN]),
        failed=values["files@10"] < 1,
        details={"files": ranked[: max(FILE_DEPTHS)]},
    )


def source_files(root: Path) -> dict[str, Path]:
    """Return the source files under `root` by their path from there."""
    files = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}
    return {name: path for name, path in files.items() if _is_source(name, path)}


def _is_source(name: str, path: Path) -> bool:
    hidden = any(part.startswith(".") for part in Path(name).parts)
    return not hidden and path.suffix.lower() in ENDINGS and 0 < path.stat().st_size <= LARGEST_BYTES


@contextmanager
def _unpacked(repos: Path, name: str) -> Iterator[Path]:
    """Yield the folder of a source tree, unpacked for as long as it is needed."""
    if (repos / name).is_dir():
        yield repos / name
        return
    archive = repos / f"{name}.tar.gz"
    if not archive.is_file():
        raise CommandError(f"There is neither {name} nor {archive.name} in {repos}.")
    with TemporaryDirectory(prefix="lectern-tree-") as folder, tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
        inside = Path(folder) / name
        yield inside if inside.is_dir() else Path(folder)


def _read_in(workspace: Workspace, root: Path, outcome: Outcome) -> Tree:
    files = source_files(root)
    first: dict[str, str] = {}
    # Files of the same bytes are one document: whichever of them is found, the other is too.
    same = {name: first.setdefault(sha256(path.read_bytes()).hexdigest(), name) for name, path in files.items()}
    paths = documents_in(workspace, {name: files[name] for name in first.values()}, outcome)
    documents = Document.objects.filter(pk__in=paths).select_related("version")
    texts = {str(document.pk): document.version.read_text() for document in documents if document.version}
    return Tree(paths, same, {document_id: _line_starts(text) for document_id, text in texts.items()})


def _line_starts(text: str) -> list[int]:
    return [0, *(place + 1 for place, character in enumerate(text) if character == "\n")]


def _listed(places: Sequence[Place]) -> str:
    return "; ".join(f"{place.document}, lines {place.start} to {place.end - 1}" for place in places)
