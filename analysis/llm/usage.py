"""What calls to language models have come to over some days, summed by the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import reduce
from typing import Any

from django.contrib.humanize.templatetags.humanize import intcomma
from django.db.models import Case, Count, F, Min, Q, QuerySet, Sum, When
from django.db.models.functions import TruncDate
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext, gettext_lazy

from analysis.models import Call, CallStatus, Document
from workspaces.models import Workspace

LONGEST_DAYS = 366
MONTHS_OFFERED = 12
SHOWN = 20  # rows of a breakdown; the others are added up in one

PURPOSES = {
    "question": gettext_lazy("Questions"),
    "summary": gettext_lazy("Summaries"),
    "part": gettext_lazy("Parts of sweeps"),
    "reduce": gettext_lazy("Putting findings together"),
    "reading": gettext_lazy("Reading ahead"),
    "vision": gettext_lazy("Reading page images"),
    "audio": gettext_lazy("Transcribing recordings"),
    "test": gettext_lazy("Trying out endpoints"),
}

_SUMS = {
    "calls": Count("pk"),
    "failed": Count("pk", filter=Q(status=CallStatus.FAILED)),
    **{
        name: Sum(name, default=0)
        for name in (
            "prompt_tokens",
            "cached_tokens",
            "completion_tokens",
            "reasoning_tokens",
            "cost_usd",
            "saved_usd",
            "seconds",
        )
    },
}


@dataclass(frozen=True)
class Spent:
    """Sums over calls. completion_tokens includes the reasoning_tokens, prompt_tokens the cached_tokens."""

    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    saved_usd: Decimal = Decimal(0)
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        return self.prompt_tokens + self.completion_tokens

    @property
    def fresh_tokens(self) -> int:
        return self.prompt_tokens - self.cached_tokens

    def __add__(self, other: Spent) -> Spent:
        names = [field.name for field in fields(Spent)]
        return Spent(**{name: getattr(self, name) + getattr(other, name) for name in names})


@dataclass(frozen=True)
class Row:
    """One line of a breakdown. key: what the line stands for in a URL or for a program, None for several or none."""

    key: str | None
    label: str
    spent: Spent


@dataclass(frozen=True)
class Period:
    """Whole days in UTC, both ends included."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1)]

    @property
    def query(self) -> Q:
        return Q(created_at__gte=_midnight(self.first), created_at__lt=_midnight(self.last + timedelta(days=1)))


@dataclass(frozen=True)
class UsageReport:
    """The calls of a period, by everything that they are told apart by."""

    period: Period
    total: Spent
    by_day: list[Row]
    by_person: list[Row]
    by_document: list[Row]
    by_llm: list[Row]
    by_purpose: list[Row]
    by_workspace: list[Row]


def last_days(count: int) -> Period:
    """Return the last `count` days, today included."""
    today = timezone.now().astimezone(UTC).date()
    return Period(today - timedelta(days=count - 1), today)


def month(name: str) -> Period | None:
    """Return the month "2026-11"; None if that is none."""
    if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", name, re.ASCII):
        return None
    return _month_of(date.fromisoformat(f"{name}-01"))


def months(workspace: Workspace | None = None) -> list[Period]:
    """Return this month and the ones before it back to the first call, newest first, a year at most."""
    rows = Call.objects.all() if workspace is None else Call.objects.filter(workspace=workspace)
    begun = rows.order_by().aggregate(first=Min("created_at"))["first"]
    found = [_month_of(last_days(1).last)] if begun else []
    while found and len(found) < MONTHS_OFFERED and _midnight(found[-1].first) > begun:
        found.append(_month_of(found[-1].first - timedelta(days=1)))
    return found


def calls_in(
    period: Period, workspace: Workspace | None = None, seen: QuerySet[Document] | None = None
) -> QuerySet[Call]:
    """Return the calls of a workspace, of all of them for None, with the `shown_document` of each and its `shown_name`.

    seen: the documents that are named, None for all; a call for another one shows none.
    """
    rows = Call.objects.filter(period.query)
    rows = rows if workspace is None else rows.filter(workspace=workspace)
    shown = {"shown_document": F("document"), "shown_name": F("document__name")}
    if seen is None:
        return rows.annotate(**shown)
    return rows.annotate(**{name: Case(When(document__in=seen, then=of)) for name, of in shown.items()})


def usage(period: Period, workspace: Workspace | None = None, seen: QuerySet[Document] | None = None) -> UsageReport:
    """Return what the calls have come to, in a constant number of queries; seen: as `calls_in`."""
    calls = calls_in(period, workspace, seen).order_by()
    others = gettext("Several at once, or deleted")
    if seen is not None:
        others = gettext("Several at once, or out of your sight")
    people = _folded(_grouped(calls, "user", "user__email"), "people")
    days = {row.key: row for row in _by_day(calls)}
    return UsageReport(
        period=period,
        total=Spent(**calls.aggregate(**_SUMS)),
        by_day=[days.get(day.isoformat(), Row(day.isoformat(), _day_words(day), Spent())) for day in period.days],
        by_person=_named(people, gettext("Nobody: what Lectern does by itself, or former members")),
        by_document=_named(
            _folded(_grouped(calls, "shown_document", "shown_name"), "documents"),
            others,
        ),
        by_llm=_folded(_grouped(calls, "llm", "llm"), "language models"),
        by_purpose=[
            Row(row.key, str(PURPOSES.get(row.label, row.label)), row.spent)
            for row in _grouped(calls, "purpose", "purpose")
        ],
        by_workspace=_named(
            _folded(_grouped(calls, "workspace__slug", "workspace__name"), "workspaces"),
            gettext("None: tests, or deleted"),
        )
        if workspace is None
        else [],
    )


def _grouped(calls: QuerySet[Call], key: str, label: str) -> list[Row]:
    """Return a row for each value of `key`, dearest first, then longest."""
    groups = calls.values_list(*dict.fromkeys([key, label])).annotate(**_SUMS)
    rows = [
        Row(None if group[0] is None else str(group[0]), group[-len(_SUMS) - 1] or "", _spent(group))
        for group in groups
    ]
    return sorted(rows, key=lambda row: (-row.spent.cost_usd, -row.spent.tokens, row.label))


def _by_day(calls: QuerySet[Call]) -> list[Row]:
    groups = calls.annotate(day=TruncDate("created_at", tzinfo=UTC)).values_list("day").annotate(**_SUMS)
    return [Row(group[0].isoformat(), _day_words(group[0]), _spent(group)) for group in groups]


def _spent(group: Sequence[Any]) -> Spent:
    return Spent(*group[-len(_SUMS) :])


OTHERS = {
    "people": gettext_lazy("%(count)s other people"),
    "documents": gettext_lazy("%(count)s other documents"),
    "language models": gettext_lazy("%(count)s other language models"),
    "workspaces": gettext_lazy("%(count)s other workspaces"),
}


def _folded(rows: list[Row], noun: str) -> list[Row]:
    """Return the first rows, and the rest added up in one."""
    shown, rest = rows[:SHOWN], rows[SHOWN:]
    if not rest:
        return shown
    return [
        *shown,
        Row(
            None,
            OTHERS[noun] % {"count": intcomma(len(rest))},
            reduce(Spent.__add__, (row.spent for row in rest)),
        ),
    ]


def _named(rows: list[Row], nobody: str) -> list[Row]:
    return [Row(row.key, row.label or nobody, row.spent) for row in rows]


def _month_of(day: date) -> Period:
    first = day.replace(day=1)
    return Period(first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1))


def _day_words(day: date) -> str:
    return date_format(day, "SHORT_DATE_FORMAT")


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
