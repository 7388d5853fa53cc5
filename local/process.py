"""Child processes that never outlive their parent, and ports that nobody else uses."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h


class StartFailed(RuntimeError):
    """An engine ended, or did not answer in time; the message ends with the last lines of its log."""


def free_port(preferred: int = 0) -> int:
    """Return `preferred` if nothing listens on it at 127.0.0.1, else a port that the system says is free."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise StartFailed("This machine has no free port left.")


def _follow_parent(stop_signal: int, account: pwd.struct_passwd | None) -> Callable[[], None]:
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        if account is not None:
            os.initgroups(account.pw_name, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        # After setuid, which clears it. The kernel then stops the child even when the parent is killed outright.
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, stop_signal)

    return prepare


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    account: pwd.struct_passwd | None = None,
    stop_signal: int = signal.SIGTERM,
    environment: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log`, and return the process.

    A session of its own keeps the terminal's Ctrl-C from it: the supervisor decides the order of stopping.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_follow_parent(stop_signal, account),
            env={**os.environ, **(environment or {})},
        )


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, timeout_seconds: float) -> None:
    """Return once `ready()`; raises StartFailed when the process ends first or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
            state = f"ended with code {process.returncode}" if process.poll() is not None else "did not answer in time"
            raise StartFailed(f"{Path(str(process.args[0])).name} {state}.\n{tail}")  # type: ignore[index]
        time.sleep(0.05)
