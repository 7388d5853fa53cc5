"""What a workspace's calls to language models have come to."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from ninja import Query, Router

from analysis.api.auth import ApiRequest
from analysis.api.responses import responses
from analysis.api.schemas import WorkspaceUsageOut
from analysis.llm.usage import LONGEST_DAYS, Row, Spent, last_days, usage
from workspaces.access import member_or_404, named_for
from workspaces.models import Role

router = Router(tags=["Usage"])


@router.get("/workspaces/{slug}/usage", response=responses(200, WorkspaceUsageOut, 403))
def get_usage(request: ApiRequest, slug: str, days: Annotated[int, Query(30, ge=1, le=LONGEST_DAYS)]) -> dict[str, Any]:
    """What the workspace's calls to language models came to in the last `days` days (UTC), for editors and owners."""
    member = member_or_404(request.auth, slug, role=Role.EDITOR, reading=True)
    found = usage(last_days(days), member.workspace, named_for(member))
    return {
        "first_day": found.period.first,
        "last_day": found.period.last,
        "total": _totals(found.total),
        **{
            name: [_line(row) for row in getattr(found, name)]
            for name in WorkspaceUsageOut.model_fields
            if "by_" in name
        },
    }


def _line(row: Row) -> dict[str, Any]:
    return {"key": row.key, "label": row.label, **_totals(row.spent)}


def _totals(spent: Spent) -> dict[str, Any]:
    """Return the sums, the money in dollars as numbers."""
    numbers = asdict(spent)
    return {name: float(value) if name.endswith("_usd") else value for name, value in numbers.items()}
