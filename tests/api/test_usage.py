"""Usage over the HTTP interface: sums by hand, for those who may spend."""

from __future__ import annotations

import json
from decimal import Decimal

from analysis.api import schemas
from analysis.models import Call
from tests.api.test_docs import example
from tests.conftest import Cast


def test_the_sums_of_the_last_days(cast: Cast, editor) -> None:
    given = {"workspace": cast.workspace, "purpose": "question", "llm": "kimi", "status": "done"}
    Call.objects.create(**given, prompt_tokens=100, cached_tokens=40, cost_usd=Decimal("0.1"), user=cast.editor)
    Call.objects.create(**given, prompt_tokens=1, completion_tokens=5, cost_usd=Decimal("0.2"), seconds=1.5)
    reply = editor.get("/workspaces/firm/usage", days=7)
    assert reply.status_code == 200
    found = json.loads(reply.content)
    assert found["total"] == {
        "calls": 2, "failed": 0, "prompt_tokens": 101, "cached_tokens": 40, "completion_tokens": 5,
        "reasoning_tokens": 0, "cost_usd": 0.3, "saved_usd": 0.0, "seconds": 1.5,
    }  # fmt: skip
    assert [day["calls"] for day in found["by_day"]] == [0] * 6 + [2]
    assert [(line["key"], line["cost_usd"]) for line in found["by_person"]] == [(None, 0.2), (str(cast.editor.pk), 0.1)]
    assert [(line["key"], line["label"]) for line in found["by_purpose"]] == [("question", "Questions")]


def test_who_may_see_it(owner, viewer, outsider) -> None:
    codes = [caller.get("/workspaces/firm/usage").status_code for caller in (owner, viewer, outsider)]
    assert codes == [200, 403, 404]


def test_days_that_are_none(owner) -> None:
    assert [owner.get("/workspaces/firm/usage", days=days).status_code for days in (0, 367, "x")] == [422] * 3


def test_the_documented_example_has_every_field() -> None:
    shown = example("GET /api/v1/workspaces/{slug}/usage")
    assert set(shown) == set(schemas.WorkspaceUsageOut.model_fields)
    assert set(shown["total"]) == set(schemas.UsageTotals.model_fields)
    assert set(shown["by_day"][0]) == set(schemas.UsageLine.model_fields)
