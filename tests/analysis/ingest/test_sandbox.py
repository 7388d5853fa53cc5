"""The child process: it reports, obeys its limits, and can be killed at any moment without harm."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from analysis.errors import UserError
from analysis.ingest import sandbox
from config.env import env
from tests.analysis.ingest import papers


def nothing(*_: object) -> None:
    pass


def children() -> list[psutil.Process]:
    return [one for one in psutil.Process().children(recursive=True) if _parses(one)]


def _parses(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE and "analysis.ingest.parse" in process.cmdline()
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def test_a_document_comes_back_whole_with_progress_by_page(tmp_path: Path) -> None:
    path = papers.contract(tmp_path / "a.pdf", 3)
    reported: list[tuple[str, int, int]] = []
    document = sandbox.parse(path, name="a.pdf", on_progress=lambda *step: reported.append(step))
    assert len(document.pages) == 3
    assert all(page.boxes for page in document.pages)
    assert document.text.startswith("Line 0 of page 0 says that the Tenant shall pay.")
    assert reported[-3:] == [("parse", 1, 3), ("parse", 2, 3), ("parse", 3, 3)]
    assert children() == []


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").touch()
    with pytest.raises(UserError, match="This file is empty") as error:
        sandbox.parse(tmp_path / "a.pdf", name="a.pdf", on_progress=nothing)
    assert error.value.code == "empty_document"


def test_a_refusal_crosses_from_the_child(tmp_path: Path) -> None:
    path = papers.encrypted(papers.contract(tmp_path / "a.pdf", 1), tmp_path / "b.pdf", "sesame")
    with pytest.raises(UserError) as error:
        sandbox.parse(path, name="b.pdf", on_progress=nothing)
    assert error.value.code == "password_required"
    assert sandbox.parse(path, name="b.pdf", password="sesame", on_progress=nothing).pages[0].number == 1


def test_a_child_that_hangs_is_killed_and_the_person_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(env.__dict__, "parse_stall_seconds", 1)

    def stop(*_: object) -> None:
        for child in children():
            os.kill(child.pid, signal.SIGSTOP)

    started = time.monotonic()
    with pytest.raises(UserError, match="stopped making progress") as error:
        sandbox.parse(papers.contract(tmp_path / "a.pdf", 300), name="a.pdf", on_progress=stop)
    assert error.value.code == "parse_stalled"
    assert time.monotonic() - started < 20
    assert children() == []


def crash(*_: object) -> None:
    for child in children():
        os.kill(child.pid, signal.SIGSEGV)


def test_a_child_that_crashes_means_a_damaged_file(tmp_path: Path) -> None:
    with pytest.raises(UserError) as error:
        sandbox.parse(papers.contract(tmp_path / "a.pdf", 300), name="a.pdf", on_progress=crash)
    assert error.value.code == "damaged"


def test_a_crash_is_no_want_of_memory_because_the_worker_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = b"x" * 2**30
    monkeypatch.setitem(env.__dict__, "parse_memory_bytes", len(held))
    with pytest.raises(UserError) as error:
        sandbox.parse(papers.contract(tmp_path / "a.pdf", 300), name="a.pdf", on_progress=crash)
    assert error.value.code == "damaged"


def test_what_progress_raises_ends_the_child(tmp_path: Path) -> None:
    def give_up(*_: object) -> None:
        raise RuntimeError("lease lost")

    with pytest.raises(RuntimeError, match="lease lost"):
        sandbox.parse(papers.contract(tmp_path / "a.pdf", 300), name="a.pdf", on_progress=give_up)
    assert children() == []


def test_memory_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(env.__dict__, "parse_memory_bytes", 300 * 2**20)
    path = tmp_path / "a.txt"
    path.write_bytes(b"All work and no play makes a long file.\n" * (3 * 2**20))
    with pytest.raises(UserError, match="needs more memory") as error:
        sandbox.parse(path, name="a.txt", on_progress=nothing)
    assert error.value.code == "parse_memory"


def test_the_child_gets_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    seen: list[dict[str, str]] = []
    path = papers.contract(tmp_path / "a.pdf", 100)

    def look(*_: object) -> None:
        for child in children():
            with contextlib.suppress(psutil.NoSuchProcess):  # it may have ended by the time its words are read
                seen.append(child.environ())

    sandbox.parse(path, name="a.pdf", on_progress=look)
    assert seen
    assert all(not {"DATABASE_URL", "REDIS_URL", "LECTERN_HOME"} & set(environment) for environment in seen)
