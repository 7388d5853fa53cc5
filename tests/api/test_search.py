"""Search through the interface: what comes back, from which documents, how many. Ranking is tried with its stage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace

import pytest

from analysis.ingest.index import write_postings
from analysis.models import Chunk, DocumentVersion
from analysis.types import ChunkSpan
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import FIRST, TEXT, make_document
from workspaces.folders import folder_create, folder_restrict, move_into
from workspaces.models import Workspace

SEARCH = "/workspaces/firm/search"


def make_searchable(cast: Cast, name: str) -> DocumentVersion:
    """Return a version whose two sentences can be found by their words; no embedder has been at work."""
    version = make_document(cast, name)
    spans = [ChunkSpan(0, 0, len(FIRST), "2 Term", 9), ChunkSpan(1, len(FIRST), len(TEXT), "2 Term", 9)]
    for page_number, span in enumerate(spans, start=1):
        Chunk.objects.create(
            workspace=cast.workspace, document=version.document, version=version, chunker_version=1,
            page_number=page_number, text=TEXT[span.start_char : span.end_char], **asdict(span),
        )  # fmt: skip
    write_postings(version, TEXT, spans)
    return version


def test_a_passage_comes_with_its_place(viewer: Caller, cast: Cast) -> None:
    version = make_searchable(cast, "lease.pdf")
    response = viewer.get(SEARCH, q="governing law of Delaware")
    assert response.status_code == 200
    best = response.json()[0]
    assert best.pop("score") > 0
    assert best == {
        "document_id": str(version.document_id),
        "document_name": "lease.pdf",
        "start_char": len(FIRST),
        "end_char": len(TEXT),
        "page_number": 2,
        "heading_path": "2 Term",
        "text": TEXT[len(FIRST) :],
        "repository_id": None,
        "path": None,
        "start_line": 0,
        "end_line": 0,
    }


def test_only_the_chosen_documents_are_searched(viewer: Caller, cast: Cast) -> None:
    chosen, also, _ = (make_searchable(cast, name) for name in ("a.pdf", "b.pdf", "c.pdf"))
    ids = [str(chosen.document_id), str(also.document_id)]
    found = viewer.get(SEARCH, q="five years", document_id=ids).json()
    assert {hit["document_id"] for hit in found} == set(ids)
    assert len(viewer.get(SEARCH, q="five years", limit=2).json()) == 2


def test_other_workspaces_are_never_searched(viewer: Caller, cast: Cast, caller: Callable[..., Caller]) -> None:
    elsewhere = replace(cast, workspace=Workspace.objects.get(slug="elsewhere"))
    foreign = make_searchable(elsewhere, "secret.pdf")
    assert viewer.get(SEARCH, q="five years").json() == []
    assert viewer.get(SEARCH, q="five years", document_id=str(foreign.document_id)).status_code == 404


def test_closed_folders_are_searched_by_who_sees_them(viewer: Caller, owner: Caller, cast: Cast) -> None:
    closed, _ = make_searchable(cast, "closed.pdf"), make_searchable(cast, "open.pdf")
    folder = folder_create(workspace=cast.workspace, name="Closed")
    folder_restrict(folder, restricted=True)
    move_into(folder, workspace=cast.workspace, documents=[closed.document])
    found = {who: {hit["document_name"] for hit in who.get(SEARCH, q="five years").json()} for who in (viewer, owner)}
    assert found == {viewer: {"open.pdf"}, owner: {"open.pdf", "closed.pdf"}}
    assert viewer.get(SEARCH, q="five years", document_id=str(closed.document_id)).status_code == 404


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({}, "invalid"),
        ({"q": "  "}, "empty_query"),
        ({"q": "a" * 2001}, "invalid"),
        ({"q": "a\0b"}, "invalid"),
        ({"q": "law", "limit": 0}, "invalid"),
        ({"q": "law", "limit": 101}, "invalid"),
        ({"q": "law", "document_id": "lease.pdf"}, "invalid"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(viewer: Caller, query: dict, code: str) -> None:
    response = viewer.get(SEARCH, **query)
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)
