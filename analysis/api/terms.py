"""What a document defines, and what it refers to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.forms.models import model_to_dict
from ninja import Router

from analysis.api.auth import ApiRequest
from analysis.api.documents import ready_version
from analysis.api.responses import Limit, Offset, page_of, responses
from analysis.api.schemas import ReferencePage, TermsOut
from analysis.models import CrossReference, DefinedTerm
from analysis.types import Aim
from workspaces.access import get_document_or_404

router = Router(tags=["Documents"])


@router.get("/documents/{uuid:document_id}/terms", response=responses(200, TermsOut, 409))
def get_terms(request: ApiRequest, document_id: UUID) -> dict[str, Any]:
    """The terms that the document defines, each with all its definitions, and phrases that look like terms and are not.

    A term with several definitions that do not only point elsewhere is defined more than once; one without uses is
    never used.
    """
    version = ready_version(get_document_or_404(request.auth, document_id))
    by_key: dict[str, list[DefinedTerm]] = {}
    for row in version.terms.all():
        by_key.setdefault(row.key, []).append(row)
    terms = [
        {"term": rows[0].term, "uses": rows[0].uses, "definitions": [_definition(row) for row in rows]}
        for rows in by_key.values()
    ]
    return {"terms": terms, "undefined": [model_to_dict(row) for row in version.undefined_terms.all()]}


def _definition(row: DefinedTerm) -> dict[str, Any]:
    return {
        "term": row.term,
        "term_start_char": row.start_char,
        "term_end_char": row.end_char,
        "start_char": row.definition_start_char,
        "end_char": row.definition_end_char,
        "points": row.points,
    }


@router.get("/documents/{uuid:document_id}/references", response=responses(200, ReferencePage, 409))
def get_references(
    request: ApiRequest, document_id: UUID, aim: Aim | None = None, limit: Limit = 50, offset: Offset = 0
) -> dict[str, Any]:
    """The document's references in the order of the text: to its own parts (`here`), to other documents or laws
    (`elsewhere`), and to parts that it does not have (`nowhere`)."""
    version = ready_version(get_document_or_404(request.auth, document_id))
    rows = CrossReference.objects.filter(version=version, **({"aim": aim} if aim else {}))
    return page_of(rows, limit, offset, model_to_dict)
