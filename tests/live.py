"""An ASGI application on a port of its own, served from a thread, on the test's database."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from django.db import connections


@dataclass(frozen=True)
class LiveApp:
    """The application as it is served: `url` has no slash at the end."""

    url: str
    server: uvicorn.Server


@contextmanager
def served(app: Any, *, lifespan: str = "off") -> Iterator[LiveApp]:
    """Serve `app` by uvicorn as long as the block lasts; connections that are left are cut at its end."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, lifespan=lifespan, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listener])), daemon=True)
    thread.start()
    wait_until(lambda: server.started, timeout_seconds=20)
    try:
        yield LiveApp(f"http://127.0.0.1:{listener.getsockname()[1]}", server)
    finally:
        server.should_exit = True
        server.force_exit = lifespan == "off"  # or the lifespan's end would be cut off too
        thread.join(timeout=10)
        listener.close()


def wait_until(true: Callable[[], object], *, timeout_seconds: float) -> None:
    """Wait for what another thread does."""
    deadline = time.monotonic() + timeout_seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


@contextmanager
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have a thread write each answer that is sent to a worker, as a worker does."""
    from analysis.answer.run import answer_run
    from analysis.tasks import run_answer

    threads: list[threading.Thread] = []

    def write(answer_id: str) -> None:
        try:
            answer_run(answer_id)
        finally:
            connections.close_all()

    def send(*, args: list[str], **_: Any) -> None:
        threads.append(threading.Thread(target=write, args=args, daemon=True))
        threads[-1].start()

    monkeypatch.setattr(run_answer, "apply_async", send)
    yield
    for thread in threads:
        thread.join(timeout=20)
