"""Quality, measured on a labelled data set: `manage.py evaluate NAME DIR`.

Each evaluation is a module with `add_arguments(parser)` and `run(folder, **options)`, which returns a Report. Documents
go through the real ingest and questions through the real answer pipeline, in this process, beside any worker that runs.
"""

from __future__ import annotations

from django.core.files.base import ContentFile

from analysis import progress
from analysis.answer.ask import question_ask
from analysis.answer.run import answer_run
from analysis.errors import UserError
from analysis.ingest.run import ingest
from analysis.ingest.upload import document_upload
from analysis.models import Answer, CitationRow, Document, DocumentVersion
from analysis.types import Mode, Span
from workspaces.models import Workspace


def read_in(workspace: Workspace, name: str, data: bytes) -> Document:
    """Return the document that the file has become. Raises UserError when it cannot be read in."""
    uploaded = document_upload(
        workspace=workspace, user=None, name=name, file=ContentFile(data, name=name), enqueue=False
    )
    version = DocumentVersion.objects.get(document=uploaded.document)
    ingest(version.pk, follow_up=False)
    version.refresh_from_db()
    if not version.ready:
        raise UserError(f"{name}: {version.error_message}", code=version.error_code)
    return Document.objects.select_related("version", "workspace").get(pk=uploaded.document.pk)


def answered(document: Document, text: str, *, mode: Mode, llm: str = "") -> Answer:
    """Return the finished answer to a question on one document."""
    asked = question_ask(workspace=document.workspace, user=None, text=text, documents=[document], mode=mode, llm=llm)
    answer_run(str(asked.pk))
    for _ in progress.listen(progress.answer_stream(asked.pk)):
        pass  # a worker that has taken it before us writes it
    return Answer.objects.select_related("question").get(pk=asked.pk)


def cited_spans(answer: Answer) -> list[Span]:
    """Return the places that the answer's sentences cite."""
    rows = CitationRow.objects.filter(sentence__answer=answer).values_list("start_char", "end_char")
    return [Span(start, end) for start, end in rows]
