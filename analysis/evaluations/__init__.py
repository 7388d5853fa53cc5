"""Quality, measured on a labelled data set: `manage.py evaluate NAME DIR`.

Each evaluation is a module here with MEASURES, `add_arguments(parser)` and `run(folder, *, limit, llm, **options)`,
which returns an Outcome: one Trial a question. Documents go through the real ingest and questions through the real
search or answer pipeline, in this process, beside any worker that runs. What the evaluations share stands beside them:
trials.py (records and their figures), metrics.py, intervals.py, reports.py (in writing), kept.py (in the database).
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol, cast

from django.core.files.base import ContentFile, File
from tqdm import tqdm

from analysis import progress
from analysis.answer.ask import question_ask
from analysis.answer.run import answer_run
from analysis.benchmarks import scratch_workspace
from analysis.errors import UserError
from analysis.evaluations.trials import Measure, Outcome
from analysis.ingest.repository import read_in as read_in_repository
from analysis.ingest.repository import repository_add
from analysis.ingest.run import ingest
from analysis.ingest.upload import document_delete, document_upload
from analysis.llm.registry import llm_get
from analysis.models import Answer, AnswerStatus, CitationRow, Document, DocumentVersion, IngestStatus, Repository
from analysis.types import Mode, Span
from workspaces.models import Workspace


class Evaluation(Protocol):
    """An evaluation's module.

    limit: look at the first so many trials only, 0 for all. llm: an id, "" for the default one.
    """

    MEASURES: tuple[Measure, ...]

    def add_arguments(self, parser: ArgumentParser) -> None: ...
    def run(self, folder: Path, *, limit: int, llm: str, **options: Any) -> Outcome: ...


@cache
def evaluations() -> dict[str, Evaluation]:
    """Return the evaluations by the name that a command calls them."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {
        module.__name__.rpartition(".")[2].replace("_", "-"): cast(Evaluation, module)
        for module in modules
        if hasattr(module, "add_arguments")
    }


def read_in(workspace: Workspace, name: str, data: bytes) -> Document:
    """Return the document that the file has become. Raises UserError when it cannot be read in."""
    version = _uploaded(workspace, name, data)
    ingest(version.pk, follow_up=False)
    version.refresh_from_db()
    if not version.ready:
        raise UserError(f"{name}: {version.error_message}", code=version.error_code)
    return Document.objects.select_related("version", "workspace").get(pk=version.document_id)


def _uploaded(workspace: Workspace, name: str, data: bytes) -> DocumentVersion:
    """Return the file's version, waiting or ready; one that failed before is uploaded anew."""

    def upload() -> Document:
        file = ContentFile(data, name=name)
        return document_upload(workspace=workspace, user=None, name=name, file=file, enqueue=False).document

    version = DocumentVersion.objects.get(document=upload())
    if version.status != IngestStatus.FAILED:
        return version
    document_delete(version.document)
    return DocumentVersion.objects.get(document=upload())


def documents_in(workspace: Workspace, files: Mapping[str, Path], outcome: Outcome) -> dict[str, str]:
    """Read in the files that are not there yet; return the name of each in `files` by its document's id.

    What cannot be read in is noted in the outcome.
    """
    names = {}
    for name, path in tqdm(files.items(), desc="documents", disable=None):
        try:
            document = read_in(workspace, path.name[-255:], path.read_bytes())
        except UserError as error:
            outcome.notes.append(error.message)
        else:
            names[str(document.pk)] = name
    return names


def repository_in(workspace: Workspace, name: str, archive: File[bytes], outcome: Outcome) -> Repository:
    """Return the repository of that name, read in from the archive unless it is there from an earlier run.

    Raises UserError when it cannot be read in. What its snapshot warns of is noted in the outcome.
    """
    repository = workspace.repositories.select_related("snapshot").filter(name=name).first()
    if repository is None:
        repository = repository_add(workspace=workspace, user=None, name=name, archive=archive, enqueue=False)
    known = repository.snapshot
    # One that an interrupted run has left by words alone would give other figures.
    snapshot = known if known and not known.by_words_alone else read_in_repository(repository)
    outcome.notes += [f"{name}: {warning['message']}" for warning in snapshot.warnings]
    return repository


def add_workspace(parser: ArgumentParser) -> None:
    """Add the option that names where documents stay, since reading them in can take longer than the questions."""
    parser.add_argument(
        "--workspace", default="", metavar="SLUG", help="keep the documents in this workspace, for the next time"
    )


def room(slug: str) -> AbstractContextManager[Workspace]:
    """Return the workspace of that name, made if it is missing; without a name one that goes with all that is in it."""
    if not slug:
        return scratch_workspace()
    return nullcontext(Workspace.objects.get_or_create(slug=slug, defaults={"name": slug})[0])


def answered(document: Document, text: str, *, mode: Mode, llm: str = "") -> Answer:
    """Return the finished answer to a question on one document."""
    return answered_from(document.workspace, [document], text, mode=mode, llm=llm)


def answered_from(
    workspace: Workspace, documents: Sequence[Document], text: str, *, mode: Mode, llm: str = ""
) -> Answer:
    """Return the finished answer to a question on several documents, on all of the workspace if none is given."""
    asked = question_ask(workspace=workspace, user=None, text=text, documents=list(documents), mode=mode, llm=llm)
    return _written(asked)


def answered_once(repository: Repository, text: str, *, mode: Mode, llm: str = "") -> Answer:
    """Return the finished answer to a question on a repository: one that an earlier run kept, or a new one.

    llm: an id, "" for the default one, whose answer alone counts.
    """
    kept = Answer.objects.filter(
        question__repositories=repository, question__text=text, status=AnswerStatus.DONE, llm=llm_get(llm).id
    )
    if before := kept.order_by("-number").first():
        return before
    asked = question_ask(
        workspace=repository.workspace, user=None, text=text, repositories=[repository], mode=mode, llm=llm
    )
    return _written(asked)


def _written(asked: Answer) -> Answer:
    answer_run(str(asked.pk))
    for _ in progress.listen(progress.answer_stream(asked.pk)):
        pass  # a worker that has taken it before us writes it
    return Answer.objects.select_related("question").get(pk=asked.pk)


def cited_spans(answer: Answer) -> list[Span]:
    """Return the places that the answer's sentences cite."""
    rows = CitationRow.objects.filter(sentence__answer=answer).values_list("start_char", "end_char")
    return [Span(start, end) for start, end in rows]
