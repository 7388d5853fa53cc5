"""Event streams: many people following many answers and documents on one web process, and what reaches them when."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import IO, Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import numpy as np
import psutil
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.db import connection

from analysis import progress
from analysis.benchmarks import Report, listeners, scratch_workspace
from analysis.errors import AppError
from analysis.models import Answer, AnswerStatus, Document, DocumentVersion, IngestStatus, Question
from config.env import env
from local.home import room
from local.process import free_port, start
from workspaces.models import Member, Role, User, Workspace

COLUMNS = (
    "streams",
    "people",
    "events",
    "lost",
    "doubled",
    "p50 ms",
    "p95 ms",
    "max ms",
    "RSS MiB",
    "a stream KiB",
    "CPU",
)
ANSWERS_OF_FIVE = 4  # of five streams so many are answers, the others documents that are being read in
WRITING_AT_ONCE = 20
WORDS_A_TURN = 40
WORDS_A_PARAGRAPH = 12
PAGES = 1_000_000
TICK_SECONDS = 0.05
SETTLE_SECONDS = 3.0
READY_SECONDS = 120


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py benchmark streams` can be told."""
    parser.add_argument("--people", type=int, default=200, help="how many people are signed in (200)")
    parser.add_argument("--streams", type=int, default=1000, help="how many streams they follow, each another (1000)")
    parser.add_argument("--events", type=float, default=400.0, help="events a second, all together (400)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long events come (60)")
    parser.add_argument("--drops", type=int, default=5, help="connections cut, and taken up again, a second (5)")


@dataclass
class Source:
    """What is followed: an answer that is being written, or a document that is being read in. sent: when, by number."""

    kind: str
    id: str
    path: str
    version_id: int = 0
    sent: list[float] = field(default_factory=list)
    characters: int = 0


def run(
    *, people: int = 200, streams: int = 1000, events: float = 400.0, seconds: float = 60.0, drops: int = 5, **_: Any
) -> Report:
    """Follow the streams while events are published, and return what reached the pages, how late, and at what cost."""
    with ExitStack() as stack:
        workspace = stack.enter_context(scratch_workspace())
        cookies = stack.enter_context(_people(workspace, people))
        sources = _sources(workspace, streams)
        server = stack.enter_context(_web())
        before = server.rss
        readers = stack.enter_context(_readers(server, sources, cookies, drops))
        opened = server.rss
        used = server.cpu_seconds
        took = _publish(workspace, sources, events, seconds)
        load = (server.cpu_seconds - used) / took
        time.sleep(SETTLE_SECONDS)
        peak = server.rss
        pages = readers.end()
    return _report(sources, pages, people, took, Cost(before, opened, peak, load))


@dataclass(frozen=True)
class Cost:
    """What the web process took: bytes before the first stream, with all open, and at the end; share of one core."""

    before: int
    opened: int
    end: int
    load: float


@contextmanager
def _people(workspace: Workspace, count: int) -> Iterator[list[str]]:
    """Yield the session cookies of so many viewers; they go at the end."""
    users = User.objects.bulk_create(User(email=f"{workspace.slug}-{n}@benchmark.invalid") for n in range(count))
    Member.objects.bulk_create(Member(workspace=workspace, user=user, role=Role.VIEWER) for user in users)
    sessions = [_session(user) for user in users]
    try:
        yield [f"{settings.SESSION_COOKIE_NAME}={session.session_key}" for session in sessions]
    finally:
        for session in sessions:
            session.delete()
        User.objects.filter(pk__in=[user.pk for user in users]).delete()


def _session(user: User) -> SessionBase:
    """Return a session in which the person is signed in."""
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session


def _sources(workspace: Workspace, count: int) -> list[Source]:
    return [_answer(workspace) if n % 5 < ANSWERS_OF_FIVE else _document(workspace, n) for n in range(count)]


def _answer(workspace: Workspace) -> Source:
    question = Question.objects.create(workspace=workspace, text="What is said?")
    answer = Answer.objects.create(question=question, llm="benchmark", status=AnswerStatus.RUNNING)
    return Source("answer", str(answer.pk), f"/a/{answer.pk}/events/")


def _document(workspace: Workspace, number: int) -> Source:
    document = Document.objects.create(workspace=workspace, name=f"{number}.pdf")
    version = DocumentVersion.objects.create(
        document=document, sha256=f"{number:064}", size_bytes=1, status=IngestStatus.INGESTING, stage="parse",
        stage_total=PAGES,
    )  # fmt: skip
    Document.objects.filter(pk=document.pk).update(version=version)
    return Source("document", str(document.pk), f"/d/{document.pk}/events/", version.pk)


@dataclass(frozen=True)
class _Server:
    port: int
    process: psutil.Process

    @property
    def rss(self) -> int:
        return int(self.process.memory_info().rss)

    @property
    def cpu_seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def _web() -> Iterator[_Server]:
    """Yield the product's own web process, on this database, its embedding model loaded."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port", str(port),
               "--timeout-graceful-shutdown", "3", "--no-access-log"]  # fmt: skip
    started = start(command, log=room("logs") / "benchmark-streams.log", environment=_environment())
    try:
        server = _Server(port, psutil.Process(started.pid))
        _wait_until_idle(server)
        yield server
    finally:
        started.kill()
        started.wait()


def _environment() -> dict[str, str]:
    database = urlunsplit(urlsplit(env.database_url)._replace(path=f"/{connection.settings_dict['NAME']}"))
    return {"DJANGO_SETTINGS_MODULE": "config.settings", "DATABASE_URL": database, "REDIS_URL": env.redis_url}


def _wait_until_idle(server: _Server) -> None:
    """Return once the server answers and has nothing more to do with starting."""
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(server):
        if time.monotonic() > deadline or not server.process.is_running():
            raise AppError("The web process did not start.")
        time.sleep(0.2)
    while server.process.cpu_percent(1.0) > 5.0 and time.monotonic() < deadline:
        pass


def _answers(server: _Server) -> bool:
    try:
        httpx.get(f"http://127.0.0.1:{server.port}/accounts/login/", timeout=5)
    except httpx.HTTPError:
        return False
    return True


@dataclass(frozen=True)
class _Readers:
    process: subprocess.Popen[str]
    input: IO[str]
    output: IO[str]

    def end(self) -> list[dict[str, Any]]:
        """Have all pages closed and return what each has seen."""
        self.input.write("end\n")
        self.input.flush()
        pages: list[dict[str, Any]] = json.loads(self.output.readline())
        return pages


@contextmanager
def _readers(server: _Server, sources: list[Source], cookies: list[str], drops: int) -> Iterator[_Readers]:
    """Yield once every source is followed, five of them or so by each person."""
    each = -(-len(sources) // len(cookies))
    pages = [[source.path, cookies[n // each], source.kind] for n, source in enumerate(sources)]
    process = subprocess.Popen(
        [sys.executable, "-P", listeners.__file__],  # a process without Django: it is to cost the cores little
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        if process.stdin is None or process.stdout is None:
            raise AppError("The readers have no pipes.")
        process.stdin.write(json.dumps({"port": server.port, "drops": drops, "pages": pages}) + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != "open":
            raise AppError("Not every stream was opened.")
        yield _Readers(process, process.stdin, process.stdout)
    finally:
        process.kill()
        process.wait()


def _publish(workspace: Workspace, sources: list[Source], events: float, seconds: float) -> float:
    """Publish events as workers do, at this rate, and return the seconds that it took.

    Nine of ten are words of answers, of which so many are written at once, each in turns; one is a step of a document.
    """
    answers = [source for source in sources if source.kind == "answer"]
    documents = [source for source in sources if source.kind == "document"]
    begun, published = time.monotonic(), 0
    while (elapsed := time.monotonic() - begun) < seconds:
        while published < elapsed * events:
            if published % 10 == 9 and documents:
                _step(workspace, documents[published // 10 % len(documents)])
            else:
                turn = published // (WRITING_AT_ONCE * WORDS_A_TURN) * WRITING_AT_ONCE
                _write(answers[(turn + published % WRITING_AT_ONCE) % len(answers)])
            published += 1
        time.sleep(TICK_SECONDS)
    return time.monotonic() - begun


def _write(source: Source) -> None:
    """Write one word of an answer, as its worker does."""
    number = len(source.sent)
    text = f"w{number}" + ("\n\n" if number % WORDS_A_PARAGRAPH == WORDS_A_PARAGRAPH - 1 else " ")
    source.sent.append(time.time())
    progress.emit(progress.answer_stream(source.id), "token", {"start_char": source.characters, "text": text})
    source.characters += len(text)


def _step(workspace: Workspace, source: Source) -> None:
    """Bring the reading in of a document one page further, as its worker does."""
    DocumentVersion.objects.filter(pk=source.version_id).update(stage_done=len(source.sent) + 1)
    source.sent.append(time.time())
    progress.announce_document(workspace.pk, source.id)


def _report(sources: list[Source], pages: list[dict[str, Any]], people: int, took: float, cost: Cost) -> Report:
    report = Report(COLUMNS)
    refused = sum(page["status"] != httpx.codes.OK for page in pages)
    if refused:
        raise AppError(f"{refused} streams were refused.")
    found = [_found(source, page) for source, page in zip(sources, pages, strict=True)]
    delays = np.array([delay for _, _, those in found for delay in those]) * 1000
    p50, p95, longest = (round(float(x), 1) for x in np.percentile(delays, [50, 95, 100]))
    sent = sum(len(source.sent) for source in sources)
    row = (
        len(sources), people, sent, sum(lost for lost, _, _ in found), sum(doubled for _, doubled, _ in found),
        p50, p95, longest, round(cost.end / 2**20), round((cost.end - cost.before) / len(sources) / 2**10, 1),
        f"{cost.load:.0%}",
    )  # fmt: skip
    report.rows.append(row)
    frames, again = sum(page["frames"] for page in pages), sum(page["connections"] - 1 for page in pages)
    report.values = dict(zip(COLUMNS, row, strict=True)) | {
        "events/s": sent / took, "frames": frames, "taken up again": again,
        "RSS before MiB": cost.before >> 20, "RSS opened MiB": cost.opened >> 20,
    }  # fmt: skip
    report.notes += [
        f"{sent / took:.0f} events a second for {took:.0f} s; {frames} frames; {again} connections cut and taken up.",
        f"The web process held {cost.before >> 20} MiB before the first stream, {cost.opened >> 20} MiB with all open.",
    ]
    return report


def _found(source: Source, page: dict[str, Any]) -> tuple[int, int, list[float]]:
    """Return how many events a page has lost and doubled, and how late each of the others came.

    An answer shows each of its words once and in order. A document shows where it stands: a step that a later one has
    overtaken is not lost, and counts as come with that one.
    """
    seen = dict(page["seen"])
    if source.kind == "answer":
        shown = page["shown"]
        lost = len(set(range(len(source.sent))) - set(shown))
        doubled = len(shown) - len(set(shown)) + (shown != sorted(shown))
        return lost, doubled, [seen[n] - at for n, at in enumerate(source.sent) if n in seen]
    come: list[float] = []
    lost, at = 0, float("inf")
    for number in range(len(source.sent), 0, -1):
        at = min(at, seen.get(number, at))
        if at == float("inf"):
            lost += 1
        else:
            come.append(at - source.sent[number - 1])
    return lost, 0, come
