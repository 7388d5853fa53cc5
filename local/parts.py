"""The processes that make up one Lectern on one machine, as the supervisor runs them."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import httpx
import redis

from config.heartbeat import QUEUES, living_queues
from local import llama_server, postgres, valkey
from local.home import room
from local.model_files import ModelFile
from local.supervisor import Part

ENGINES, MODEL, SERVICES = 1, 2, 3  # the order of starting
# Parsing and embedding may grow with a document; past this the worker's child is replaced after its task.
INGEST_CHILD_KIB = 2 * 2**20
# Answers wait on the model server most of their time, so threads are enough; a queue of its own keeps an upload of
# twenty files from ever standing before a question.
WORKERS = {
    "ingest": ["--pool=prefork", "--concurrency=1", f"--max-memory-per-child={INGEST_CHILD_KIB}"],
    "answers": ["--pool=threads", "--concurrency=4"],
    "sweep": ["--pool=threads", "--concurrency=8"],
    "reading": ["--pool=threads", "--concurrency=1"],
}


# What can wait leaves the cores to what a person is waiting for: beside an embedder at the same priority the language
# model's threads wait for each other, and a token takes tens of times as long.
NICENESS = {"ingest": ["nice", "-n", "15"]}


def database(port: int) -> Part:
    """Return PostgreSQL on `port`, its cluster made if missing."""
    data = room("postgres")
    postgres.install(data)
    return Part(
        name="postgres",
        title="PostgreSQL",
        command=postgres.command(data, port),
        ready=lambda: postgres.ready(port),
        order=ENGINES,
        stop_signal=postgres.STOP_SIGNAL,
        stop_seconds=8,
        death_signal=postgres.STOP_SIGNAL,
        account=postgres.account(),
    )


def broker(port: int) -> Part:
    """Return Valkey on `port`."""
    return Part(
        name="valkey",
        title="Valkey",
        command=valkey.command(valkey.install(room("valkey")), port),
        ready=lambda: valkey.ready(port),
        order=ENGINES,
        death_signal=signal.SIGTERM,
    )


def language_model(model: ModelFile, path: Path, port: int) -> Part:
    """Return the server of the GGUF at `path` on `port`."""
    return Part(
        name="llama",
        title=f"The language model ({model.name})",
        command=llama_server.command(model, path, port),
        ready=lambda: llama_server.ready(port),
        order=MODEL,
        start_seconds=300,
        stop_seconds=2,
    )


def web(host: str, port: int) -> Part:
    """Return the web server."""
    return Part(
        name="web",
        title="The web server",
        # No access log: addresses of invitations and sign-in links are secrets.
        command=[sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", host, "--port", str(port),
                 "--timeout-graceful-shutdown", "3", "--no-access-log"],
        ready=lambda: _answers(f"http://{own_address(host)}:{port}/healthz"),
        order=SERVICES,
        start_seconds=120,
        stop_seconds=6,
    )  # fmt: skip


def own_address(host: str) -> str:
    """Return where this machine reaches a server bound to `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104


def _answers(url: str) -> bool:
    """Return whether a server is there; 503 is an answer too, since other parts may still be starting."""
    try:
        return httpx.get(url, timeout=5).status_code in {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
    except httpx.HTTPError:
        return False


def worker(queue: str, redis_url: str) -> Part:
    """Return the Celery worker of one queue."""
    return Part(
        name=f"worker-{queue}",
        title=f"The worker for {QUEUES[queue]}",
        command=[*NICENESS.get(queue, []), sys.executable, "-m", "celery", "-A", "config", "worker", "-Q", queue,
                 "-n", f"{queue}@%h", "--loglevel=INFO", "--without-gossip", "--without-mingle", *WORKERS[queue]],
        ready=lambda: _alive(queue, redis_url),
        order=SERVICES,
        start_seconds=120,
        # Work in hand is dropped: its lease runs out, and the next worker takes it up. Celery's cold shutdown (SIGQUIT)
        # ends a child process at once; it cannot end threads, so a busy worker of threads is killed after its time.
        stop_signal=signal.SIGQUIT if queue == "ingest" else signal.SIGTERM,
        stop_seconds=3,
    )  # fmt: skip


def _alive(queue: str, redis_url: str) -> bool:
    try:
        with redis.Redis.from_url(redis_url, socket_timeout=2) as client:
            return queue in living_queues(client)
    except redis.RedisError:
        return False


def beat() -> Part:
    """Return the scheduler that sends abandoned work to a worker again."""
    return Part(
        name="beat",
        title="The scheduler",
        command=[sys.executable, "-m", "celery", "-A", "config", "beat", "--loglevel=WARNING", "--pidfile="],
        ready=lambda: True,
        order=SERVICES,
    )


def bind_host() -> str:
    """Return the address that the web server listens on."""
    return os.environ.get("LECTERN_BIND", "127.0.0.1")
