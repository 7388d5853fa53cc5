"""Limits that this process puts on itself before it opens a hostile file."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000
_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38


def confine(
    path: Path, *, memory_bytes: int, cpu_seconds: int, file_bytes: int, parent: int, network: bool = False
) -> None:
    """Limit this process for good. Call it before any library starts a thread: a user namespace needs a lone one.

    network: leave it the network, to which it has no way otherwise where the kernel allows that.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    if sys.platform == "linux":
        _confine_linux(path, parent, network)
    # macOS knows the limit and refuses to set it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _confine_linux(path: Path, parent: int, network: bool) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    # In a user namespace root is nobody in particular: it would lose files that belong to somebody else.
    if not network and path.stat().st_uid == os.geteuid():
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
