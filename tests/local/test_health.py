"""GET /healthz, against the real engines and with one of them gone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import redis
from django.db import connection
from django.test import Client

from analysis.progress import connection as broker
from config import health, heartbeat
from config.env import env
from local.process import free_port


@pytest.fixture
def model_status(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """The status with which a language model's server on loopback answers."""
    answer = {"status": 200}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answer["status"])
            self.end_headers()
            self.wfile.write(b'{"data": [{"id": "some-model"}]}')

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(env, "llm_url", f"http://127.0.0.1:{server.server_port}/v1")
    monkeypatch.setattr(env, "llm_key", "key")
    yield answer
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_last", None)


@pytest.fixture
def all_well(db: None, model_status: dict[str, int]) -> dict[str, int]:
    heartbeat.note_alive(broker(), list(heartbeat.QUEUES))
    return model_status


def failing(client: Client) -> dict[str, str]:
    reply = client.get("/healthz")
    assert reply.status_code == 503
    assert reply.json()["status"] == "failing"
    return {name: state for name, state in reply.json()["parts"].items() if state != "ok"}


def test_all_well(client: Client, all_well: dict[str, int]) -> None:
    reply = client.get("/healthz")
    assert reply.status_code == 200
    parts = dict.fromkeys(["web", "database", "broker", "worker", "language_model"], "ok")
    assert reply.json() == {"status": "ok", "parts": parts}


def test_a_queue_without_a_worker(client: Client, db: None, model_status: dict[str, int]) -> None:
    heartbeat.note_alive(broker(), ["answers", "sweep", "reading"])
    assert failing(client) == {"worker": "No worker is there for reading documents in."}


def test_a_worker_that_has_gone_quiet(client: Client, all_well: dict[str, int]) -> None:
    for queue in ("answers", "sweep", "reading"):
        assert 0 < broker().ttl(f"lectern:worker:{queue}") <= heartbeat.LIFETIME_SECONDS
        broker().pexpire(f"lectern:worker:{queue}", 0)
    assert failing(client) == {"worker": "No worker is there for answers, sweeps and reading ahead."}


def test_no_database(client: Client, all_well: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connection.settings_dict, "PORT", str(free_port()))
    assert failing(client) == {
        "database": "The database does not answer.",
        "language_model": "Which language model is used is not known while the database does not answer.",
    }


def test_no_broker(client: Client, all_well: dict[str, int], settings: object) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"  # type: ignore[attr-defined]
    assert failing(client) == {
        "broker": "The message broker does not answer.",
        "worker": "Whether a worker runs is not known while the message broker does not answer.",
    }


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, "The language model's server refuses the key it is given."),
        (503, "The language model is not ready (status 503)."),
    ],
)
def test_a_language_model_that_refuses(status: int, sentence: str, client: Client, all_well: dict[str, int]) -> None:
    all_well["status"] = status
    assert failing(client) == {"language_model": sentence}


def test_no_language_model(client: Client, all_well: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "llm_url", f"http://127.0.0.1:{free_port()}/v1")
    assert failing(client) == {"language_model": "The language model's server does not answer."}


def test_asking_often_asks_the_engines_once(
    client: Client, all_well: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/healthz").status_code == 200
    all_well["status"] = 503
    assert client.get("/healthz").status_code == 200
    monkeypatch.setattr(health, "KEEP_SECONDS", 0)
    assert client.get("/healthz").status_code == 503


def test_a_heartbeat_without_a_broker_does_not_end_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from analysis import progress

    lost = redis.Redis.from_url(f"redis://127.0.0.1:{free_port()}/0")
    monkeypatch.setattr(progress, "connection", lambda: lost)
    monkeypatch.setattr(heartbeat, "_own_queues", ["ingest"])
    heartbeat._beat()
    heartbeat._leave()
