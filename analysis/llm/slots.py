"""The bundled server's slots: which are people's, who has one now, and which documents each has already read."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast
from uuid import uuid4

import redis.exceptions
from redis.lock import Lock

from analysis.beat import beating
from analysis.llm.catalogue import LLM
from analysis.progress import connection
from analysis.types import Priority

LOCK_SECONDS = 30
LOOK_SECONDS = 0.1
TICKET_SECONDS = 5  # who has not looked for this long stands in the line no more
PLACES = 10**12  # more than will ever stand in line: a priority's places come before all of the next one's


@dataclass(frozen=True)
class Slot:
    """A slot that is ours for now. held: the prefix key of what it read last, "" if unknown."""

    number: int
    held: str


def peoples_slots(llm: LLM) -> list[int]:
    """Return the slots that answer people: all but the last, which reads in the background."""
    return list(range(max(1, llm.slots - 1)))


def background_slot(llm: LLM) -> int:
    """Return the slot that reads in the background."""
    return llm.slots - 1


def slots_for(llm: LLM, priority: Priority) -> list[int]:
    """Return the slots that work of this priority may have: sweeps share one, so that a person finds a free one."""
    if priority is Priority.AHEAD:
        return [background_slot(llm)]
    return peoples_slots(llm) if priority is Priority.PERSON else peoples_slots(llm)[-1:]


@contextmanager
def slot_for(
    llm: LLM,
    key: str,
    *,
    should_stop: Callable[[], bool],
    priority: Priority = Priority.PERSON,
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[Slot | None]:
    """Hold a slot, best the one that has read `key`; None if stopped before one was free.

    Who comes first is served first, people before everybody else.
    """
    lock, number = _taken(llm, key, priority, should_stop, on_wait)
    if lock is None:
        yield None
        return
    try:
        held = read_by(llm).get(number, "")
        # Until the next prompt has been read nobody knows what the slot holds.
        remember_read(llm, number, "")
        with beating(lambda: lock.extend(LOCK_SECONDS, replace_ttl=True), every_seconds=LOCK_SECONDS / 3):
            yield Slot(number, held)
    finally:
        _give_back(lock)


def read_by(llm: LLM) -> dict[int, str]:
    """Return the prefix key that each slot has read, as far as is known."""
    entries = _entries(llm)
    return {int(number): entry.partition("@")[0] for number, entry in entries.items()}


def remember_read(llm: LLM, number: int, key: str) -> None:
    """Note what a slot has read now."""
    connection().hset(_read_name(llm), str(number), f"{key}@{time.time():.3f}")


def _taken(
    llm: LLM, key: str, priority: Priority, should_stop: Callable[[], bool], on_wait: Callable[[], None]
) -> tuple[Lock | None, int]:
    waited = False
    with _in_line(llm, priority) as ticket:
        while not should_stop():
            for number in _preferred(llm, key, _open_to(llm, ticket)):
                lock = connection().lock(f"{_read_name(llm)}:{number}", timeout=LOCK_SECONDS, thread_local=False)
                if lock.acquire(blocking=False):
                    return lock, number
            if not waited:
                on_wait()
                waited = True
            time.sleep(LOOK_SECONDS)
    return None, -1


@contextmanager
def _in_line(llm: LLM, priority: Priority) -> Iterator[str]:
    """Stand in the line for slots; the ticket names those that will do."""
    line = _line(llm)
    wanted = ",".join(str(number) for number in slots_for(llm, priority))
    ticket = f"{uuid4().hex}:{wanted}"
    place = priority * PLACES + connection().incr(f"{line}:last")
    _still_here(ticket)
    connection().zadd(line, {ticket: place})
    try:
        yield ticket
    finally:
        connection().zrem(line, ticket)


def _open_to(llm: LLM, ticket: str) -> list[int]:
    """Return the slots of the ticket that nobody before it in the line waits for."""
    _still_here(ticket)
    before: set[str] = set()
    for other in cast("list[str]", connection().zrange(_line(llm), 0, -1)):
        if other == ticket:
            break
        if connection().exists(_here(other)):
            before |= _wanted(other)
        else:  # its process has died
            connection().zrem(_line(llm), other)
    return sorted(int(number) for number in _wanted(ticket) - before)


def _wanted(ticket: str) -> set[str]:
    return set(ticket.partition(":")[2].split(","))


def _still_here(ticket: str) -> None:
    connection().set(_here(ticket), 1, ex=TICKET_SECONDS)


def _here(ticket: str) -> str:
    return f"lectern:ticket:{ticket}"


def _line(llm: LLM) -> str:
    return f"{_read_name(llm)}:line"


def _preferred(llm: LLM, key: str, among: list[int]) -> list[int]:
    """Return the slots in order: one that has read `key`, then those longest unused."""
    entries = _entries(llm)

    def rank(number: int) -> tuple[bool, float]:
        held, _, used_at = entries.get(str(number), "@0").partition("@")
        return (held != key, float(used_at))

    return sorted(among, key=rank)


def _entries(llm: LLM) -> dict[str, str]:
    return cast("dict[str, str]", connection().hgetall(_read_name(llm)))


def _give_back(lock: Lock) -> None:
    # An error means that it ran out while this process was suspended: whoever took it since has it now.
    with contextlib.suppress(redis.exceptions.LockError):
        lock.release()


def _read_name(llm: LLM) -> str:
    return f"lectern:slots:{llm.base_url}"
