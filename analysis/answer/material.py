"""The documents behind a question: which of them can be read, and their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from django.db.models import QuerySet

from analysis.answer.prompt import DocumentText, Turn
from analysis.llm import tokens
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import TokenCount
from analysis.models import Answer, AnswerStatus, Document, DocumentVersion, IngestStatus, Question
from analysis.types import Identity
from workspaces.models import Workspace

UNSETTLED = (IngestStatus.QUEUED, IngestStatus.INGESTING)


def chosen(question: Question) -> QuerySet[Document]:
    """Return the documents that the question was put to, ready or not."""
    rows = question.workspace.documents if question.across_workspace else question.documents
    return rows.select_related("version").order_by("name", "pk")


def ready(documents: Iterable[Document]) -> list[Document]:
    """Return those that have been read in."""
    return [document for document in documents if document.version and document.version.ready]


def unsettled(documents: Iterable[Document]) -> list[Document]:
    """Return those that may become ready yet."""
    return [document for document in documents if document.version and document.version.status in UNSETTLED]


def workspace_documents(workspace: Workspace) -> QuerySet[Document]:
    """Return every document of the workspace, ready or not."""
    return workspace.documents.select_related("version").order_by("name", "pk")


def version_of(document: Document) -> DocumentVersion:
    """Return the document's current version, which a ready document has."""
    if document.version is None:
        raise ValueError(f"document {document.pk} has no version")
    return document.version


def identities(documents: Iterable[Document]) -> dict[int, Identity]:
    """Return what each document calls itself and who its parties are, by the id of its version."""
    versions = [version_of(document) for document in documents]
    return {version.pk: version.known_identity for version in versions}


def about(document: Document) -> str:
    """Return what the document calls itself and its parties, on one line, for whoever sees only passages of it."""
    identity = version_of(document).known_identity
    parties = [
        f"{party.name} (“{'”, “'.join(party.roles)}”)" if party.roles else party.name for party in identity.parties
    ]
    said = [identity.title, f"parties: {'; '.join(parties)}" if parties else ""]
    return " ".join(", ".join(each for each in said if each).split())


def described(document: Document) -> DocumentText:
    """Return the document without its text: enough for its prefix key and its place in a prompt."""
    version = version_of(document)
    digest = f"{version.sha256}:{version.parser_version}:{version.characters}"
    return DocumentText(str(document.pk), document.name, version.pk, digest)


def with_text(document: Document) -> DocumentText:
    """Return the document with its whole canonical text."""
    return replace(described(document), text=version_of(document).read_text())


def token_count(documents: Iterable[Document], llm: LLM, *, exact_up_to: int) -> TokenCount:
    """Return how many tokens the documents' texts are.

    Counted at ingest where that can be used; counted anew only while the sum may matter, which it no longer does past
    `exact_up_to` tokens: far over a window by one count is far over it by another.
    """
    total, exact = 0, True
    for document in documents:
        version = version_of(document)
        rough = version.tokens or version.characters // 4
        if total + rough > 2 * exact_up_to:
            total, exact = total + rough, False
            continue
        counted = tokens.known_version_count(version.pk, version.characters, llm) or tokens.count_version(
            version.pk, version.read_text(), llm
        )
        total, exact = total + counted.tokens, exact and counted.exact
    return TokenCount(total, exact)


@dataclass(frozen=True)
class History:
    """Earlier turns, oldest first, and how many still older ones there was no room for."""

    turns: list[Turn]
    dropped: int = 0


def history(parent: Question | None, llm: LLM) -> History:
    """Return the turns up to and including `parent`; questions without a written answer are left out.

    The newest are kept, up to an eighth of the window and no more than a prompt's passages: all of it is read again.
    """
    room = min(llm.window_tokens // 8, llm.passage_tokens)
    turns: list[Turn] = []
    dropped = 0
    for question in _up(parent):
        answer = latest_written(question)
        if answer is None:
            continue
        room -= tokens.estimate(question.text + answer.text)
        if room < 0:
            dropped += 1
        else:
            turns.append(Turn(question.text, answer.text))
    return History(turns[::-1], dropped)


def _up(question: Question | None) -> Iterator[Question]:
    while question is not None:
        yield question
        question = question.parent


def latest_written(question: Question) -> Answer | None:
    """Return the question's newest answer that has text and is finished."""
    finished = question.answers.filter(status__in=[AnswerStatus.DONE, AnswerStatus.STOPPED]).exclude(text="")
    return finished.order_by("-number").first()
