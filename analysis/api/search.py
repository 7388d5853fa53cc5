"""Search: passages of a workspace's documents, by meaning and by word."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router

from analysis.answer.retrieve import retrieve
from analysis.api.auth import ApiRequest
from analysis.api.documents import chosen_documents
from analysis.api.responses import responses
from analysis.api.schemas import DOCUMENT_IDS_MAX, HitOut, Text
from analysis.errors import UserError
from workspaces.access import member_or_404, searched_for

router = Router(tags=["Search"])


@router.get("/workspaces/{slug:slug}/search", response=responses(200, list[HitOut]))
def search(
    request: ApiRequest,
    slug: str,
    q: Annotated[Text, Query(..., max_length=2000)],
    limit: Annotated[int, Query(10, ge=1, le=100)] = 10,
    document_id: Annotated[list[UUID], Query([], max_length=DOCUMENT_IDS_MAX)] = [],  # noqa: B006
) -> list[dict[str, Any]]:
    """The passages that answer `q` best, best first; document_id (repeatable) keeps to those documents."""
    member = member_or_404(request.auth, slug)
    if not q.strip():
        raise UserError("Say what to search for.", code="empty_query")
    documents = searched_for(member)
    if document_id:
        documents = documents.filter(pk__in=[row.pk for row in chosen_documents(member, document_id)])
    return [asdict(hit) for hit in retrieve(q, documents=documents, limit=limit)]
