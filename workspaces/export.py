"""A workspace's data out, as files that need no Lectern to read: originals, texts, questions with their answers.

    README.md                     what is where
    members.csv  usage.csv  audit.csv
    documents/0001 lease.pdf/     original.pdf, text.txt, document.json; earlier versions as v1-original.pdf and so on
    repositories/0001 name/       repository.json, snapshots/, files/ with the current one's files
    questions/0001 How long.md    the question, its answers with numbered citations; the same as .json

Everything is written row by row, so memory does not grow with the workspace.
"""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from django.core.files.base import File
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import F, QuerySet
from django.utils import timezone

from analysis.answer.payload import answer_payload
from analysis.errors import UserError
from analysis.models import Answer, Call, Document, DocumentVersion, Question, Repository, Snapshot, VersionText
from analysis.views.cards import citation_lines, marked_text
from analysis.views.export import cell
from analysis.views.usage import COLUMNS, HEADINGS
from config.version import version as lectern_version
from workspaces.access import documents_for, questions_for, repositories_for
from workspaces.audit.listing import Filter, as_csv, events_in
from workspaces.models import Member, Workspace

NAME_CHARACTERS = 60
CHUNK = 100
# What file systems and shells take for something else, and directions of writing.
_UNSAFE = re.compile(r"[^\w .,()+=@-]|[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Seen:
    """What is written: all that one member sees, or all but what is private. records: usage and audit log too."""

    documents: QuerySet[Document]
    repositories: QuerySet[Repository]
    questions: QuerySet[Question]
    records: bool = True


@dataclass
class Exported:
    """How much was written. missing: originals that are not where they should be."""

    documents: int = 0
    repositories: int = 0
    questions: int = 0
    missing: int = 0


def workspace_export(
    workspace: Workspace, folder: Path, *, member: Member | None = None, say: Say = lambda _: None
) -> Exported:
    """Write the workspace to `folder`, which must not be there yet, and return how much that was.

    member: for whom; nothing that they do not see is written. None for who runs this Lectern. Questions that their
    asker keeps private are written for nobody else. Raises UserError folder_exists. What was cut off is left beside it,
    with `.partial` after its name.
    """
    if folder.exists():
        raise UserError(f"{folder} is there already. Name a folder that is not.", code="folder_exists")
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True, mode=0o700)
    done = Exported()
    seen = _seen_by(member, workspace)
    _write_people(workspace, partial, seen)
    say("Documents")
    _write_documents(seen, partial / "documents", done)
    say("Repositories")
    _write_repositories(seen, partial / "repositories", done)
    say("Questions")
    _write_questions(seen, partial / "questions", done)
    (partial / "README.md").write_text(_readme(workspace, done), encoding="utf-8")
    partial.rename(folder)
    return done


def safe_name(name: str, ordinal: int) -> str:
    """Return a name for a file or folder: in order, readable, and harmless on every file system."""
    words = " ".join(_UNSAFE.sub(" ", name).split())[:NAME_CHARACTERS].strip(" .")
    return f"{ordinal:04} {words}".strip()


def _seen_by(member: Member | None, workspace: Workspace) -> Seen:
    if member is not None:
        return Seen(documents_for(member), repositories_for(member), questions_for(member), member.sees_all)
    return Seen(
        Document.objects.filter(workspace=workspace, repository=None),
        Repository.objects.filter(workspace=workspace),
        Question.objects.filter(workspace=workspace, shared=True),
    )


def _write_people(workspace: Workspace, folder: Path, seen: Seen) -> None:
    members = workspace.members.select_related("user").order_by("joined_at", "pk")
    rows = ((member.user.email, member.role, member.joined_at.isoformat()) for member in members)
    _write_csv(folder / "members.csv", ["email", "role", "joined_at"], rows)
    if not seen.records:
        return
    calls = Call.objects.filter(workspace=workspace).annotate(shown_name=F("document__name"))
    used = calls.order_by("created_at", "pk").values_list(*COLUMNS).iterator(chunk_size=1000)
    _write_csv(folder / "usage.csv", HEADINGS, ((row[0].isoformat(), *row[1:]) for row in used))
    with (folder / "audit.csv").open("w", encoding="utf-8", newline="") as out:
        out.writelines(as_csv(events_in(workspace, Filter())))


def _write_csv(path: Path, names: list[str], rows: Iterable[tuple[Any, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(names)
        writer.writerows([cell(value) for value in row] for row in rows)


def _write_documents(seen: Seen, folder: Path, done: Exported) -> None:
    rows = seen.documents.order_by("uploaded_at", "pk")
    for ordinal, document in enumerate(_each(rows.select_related("uploaded_by")), start=1):
        place = folder / safe_name(document.name, ordinal)
        place.mkdir(parents=True)
        versions = list(document.versions.order_by("number"))
        for version in versions:
            current = version.pk == document.version_id
            _write_version(version, place, "" if current else f"v{version.number}-", done)
        _write_json(place / "document.json", _document_facts(document, versions))
        done.documents += 1


def _write_version(version: DocumentVersion, folder: Path, prefix: str, done: Exported) -> None:
    ending = PurePath(str(version.file.name)).suffix
    if version.file:
        _copy(version.file, folder / f"{prefix}original{ending}", done)
    text = version.read_text()
    if text:
        (folder / f"{prefix}text.txt").write_text(text, encoding="utf-8", newline="")


def _copy(file: File[bytes], path: Path, done: Exported) -> None:
    """Write a stored file piece by piece; one that is gone is counted."""
    try:
        with file.open("rb") as source, path.open("wb") as out:
            shutil.copyfileobj(source, out, 2**20)
    except FileNotFoundError:
        done.missing += 1
        path.unlink(missing_ok=True)


def _document_facts(document: Document, versions: list[DocumentVersion]) -> dict[str, Any]:
    facts = (
        "number sha256 size_bytes kind status error_code error_message page_count characters language identity "
        "warnings created_at"
    ).split()
    return {
        "id": document.pk,
        "name": document.name,
        "uploaded_by": document.uploaded_by.email if document.uploaded_by else None,
        "uploaded_at": document.uploaded_at,
        "versions": [{name: getattr(version, name) for name in facts} for version in versions],
    }


def _write_repositories(seen: Seen, folder: Path, done: Exported) -> None:
    rows = seen.repositories.order_by("added_at", "pk")
    for ordinal, repository in enumerate(_each(rows), start=1):
        place = folder / safe_name(repository.name, ordinal)
        (place / "snapshots").mkdir(parents=True)
        snapshots = list(repository.snapshots.order_by("number"))
        for snapshot in snapshots:
            if snapshot.file:
                endings = "".join(PurePath(str(snapshot.file.name)).suffixes)
                _copy(snapshot.file, place / "snapshots" / f"{snapshot.number}{endings}", done)
        _write_files(repository, place / "files")
        _write_json(place / "repository.json", _repository_facts(repository, snapshots))
        done.repositories += 1


def _write_files(repository: Repository, folder: Path) -> None:
    """Write what was read of the current snapshot, each file at its path."""
    read = VersionText.objects.filter(version__document__repository=repository)
    rows = read.filter(version__in=Document.objects.filter(repository=repository).values("version"))
    for path, text in rows.values_list("version__document__path", "text").iterator(chunk_size=CHUNK):
        place = folder / path
        if place.resolve().is_relative_to(folder.resolve()):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8", newline="")


def _repository_facts(repository: Repository, snapshots: list[Snapshot]) -> dict[str, Any]:
    facts = "number origin commit ref message committed_at status file_count line_count size_bytes created_at".split()
    return {
        "id": repository.pk,
        "name": repository.name,
        "url": repository.url,
        "ref": repository.ref,
        "current": repository.snapshot.number if repository.snapshot else None,
        "snapshots": [{name: getattr(snapshot, name) for name in facts} for snapshot in snapshots],
    }


def _write_questions(seen: Seen, folder: Path, done: Exported) -> None:
    folder.mkdir()
    rows = seen.questions.order_by("created_at", "pk").select_related("asker")
    for ordinal, question in enumerate(_each(rows), start=1):
        answers = question.answers.select_related("question", "approved_by").order_by("number")
        payloads = [(answer, answer_payload(answer)) for answer in answers]
        name = safe_name(question.text, ordinal)
        (folder / f"{name}.md").write_text(_as_markdown(question, payloads), encoding="utf-8")
        asker = question.asker.email if question.asker else None
        facts = {"id": question.pk, "text": question.text, "asker": asker, "asked_at": question.created_at}
        _write_json(folder / f"{name}.json", facts | {"answers": [payload for _, payload in payloads]})
        done.questions += 1


def _as_markdown(question: Question, payloads: list[tuple[Answer, dict[str, Any]]]) -> str:
    """Return the question with its answers; a sentence without a place in the text is listed as such."""
    asked = f"Asked {question.created_at:%Y-%m-%d %H:%M} UTC" + (f" by {question.asker}" if question.asker else "")
    pieces = [f"# {' '.join(question.text.split())}", f"{asked}."]
    for answer, payload in payloads:
        how = ", ".join(filter(None, [answer.llm, payload["mode"], answer.get_status_display().lower()]))
        pieces += [
            f"## Answer {answer.number}: {how}",
            *_approval(payload),
            marked_text(payload).strip() or "(no text)",
        ]
        lines = citation_lines(payload)
        pieces += ["\n".join(f"- {line}" for line in lines)] if lines else []
        unsupported = [each["text"].strip() for each in payload["sentences"] if each["supported"] is False]
        if unsupported:
            pieces.append("Without support in the documents:\n\n" + "\n".join(f"- {text}" for text in unsupported))
    return "\n\n".join(pieces) + "\n"


def _approval(payload: dict[str, Any]) -> list[str]:
    """Return a line on who stands by the answer, if anybody does."""
    if not payload["approved_at"]:
        return []
    return [f"Approved by {payload['approved_by'] or 'a former member'} on {payload['approved_at'][:10]}"]


def _readme(workspace: Workspace, done: Exported) -> str:
    missing = f" {done.missing} originals were missing." if done.missing else ""
    return (
        f"# {workspace.name}\n\nWritten {timezone.now():%Y-%m-%d %H:%M} UTC by Lectern {lectern_version()}: "
        f"{done.documents} documents, {done.repositories} repositories, {done.questions} questions.{missing}\n\n"
        "- `documents/`: each with its original, its text as Lectern reads it, and what is known of it.\n"
        "- `repositories/`: the archives that came in, and the files that were read.\n"
        "- `questions/`: each with its answers; citations are numbered, and quote the text. Offsets in the JSON count "
        "characters of `text.txt`.\n"
        "- `members.csv`, `usage.csv`, `audit.csv`: who is in it, each call to a language model, and who did what.\n"
    )


def _each(rows: Any) -> Iterator[Any]:
    iterator: Iterator[Any] = rows.iterator(chunk_size=CHUNK)
    return iterator


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, cls=DjangoJSONEncoder, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
