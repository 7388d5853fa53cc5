"""How much faster several workers sweep: against an endpoint on loopback that takes a fixed time for every part."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.db import connection
from tqdm import tqdm

from analysis.answer import material
from analysis.answer.sweep.plan import pieces_for
from analysis.answer.sweep.readers import QuestionReader
from analysis.answer.sweep.rows import lay_parts, parts_of_answer
from analysis.benchmarks import Report, scratch_workspace
from analysis.errors import AppError
from analysis.llm.catalogue import LLM
from analysis.models import (
    Answer,
    AnswerStatus,
    Document,
    DocumentVersion,
    IngestStatus,
    PartStatus,
    Question,
    VersionText,
)
from config.env import env
from workspaces.models import Workspace

LLM_ID = "benchmark"
WINDOW_TOKENS = 4096
SECTION = "Section {number}. The supplier shall keep the records of the service for the time that the law asks for. "
PART_SENTENCES = 38  # a part is three quarters of its limit on average, and each of them about 30 tokens
# Ready first, so that the time to start Python is not taken for the time to read; then parts until none is left.
WORKER = (
    "import django, sys; django.setup(); from analysis.answer.sweep.read import read_parts; "
    "print('ready', flush=True); sys.stdin.readline(); read_parts(sys.argv[1])"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `manage.py benchmark sweep` can be told."""
    parser.add_argument("--parts", type=int, default=24, help="about how many parts to read (24)")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 4], help="how many processes read (1 4)")
    parser.add_argument("--latency", type=float, default=2.0, help="seconds that the endpoint takes for a part (2)")


def run(*, parts: int = 24, workers: list[int] | None = None, latency: float = 2.0, **_: Any) -> Report:
    """Return the seconds that each number of worker processes takes for the same parts, and how much faster it is."""
    report = Report(("workers", "parts", "seconds", "parts/s", "speed-up", "calls", "read twice"))
    with _endpoint(latency) as endpoint, scratch_workspace() as workspace:
        document = _document(workspace, parts)
        for count in tqdm(workers or [1, 4], desc="sweep", disable=None):
            _add_row(report, _answer(workspace, document, endpoint), endpoint, count)
    report.notes.append(f"Each call takes {latency:g} s; each worker is a process of its own that claims parts.")
    return report


class _Endpoint(ThreadingHTTPServer):
    """Finds nothing in anything, after a fixed time. calls: how often each prompt has come."""

    daemon_threads = True

    def __init__(self, latency_seconds: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.latency_seconds = latency_seconds
        self.calls: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: _Endpoint

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        models = {"data": [{"id": LLM_ID, "object": "model", "max_model_len": WINDOW_TOKENS}]}
        found = self.path == "/v1/models"
        self._send("application/json", json.dumps(models if found else {}).encode(), 200 if found else 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if not self.path.endswith("/chat/completions"):
            self._send("application/json", b"{}", 404)
            return
        self.server.calls[json.dumps(body["messages"])] += 1
        time.sleep(self.server.latency_seconds)
        chunks = [
            {"choices": [{"delta": {"content": '{"quotes": []}'}, "finish_reason": None}]},
            {"choices": [{"delta": {}, "finish_reason": "stop"}]},
        ]
        self._send("text/event-stream", b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks))

    def _send(self, kind: str, body: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def _endpoint(latency_seconds: float) -> Iterator[_Endpoint]:
    server = _Endpoint(latency_seconds)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def _document(workspace: Workspace, parts: int) -> Document:
    """Return a document that is cut into about so many parts; ingest has no share in what is measured here."""
    text = "".join(SECTION.format(number=number) for number in range(parts * PART_SENTENCES))
    document = Document.objects.create(workspace=workspace, name="generated.txt")
    document.version = DocumentVersion.objects.create(
        document=document, sha256="0" * 64, size_bytes=len(text), status=IngestStatus.READY, characters=len(text),
        parser_version=1,
    )  # fmt: skip
    VersionText.objects.create(version=document.version, text=text)
    document.save()
    return document


def _answer(workspace: Workspace, document: Document, endpoint: _Endpoint) -> Answer:
    """Return an answer with its parts laid; its question is its own, so that no part is known from before."""
    number = workspace.questions.count()
    question = Question.objects.create(workspace=workspace, text=f"What is said on subject {number}?")
    question.documents.set([document])
    answer = Answer.objects.create(question=question, llm=LLM_ID, status=AnswerStatus.RUNNING)
    half = WINDOW_TOKENS // 2
    llm = LLM(LLM_ID, LLM_ID, "", WINDOW_TOKENS, half, part_tokens=half, base_url=endpoint.url)
    reader = QuestionReader(question.text, llm)
    lay_parts(answer, reader, pieces_for([material.described(document)], reader))
    return answer


def _add_row(report: Report, answer: Answer, endpoint: _Endpoint, workers: int) -> None:
    endpoint.calls.clear()
    seconds = _seconds(answer, endpoint, workers)
    parts = parts_of_answer(answer)
    unread = parts.exclude(status=PartStatus.DONE).count()
    if unread:
        raise AppError(f"{unread} parts were not read. {parts.exclude(error_message='').first()}")
    twice = sum(1 for times in endpoint.calls.values() if times > 1)
    first = report.values.setdefault("seconds", {})
    speed_up = next(iter(first.values()), seconds) / seconds
    first[workers] = seconds
    report.values.setdefault("speed_up", {})[workers] = speed_up
    report.rows.append(
        (workers, parts.count(), f"{seconds:.2f}", f"{parts.count() / seconds:.2f}", f"{speed_up:.2f}",
         endpoint.calls.total(), twice)
    )  # fmt: skip


def _seconds(answer: Answer, endpoint: _Endpoint, workers: int) -> float:
    """Return how long so many worker processes take for all parts, from the word go to the last one's end."""
    started = [_worker(answer, endpoint) for _ in range(workers)]
    try:
        for worker in started:
            if worker.stdout is None or worker.stdout.readline().strip() != "ready":
                raise AppError("A worker did not start.")
        begun = time.perf_counter()
        for worker in started:
            _go(worker)
        for worker in started:
            worker.wait()
        return time.perf_counter() - begun
    finally:
        for worker in started:
            worker.kill()
            worker.wait()


def _go(worker: subprocess.Popen[str]) -> None:
    if worker.stdin is not None:
        worker.stdin.write("go\n")
        worker.stdin.flush()


def _worker(answer: Answer, endpoint: _Endpoint) -> subprocess.Popen[str]:
    """Return a process that reads parts of the answer's sweep, once it is told to."""
    database = urlunsplit(urlsplit(env.database_url)._replace(path=f"/{connection.settings_dict['NAME']}"))
    environment = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database,
        "REDIS_URL": env.redis_url, "LECTERN_LLM_URL": endpoint.url, "LECTERN_LLM_KEY": "", "LECTERN_LLM_MODEL": LLM_ID,
    }  # fmt: skip
    command = [sys.executable, "-c", WORKER, str(answer.pk)]
    return subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
