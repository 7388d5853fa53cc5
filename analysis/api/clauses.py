"""Clauses: a document gone through by the built-in checklist, and what was found."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router, Status

from analysis.api.auth import ApiRequest
from analysis.api.responses import responses
from analysis.api.schemas import ClausesOut
from analysis.models import Document
from analysis.review.report import review_of, review_payload
from analysis.review.run import review_ask
from workspaces.access import get_document_or_404
from workspaces.models import Role

router = Router(tags=["Clauses"])

Threshold = Annotated[float | None, Query(None, ge=0, le=1)]


@router.post("/documents/{uuid:document_id}/clauses", response=responses(202, ClausesOut, 403, 409))
def find_clauses(request: ApiRequest, document_id: UUID) -> Status[Any]:
    """Has the document gone through, in the background. Once more replaces what was found."""
    document = get_document_or_404(request.auth, document_id, role=Role.REVIEWER)
    review_ask(document=document, user=request.auth.user)
    return Status(202, _payload(document, None))


@router.get("/documents/{uuid:document_id}/clauses", response=responses(200, ClausesOut))
def get_clauses(request: ApiRequest, document_id: UUID, threshold: Threshold = None) -> dict[str, Any]:
    """What was found from the threshold on, by default the workspace's; another one reads nothing again."""
    return _payload(get_document_or_404(request.auth, document_id), threshold)


def _payload(document: Document, threshold: float | None) -> dict[str, Any]:
    threshold = document.workspace.clause_threshold if threshold is None else threshold
    review = review_of(document)
    if review is not None:
        return review_payload(review, threshold)
    return {
        "id": None,
        "document_id": document.pk,
        "document_name": document.name,
        "status": "none",
        "threshold": threshold,
        "clauses": [],
        "receipt": {},
        "error": None,
    }
