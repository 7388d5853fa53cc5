"""Questions on quarterly reports, within one and across several: are the right reports, pages and figures found?

Reads Docugami's KG-RAG data sets (github.com/docugami/KG-RAG-datasets): the reports in docs/, the questions in CSV
files with the columns Question, Source Docs (a pattern of file names), Question Type, Source Chunk Type and Answer,
which names its sources. Only questions whose sources are all there are asked. The reports are pooled: every question
searches all.

The data set does not say on which page an answer stands. Its figures do: those of the answer that are written somewhere
in its sources are looked for. `pages` is the share of them on whose page the search came out, `figures` the share that
stand in the passages themselves. With `--task ask` the question is answered and `said` is the share in the answer.
"""

from __future__ import annotations

import csv
import re
from argparse import ArgumentParser
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.answer.retrieve import retrieve
from analysis.evaluations import add_workspace, answered_from, documents_in, room
from analysis.evaluations.metrics import recall_at
from analysis.evaluations.trials import Measure, Outcome, Trial, Unit
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, CitationRow, Document, Page
from analysis.types import Hit, Mode

DEPTHS = (1, 5, 10, 20)
SHOWN = 5
COLUMNS = ("Question", "Source Docs", "Question Type", "Source Chunk Type", "Answer")
MEASURES = (
    *(Measure(f"documents@{k}", f"source reports in {k} passages", headline=k == 5) for k in DEPTHS),
    *(Measure(f"pages@{k}", f"pages of the figures in {k} passages", headline=k == 5) for k in DEPTHS),
    *(Measure(f"figures@{k}", f"figures in {k} passages") for k in DEPTHS),
    Measure("said", "figures in the answer", headline=True),
    Measure("all_said", "answers with all figures"),
    Measure("cited", "source reports cited"),
    Measure("seconds", "whole answer", unit=Unit.SECONDS, more_is_better=False),
)
_SOURCES = re.compile(r"\(?SOURCE(?:\(S\)|S)?:\s*([^)]*)\)?", re.IGNORECASE)
_FILE = re.compile(r"[^,;\"“”\n]+?\.(?:pdf|docx?|html?|txt)\b", re.IGNORECASE)
_FIGURE = re.compile(r"(?<![\w.])\d{1,3}(?:,\d{3})+(?:\.\d+)?|(?<![\w.,])\d+\.\d+|(?<![\w.,])\d+(?=\s?%)")
# UTF-8 that was read as Windows-1252: a lead byte's character and its followers'.
_MISREAD = re.compile("[\u00c2-\u00f4][\u0080-\u00bf\u0152-\u02dc\u2013-\u2122]+")


@dataclass(frozen=True)
class Question:
    """A row of the data set. sources: names of the files that answer it."""

    text: str
    answer: str
    pattern: str
    category: str
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Pages:
    """A report's pages in their order: where each starts, and the figures that it has."""

    starts: list[int]
    figures: list[frozenset[str]]

    def of(self, hit: Hit) -> range:
        """Return the numbers of the pages that the passage touches."""
        return range(bisect_right(self.starts, hit.start_char), bisect_right(self.starts, hit.end_char - 1) + 1)


@dataclass(frozen=True)
class Reports:
    """The documents that were read in. names: by document id; pages: by name."""

    names: dict[str, str]
    pages: dict[str, Pages]

    def found(self, hits: Sequence[Hit]) -> list[tuple[str, Hit]]:
        """Return the passages, each with the name of its report."""
        return [(self.names.get(hit.document_id, ""), hit) for hit in hits]

    def places_of(self, figure: str, names: Sequence[str]) -> set[tuple[str, int]]:
        """Return the pages of these reports that the figure is on, as (name, page number)."""
        numbered = ((name, number) for name in names for number in range(1, len(self.pages[name].figures) + 1))
        return {(name, number) for name, number in numbered if figure in self.pages[name].figures[number - 1]}


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate docugami` can be told."""
    parser.add_argument("--task", choices=["search", "ask"], default="search", help="search only, or answer as well")
    parser.add_argument("--mode", choices=["auto", "whole", "passages", "sweep"], default="passages")
    add_workspace(parser)


def run(
    folder: Path,
    *,
    task: str = "search",
    mode: str = "passages",
    workspace: str = "",
    llm: str = "",
    limit: int = 0,
    **_: Any,
) -> Outcome:
    """Read in the reports, then search them, and if asked for answer, for every question that they answer."""
    files = {path.name: path for path in sorted((folder / "docs").rglob("*")) if path.is_file()}
    questions = list(read_questions(folder, files))[: limit or None]
    if not questions:
        raise CommandError(f"There are no questions in {folder} that reports in {folder}/docs answer.")
    outcome = Outcome(MEASURES, llm=llm_get(llm).id if task == "ask" else "")
    with room(workspace) as here:
        names = documents_in(here, files, outcome)
        reports = Reports(names, {name: _pages(document_id) for document_id, name in names.items()})
        questions = [question for question in questions if reports.pages.keys() >= set(question.sources)]
        for question in tqdm(questions, desc="questions", disable=None):
            hits = retrieve(question.text, documents=Document.objects.filter(workspace=here), limit=max(DEPTHS))
            answer = answered_from(here, [], question.text, mode=Mode(mode), llm=llm) if task == "ask" else None
            outcome.trials.append(judged(question, hits, reports, answer))
            if answer and answer.status != AnswerStatus.DONE:
                outcome.notes.append(f"{question.text}: {answer.error_message or answer.status}")
    return outcome


def read_questions(folder: Path, files: dict[str, Path]) -> Iterator[Question]:
    """Yield each question once whose sources are among `files`, in the order of the CSV files."""
    seen = set()
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as rows:
            for row in csv.DictReader(rows):
                if not all(row.get(column) for column in COLUMNS):
                    continue
                question = _question({column: mended(row[column]).strip() for column in COLUMNS}, files)
                if question.sources and question not in seen and files.keys() >= set(question.sources):
                    seen.add(question)
                    yield question


def mended(text: str) -> str:
    """Return the text with what was UTF-8 and was read as Windows-1252 put right: "Companyâ€™s" is "Company’s"."""

    def again(match: re.Match[str]) -> str:
        try:
            return b"".join(_byte_of(character) for character in match[0]).decode("utf-8")
        except UnicodeDecodeError:
            return match[0]

    return _MISREAD.sub(again, text)


def figures_of(text: str) -> list[str]:
    """Return the figures of a text as they are compared: "82959", "25.93", "11"; no years, no days, no small counts."""
    body = _SOURCES.sub(" ", text)
    return list(dict.fromkeys(found[0].replace(",", "") for found in _FIGURE.finditer(body)))


def judged(question: Question, hits: Sequence[Hit], reports: Reports, answer: Answer | None = None) -> Trial:
    """Return the trial. Pages and figures are measured where at least one figure of the answer is in its sources."""
    found = reports.found(hits)
    places = {figure: reports.places_of(figure, question.sources) for figure in figures_of(question.answer)}
    places = {figure: pages for figure, pages in places.items() if pages}
    values = {f"documents@{k}": recall_at([name for name, _ in found[:k]], question.sources, k) for k in DEPTHS}
    if places:
        for k in DEPTHS:
            values |= _figures_found(places, found[:k], reports, k)
    if answer:
        values |= _answer_values(question, list(places), answer, reports)
    return Trial(
        key=f"{question.pattern}: {question.text}",
        document=question.pattern,
        category=question.category,
        values=values,
        question=question.text,
        gold=question.answer,
        returned=answer.text if answer else "\n\n".join(hit.text for hit in hits[:SHOWN]),
        where="; ".join(f"{name}, page {hit.page_number}" for name, hit in found[:SHOWN]),
        failed=values.get("said", values.get("pages@5", values["documents@5"])) < 1,
        details={"figures": {figure: sorted(map(list, pages)) for figure, pages in places.items()}},
    )


def _question(row: dict[str, str], files: dict[str, Path]) -> Question:
    """Return the row's question. Its sources are those that the answer names, else all that the pattern does."""
    listed = [name[0].strip() for match in _SOURCES.finditer(row["Answer"]) for name in _FILE.finditer(match[1])]
    sources = list(dict.fromkeys(listed))
    pattern = row["Source Docs"]
    category = f"{row['Question Type']}, {row['Source Chunk Type']}"
    matched = [name for name in files if fnmatchcase(name, pattern)]
    return Question(row["Question"], row["Answer"], pattern, category, tuple(sources or matched))


def _figures_found(
    places: dict[str, set[tuple[str, int]]], found: list[tuple[str, Hit]], reports: Reports, k: int
) -> dict[str, float]:
    touched = {(name, number) for name, hit in found if name for number in reports.pages[name].of(hit)}
    sources = {name for pages in places.values() for name, _ in pages}
    written = {figure for name, hit in found if name in sources for figure in figures_of(hit.text)}
    on_page = sum(bool(touched & pages) for pages in places.values())
    return {f"pages@{k}": on_page / len(places), f"figures@{k}": len(written & places.keys()) / len(places)}


def _answer_values(question: Question, figures: list[str], answer: Answer, reports: Reports) -> dict[str, float]:
    rows = CitationRow.objects.filter(sentence__answer=answer).values_list("version__document_id", flat=True)
    cited = [reports.names.get(str(document_id), "") for document_id in rows]
    values = {
        "cited": recall_at(cited, question.sources, len(reports.names)),
        "seconds": answer.usage.get("seconds", 0.0),
    }
    if figures:
        said = len(set(figures).intersection(figures_of(answer.text))) / len(figures)
        values |= {"said": said, "all_said": float(said == 1)}
    return values


def _pages(document_id: str) -> Pages:
    version = Document.objects.select_related("version").get(pk=document_id).version
    text = version.read_text() if version else ""
    spans = Page.objects.filter(version=version).order_by("number").values_list("start_char", "end_char")
    starts, figures = [start for start, _ in spans], [frozenset(figures_of(text[a:b])) for a, b in spans]
    return Pages(starts, figures)


def _byte_of(character: str) -> bytes:
    """Return the byte that Windows-1252 shows as this character; five bytes have none of their own and stay."""
    try:
        return character.encode("cp1252")
    except UnicodeEncodeError:
        return character.encode("latin-1", errors="replace")
