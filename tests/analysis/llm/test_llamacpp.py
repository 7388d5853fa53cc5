"""The bundled server's own calls: a reading that is told to stop leaves at once, and a server that is away is told."""

from __future__ import annotations

import socket
import threading

import pytest

from analysis.errors import EngineUnavailable
from analysis.llm import llamacpp
from analysis.llm.catalogue import BUNDLED, LLM
from local.process import free_port


def served_at(port: int) -> LLM:
    address = f"http://127.0.0.1:{port}/v1"
    return LLM(BUNDLED, "bundled", "qwen", 8192, 512, dialect="llamacpp", base_url=address, self_hosted=True)


def test_a_step_that_is_stopped_closes_its_connection() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    sent, closed = threading.Event(), threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(1)
        sent.set()
        while connection.recv(65536):
            pass
        closed.set()

    server = threading.Thread(target=serve, daemon=True)
    server.start()
    read = llamacpp.prefill(served_at(listener.getsockname()[1]), [1, 2, 3], slot=2, should_stop=sent.is_set)
    assert read is None
    assert closed.wait(5)
    listener.close()


def test_a_server_that_is_away_is_told() -> None:
    with pytest.raises(EngineUnavailable, match="does not answer"):
        llamacpp.prefill(served_at(free_port()), [1], slot=0)
