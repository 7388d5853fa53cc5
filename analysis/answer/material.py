"""What a question is put to: documents and the files of repositories, which of them can be read, and their texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Q, QuerySet

from analysis.answer import masked
from analysis.answer.prompt import DocumentText, Home, Turn
from analysis.lexical import CODE
from analysis.llm import tokens
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import TokenCount
from analysis.models import Answer, AnswerStatus, Document, DocumentVersion, IngestStatus, Question, Repository
from analysis.types import Identity
from workspaces.models import Folder, Member, User, Workspace
from workspaces.sight import folders_in_sight

UNSETTLED = (IngestStatus.QUEUED, IngestStatus.INGESTING)
# Of a version, what a question never needs: a repository has thousands of them.
_NEVER_READ = ("version__metadata", "version__warnings", "version__seconds", "version__password")


@dataclass(frozen=True)
class Scope:
    """What a question is put to: documents, folders, repositories as they are now, and of one repository the folder or
    file `path`.

    everything: the whole workspace, of whose closed folders only those that are among `folders`.
    """

    workspace: Workspace
    documents: Sequence[Document] = ()
    repositories: Sequence[Repository] = ()
    path: str = ""
    folders: Sequence[Folder] = ()
    everything: bool = False

    def rows(self) -> QuerySet[Document]:
        """Return its documents and files, ready or not; files that no current snapshot has are not among them."""
        rows = self.workspace.documents.exclude(repository__isnull=False, version=None)
        chosen = Q(pk__in=[document.pk for document in self.documents])
        chosen |= Q(repository__in=self.repositories) & within(self.path)
        return _with_versions(rows.filter(chosen | self._lying()))

    def repository_rows(self) -> QuerySet[Repository]:
        """Return the repositories that are its own, or in its folders."""
        chosen = Q(pk__in=[repository.pk for repository in self.repositories])
        return self.workspace.repositories.filter(chosen | self._lying())

    def _lying(self) -> Q:
        """Return the condition of documents and repositories that belong to it by where they lie."""
        lying = Q(folder__in=self.folders)
        return lying | Q(folder=None) | Q(folder__closed=False) if self.everything else lying


def _with_versions(rows: QuerySet[Document]) -> QuerySet[Document]:
    return rows.select_related("version").defer(*_NEVER_READ).order_by("name", "pk")


def scope_for(
    workspace: Workspace,
    user: User | None,
    *,
    documents: Sequence[Document] = (),
    repositories: Sequence[Repository] = (),
    folders: Sequence[Folder] = (),
    path: str = "",
) -> Scope:
    """Return what a question of this person is put to: what is chosen, or else all that they see of the workspace.

    user: None for Lectern itself, which sees what lies in no closed folder. A folder stands for those below it as well.
    """
    member = Member.objects.filter(workspace=workspace, user=user).first() if user else None
    seen = list(folders_in_sight(member)) if member else []
    if documents or repositories or folders:
        return Scope(workspace, documents, repositories, path, below(folders, seen))
    if member and member.guest:
        return Scope(workspace, folders=seen)
    return Scope(workspace, folders=[folder for folder in seen if folder.closed], everything=True)


def below(folders: Sequence[Folder], seen: Sequence[Folder]) -> list[Folder]:
    """Return the folders and those of `seen` that are in them, however deep."""
    found = {folder.pk: folder for folder in folders}
    while more := {each.pk: each for each in seen if each.pk not in found and each.parent_id in found}:
        found |= more
    return list(found.values())


def scope_of(question: Question) -> Scope:
    """Return what the question was put to."""
    return Scope(
        question.workspace,
        list(question.documents.select_related("version")),
        list(question.repositories.all()),
        question.path,
        list(question.folders.all()),
        everything=question.across_workspace,
    )


def within(path: str) -> Q:
    """Return the condition of the files in a folder, or of one file, of a repository; of all of them for ""."""
    return Q(path=path) | Q(path__startswith=f"{path}/") if path else Q()


def chosen(question: Question) -> QuerySet[Document]:
    """Return the documents, and the files of repositories, that the question was put to, ready or not."""
    return scope_of(question).rows()


def ready(documents: Iterable[Document]) -> list[Document]:
    """Return those that have been read in."""
    return [document for document in documents if document.version and document.version.ready]


def unsettled(documents: Iterable[Document]) -> list[Document]:
    """Return those that may become ready yet."""
    return [document for document in documents if document.version and document.version.status in UNSETTLED]


def unsettled_repositories(question: Question) -> list[Repository]:
    """Return the question's repositories of which nothing can be read yet, but may be soon."""
    rows = scope_of(question).repository_rows()
    return list(rows.filter(snapshot=None, snapshots__status__in=UNSETTLED).distinct().order_by("name"))


def version_of(document: Document) -> DocumentVersion:
    """Return the document's current version, which a ready document has."""
    if document.version is None:
        raise ValueError(f"document {document.pk} has no version")
    return document.version


def identities(documents: Iterable[Document]) -> dict[int, Identity]:
    """Return what each document calls itself and who its parties are, by the id of its version."""
    versions = [version_of(document) for document in documents if document.repository_id is None]
    return {version.pk: version.known_identity for version in versions}


def coded(documents: Iterable[Document]) -> frozenset[int]:
    """Return the versions that are source code."""
    versions = [version_of(document) for document in documents]
    return frozenset(version.pk for version in versions if version.language == CODE)


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
    return described_all([document])[0]


def described_all(documents: Iterable[Document]) -> list[DocumentText]:
    """Return the documents without their texts, in one query however many they are."""
    rows = list(documents)
    homes = homes_of(rows)
    return [described_in(document, homes.get(document.repository_id)) for document in rows]


def homes_of(documents: Iterable[Document]) -> dict[UUID | None, Home]:
    """Return the repositories that the documents are files of, by id."""
    ids = {document.repository_id for document in documents if document.repository_id}
    rows = Repository.objects.filter(pk__in=ids).select_related("snapshot").defer("credential") if ids else []
    return {row.pk: Home(row.name, str(row.pk), row.snapshot.label if row.snapshot else "") for row in rows}


def described_in(document: Document, home: Home | None) -> DocumentText:
    """Return the document without its text. home: of a file, the repository that it is of."""
    version = version_of(document)
    digest = f"{version.sha256}:{version.parser_version}:{version.characters}"
    return DocumentText(str(document.pk), document.name, version.pk, digest, home=home)


def with_text(document: Document) -> DocumentText:
    """Return the document with its whole canonical text, as prompts have it."""
    return with_texts([document])[0]


def with_texts(documents: Iterable[Document]) -> list[DocumentText]:
    """Return the documents with their whole canonical texts, as prompts have them, in a few queries."""
    found = described_all(documents)
    texts = masked.texts(each.version_id for each in found)
    return [replace(each, text=texts.get(each.version_id, "")) for each in found]


def token_count(documents: Iterable[Document], llm: LLM, *, exact_up_to: int) -> TokenCount:
    """Return how many tokens the documents' texts are.

    Counted at ingest where that can be used; counted anew only while the sum may matter, which it no longer does past
    `exact_up_to` tokens: far over a window by one count is far over it by another.
    """
    versions = [version_of(document) for document in documents]
    known = tokens.known_version_counts({version.pk: version.characters for version in versions}, llm)
    unknown = [version for version in versions if version.pk not in known]
    total = sum(known.values()) + sum(version.tokens or version.characters // 4 for version in unknown)
    if not unknown or total > 2 * exact_up_to:
        return TokenCount(total, exact=not unknown)
    counted = tokens.count_versions(masked.texts(version.pk for version in unknown), llm)
    return TokenCount(
        sum(known.values()) + sum(each.tokens for each in counted.values()),
        all(each.exact for each in counted.values()),
    )


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
    for question in up(parent):
        answer = latest_written(question)
        if answer is None:
            continue
        room -= tokens.estimate(question.text + answer.text)
        if room < 0:
            dropped += 1
        else:
            turns.append(Turn(question.text, answer.text))
    return History(turns[::-1], dropped)


def up(question: Question | None) -> Iterator[Question]:
    """Yield the question, what it follows up, and so on to where the conversation began."""
    while question is not None:
        yield question
        question = question.parent


def latest_written(question: Question) -> Answer | None:
    """Return the question's newest answer that has text and is finished."""
    finished = question.answers.filter(status__in=[AnswerStatus.DONE, AnswerStatus.STOPPED]).exclude(text="")
    return finished.order_by("-number").first()
