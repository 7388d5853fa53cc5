"""A workspace's home: milliseconds of server time a page, with many documents in folders and many questions."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import OuterRef, Subquery
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis.benchmarks import Report, scratch_workspace
from analysis.errors import AppError
from analysis.models import Answer, AnswerStatus, Document, DocumentVersion, IngestStatus, Question
from workspaces.folders import folder_create, folder_restrict
from workspaces.models import Folder, Member, Role, User, Workspace

COLUMNS = ("page", "for", "documents", "questions", "queries", "first ms", "p50 ms", "p95 ms", "CPU p95 ms")
FOLDERS = 40
EVERY_CLOSED = 4  # one folder of so many has a list of its own
OK = 200


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py benchmark home` can be told."""
    parser.add_argument("--documents", type=int, default=10_000, help="how many documents the workspace has (10000)")
    parser.add_argument("--questions", type=int, default=1_000, help="how many questions (1000)")
    parser.add_argument("--times", type=int, default=40, help="how often each page is asked for (40)")


def run(*, documents: int = 10_000, questions: int = 1_000, times: int = 40, **_: Any) -> Report:
    """Ask for the home and its table as an owner, as a viewer on some folders' lists, and as a guest of one folder."""
    report = Report(COLUMNS)
    with scratch_workspace() as workspace:
        people = _people(workspace)
        try:
            folders = _folders(workspace, people)
            _documents(workspace, folders, documents)
            _questions(workspace, people["owner"], questions)
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE")
            for who, user in people.items():
                for page, path in _pages(workspace).items():
                    _add_row(report, (page, who, documents, questions), user, path, times)
        finally:
            _clear(workspace)
            User.objects.filter(pk__in=[user.pk for user in people.values()]).delete()
    report.notes.append("Server time in one process, from the request to the last byte: middleware, queries, template.")
    return report


def _pages(workspace: Workspace) -> dict[str, str]:
    home = f"/w/{workspace.slug}/"
    return {"home": home, "by name": f"{home}rows/?sort=name&page=3", "found": f"{home}rows/?name=1234"}


def _people(workspace: Workspace) -> dict[str, User]:
    found = {}
    for who, role in {"owner": Role.OWNER, "viewer": Role.VIEWER, "guest": Role.VIEWER}.items():
        user = User.objects.create(email=f"{workspace.slug}-{who}@benchmark.invalid")
        Member.objects.create(workspace=workspace, user=user, role=role, guest=who == "guest")
        found[who] = user
    return found


def _folders(workspace: Workspace, people: dict[str, User]) -> list[Folder]:
    """Return the folders: each fourth is closed, every other one of these to the viewer; the guest sees the first."""
    viewer, guest = (Member.objects.get(workspace=workspace, user=people[who]) for who in ("viewer", "guest"))
    folders = [folder_create(workspace=workspace, name=f"Matter {n}") for n in range(FOLDERS)]
    for n, folder in enumerate(folders[::EVERY_CLOSED]):
        let_in = [viewer] if n % 2 == 0 else []
        folder_restrict(folder, restricted=True, members=let_in + ([guest] if n == 0 else []))
    return folders


def _documents(workspace: Workspace, folders: list[Folder], count: int) -> None:
    now = timezone.now()
    rows = Document.objects.bulk_create(
        [
            Document(workspace=workspace, name=f"Agreement {n}.pdf", folder=folders[n % len(folders)])
            for n in range(count)
        ],
        batch_size=1000,
    )
    DocumentVersion.objects.bulk_create(
        [
            DocumentVersion(
                document=row, sha256=f"{n:064}", size_bytes=1, status=IngestStatus.READY, kind="pdf", page_count=n % 90,
                tokens=n, ready_at=now,
            )
            for n, row in enumerate(rows)
        ],
        batch_size=1000,
    )  # fmt: skip
    own = DocumentVersion.objects.filter(document=OuterRef("pk")).values("pk")[:1]
    Document.objects.filter(workspace=workspace).update(version=Subquery(own))


def _questions(workspace: Workspace, user: User, count: int) -> None:
    chosen = list(workspace.documents.values_list("pk", flat=True)[:count])
    rows = Question.objects.bulk_create(
        [Question(workspace=workspace, asker=user, text=f"What does agreement {n} say?") for n in range(count)]
    )
    link = Question.documents.through
    link.objects.bulk_create(
        [link(question=row, document_id=chosen[n % len(chosen)]) for n, row in enumerate(rows)] if chosen else []
    )
    Answer.objects.bulk_create(
        [Answer(question=row, llm="benchmark", status=AnswerStatus.DONE, text="It says so.") for row in rows]
    )


def _clear(workspace: Workspace) -> None:
    """Remove the documents at once: one by one, as people delete them, would take longer than the measurement."""
    Question.objects.filter(workspace=workspace).delete()
    Document.objects.filter(workspace=workspace).delete()


def _add_row(report: Report, labels: tuple[str, str, int, int], user: User, path: str, times: int) -> None:
    client = Client(headers={"host": (settings.ALLOWED_HOSTS or ["localhost"])[0]})
    client.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    taken = [_milliseconds(client, path) for _ in range(times + 1)]
    with CaptureQueriesContext(connection) as asked:
        client.get(path)
    (p50, p95), own = np.percentile([wall for wall, _ in taken[1:]], [50, 95]), [cpu for _, cpu in taken[1:]]
    figures = (taken[0][0], p50, p95, np.percentile(own, 95))
    row = [*labels, len(asked), *(round(float(x), 1) for x in figures)]
    report.rows.append(row)
    report.values[f"{labels[0]}, {labels[1]}"] = dict(zip(COLUMNS, row, strict=True))
    client.logout()


def _milliseconds(client: Client, path: str) -> tuple[float, float]:
    """Return what the page took, and what this process used of a core for it; the database's share is not in that."""
    begun, used = time.perf_counter(), time.process_time()
    reply = client.get(path)
    took = (time.perf_counter() - begun) * 1000, (time.process_time() - used) * 1000
    if reply.status_code != OK:
        raise AppError(f"{path} answered {reply.status_code}.")
    return took
