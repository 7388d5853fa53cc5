"""Documents as ingest leaves them, for questions to be put to."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from analysis.models import (
    Disposition,
    Document,
    DocumentVersion,
    IngestStatus,
    Page,
    Repository,
    Secret,
    Snapshot,
    SnapshotFile,
    VersionText,
)
from analysis.repository.lines import line_table, pack_lines
from tests.conftest import Cast


def document(
    cast: Cast, name: str = "lease.pdf", text: str = "The term is five years. Delaware law governs.", *,
    pages: int = 1, status: str = IngestStatus.READY, tokens: int = 0,
) -> Document:  # fmt: skip
    """Return a document whose text is cut into `pages` pages of equal length."""
    row = Document.objects.create(workspace=cast.workspace, name=name, uploaded_by=cast.owner)
    version = DocumentVersion.objects.create(
        document=row, sha256="0" * 64, size_bytes=1, status=status, page_count=pages, characters=len(text),
        tokens=tokens, parser_version=1,
    )  # fmt: skip
    VersionText.objects.create(version=version, text=text)
    size = -(-len(text) // pages)
    for number in range(pages):
        end = min(len(text), (number + 1) * size)
        Page.objects.create(version=version, number=number + 1, start_char=number * size, end_char=end, source="text")
    row.version = version
    row.save()
    return row


def become(row: Document, status: str) -> None:
    """Let the document's version become ready or fail."""
    DocumentVersion.objects.filter(pk=row.version_id).update(status=status)
    row.refresh_from_db()


SECRET = "hunter2-hunter2-hunter2"


def repository(
    cast: Cast, files: Mapping[str, str], *, name: str = "app", status: str = IngestStatus.READY
) -> Repository:
    """Return a repository whose first snapshot holds `files`, by path; `SECRET` in them is known to be one.

    One that is not ready has no files yet, as a first snapshot has not.
    """
    row = Repository.objects.create(workspace=cast.workspace, name=name)
    snapshot(row, files, status=status)
    return row


def snapshot(row: Repository, files: Mapping[str, str], *, status: str = IngestStatus.READY) -> Snapshot:
    """Return the repository's next snapshot; a ready one is its current one, with the versions of unchanged files."""
    number = row.snapshots.count() + 1
    made = Snapshot.objects.create(
        repository=row, number=number, origin="git", commit=f"{number:040x}"[::-1], status=status, file_count=len(files)
    )
    if status != IngestStatus.READY:
        return made
    row.documents.update(version=None)
    for path, text in files.items():
        version = _version(row, path, text)
        Document.objects.filter(pk=version.document_id).update(version=version)
        SnapshotFile.objects.create(
            snapshot=made, path=path, document=version.document, version=version, digest=version.sha256,
            line_count=version.line_count, size_bytes=version.size_bytes, syntax=version.syntax,
        )  # fmt: skip
    SnapshotFile.objects.create(snapshot=made, path="logo.png", disposition=Disposition.BINARY, size_bytes=9)
    row.snapshot = made
    row.save()
    return made


def _version(row: Repository, path: str, text: str) -> DocumentVersion:
    document, _ = Document.objects.get_or_create(
        workspace_id=row.workspace_id, repository=row, path=path, defaults={"name": path}
    )
    digest = hashlib.sha256(text.encode()).hexdigest()
    known = document.versions.filter(sha256=digest).first()
    if known is not None:
        return known
    lines = line_table(text)
    version = DocumentVersion.objects.create(
        document=document, number=document.versions.count() + 1, sha256=digest, size_bytes=len(text.encode()),
        kind="code", status=IngestStatus.READY, characters=len(text), line_count=lines.count, parser_version=1,
        syntax="python" if path.endswith(".py") else "", language="code" if path.endswith(".py") else "en",
    )  # fmt: skip
    VersionText.objects.create(version=version, text=text, line_starts=pack_lines(lines))
    for match in re.finditer(re.escape(SECRET), text):
        Secret.objects.create(version=version, kind="password", start_char=match.start(), end_char=match.end())
    return version
