"""GET /metrics: who gets in, and what the figures are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from analysis.llm.catalogue import catalogue
from analysis.llm.ledger import record
from analysis.models import CallStatus, DocumentVersion
from analysis.progress import connection as broker
from analysis.types import Account, CallPurpose, Usage
from config import health, heartbeat, standing, tally
from config.env import env
from tests.rows import make_answer, make_document

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def parts_known(monkeypatch):
    """Whether the parts answer is tested with the health page; here it costs nothing."""
    monkeypatch.setattr(health, "CHECKS", {"database": lambda: "ok", "broker": lambda: "Away."})
    monkeypatch.setattr(health, "_last", None)


def figures(client: Client, **headers: str) -> dict[tuple[str, tuple[str, ...]], float]:
    tally.flush()
    reply = client.get("/metrics", headers=headers)
    assert reply.status_code == 200, reply.status_code
    families = text_string_to_metric_families(reply.content.decode())
    samples = [each for family in families for each in family.samples]
    return {(each.name, tuple(each.labels[name] for name in sorted(each.labels))): each.value for each in samples}


def test_without_a_token_only_this_machine_gets_in(client, monkeypatch):
    assert client.get("/metrics").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    for elsewhere in ("10.0.0.7", "", "made up"):
        assert client.get("/metrics", REMOTE_ADDR=elsewhere).status_code == 404
    # A proxy on this machine stands for anybody.
    assert client.get("/metrics", headers={"X-Forwarded-For": "10.0.0.7"}).status_code == 404
    monkeypatch.setattr(env, "public_url", "https://lectern.example")
    assert client.get("/metrics").status_code == 404


def test_with_a_token_nobody_gets_in_without_it(client, monkeypatch):
    monkeypatch.setattr(env, "metrics_token", "s3cret-and-long")
    assert client.get("/metrics").status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"})["WWW-Authenticate"] == "Bearer"
    assert client.get("/metrics", headers={"Authorization": "Bearer s3crét-and-long"}).status_code == 401
    right = {"Authorization": "Bearer s3cret-and-long"}
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers=right).status_code == 200


def test_rows_are_counted_by_status_and_age(cast, client):
    now = timezone.now()
    ready, waiting, held, dead = (make_document(cast, f"{n}.pdf") for n in range(4))
    rows = DocumentVersion.objects
    rows.filter(pk=waiting.pk).update(status="queued", created_at=now - timedelta(minutes=5))
    rows.filter(pk=held.pk).update(status="ingesting", lease_expires_at=now + timedelta(minutes=1))
    rows.filter(pk=dead.pk).update(status="ingesting", lease_expires_at=now - timedelta(minutes=1))
    make_answer(cast, ready, "Done.")
    make_answer(cast, ready, "", status="queued")
    found = figures(client)
    assert found["lectern_documents", ("ready",)] == 1
    assert found["lectern_documents", ("ingesting",)] == 2
    assert found["lectern_work", ("document", "queued")] == 1
    assert found["lectern_work", ("answer", "done")] == 1
    assert found["lectern_leases", ("document", "held")] == 1
    assert found["lectern_leases", ("document", "expired")] == 1
    assert 299 < found["lectern_oldest_waiting_seconds", ("document",)] < 330
    assert found["lectern_oldest_waiting_seconds", ("snapshot",)] == 0
    assert found["lectern_storage_bytes", ("database",)] > 10**6
    assert found["lectern_disk_free_bytes", ()] > 0
    assert found["lectern_part_up", ("database",)] == 1
    assert found["lectern_part_up", ("broker",)] == 0


def test_queues_workers_and_the_last_backup(client):
    broker().rpush(f"{standing.BROKER_PREFIX}answers", "a", "b")
    broker().hset(f"{standing.BROKER_PREFIX}unacked", "tag", "message")
    heartbeat.note_alive(broker(), ["ingest"])
    assert ("lectern_last_backup_timestamp_seconds", ()) not in figures(client)
    standing.note_backup()
    found = figures(client)
    assert found["lectern_queue_messages", ("answers",)] == 2
    assert found["lectern_queue_messages", ("ingest",)] == 0
    assert found["lectern_queue_messages_in_hand", ()] == 1
    assert found["lectern_worker_up", ("ingest",)] == 1
    assert found["lectern_worker_up", ("answers",)] == 0
    assert found["lectern_last_backup_timestamp_seconds", ()] == pytest.approx(timezone.now().timestamp(), abs=5)


def test_celery_keeps_its_queues_where_we_look(settings):
    assert settings.CELERY_BROKER_TRANSPORT_OPTIONS["global_keyprefix"] == standing.BROKER_PREFIX


def test_calls_are_counted_once_they_are_over(cast, client):
    llm = next(iter(catalogue().values()))
    usage = Usage(prompt_tokens=1000, cached_tokens=600, completion_tokens=50, seconds_to_first_token=0.3, seconds=2.0)
    account = Account(CallPurpose.QUESTION, workspace_id=cast.workspace.pk)
    before = figures(client)
    row = record(llm, usage, account, status=CallStatus.OPEN)
    record(llm, usage, account, begun_as=row)

    def more(name: str, *labels: str) -> float:
        return found[name, labels] - before.get((name, labels), 0)

    found = figures(client)
    assert more("lectern_llm_calls_total", llm.id, "question", "done") == 1
    assert more("lectern_llm_tokens_total", "fresh", llm.id) == 400
    assert more("lectern_llm_tokens_total", "cached", llm.id) == 600
    assert more("lectern_llm_tokens_total", "written", llm.id) == 50
    assert more("lectern_llm_cost_usd_total", llm.id) == pytest.approx(float(row.cost_usd))
    assert more("lectern_llm_first_token_seconds_bucket", "0.25", llm.id) == 0
    assert more("lectern_llm_first_token_seconds_bucket", "0.5", llm.id) == 1
    assert more("lectern_llm_first_token_seconds_bucket", "+Inf", llm.id) == 1
    assert more("lectern_llm_first_token_seconds_sum", llm.id) == pytest.approx(0.3)


async def _open_and_leave() -> list[float]:
    from analysis.views.sse import sse_response

    closed = asyncio.Event()

    async def frames():
        try:
            while True:
                yield b"data: x\n\n"
        finally:
            closed.set()

    def streams() -> float:
        tally.flush()
        return tally.held(broker(), "streams")

    seen = [streams()]
    stream = aiter(sse_response(frames()))
    await anext(stream)
    seen.append(streams())
    await stream.aclose()
    async with asyncio.timeout(5):
        await closed.wait()
        while streams():
            await asyncio.sleep(0)
    return [*seen, streams()]


async def test_open_streams_are_counted_while_they_are_open():
    assert await _open_and_leave() == [0, 1, 0]


def test_streams_of_a_process_that_has_died_are_forgotten(client):
    broker().hset(tally.HELD, "elsewhere:1 streams", "7 1000.0")
    broker().hset(tally.HELD, "elsewhere:2 streams", f"2 {timezone.now().timestamp():.1f}")
    assert figures(client)["lectern_streams_open", ()] == 2
    assert not broker().hexists(tally.HELD, "elsewhere:1 streams")


def test_no_label_names_a_workspace_a_document_or_a_person(cast, client):
    version = make_document(cast, "zirconium.pdf")
    make_answer(cast, version, "Done.")
    client.force_login(cast.owner)
    client.get("/w/firm/")
    client.get(f"/d/{version.document_id}/")
    tally.flush()
    said = client.get("/metrics").content.decode()
    for name in ("zirconium", "firm", "The Firm", "owner@", str(version.document_id)):
        assert name not in said


def test_as_many_queries_with_many_rows(cast, client):
    version = make_document(cast)
    make_answer(cast, version, "One.")
    client.get("/metrics")
    with CaptureQueriesContext(connection) as few:
        client.get("/metrics")
    for number in range(5):
        make_answer(cast, make_document(cast, f"{number}.pdf"), "More.", status="queued")
    with CaptureQueriesContext(connection) as many:
        client.get("/metrics")
    assert len(many) == len(few)


def test_an_engine_that_is_away_costs_its_own_figures_only(cast, client, monkeypatch):
    import redis

    from config import metrics
    from local.process import free_port

    lost = redis.Redis.from_url(f"redis://127.0.0.1:{free_port()}/0", decode_responses=True)
    monkeypatch.setattr(metrics, "broker", lambda: lost)
    monkeypatch.setattr(standing, "broker", lambda: lost)
    found = figures(client)
    assert ("lectern_storage_bytes", ("database",)) in found
    assert ("lectern_queue_messages", ("answers",)) not in found
