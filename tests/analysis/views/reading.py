"""Documents and answers as they are after reading in and answering, made without worker and language model."""

from __future__ import annotations

from pathlib import Path

from django.core.files.base import ContentFile
from django.utils import timezone
from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from analysis.ingest.index import write_parsed, write_understanding
from analysis.ingest.sandbox import parse
from analysis.ingest.understand import understand
from analysis.models import (
    Answer,
    AnswerStatus,
    CitationRow,
    Document,
    DocumentVersion,
    IngestStatus,
    Question,
    SentenceRow,
    VersionText,
)
from analysis.types import ParsedDocument, ParsedHeading, ParsedPage
from workspaces.models import User, Workspace

PAGES = [
    [
        "SERVICE AGREEMENT",
        "This Agreement is made between Acme Corporation and Beta Limited.",
        "1. Term",
        "The term is three (3) years.",
    ],
    ["2. Fees", "Beta shall pay one thousand dollars a month.", "Payment is due", "within thirty days."],
    ["3. Law", "The laws of Delaware govern this Agreement."],
]


def make_pdf(path: Path, pages: list[list[str]] | None = None) -> Path:
    """Write a PDF with these lines on its pages, 12 points, from the top left."""
    canvas = Canvas(str(path), pagesize=letter)
    for lines in pages or PAGES:
        canvas.setFont("Helvetica", 12)
        for row, line in enumerate(lines):
            canvas.drawString(72, 700 - 24 * row, line)
        canvas.showPage()
    canvas.save()
    return path


def document_from(path: Path, workspace: Workspace, user: User) -> Document:
    """Return a ready document, read in from a file by the real parser."""
    parsed = parse(path, name=path.name, on_progress=lambda stage, done, total: None)
    return _ready(workspace, user, path.name, path.read_bytes(), parsed)


def text_document(
    text: str,
    workspace: Workspace,
    user: User,
    *,
    name: str = "agreement.txt",
    headings: list[ParsedHeading] | None = None,
    kind: str = "text",
) -> Document:
    """Return a ready document of one page without an image."""
    parsed = ParsedDocument(kind=kind, text=text, pages=[ParsedPage(1, 0, len(text))], headings=headings or [])
    return _ready(workspace, user, name, text.encode(), parsed)


def bare_document(
    workspace: Workspace, user: User, *, status: str, name: str = "waiting.pdf", **fields: object
) -> Document:
    """Return a document that is not ready."""
    document = Document.objects.create(workspace=workspace, uploaded_by=user, name=name)
    version = DocumentVersion(document=document, sha256="0" * 64, size_bytes=4, status=status, **fields)
    version.file.save(name, ContentFile(b"%PDF"))
    document.version = version
    document.save()
    return document


def _ready(workspace: Workspace, user: User, name: str, data: bytes, parsed: ParsedDocument) -> Document:
    document = bare_document(workspace, user, status=IngestStatus.INGESTING, name=name)
    version = document.version
    assert version is not None
    version.file.save(name, ContentFile(data))
    write_parsed(version, parsed)
    DocumentVersion.objects.filter(pk=version.pk).update(
        status=IngestStatus.READY,
        kind=parsed.kind,
        page_count=len(parsed.pages),
        characters=len(parsed.text),
        ready_at=timezone.now(),
    )
    VersionText.objects.get(version=version)
    document.version.refresh_from_db()
    return document


def span_of(document: Document, words: str) -> tuple[int, int]:
    """Return where `words` stand in the document, whatever its line breaks."""
    assert document.version is not None
    text = document.version.read_text()
    start = " ".join(text.split("\n")).index(words)
    return start, start + len(words)


def ask(document: Document, user: User, text: str, *, status: str = AnswerStatus.RUNNING, **fields: object) -> Answer:
    """Return a question about the document with one answer that has no text yet."""
    question = Question.objects.create(workspace=document.workspace, asker=user, text=text)
    question.documents.add(document)
    return Answer.objects.create(
        question=question, llm="qwen2.5-coder-0.5b-instruct", mode="whole", status=status, **fields
    )


def finish(answer: Answer, sentences: list[tuple[str, bool | None, list[str]]]) -> Answer:
    """Give the answer its text, (sentence, supported, quotes) by the document's words, as the last stage leaves it."""
    document = answer.question.documents.get()
    answer.text = " ".join(words for words, _, _ in sentences)
    answer.status = AnswerStatus.DONE
    answer.finished_at = timezone.now()
    characters, pages = document.version.characters, document.version.page_count
    answer.coverage = {
        "characters_total": characters,
        "characters_read": characters,
        "pages_read": [[1, pages]],
        "pages_skipped": [],
        "tokens_sent": 412,
        "tokens_cached": 400,
        "passages": [],
    }
    answer.usage = {
        "prompt_tokens": 412,
        "cached_tokens": 400,
        "completion_tokens": 20,
        "cost_usd": 0,
        "seconds_to_first_token": 1.9,
        "seconds": 6.2,
    }
    answer.save()
    at = 0
    for ordinal, (words, supported, quotes) in enumerate(sentences):
        row = SentenceRow.objects.create(
            answer=answer,
            ordinal=ordinal,
            start_char=at,
            end_char=at + len(words),
            supported=supported,
            reason="" if supported is not False else "No sentence of the document says this",
        )
        at += len(words) + 1
        for place, quote in enumerate(quotes):
            start, end = span_of(document, quote)
            CitationRow.objects.create(
                sentence=row, ordinal=place, version=document.version, start_char=start, end_char=end, score=0.9
            )
    return answer


def understood(document: Document) -> Document:
    """Return the document with its terms and references found, as reading in does."""
    version = document.version
    assert version is not None
    headings = [
        ParsedHeading(**row)
        for row in version.headings.values("level", "label", "title", "start_char", "end_char", "section_end_char")
    ]
    write_understanding(version, understand(version.read_text(), headings))
    return document
