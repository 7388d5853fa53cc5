"""Rows as the two pipelines leave them, for tests of what is made from them."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from analysis.ingest.repository import read_in, repository_add, snapshot_add
from analysis.ingest.repository.folder import Member, packed
from analysis.models import (
    Answer,
    AnswerStatus,
    CitationRow,
    Document,
    DocumentVersion,
    Origin,
    Page,
    Question,
    Repository,
    SentenceRow,
    Snapshot,
    VersionText,
)
from tests.conftest import Cast

FIRST, SECOND = "The term is five years. ", "Delaware law — naïve or not — governs."
TEXT = FIRST + SECOND


def make_document(cast: Cast, name: str = "lease.pdf", text: str = TEXT) -> DocumentVersion:
    document = Document.objects.create(workspace=cast.workspace, name=name, uploaded_by=cast.owner)
    version = DocumentVersion.objects.create(document=document, sha256="0" * 64, size_bytes=1, status="ready")
    Document.objects.filter(pk=document.pk).update(version=version)
    VersionText.objects.create(version=version, text=text)
    Page.objects.create(version=version, number=1, start_char=0, end_char=len(FIRST), source="text")
    Page.objects.create(version=version, number=2, start_char=len(FIRST), end_char=len(text), source="text")
    return version


def make_repository(cast: Cast, files: dict[str, str], name: str = "shop", **more: Any) -> Repository:
    """Return a repository of these files by path, really read in. more: as `repository_add` takes it.

    The test needs a MEDIA_ROOT of its own.
    """
    with packed(name, members(files)) as archive:
        added = {"workspace": cast.workspace, "user": cast.owner, "archive": archive, "origin": "folder"} | more
        repository = repository_add(**added, enqueue=False)
    read_in(repository)
    return repository


def make_snapshot(repository: Repository, files: dict[str, str]) -> Snapshot:
    """Return a further snapshot of the repository, of these files, really read in; `repository` is read again."""
    with packed(repository.name, members(files)) as archive:
        snapshot_add(repository=repository, user=None, archive=archive, origin=Origin.FOLDER, enqueue=False)
    return read_in(repository)


def members(files: dict[str, str]) -> list[Member]:
    """Return the files by path as an archive is packed from them."""
    return [Member(path, len(text.encode()), BytesIO(text.encode())) for path, text in files.items()]


def make_answer(cast: Cast, version: DocumentVersion, text: str, status: str = AnswerStatus.DONE) -> Answer:
    question = Question.objects.create(workspace=cast.workspace, asker=cast.owner, text="How long?")
    question.documents.add(version.document_id)
    return Answer.objects.create(question=question, text=text, status=status, llm="test-llm", mode="whole")


def add_sentence(answer: Answer, ordinal: int, words: str, *places: tuple[DocumentVersion, int, int]) -> None:
    start = answer.text.index(words)
    sentence = SentenceRow.objects.create(
        answer=answer, ordinal=ordinal, start_char=start, end_char=start + len(words), supported=bool(places)
    )
    for number, (version, start_char, end_char) in enumerate(places):
        CitationRow.objects.create(
            sentence=sentence, ordinal=number, version=version, start_char=start_char, end_char=end_char, score=0.9
        )
