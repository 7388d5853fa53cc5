"""Ports, secrets, and children that follow their parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from local.process import StartFailed, free_port, next_free_port, start, wait_until


def soon(happened: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether `happened` within the time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_a_free_port_is_kept_and_a_taken_one_is_not() -> None:
    kept = free_port()
    assert free_port(kept) == kept
    with socket.socket() as other:
        other.bind(("127.0.0.1", kept))
        other.listen()
        assert free_port(kept) != kept


def test_the_next_free_port_is_the_first_after_the_taken_ones() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        assert taken < next_free_port(taken) <= taken + 100
        with pytest.raises(StartFailed, match=rf"The ports from {taken} to {taken} are all taken; set LECTERN_PORT"):
            next_free_port(taken, tries=1)


def test_processes_that_start_together_read_one_secret(tmp_path: Path) -> None:
    code = "import sys; sys.stdin.read(); from local.home import secret; print(secret('race'))"
    command = [sys.executable, "-c", code]
    together = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env={**os.environ, "LECTERN_HOME": str(tmp_path)},
        )
        for _ in range(6)
    ]  # fmt: skip
    for process in together:
        process.stdin.close()  # type: ignore[union-attr]
    secrets = {process.stdout.read() for process in together}  # type: ignore[union-attr]
    assert all(process.wait() == 0 for process in together)
    assert len(secrets) == 1
    path = tmp_path / "secrets" / "race"
    assert path.read_text() == secrets.pop().strip()
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(path.parent.iterdir())) == 1


def test_a_process_that_ends_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start([sys.executable, "-c", "print('no such disk'); raise SystemExit(3)"], log=log)
    with pytest.raises(StartFailed, match=r"ended with code 3\.\nno such disk$"):
        wait_until(lambda: False, process, log=log, timeout_seconds=20)


def test_a_process_that_does_not_answer_is_told(tmp_path: Path) -> None:
    process = start([sys.executable, "-c", "input()"], log=tmp_path / "log")
    sleeper = start(["sleep", "60"], log=tmp_path / "log")
    try:
        with pytest.raises(StartFailed, match="did not answer in time"):
            wait_until(lambda: False, sleeper, log=tmp_path / "log", timeout_seconds=0.1)
    finally:
        sleeper.kill()
        sleeper.wait()
        process.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from local.process import start\n"
        "print(start(['sleep', '600'], log=Path(sys.argv[1])).pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    child = psutil.Process(int(parent.stdout.readline()))  # type: ignore[union-attr]
    assert child.is_running()
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    assert soon(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
