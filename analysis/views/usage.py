"""What language models were used for and what that cost: of a workspace for its editors, of all for administrators."""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy
from django.views.decorators.http import require_safe

from analysis.llm.usage import Period, Row, Spent, UsageReport, calls_in, last_days, month, months, usage
from analysis.models import Call
from analysis.views.export import cell
from analysis.views.figures import counted, dollars, duration
from workspaces.access import enter, named_for, staff_or_404
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Member, Role, Workspace
from workspaces.policy import require

DAYS = (7, 30, 90)
DEFAULT_DAYS = 30

MEASURES: dict[str, tuple[str | Promise, Callable[[Spent], float]]] = {
    "cost": (gettext_lazy("Cost"), lambda spent: float(spent.cost_usd)),
    "tokens": (gettext_lazy("Tokens"), lambda spent: spent.tokens),
    "calls": (gettext_lazy("Calls"), lambda spent: spent.calls),
    "seconds": (gettext_lazy("Time"), lambda spent: spent.seconds),
}

COLUMNS = [
    "created_at",
    "workspace__slug",
    "user__email",
    "purpose",
    "shown_name",
    "answer",
    "llm",
    "endpoint",
    "status",
    "prompt_tokens",
    "cached_tokens",
    "completion_tokens",
    "reasoning_tokens",
    "cost_usd",
    "saved_usd",
    "seconds_to_first_token",
    "seconds",
]
HEADINGS = [name.replace("shown", "document").replace("__", "_").removesuffix("_slug") for name in COLUMNS]


@dataclass(frozen=True)
class Choice:
    """A link of a menu: what it adds to the address, and whether it is where one is."""

    query: str
    label: str
    current: bool


@dataclass(frozen=True)
class Line:
    """A row of a table of usage, in words, with its bar. share: of the longest bar, in per cent."""

    label: str
    spent: Spent
    share: float

    @property
    def cost(self) -> str:
        return dollars(float(self.spent.cost_usd))

    @property
    def saved(self) -> str:
        return dollars(float(self.spent.saved_usd))

    @property
    def time(self) -> str:
        return duration(self.spent.seconds)


@dataclass(frozen=True)
class Breakdown:
    """One table of usage."""

    title: str
    head: str
    lines: list[Line]


@dataclass(frozen=True)
class Bar:
    """A day's column in the chart: the place and heights of its stretches, in the chart's own units."""

    x: float
    width: float
    stretches: list[tuple[str, float, float]]
    words: str


@dataclass(frozen=True)
class Chart:
    """The days side by side, 100 units high."""

    bars: list[Bar]
    width: int
    top: str
    first: str
    last: str
    stacked: bool


@login_required
@require_safe
def workspace_usage(request: HttpRequest, slug: str) -> HttpResponse:
    """Show what a workspace has used.

    For editors and owners: whoever can spend sees what is spent. Who asked about which document is on it, which is more
    than a viewer, who is let in to read, needs to know.
    """
    return _page(request, "usage.html", enter(request, slug, role=Role.EDITOR, reading=True))


@login_required
@require_safe
def workspace_calls(request: HttpRequest, slug: str) -> HttpResponse:
    """Return a workspace's calls as CSV."""
    member = enter(request, slug, role=Role.EDITOR, reading=True)
    require(member, "export")
    workspace = member.workspace
    period = period_of(request.GET)
    record(Action.EXPORTED, workspace, workspace=workspace, file="calls.csv")
    return _csv(period, calls_in(period, workspace, named_for(member)), f"calls-{slug}")


@login_required
@require_safe
def all_usage(request: HttpRequest) -> HttpResponse:
    """Show what all workspaces have used, for administrators."""
    staff_or_404(request)
    return _page(request, "usage_all.html", None)


@login_required
@require_safe
def all_calls(request: HttpRequest) -> HttpResponse:
    """Return the calls of all workspaces as CSV, for administrators."""
    staff_or_404(request)
    period = period_of(request.GET)
    record(Action.EXPORTED, file="calls.csv")
    return _csv(period, calls_in(period), "calls")


def period_of(query: QueryDict) -> Period:
    """Return the days that an address asks for: `?month=2026-11` or `?days=7`; the last 30 by default."""
    days = query.get("days", "")
    return month(query.get("month", "")) or last_days(int(days) if days in map(str, DAYS) else DEFAULT_DAYS)


def _page(request: HttpRequest, template: str, member: Member | None) -> HttpResponse:
    workspace = member.workspace if member else None
    found = usage(period_of(request.GET), workspace, named_for(member) if member else None)
    by = _measure(request.GET.get("by", ""), found.total)
    context = {
        "workspace": workspace,
        "usage": found,
        "total": Line(gettext("All of it"), found.total, 100),
        "by": by,
        "measure": MEASURES[by][0],
        "periods": _periods(request.GET),
        "months": _months(request.GET, workspace),
        "measures": [
            Choice(_query(request.GET, by=name), str(label), name == by) for name, (label, _) in MEASURES.items()
        ],
        "calls_query": _query(request.GET),
        "chart": _chart(found.by_day, by),
        "days": [line for line in _lines(found.by_day, by)[::-1] if line.spent.calls],
        "breakdowns": _breakdowns(found, by),
    }
    return render(request, template, context)


def _measure(asked: str, total: Spent) -> str:
    """Return what the bars show: what was asked for, else the cost where there is one."""
    return asked if asked in MEASURES else "cost" if total.cost_usd else "tokens"


def _breakdowns(found: UsageReport, by: str) -> list[Breakdown]:
    tables = [
        (gettext("Workspaces"), gettext("Workspace"), found.by_workspace),
        (gettext("What for"), gettext("Purpose"), found.by_purpose),
        (gettext("People"), gettext("Person"), found.by_person),
        (gettext("Documents"), gettext("Document"), found.by_document),
        (gettext("Language models"), gettext("Language model"), found.by_llm),
    ]
    return [Breakdown(title, head, _lines(rows, by)) for title, head, rows in tables if rows]


def _lines(rows: Sequence[Row], by: str) -> list[Line]:
    value = MEASURES[by][1]
    top = max((value(row.spent) for row in rows), default=0) or 1
    return [Line(row.label, row.spent, round(100 * value(row.spent) / top, 2)) for row in rows]


def _chart(days: Sequence[Row], by: str) -> Chart:
    value = MEASURES[by][1]
    top = max((value(day.spent) for day in days), default=0)
    bars = [_bar(number, day, by, 100 / top if top else 0) for number, day in enumerate(days)]
    return Chart(bars, 10 * len(days), _words(by, top), days[0].label, days[-1].label, by == "tokens")


def _bar(number: int, day: Row, by: str, scale: float) -> Bar:
    spent = day.spent
    if by == "tokens":
        pieces: list[tuple[str, float]] = [
            ("cached", spent.cached_tokens),
            ("fresh", spent.fresh_tokens),
            ("written", spent.completion_tokens),
        ]
    else:
        pieces = [("fresh", MEASURES[by][1](spent))]
    stretches, y = [], 100.0
    for name, amount in pieces:
        height = amount * scale
        y -= height
        if height:
            stretches.append((name, round(max(y, 0.0), 2), round(height, 2)))
    return Bar(10 * number + 1, 8, stretches, f"{day.label}: {_words(by, MEASURES[by][1](spent))}")


def _words(by: str, value: float) -> str:
    if by == "cost":
        return dollars(value)
    if by == "seconds":
        return duration(value)
    return counted(round(value), "token" if by == "tokens" else "call")


def _periods(query: QueryDict) -> list[Choice]:
    named = month(query.get("month", "")) is not None
    asked = query.get("days", "")
    current = asked if asked in map(str, DAYS) else str(DEFAULT_DAYS)
    return [
        Choice(
            _query(query, days=str(days), month=""),
            gettext("%(days)s days") % {"days": days},
            not named and current == str(days),
        )
        for days in DAYS
    ]


def _months(query: QueryDict, workspace: Workspace | None) -> list[Choice]:
    named = [(f"{each.first:%Y-%m}", date_format(each.first, "F Y")) for each in months(workspace)]
    return [Choice(_query(query, month=name, days=""), label, query.get("month") == name) for name, label in named]


def _query(query: QueryDict, **changes: str) -> str:
    """Return the address's query with the changes; what is "" is left out."""
    known = {name: query[name] for name in ("days", "month", "by") if query.get(name)}
    return "?" + urlencode({name: value for name, value in (known | changes).items() if value})


def _csv(period: Period, calls: QuerySet[Call], name: str) -> HttpResponse:
    """Return a line a call, oldest first. Tokens are numbers, and whatever a person could have named is no formula."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}-{period.first}-{period.last}.csv"'
    writer = csv.writer(response)
    writer.writerow(HEADINGS)
    for row in calls.order_by("created_at", "pk").values_list(*COLUMNS).iterator():
        writer.writerow([row[0].isoformat(), *(cell(value) for value in row[1:])])
    return response
