"""Documents that can be searched, made of given chunks."""

from __future__ import annotations

from analysis.ingest.embed import embed_passages, encoder
from analysis.ingest.index import current_embedder, write_chunks, write_postings, write_understanding
from analysis.ingest.understand import understand
from analysis.models import Document, DocumentVersion
from analysis.types import ChunkSpan
from workspaces.models import Workspace

LAW = "This Agreement is governed by the laws of Ireland. "
FEES = "The Customer shall pay the fees within thirty days of the invoice. "
TERM = "This Agreement continues for five years from the Effective Date. "
LIABILITY = "Neither party is liable for indirect or consequential loss. "
WARRANTY = "The Supplier warrants that the Goods are free from defects for twelve months. "


def put(workspace: Workspace, name: str, *texts: str, status: str = "ready", language: str = "") -> Document:
    """Return a document whose chunks are `texts`, each of them a page."""
    document = Document.objects.create(workspace=workspace, name=name)
    version = DocumentVersion.objects.create(document=document, sha256="0", size_bytes=1, status=status)
    document.version = version
    document.save()
    spans, starts = [], [0]
    for ordinal, text in enumerate(texts):
        spans.append(ChunkSpan(ordinal, starts[-1], starts[-1] + len(text), "", len(text.split())))
        starts.append(starts[-1] + len(text))
    whole = "".join(texts)
    write_understanding(version, understand(whole))
    if language:
        DocumentVersion.objects.filter(pk=version.pk).update(language=language)
    version.refresh_from_db()
    vectors = embed_passages(list(texts), encoder())
    write_chunks(version, current_embedder(encoder()), spans, vectors, text=whole, page_starts=starts[:-1])
    write_postings(version, whole, spans)
    return document
