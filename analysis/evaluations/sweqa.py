"""Questions on a code base: does search come out at the files and lines that answer them, and are these cited?

Reads SWE-QA (Peng et al., arXiv:2509.14635) with gold places: qa_with_gold_files.jsonl, one line a question with
`source_tree`, `gold_files` and `gold_lines` (file, start, end; counted from 1, both ends included); the trees in
repos/, as folders or as .tar.gz. Each tree is read in as a repository, and each question is put to its own.

Citations are the places that Lectern itself quotes beside what a small language model writes, which is no model's work;
with --answer they are those of an answer that the language model has written. How well sentences are judged is seen on
the reference answers, which people have checked: each is cited as if Lectern had written it from the passages.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.answer.cite import cite
from analysis.answer.probable import probable
from analysis.answer.retrieve import retrieve
from analysis.evaluations import add_workspace, answered_once, repository_in, room
from analysis.evaluations.metrics import Place, character_scores, recall_at, reciprocal_rank
from analysis.evaluations.trials import Measure, Outcome, Trial
from analysis.ingest.repository.folder import members_of, packed
from analysis.lexical import CODE
from analysis.models import Answer, AnswerStatus, CitationRow, Document, DocumentVersion, Repository
from analysis.repository.lines import line_tables
from analysis.types import Hit, Mode, Source, lines_in_words

FILE_DEPTHS = (1, 5, 10)
PASSAGE_DEPTHS = (5, 10, 20)
PASSAGES = 60  # so that ten different files are among them
REFERENCE_PASSAGES = 20
SHOWN = 5
MEASURES = (
    *(Measure(f"any_file@{k}", f"any gold file among the first {k}", headline=k == 5) for k in FILE_DEPTHS),
    *(Measure(f"files@{k}", f"share of the gold files among the first {k}", headline=k == 5) for k in FILE_DEPTHS),
    Measure("rank", "MRR of the first right file"),
    *(Measure(f"lines@{k}", f"share of the gold lines in {k} passages") for k in PASSAGE_DEPTHS),
    *(Measure(f"line_precision@{k}", f"share of the lines of {k} passages") for k in PASSAGE_DEPTHS),
    Measure("cited_file", "any gold file cited"),
    Measure("cited", "any gold lines overlapped by a citation", headline=True),
    Measure("cited_ranges", "share of the gold places overlapped by a citation"),
    Measure("cited_precision", "share of the cited lines that are gold"),
    Measure("reference_supported", "share of the reference answer's sentences that the passages bear out"),
    Measure("reference_cited", "any gold lines overlapped by a citation of the reference answer"),
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
class Found:
    """What came of a question. places: of the passages, the best first; cited: of the citations; answer: its text.

    reference_supported: the share of the reference answer's sentences that are, None if it says nothing;
    reference_cited: the places that it is cited to.
    """

    places: Sequence[Place]
    cited: Sequence[Place]
    texts: Sequence[str]
    answer: str = ""
    reference_supported: float | None = None
    reference_cited: Sequence[Place] = ()


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate sweqa` can be told."""
    parser.add_argument("--trees", nargs="+", default=[], metavar="NAME", help="only these source trees")
    parser.add_argument(
        "--answer",
        action="store_true",
        help="have the language model answer; with --workspace a run that was broken off goes on where it was",
    )
    add_workspace(parser)


def run(
    folder: Path,
    *,
    trees: Sequence[str] = (),
    workspace: str = "",
    answer: bool = False,
    limit: int = 0,
    llm: str = "",
    **_: Any,
) -> Outcome:
    """Read in each source tree and put its questions to it. limit: of questions a tree."""
    questions = [question for question in read_questions(folder) if not trees or question.tree in trees]
    outcome = Outcome(MEASURES)
    with room(workspace) as here:
        for name in dict.fromkeys(question.tree for question in questions):
            with _archive(folder / "repos", name) as archive:
                tree = repository_in(here, name, archive, outcome)
            asked = [question for question in questions if question.tree == name][: limit or None]
            for question in tqdm(asked, desc=name, disable=None):
                written = answered_once(tree, question.text, mode=Mode.AUTO, llm=llm) if answer else None
                outcome.trials.append(judged(question, found(question, tree, written)))
                outcome.llm = written.llm if written else ""
    return outcome


def found(question: Question, tree: Repository, written: Answer | None) -> Found:
    """Return what search finds and what is cited: in the answer if there is one, else by Lectern itself."""
    documents = Document.objects.filter(repository=tree)
    hits = retrieve(question.text, documents=documents, limit=PASSAGES)
    quoted = [each.source for each in probable(question.text, hits, ()).found] if written is None else _cited(written)
    supported, reference_cited = _reference(question.answer, hits[:REFERENCE_PASSAGES])
    return Found(
        [Place(hit.document_name, hit.start_line, hit.end_line + 1) for hit in hits],
        _in_lines(quoted),
        [hit.text for hit in hits[:SHOWN]],
        written.text if written else "",
        supported,
        _in_lines(reference_cited),
    )


def _reference(answer: str, hits: Sequence[Hit]) -> tuple[float | None, list[Source]]:
    """Return the share of an answer's sentences that the hits bear out, and what they are cited to."""
    sources = {hit.version_id: Source(hit.document_id, hit.document_name, hit.version_id, 0, 0, "") for hit in hits}
    code = DocumentVersion.objects.filter(pk__in=sources, language=CODE)
    coded = set(code.values_list("pk", flat=True))
    sentences = cite(
        answer,
        [
            replace(sources[hit.version_id], start_char=hit.start_char, end_char=hit.end_char, text=hit.text)
            for hit in hits
        ],
        coded=coded,
    )
    found_true = [sentence.supported for sentence in sentences if sentence.supported is not None]
    cited = [
        replace(sources[each.version_id], start_char=each.start_char, end_char=each.end_char)
        for sentence in sentences
        for each in sentence.citations
    ]
    return (sum(found_true) / len(found_true) if found_true else None), cited


def _cited(answer: Answer) -> list[Source]:
    if answer.status != AnswerStatus.DONE:
        return []
    rows = CitationRow.objects.filter(sentence__answer=answer).select_related("version__document")
    return [
        Source(
            str(row.version.document_id), row.version.document.path, row.version_id, row.start_char, row.end_char, ""
        )
        for row in rows.order_by("sentence__ordinal", "ordinal")
    ]


def _in_lines(sources: Sequence[Source]) -> list[Place]:
    tables = line_tables(source.version_id for source in sources)
    places = []
    for source in sources:
        first, last = tables[source.version_id].lines_of(source.start_char, source.end_char)
        places.append(Place(source.document_name, first, last + 1))
    return places


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


def judged(question: Question, came: Found) -> Trial:
    """Return the trial; lines are measured where the question has some."""
    files = set(question.files)
    ranked = list(dict.fromkeys(place.document for place in came.places))
    values = {f"files@{k}": recall_at(ranked, files, k) for k in FILE_DEPTHS} | {"rank": reciprocal_rank(ranked, files)}
    values |= {f"any_file@{k}": float(values[f"files@{k}"] > 0) for k in FILE_DEPTHS}
    if came.reference_supported is not None:
        values["reference_supported"] = came.reference_supported
    values["cited_file"] = float(bool(files & {place.document for place in came.cited}))
    if question.lines:
        for k, score in character_scores(came.places, question.lines, PASSAGE_DEPTHS).items():
            values |= {f"lines@{k}": score.recall, f"line_precision@{k}": score.precision}
        reached = [any(_overlap(gold, place) for place in came.cited) for gold in question.lines]
        of_cited = character_scores(came.cited, question.lines, [len(came.cited)]) if came.cited else {}
        values |= {
            "cited": float(any(reached)),
            "cited_ranges": sum(reached) / len(reached),
            "reference_cited": float(any(_overlap(gold, at) for gold in question.lines for at in came.reference_cited)),
            "cited_precision": of_cited[len(came.cited)].precision if of_cited else 0.0,
        }
    return Trial(
        key=question.key,
        document=f"{question.tree}/{question.files[0]}",  # a tree is too much to be drawn as one
        category=question.tree,
        values=values,
        question=question.text,
        gold=f"{_listed(question.lines) or ', '.join(sorted(files))}\n\n{question.answer}",
        returned="\n\n".join([came.answer] if came.answer else came.texts),
        where=f"{_listed(came.places[:SHOWN])} cited: {_listed(came.cited)}",
        failed=not values["any_file@5"] or values.get("cited") == 0,
        details={"files": ranked[: max(FILE_DEPTHS)]},
    )


def _overlap(one: Place, other: Place) -> bool:
    return one.document == other.document and one.start < other.end and other.start < one.end


@contextmanager
def _archive(repos: Path, name: str) -> Iterator[File[bytes]]:
    """Yield a source tree as an archive."""
    archive = repos / f"{name}.tar.gz"
    if archive.is_file():
        with archive.open("rb") as content:
            yield File(content, name=archive.name)
        return
    if not (repos / name).is_dir():
        raise CommandError(f"There is neither {name} nor {archive.name} in {repos}.")
    with packed(name, members_of(repos / name)) as made:
        yield made


def _listed(places: Sequence[Place]) -> str:
    return "; ".join(f"{place.document}:{lines_in_words(place.start, place.end - 1)}" for place in places)
