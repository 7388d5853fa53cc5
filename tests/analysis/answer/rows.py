"""Documents as ingest leaves them, for questions to be put to."""

from __future__ import annotations

from analysis.models import Document, DocumentVersion, IngestStatus, Page, VersionText
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
