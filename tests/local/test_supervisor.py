"""The supervisor, with tiny real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from local import home, supervisor
from local.process import StartFailed
from local.supervisor import AlreadyRunning, Part, Supervisor, end_leftovers, hold_home, limit_log
from tests.local.test_process import soon


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LECTERN_HOME", str(tmp_path))
    monkeypatch.setattr(supervisor, "WATCH_SECONDS", 0.02)
    monkeypatch.setattr(supervisor, "BACKOFF_SECONDS", (0.05, 0.1))
    return tmp_path


def part(name: str, code: str, *, order: int = 1, **fields: object) -> Part:
    """A part that runs `code`, and is ready when it has written the file `name`.up."""
    mark = home.room("marks") / f"{name}.up"
    body = f"import os, signal, sys, time, subprocess\nfrom pathlib import Path\nmark = Path({str(mark)!r})\n{code}"
    return Part(
        name=name, title=name.title(), command=[sys.executable, "-c", body], ready=mark.exists, order=order, **fields
    )  # type: ignore[arg-type]


SERVE = "mark.touch(); signal.pause()"
NOTE_END = (
    "def end(*_):\n    open(mark.parent / 'ends', 'a').write(mark.stem + ' '); sys.exit()\n"
    "signal.signal(signal.SIGTERM, end)\n" + SERVE
)


def watched(boss: Supervisor) -> threading.Thread:
    """The supervisor at its work; restarts happen in a thread here, which the tests outlive."""
    thread = threading.Thread(target=boss.watch)
    thread.start()
    return thread


def test_a_killed_process_is_started_again_and_none_is_left_after_stopping() -> None:
    said: list[str] = []
    boss = Supervisor(said.append)
    boss.start([part("clerk", SERVE), part("guard", SERVE)])
    first = psutil.Process(boss.running["clerk"].process.pid)
    thread = watched(boss)
    first.send_signal(signal.SIGKILL)
    assert soon(lambda: "Clerk is ready again." in said)
    second = psutil.Process(boss.running["clerk"].process.pid)
    assert second.pid != first.pid
    boss.stopping.set()
    thread.join()
    guard = psutil.Process(boss.running["guard"].process.pid)
    boss.stop()
    assert not second.is_running()
    assert not guard.is_running()
    assert "Clerk ended (killed by SIGKILL); starting it again in 0.05 s." in said
    assert not [line for line in said if line.startswith("Guard ended")]


def test_what_a_process_leaves_behind_ends_with_it() -> None:
    said: list[str] = []
    boss = Supervisor(said.append)
    boss.start(
        [part("clerk", "child = subprocess.Popen(['sleep', '600']); mark.write_text(str(child.pid)); signal.pause()")]
    )
    mark = home.room("marks") / "clerk.up"
    assert soon(lambda: mark.read_text() != "")
    child = psutil.Process(int(mark.read_text()))
    thread = watched(boss)
    boss.running["clerk"].process.send_signal(signal.SIGKILL)
    assert soon(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
    boss.stopping.set()
    thread.join()
    boss.stop()


def test_pauses_grow_while_a_process_keeps_ending() -> None:
    said: list[str] = []
    boss = Supervisor(said.append)
    boss.start([part("clerk", "mark.touch(); sys.exit(4)")])
    thread = watched(boss)
    assert soon(lambda: len([line for line in said if "ended (code 4)" in line]) >= 3)
    boss.stopping.set()
    thread.join()
    boss.stop()
    ends = [line for line in said if "ended" in line]
    assert ends[0] == "Clerk ended (code 4); starting it again in 0.05 s."
    assert {line.split("again in ")[1] for line in ends[1:]} == {"0.1 s."}


def test_parts_stop_in_the_opposite_order() -> None:
    boss = Supervisor(lambda _: None)
    boss.start([part("engine", NOTE_END, order=1)])
    boss.start([part("service", NOTE_END, order=3)])
    boss.start([part("model", NOTE_END, order=2)])
    boss.stop()
    assert (home.room("marks") / "ends").read_text() == "service model engine "


def test_a_process_that_will_not_stop_is_killed() -> None:
    boss = Supervisor(lambda _: None)
    boss.start([part("deaf", "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVE, stop_seconds=0.1)])
    process = boss.running["deaf"].process
    boss.stop()
    assert process.returncode == -signal.SIGKILL


def test_a_part_that_cannot_start_says_why() -> None:
    boss = Supervisor(lambda _: None)
    with pytest.raises(StartFailed, match=r"ended with code 1\.\nthe disk is full$"):
        boss.start([part("clerk", "sys.exit('the disk is full')")])
    boss.stop()


def test_one_supervisor_a_home() -> None:
    with hold_home():
        with pytest.raises(
            AlreadyRunning, match=rf"^Lectern is already running and still starting \(process {os.getpid()}\)\.$"
        ):
            hold_home()
        home.write_endpoints({"web_url": "http://127.0.0.1:8000/"})
        with pytest.raises(AlreadyRunning) as refused:
            hold_home()
        assert str(refused.value) == f"Lectern is already running at http://127.0.0.1:8000/ (process {os.getpid()})."
    hold_home().close()


def test_processes_that_outlived_their_supervisor_are_ended_by_the_next_one() -> None:
    left = subprocess.Popen(["sleep", "600"])
    other = subprocess.Popen(["sleep", "600"])
    created_at = psutil.Process(left.pid).create_time()
    # The second number has been given to another program since: its time of birth differs.
    notes = {left.pid: created_at, other.pid: created_at - 1000}
    (home.room("run") / "processes.json").write_text(json.dumps(notes))
    try:
        assert end_leftovers() == ["sleep"]
        assert not psutil.pid_exists(left.pid)
        assert other.poll() is None
        assert end_leftovers() == []
    finally:
        other.kill()
        other.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_nothing_outlives_a_killed_supervisor() -> None:
    code = (
        "import signal\nfrom local.supervisor import Part, Supervisor\n"
        "boss = Supervisor(print)\n"
        "boss.start([Part(name=n, title=n, command=['sleep', '600'], ready=lambda: True, order=1) for n in 'ab'])\n"
        "print(*[r.process.pid for r in boss.running.values()], flush=True)\nboss.watch()"
    )
    boss = subprocess.Popen([sys.executable, "-u", "-c", code], stdout=subprocess.PIPE, text=True)
    lines = [boss.stdout.readline() for _ in range(3)]  # type: ignore[union-attr]
    children = [psutil.Process(int(pid)) for pid in lines[2].split()]
    assert len(children) == 2
    boss.kill()
    boss.wait()
    assert soon(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))


def test_a_long_log_is_moved_aside_while_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "web.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"old\n" * 100)
        limit_log(log, limit_bytes=1000)
        assert log.stat().st_size == 400
        limit_log(log, limit_bytes=399)
        writer.write(b"new\n")
    assert (tmp_path / "web.log.1").read_bytes() == b"old\n" * 100
    assert log.read_bytes() == b"new\n"
