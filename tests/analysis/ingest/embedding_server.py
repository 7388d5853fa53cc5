"""An OpenAI-compatible /v1/embeddings endpoint on loopback: texts mean the same as far as they have the same words."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

DIMS = 24


class EmbeddingServer(ThreadingHTTPServer):
    """texts: every text that was sent, in order. away: answer 503."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.texts: list[str] = []
        self.away = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1/embeddings#words"


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        self.server.texts += texts
        data = [{"index": at, "embedding": _vector(text)} for at, text in enumerate(texts)]
        reply = json.dumps({"data": data}).encode()
        self.send_response(503 if self.server.away else 200)
        self.send_header("Content-Length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *_: object) -> None: ...


def _vector(text: str) -> list[int]:
    vector = [0] * DIMS
    for word in text.lower().split():
        vector[zlib.crc32(word.encode()) % DIMS] += 1
    return vector


@contextmanager
def embedding_server() -> Iterator[EmbeddingServer]:
    server = EmbeddingServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
