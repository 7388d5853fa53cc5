"""Search: passages of a workspace's documents, by meaning and by word."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router

from analysis.answer.ask import checked_path
from analysis.answer.masked import masked_hits
from analysis.answer.material import scope_for
from analysis.answer.retrieve.filters import search as search_with_filters
from analysis.api.auth import ApiRequest
from analysis.api.chosen import Path, chosen_folders, chosen_repositories
from analysis.api.documents import chosen_documents
from analysis.api.responses import responses
from analysis.api.schemas import DOCUMENT_IDS_MAX, FolderId, HitOut, Text
from analysis.errors import UserError
from analysis.types import Hit
from workspaces.access import member_or_404

router = Router(tags=["Search"])


@router.get("/workspaces/{slug:slug}/search", response=responses(200, list[HitOut]))
def search(
    request: ApiRequest,
    slug: str,
    q: Annotated[Text, Query(..., max_length=2000)],
    limit: Annotated[int, Query(10, ge=1, le=100)] = 10,
    *,
    document_id: Annotated[list[UUID], Query([], max_length=DOCUMENT_IDS_MAX)] = [],  # noqa: B006
    repository_id: Annotated[list[UUID], Query([], max_length=DOCUMENT_IDS_MAX)] = [],  # noqa: B006
    folder_id: Annotated[list[FolderId], Query([], max_length=DOCUMENT_IDS_MAX)] = [],  # noqa: B006
    path: Path = "",
) -> list[dict[str, Any]]:
    """The passages that answer `q` best, best first; document_id, repository_id and folder_id
    (repeatable) keep to those.

    path: a folder or file of the one repository. `q` may hold filters: path:src/core, -path:tests, lang:python,
    symbol:Session.request.
    """
    member = member_or_404(request.auth, slug)
    if not q.strip():
        raise UserError("Say what to search for.", code="empty_query")
    repositories = chosen_repositories(member, repository_id)
    documents = chosen_documents(member, document_id)
    scope = scope_for(
        member.workspace,
        member.user,
        documents=documents,
        repositories=repositories,
        folders=chosen_folders(member, folder_id),
        path=checked_path(repositories, path),
    )
    return [_hit(hit) for hit in masked_hits(search_with_filters(q, documents=scope.rows(), limit=limit))]


def _hit(hit: Hit) -> dict[str, Any]:
    of_repository = bool(hit.repository_id)
    place = {"repository_id": hit.repository_id or None, "path": hit.document_name if of_repository else None}
    return asdict(hit) | place
