"""Tables of a document: which there are, their cells as spans, and each as CSV."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from analysis.api.auth import ApiRequest
from analysis.api.documents import ready_version
from analysis.api.responses import Limit, Offset, page_of, produces, responses
from analysis.api.schemas import TablePage, WholeTableOut
from analysis.ingest.stored_tables import captioned, table_text
from analysis.models import Table
from analysis.tables import as_csv
from workspaces.access import get_document_or_404

router = Router(tags=["Documents"])


@router.get("/documents/{uuid:document_id}/tables", response=responses(200, TablePage, 409))
def list_tables(request: ApiRequest, document_id: UUID, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """The document's tables in the order of the text."""
    version = ready_version(get_document_or_404(request.auth, document_id))
    return page_of(captioned(version), limit, offset, _listed)


@router.get("/documents/{uuid:document_id}/tables/{int:number}", response=responses(200, WholeTableOut, 409))
def get_table(request: ApiRequest, document_id: UUID, number: int) -> dict[str, Any]:
    """One table with its cells; tables count from 1.

    A position of the grid without a cell is empty. A header is of the columns it reaches over.
    """
    row = _table(request, document_id, number)
    table = table_text(row)
    cells = [vars(cell) | {"text": table.words(cell)} for cell in table.table.cells]
    return _summary(row, table.caption) | {"cells": cells, "headers": row.headers}


@router.get(
    "/documents/{uuid:document_id}/tables/{int:number}.csv",
    response=responses(200, None, 409),
    openapi_extra=produces("text/csv", "The grid, a line a row."),
)
def get_table_csv(request: ApiRequest, document_id: UUID, number: int) -> HttpResponse:
    """One table as CSV: every position of the grid, the words of a cell in the first that it reaches over."""
    table = table_text(_table(request, document_id, number))
    return HttpResponse(as_csv(table), content_type="text/csv; charset=utf-8")


def _table(request: ApiRequest, document_id: UUID, number: int) -> Table:
    version = ready_version(get_document_or_404(request.auth, document_id))
    if number > 2**31 - 1:  # more than the column holds
        raise Http404
    return get_object_or_404(version.tables, ordinal=number - 1)


def _listed(row: Table) -> dict[str, Any]:
    return _summary(row, " ".join(row.words.split()))  # type: ignore[attr-defined]


def _summary(row: Table, caption: str) -> dict[str, Any]:
    return {
        "number": row.ordinal + 1,
        "page_number": row.page_number,
        "start_char": row.start_char,
        "end_char": row.end_char,
        "rows": row.row_count,
        "columns": row.column_count,
        "caption": caption,
        "confidence": row.confidence,
    }
