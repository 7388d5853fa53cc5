"""Rows as the two pipelines leave them, for tests of what is made from them."""

from __future__ import annotations

from analysis.models import (
    Answer,
    AnswerStatus,
    CitationRow,
    Document,
    DocumentVersion,
    Page,
    Question,
    SentenceRow,
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
