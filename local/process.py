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


def free_port(preferred: int = 0, *, host: str = "127.0.0.1") -> int:
    """Return `preferred` if nothing listens on it at `host`, else a port that the system says is free."""
    for port in (preferred, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            # As servers do: a port whose last connections are only being wound up counts as free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise StartFailed("This machine has no free port left.")


def next_free_port(first: int, *, host: str = "127.0.0.1", tries: int = 100) -> int:
    """Return the first port from `first` upwards that nothing listens on at `host`."""
    for port in range(first, first + tries):
        if free_port(port, host=host) == port:
            return port
    raise StartFailed(f"The ports from {first} to {first + tries - 1} are all taken; set LECTERN_PORT to another.")


def _libc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(death_signal: int = signal.SIGKILL) -> None:
    """Have the kernel (Linux) send this process `death_signal` when its parent ends, however that ends."""
    libc = _libc()
    if libc is not None:
        libc.prctl(PR_SET_PDEATHSIG, death_signal)


def _follow_parent(death_signal: int, account: pwd.struct_passwd | None) -> Callable[[], None]:
    libc = _libc()

    def prepare() -> None:
        if account is not None:
            os.initgroups(account.pw_name, account.pw_gid)
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)
        # After setuid, which clears it. The kernel then stops the child even when the parent is killed outright.
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, death_signal)

    return prepare


def start(
    command: Sequence[str | Path],
    *,
    log: Path,
    account: pwd.struct_passwd | None = None,
    stop_signal: int = signal.SIGTERM,
    environment: dict[str, str] | None = None,
    folder: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, its output appended to `log`, and return the process.

    A session of its own keeps the terminal's Ctrl-C from it: the supervisor decides the order of stopping.
    stop_signal: what it is sent when this process dies; call from the main thread, whose death the kernel watches.
    """
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=_follow_parent(stop_signal, account),  # noqa: PLW1509  starts happen in the main thread
            cwd=folder,
            env={**os.environ, **(environment or {})},
        )


def wait_until(
    ready: Callable[[], bool], process: subprocess.Popen[bytes], *, log: Path, timeout_seconds: float
) -> None:
    """Return once `ready()`; raises StartFailed when the process ends first or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
            state = f"ended with code {process.returncode}" if process.poll() is not None else "did not answer in time"
            raise StartFailed(f"{Path(str(process.args[0])).name} {state}.\n{tail}")  # type: ignore[index]
        time.sleep(0.05)
