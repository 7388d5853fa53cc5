"""The supervisor: starts processes in order, keeps them running, and stops them in the opposite order."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pwd
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TextIO

import psutil

from local.home import read_endpoints, room
from local.process import start, wait_until

CODE = Path(__file__).resolve().parent.parent
WATCH_SECONDS = 0.2
BACKOFF_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)
PATIENCE_SECONDS = 1.0
STEADY_SECONDS = 60  # a process that has run this long starts its next backoff from the beginning
LOG_BYTES = 10 * 2**20


class AlreadyRunning(RuntimeError):
    """Another supervisor holds this home; the message says where it serves."""


@dataclass(frozen=True)
class Part:
    """One process to keep running.

    ready: whether it does its work now; asked until it says so, at most start_seconds. death_signal: what the kernel
    sends it if the supervisor itself is killed. Parts of a higher `order` start later and stop earlier; parts of the
    same order start and stop together.
    """

    name: str
    title: str
    command: Sequence[str | Path]
    ready: Callable[[], bool]
    order: int
    start_seconds: float = 60
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 4
    death_signal: int = signal.SIGKILL
    account: pwd.struct_passwd | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return room("logs") / f"{self.name}.log"


@dataclass
class Running:
    """A part and the process it has now; failures counts its ends since it last ran steadily."""

    part: Part
    process: subprocess.Popen[bytes]
    started_at: float
    ready: bool = False
    failures: int = 0
    start_again_at: float | None = None


class Supervisor:
    """Keeps parts running until told to stop. All its methods run in the main thread."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self.running: dict[str, Running] = {}
        self.stopping = threading.Event()
        self._checked_logs_at = self._asked_at = 0.0

    def listen_for_signals(self) -> None:
        """Let Ctrl-C and a request to end stop everything in order; asked again a second later, without waiting."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        # A terminal that closes sends its signals twice at once; only a person asks again after a while.
        if self.stopping.is_set() and time.monotonic() > self._asked_at + PATIENCE_SECONDS:
            self._kill(self.running.values())
        elif not self.stopping.is_set():
            self._asked_at = time.monotonic()
        self.stopping.set()

    def start(self, parts: Iterable[Part]) -> None:
        """Start `parts` at once and return when all are ready; raises StartFailed when one is not."""
        batch = [self._spawn(part) for part in parts]
        for running in batch:
            part = running.part
            wait_until(
                lambda part=part: self.stopping.is_set() or part.ready(),  # type: ignore[misc]
                running.process,
                log=part.log,
                timeout_seconds=part.start_seconds,
            )
            if self.stopping.is_set():
                return
            running.ready = True
            self.say(f"{part.title} is ready ({time.monotonic() - running.started_at:.1f} s).")

    def _spawn(self, part: Part, *, failures: int = 0) -> Running:
        process = start(
            part.command,
            log=part.log,
            account=part.account,
            stop_signal=part.death_signal,
            environment=part.environment,
            folder=CODE,
        )
        self.running[part.name] = Running(part, process, time.monotonic(), failures=failures)
        note_processes(running.process.pid for running in self.running.values())
        return self.running[part.name]

    def watch(self) -> None:
        """Start again whatever ends, until told to stop."""
        while not self.stopping.wait(WATCH_SECONDS):
            for running in list(self.running.values()):
                self._watch_one(running)
            self._limit_logs()

    def _watch_one(self, running: Running) -> None:
        now, part = time.monotonic(), running.part
        if running.start_again_at is not None:
            if now >= running.start_again_at:
                self._spawn(part, failures=running.failures)
        elif running.process.poll() is not None:
            self._plan_restart(running, now)
        elif not running.ready:
            self._check_ready(running, now)

    def _plan_restart(self, running: Running, now: float) -> None:
        """Note when to start an ended process again, and end what it may have left behind."""
        _kill_group(running.process)
        steady = running.ready and now - running.started_at > STEADY_SECONDS
        failures = 0 if steady else running.failures
        pause_seconds = BACKOFF_SECONDS[min(failures, len(BACKOFF_SECONDS) - 1)]
        running.failures, running.start_again_at, running.ready = failures + 1, now + pause_seconds, False
        self.say(f"{running.part.title} ended ({_ending(running.process)}); starting it again in {pause_seconds:g} s.")

    def _check_ready(self, running: Running, now: float) -> None:
        part = running.part
        if part.ready():
            running.ready = True
            self.say(f"{part.title} is ready again.")
        elif now - running.started_at > part.start_seconds:
            self.say(f"{part.title} does not answer; ending it. Its log is {part.log}.")
            _kill_group(running.process)

    def stop(self) -> None:
        """Stop every part, the last started first; a part that does not stop in time is killed."""
        self.stopping.set()
        for order in sorted({running.part.order for running in self.running.values()}, reverse=True):
            batch = [running for running in self.running.values() if running.part.order == order]
            for running in batch:
                with contextlib.suppress(ProcessLookupError):
                    running.process.send_signal(running.part.stop_signal)
            for running in batch:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.process.wait(timeout=running.part.stop_seconds)
            self._kill(batch)
        self.running.clear()
        note_processes([])

    @staticmethod
    def _kill(batch: Iterable[Running]) -> None:
        for running in list(batch):
            _kill_group(running.process)

    def _limit_logs(self) -> None:
        if time.monotonic() < self._checked_logs_at + 10:
            return
        self._checked_logs_at = time.monotonic()
        for running in self.running.values():
            limit_log(running.part.log)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and all of its session's group, and wait for it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _ending(process: subprocess.Popen[bytes]) -> str:
    code = process.returncode
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def limit_log(log: Path, *, limit_bytes: int = LOG_BYTES) -> None:
    """Move a log that has grown past the limit to `<name>.log.1`; its writer, which only appends, goes on in place."""
    if log.exists() and log.stat().st_size > limit_bytes:
        shutil.copyfile(log, log.with_name(log.name + ".1"))
        os.truncate(log, 0)


def hold_home() -> TextIO:
    """Return the locked file that makes this process the home's only supervisor; it holds while the file is open.

    Raises AlreadyRunning. The kernel drops the lock with the process, however it ends.
    """
    lock = (room("run") / "lock").open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        pid, place = lock.read().strip(), read_endpoints().get("web_url")
        where = f"at {place}" if place else "and still starting"
        raise AlreadyRunning(f"Lectern is already running {where} (process {pid}).") from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


def note_processes(pids: Iterable[int]) -> None:
    """Write down the running processes, so that a later start can end any that outlived their supervisor."""
    notes = {}
    for pid in pids:
        with contextlib.suppress(psutil.NoSuchProcess):
            notes[pid] = psutil.Process(pid).create_time()
    (room("run") / "processes.json").write_text(json.dumps(notes))


def end_leftovers() -> list[str]:
    """End the processes of an earlier supervisor that was killed; return their names. Call with the home held."""
    path = room("run") / "processes.json"
    notes: dict[str, float] = json.loads(path.read_text() or "{}") if path.exists() else {}
    left = []
    for pid, created_at in notes.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(int(pid))
            if process.create_time() == created_at:
                left.append(process)
    for process in left:
        # PostgreSQL takes SIGTERM as "wait for every session to end"; SIGINT ends them.
        process.send_signal(signal.SIGINT if process.name().startswith("postgres") else signal.SIGTERM)
    names = [process.name() for process in left]
    for process in psutil.wait_procs(left, timeout=10)[1]:
        process.kill()
    path.unlink(missing_ok=True)
    return names
