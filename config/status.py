"""`/status/`: how the installation stands, for administrators. The same facts as /healthz and /metrics, in words."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import django
import redis
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Min, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from analysis.progress import connection as broker
from config.health import OK, current_parts
from config.heartbeat import QUEUES, living_queues
from config.standing import Work, disk_free, engine_versions, last_backup, queue_lengths, storage, work
from config.version import version
from workspaces.access import staff_or_404

PARTS = {
    "web": gettext_lazy("Web server"),
    "database": gettext_lazy("Database"),
    "broker": gettext_lazy("Message broker"),
    "worker": gettext_lazy("Workers"),
    "language_model": gettext_lazy("Language model"),
}
KINDS = {
    "document": (gettext_lazy("Documents"), "analysis_documentversion"),
    "snapshot": (gettext_lazy("Versions of repositories"), "analysis_snapshot"),
    "answer": (gettext_lazy("Answers"), "analysis_answer"),
    "review": (gettext_lazy("Clause reviews"), "analysis_clausereview"),
    "reading": (gettext_lazy("Reading ahead"), "analysis_reading"),
}
ROOM = {
    "database": gettext_lazy("Database"),
    "originals": gettext_lazy("Originals of documents"),
    "archives": gettext_lazy("Archives of repositories"),
    "readings": gettext_lazy("What language models have read"),
}
BACKUP_IS_OLD = timedelta(days=7)
LITTLE_ROOM_BYTES = 5 * 2**30


@dataclass(frozen=True)
class Part:
    """A part and what is wrong with it, "" if nothing is."""

    name: str
    problem: str


@dataclass(frozen=True)
class Line:
    """How the work of one kind stands. left: by workers that died. url: where its rows are listed."""

    name: str
    url: str
    waiting: int
    since: datetime | None
    in_hand: int
    left: int
    failed: int


@dataclass(frozen=True)
class Queue:
    """A queue: what it is for, its messages, and whether a worker serves it."""

    name: str
    messages: int
    served: bool


@login_required
@never_cache
@require_safe
def status(request: HttpRequest) -> HttpResponse:
    """Show the parts, the work, the queues, the room taken, the last backup and the versions."""
    staff_or_404(request)
    backed_up = last_backup_or_none()
    parts = [Part(str(PARTS.get(name, name)), "" if state == OK else state) for name, state in current_parts().items()]
    context = {
        "parts": parts,
        "sound": not any(part.problem for part in parts),
        "lines": lines(),
        "queues": queues(),
        "room": [(ROOM[name], filesizeformat(size)) for name, size in storage().items()],
        "free": filesizeformat(disk_free()),
        "little_room": disk_free() < LITTLE_ROOM_BYTES,
        "last_backup": backed_up,
        "backup_is_old": backed_up is not None and backed_up < timezone.now() - BACKUP_IS_OLD,
        "versions": versions(),
    }
    return render(request, "status.html", context)


def lines() -> list[Line]:
    """Return how each kind of work stands, by one query each."""
    return [_line(str(KINDS[each.kind][0]), KINDS[each.kind][1], each) for each in work()]


def _line(name: str, admin: str, each: Work) -> Line:
    sums: dict[str, Any] = {
        "waiting": Count("pk", filter=Q(status=each.waiting)),
        "left": Count("pk", filter=each.expired),
        "in_hand": Count("pk", filter=Q(status=each.working) & ~each.expired),
        "failed": Count("pk", filter=Q(status="failed")),
    }
    if each.since:
        sums["since"] = Min(each.since, filter=Q(status=each.waiting))
    open_rows = each.rows.filter(status__in=[each.waiting, each.working, "failed"])
    found = {"since": None} | open_rows.aggregate(**sums)
    return Line(name, reverse(f"admin:{admin}_changelist"), **found)


def queues() -> list[Queue]:
    """Return the queues; none while the broker does not answer, which the parts say."""
    try:
        lengths, living = queue_lengths(), living_queues(broker())
    except redis.RedisError:
        return []
    return [Queue(capfirst(str(about)), lengths[name], name in living) for name, about in QUEUES.items()]


def last_backup_or_none() -> datetime | None:
    """Return when the last backup ended; None if none is known of, or the broker that knows does not answer."""
    try:
        return last_backup()
    except redis.RedisError:
        return None


def versions() -> list[tuple[str, str]]:
    """Return what runs here, by name."""
    own = [("Lectern", version()), ("Python", platform.python_version()), ("Django", django.get_version())]
    return own + engine_versions()
