"""What every process counts: each adds what is new to one hash in Redis every few seconds.

So the sums are right whatever processes and hosts there are, and go on over restarts of any of them. They begin anew
with Redis, which Prometheus takes for what it is. A process that is killed takes its last two seconds with it. Counting
itself never waits for Redis, and never fails.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import redis

SUMS = "lectern:tally"
HELD = "lectern:tally:held"
FLUSH_SECONDS = 2.0
FORGOTTEN_SECONDS = 15.0  # what a process holds counts no more after this silence of it
# Upper bounds of a histogram's classes, in seconds; what is slower is in the last one, without a bound.
BOUNDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

_lock = threading.Lock()
_new: defaultdict[str, float] = defaultdict(float)
_held: defaultdict[str, int] = defaultdict(int)
_flusher: threading.Thread | None = None


@dataclass(frozen=True)
class Sum:
    """A sum as it stands: of which name, under which labels."""

    name: str
    labels: dict[str, str]
    value: float


def count(name: str, by: float = 1, **labels: str) -> None:
    """Add to a sum; kept in this process for a moment, then added to what all have counted."""
    with _lock:
        _new[_field(name, labels)] += by
    _keep_flushing()


def observe(name: str, seconds: float, **labels: str) -> None:
    """Add a duration to a histogram: to the class it falls into, and to the sum of all."""
    bound = next((str(bound) for bound in BOUNDS if seconds <= bound), "+Inf")
    with _lock:
        _new[_field(f"{name}_class", labels | {"le": bound})] += 1
        _new[_field(f"{name}_seconds", labels)] += seconds
    _keep_flushing()


@contextmanager
def holding(name: str) -> Iterator[None]:
    """Count one more of `name` as held by this process for as long as the block lasts."""
    with _lock:
        _held[name] += 1
    _keep_flushing()
    try:
        yield
    finally:
        with _lock:
            _held[name] -= 1


def flush() -> None:
    """Add what is new to Redis now, and write down what is held. What cannot be written is kept for the next time."""
    from analysis.progress import connection

    with _lock:
        new, held = dict(_new), dict(_held)
        _new.clear()
    if not new and not held:
        return
    try:
        pipe = connection().pipeline(transaction=True)
        for field, value in new.items():
            pipe.hincrbyfloat(SUMS, field, value)
        for name, number in held.items():
            pipe.hset(HELD, f"{_process()} {name}", f"{number} {time.time():.1f}")
        pipe.execute()
    except redis.RedisError:
        with _lock:
            for field, value in new.items():
                _new[field] += value


def sums(client: redis.Redis) -> list[Sum]:
    """Return all sums; raises redis.RedisError."""
    rows: dict[Any, Any] = client.hgetall(SUMS)
    named = [(json.loads(field), float(value)) for field, value in sorted(rows.items())]
    return [Sum(name, labels, value) for (name, labels), value in named]


def held(client: redis.Redis, name: str) -> int:
    """Return how many of `name` all living processes hold; raises redis.RedisError."""
    rows: dict[Any, Any] = client.hgetall(HELD)
    total, silent = 0, []
    for field, value in rows.items():
        number, written_at = value.split()
        if float(written_at) < time.time() - FORGOTTEN_SECONDS:
            silent.append(field)
        elif field.endswith(f" {name}"):
            total += int(number)
    if silent:
        client.hdel(HELD, *silent)
    return total


def _field(name: str, labels: dict[str, str]) -> str:
    return json.dumps([name, dict(sorted(labels.items()))])


def _process() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def _keep_flushing() -> None:
    """Have a thread of this process flush from now on."""
    global _flusher  # noqa: PLW0603  one thread for the process
    if _flusher is None:
        with _lock:
            if _flusher is None:
                _flusher = threading.Thread(target=_flush_for_ever, name="tally", daemon=True)
                _flusher.start()


def _flush_for_ever() -> None:
    while True:
        time.sleep(FLUSH_SECONDS)
        flush()


def _begin_in_child() -> None:
    """Leave to the parent what it has counted; a thread does not come along into a child."""
    global _flusher, _lock  # noqa: PLW0603
    _lock = threading.Lock()
    _flusher = None
    _new.clear()
    _held.clear()


os.register_at_fork(after_in_child=_begin_in_child)
atexit.register(flush)
