"""A workspace's money: what the month has cost, and a running call stopped where its budget ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from django.utils import timezone
from django.utils.translation import gettext

from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.models import Call
from analysis.types import Usage
from workspaces.policy import policy_of

WARN_SHARE = Decimal("0.8")
LOOK_AGAIN_SECONDS = 2.0  # calls beside this one spend too


@dataclass(frozen=True)
class Month:
    """What a workspace has spent since the month began, in UTC, and may spend; both in US dollars."""

    spent: Decimal
    budget: Decimal

    @property
    def left(self) -> Decimal:
        return self.budget - self.spent

    @property
    def warns(self) -> bool:
        return self.spent >= WARN_SHARE * self.budget

    @property
    def over(self) -> bool:
        return self.left <= 0


def month_of(workspace_id: int, *, besides: int | None = None) -> Month | None:
    """Return how the month stands; None for a workspace without a budget. besides: a call that is left out, by id."""
    budget = policy_of(workspace_id).monthly_budget_usd
    if budget is None:
        return None
    first = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    calls = Call.objects.filter(workspace_id=workspace_id, created_at__gte=first).exclude(pk=besides or 0)
    return Month(calls.aggregate(sum=Sum("cost_usd", default=Decimal(0)))["sum"], budget)


def over_budget() -> UserError:
    """Return what a person is told when there is no money left."""
    return UserError(
        gettext(
            "This workspace has spent its budget for this month. An owner or admin can raise it under Settings, "
            "Policy; self-hosted language models cost nothing and go on."
        ),
        code="budget_spent",
        status=402,
    )


class Purse:
    """What one call may still cost. Calls that cost nothing, and workspaces without a budget, never come to an end."""

    def __init__(self, llm: LLM, workspace_id: int | None) -> None:
        costs = llm.price_in_usd_per_million or llm.price_out_usd_per_million
        self._llm = llm
        self._workspace_id = workspace_id if costs else None
        self._month = month_of(workspace_id) if costs and workspace_id is not None else None
        self._looked_at = time.monotonic()
        self._paid = Decimal(0)
        self._own: int | None = None

    def check(self) -> None:
        """Return when there is money left; raises UserError budget_spent."""
        if self._month is not None and self._month.left <= 0:
            raise over_budget()

    def pays_for(self, call: Call) -> None:
        """Say which row of the ledger is the call's own: what it comes to is counted here."""
        self._own = call.pk

    def pay(self, usage: Usage) -> None:
        """Note what the call has come to so far."""
        if self._month is None or self._workspace_id is None:
            return
        self._paid = Decimal(
            str(
                self._llm.cost_usd(
                    prompt_tokens=usage.prompt_tokens,
                    cached_tokens=usage.cached_tokens,
                    completion_tokens=usage.completion_tokens,
                    cache_written_tokens=usage.cache_written_tokens,
                )
            )
        )
        if time.monotonic() - self._looked_at > LOOK_AGAIN_SECONDS:
            self._month = month_of(self._workspace_id, besides=self._own) or self._month
            self._looked_at = time.monotonic()

    @property
    def empty(self) -> bool:
        return self._month is not None and self._paid > self._month.left

    def or_empty(self, should_stop: Callable[[], bool]) -> Callable[[], bool]:
        """Return a question that is answered with yes when the call should stop, or has no money left."""
        return lambda: should_stop() or self.empty
