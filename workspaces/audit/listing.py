"""The audit log as people look at it: filtered, newest first, a page at a time, and exported."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_date

from analysis.views.export import cell
from workspaces.audit.actions import SUBJECTS
from workspaces.audit.outlets import as_facts
from workspaces.models import AuditEvent, Workspace

PAGE = 50


@dataclass(frozen=True)
class Filter:
    """What is looked for. who: a part of the address. what: a subject of `SUBJECTS`. named: a part of an object's name.

    before: an id; entries older than it.
    """

    who: str = ""
    what: str = ""
    named: str = ""
    first: date | None = None
    last: date | None = None
    before: int = 0

    @classmethod
    def of(cls, query: QueryDict) -> Filter:
        """Return what an address asks for; what makes no sense in it is left out."""
        what, before = query.get("what", ""), query.get("before", "")
        return cls(
            who=query.get("who", "").strip()[:200],
            what=what if what in SUBJECTS else "",
            named=query.get("named", "").strip()[:200],
            first=_date(query.get("first", "")),
            last=_date(query.get("last", "")),
            before=int(before) if before.isascii() and before.isdigit() and len(before) < 19 else 0,
        )

    @property
    def set(self) -> bool:
        return bool(self.who or self.what or self.named or self.first or self.last)


def events_in(workspace: Workspace | None, wanted: Filter) -> QuerySet[AuditEvent]:
    """Return the entries of a workspace, or of the whole installation, that are wanted, newest first."""
    rows = AuditEvent.objects.order_by("-pk")
    if workspace is not None:
        rows = rows.filter(workspace_id=workspace.pk)
    if wanted.before:
        rows = rows.filter(pk__lt=wanted.before)
    if wanted.who:
        rows = rows.filter(Q(actor__icontains=wanted.who) | Q(address=wanted.who))
    if wanted.what:
        rows = rows.filter(action__startswith=f"{wanted.what}.")
    if wanted.named:
        rows = rows.filter(object_name__icontains=wanted.named)
    if wanted.first:
        rows = rows.filter(at__gte=_midnight(wanted.first))
    if wanted.last:
        rows = rows.filter(at__lt=_midnight(wanted.last) + timedelta(days=1))
    return rows


def as_csv(rows: QuerySet[AuditEvent]) -> Iterator[str]:
    """Yield the entries as CSV, line by line; no text in it is run as a formula."""
    line = _Line()
    writer = csv.writer(line)
    head = False
    for event in rows.iterator(chunk_size=1000):
        facts = as_facts(event)
        if not head:
            yield writer.writerow(list(facts))
            head = True
        facts["details"] = json.dumps(facts["details"], ensure_ascii=False) if facts["details"] else ""
        yield writer.writerow([cell(value) for value in facts.values()])


def as_json(rows: QuerySet[AuditEvent]) -> Iterator[str]:
    """Yield the entries as one JSON array, an entry a line."""
    between = "[\n"
    for event in rows.iterator(chunk_size=1000):
        yield between + json.dumps(as_facts(event), ensure_ascii=False)
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


class _Line:
    """A file that hands each line back instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _date(value: str) -> date | None:
    try:
        return parse_date(value)
    except ValueError:
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))
