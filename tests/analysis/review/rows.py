"""A small contract of our own as a stored document, and the embedder left out."""

from __future__ import annotations

import pytest

from analysis.ingest.understand.identity import identity_of
from analysis.models import Document, DocumentVersion, Page, VersionText
from analysis.review import finder, kept
from tests.analysis.review.meanings import word_vectors
from tests.conftest import Cast

LAW = "This Agreement shall be governed by and construed in accordance with the laws of the State of Oregon."
TERM = "The initial term of this Agreement shall continue for a period of three (3) years from the Effective Date."
ASSIGNMENT = "Neither party may assign this Agreement without the prior written consent of the other party."
OPENING = (
    'This Agreement is made and entered into as of March 1, 2019 (the "Effective Date") by and between Heron Tools, '
    'Inc., an Oregon corporation (the "Supplier"), and Plover Gardens LLC, a Maine limited liability company (the '
    '"Buyer").'
)
CONTRACT = f"""SUPPLY AGREEMENT

{OPENING}

1. Goods. The Supplier shall sell garden tools to the Buyer as the Buyer orders them.

2. Term. {TERM}

3. Assignment. {ASSIGNMENT}

4. Governing Law. {LAW}
"""


class WordEmbedder:
    """An embedder whose vectors count words."""

    name = "words"


@pytest.fixture
def no_embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two texts mean the same as far as they use the same words."""
    monkeypatch.setattr("analysis.ingest.embed.encoder", WordEmbedder)
    monkeypatch.setattr(kept, "embed", word_vectors)
    monkeypatch.setattr(finder.find, "__kwdefaults__", {**(finder.find.__kwdefaults__ or {}), "meaning": word_vectors})


def contract_document(cast: Cast, text: str = CONTRACT, *, unreadable: bool = False) -> Document:
    """Return the contract as a document that has been read in: two pages, the second of them unreadable if asked."""
    from dataclasses import asdict

    document = Document.objects.create(workspace=cast.workspace, name="supply.txt", uploaded_by=cast.owner)
    version = DocumentVersion.objects.create(
        document=document, sha256="0" * 64, size_bytes=1, status="ready", characters=len(text), page_count=2,
        identity=asdict(identity_of(text)),
    )  # fmt: skip
    Document.objects.filter(pk=document.pk).update(version=version)
    VersionText.objects.create(version=version, text=text)
    half = text.find("3. Assignment")
    half = len(text) if half < 0 else half
    Page.objects.create(version=version, number=1, start_char=0, end_char=half, source="text")
    Page.objects.create(
        version=version, number=2, start_char=half, end_char=len(text), source="unreadable" if unreadable else "text"
    )
    document.refresh_from_db()
    return document
