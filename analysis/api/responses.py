"""Which responses an operation declares, and pages of lists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from django.db.models import Model, QuerySet
from ninja import Query
from pydantic import Field

from analysis.api.schemas import ErrorOut

Row = TypeVar("Row", bound=Model)

Limit = Annotated[int, Query(50, ge=1, le=200)]
Offset = Annotated[int, Query(0, ge=0, le=10_000_000)]
Number = Annotated[int, Field(ge=1, le=2**31 - 1)]

COMMON_ERRORS = (401, 404, 422, 429, 503)


def responses(status: int, schema: Any, *errors: int) -> dict[Any, Any]:
    """Return the response map of an operation: what it gives, and the refusals it knows."""
    return {status: schema, frozenset({*COMMON_ERRORS, *errors}): ErrorOut}


def page_of(rows: QuerySet[Row], limit: int, offset: int, payload: Callable[[Row], dict[str, Any]]) -> dict[str, Any]:
    """Return `{items, count}`: at most `limit` rows from `offset` on, and how many there are in all."""
    return {"items": [payload(row) for row in rows[offset : offset + limit]], "count": rows.order_by().count()}


def produces(content_type: str, description: str) -> dict[str, Any]:
    """Return what the schema says of an operation whose 200 is no JSON."""
    schema = {"type": "string"} | ({} if content_type.startswith("text/") else {"format": "binary"})
    return {"responses": {200: {"description": description, "content": {content_type: {"schema": schema}}}}}
