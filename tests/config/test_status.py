"""`/status/`: how the installation stands, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from analysis.models import DocumentVersion
from analysis.progress import connection as broker
from config import health, heartbeat, standing, status
from tests.rows import make_answer, make_document
from workspaces.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(cast, monkeypatch) -> Client:
    monkeypatch.setattr(health, "CHECKS", {"database": lambda: "ok", "broker": lambda: "The broker is away."})
    monkeypatch.setattr(health, "_last", None)
    client = Client()
    client.force_login(User.objects.create_user("root@firm.example", is_staff=True))
    return client


def words(client: Client) -> str:
    return " ".join(client.get("/status/").content.decode().split())


def test_it_says_what_does_not_answer_and_how_the_work_stands(cast, staff):
    now = timezone.now()
    waiting, dead, failed = (make_document(cast, f"{n}.pdf") for n in range(3))
    rows = DocumentVersion.objects
    rows.filter(pk=waiting.pk).update(status="queued", created_at=now - timedelta(minutes=20))
    rows.filter(pk=dead.pk).update(status="ingesting", lease_expires_at=now - timedelta(minutes=1))
    rows.filter(pk=failed.pk).update(status="failed")
    make_answer(cast, failed, "", status="running")
    heartbeat.note_alive(broker(), ["answers"])
    broker().rpush(f"{standing.BROKER_PREFIX}ingest", *"abc")
    line = {line.name: line for line in status.lines()}
    documents = line["Documents"]
    assert (documents.waiting, documents.in_hand, documents.left, documents.failed) == (1, 0, 1, 1)
    assert documents.since == waiting.document.versions.get().created_at
    assert [(queue.name, queue.messages, queue.served) for queue in status.queues()][:2] == [
        ("Reading documents in", 3, False),
        ("Answers", 0, True),
    ]
    page = words(staff)
    assert "The broker is away." in page
    assert "All parts answer." not in page
    assert "20 minutes" in page
    assert "pgvector" in page
    assert "Valkey" in page


def test_it_says_when_the_last_backup_was(staff):
    assert "No backup is known of." in words(staff)
    standing.note_backup()
    assert "No backup is known of." not in words(staff)
    old = timezone.now() - timedelta(days=8)
    broker().set(standing.LAST_BACKUP, f"{old.timestamp():.0f}")
    assert f"The last backup is of {old.day} {old:%B %Y}." in words(staff)


def test_it_names_no_document_and_takes_as_many_queries_with_many(cast, staff):
    make_document(cast, "zirconium.pdf")
    staff.get("/status/")
    with CaptureQueriesContext(connection) as few:
        assert "zirconium" not in words(staff)
    for number in range(4):
        make_answer(cast, make_document(cast, f"{number}.pdf"), "", status="queued")
    with CaptureQueriesContext(connection) as many:
        staff.get("/status/")
    assert len(many) == len(few)
