"""The hub: every follower gets every event once, in order and from its own place, whatever becomes of connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any
from uuid import uuid4

import pytest
import redis
from asgiref.sync import sync_to_async

from analysis import hub, progress
from analysis.hub import follow
from analysis.lookups import Lookup
from analysis.progress import connection, emit


@pytest.fixture
def stream() -> str:
    return progress.answer_stream(uuid4())


def write(stream: str, numbers: range, id: str = "") -> list[str]:
    return [emit(stream, "token", {"number": number, "id": id}) for number in numbers]


async def heard(stream: str, count: int, after: str = "0", **more: Any) -> list[int]:
    """Return the numbers of the next `count` events; whoever is cut off comes back with the last id that came."""
    found: list[int] = []
    async with asyncio.timeout(30):
        while len(found) < count:
            try:
                async with aclosing(follow(stream, after, **more)) as batches:
                    async for events in batches:
                        for event in events or []:
                            found.append(event.data["number"])
                            after = event.id
                        if len(found) >= count:
                            break
            except redis.RedisError:
                continue
    return found


async def test_each_follower_gets_what_comes_after_its_own_place(stream: str) -> None:
    ids = write(stream, range(10))
    followers = [asyncio.create_task(heard(stream, 20 - n, ids[n - 1] if n else "0")) for n in (0, 3, 10)]
    for start in range(10, 20, 2):
        await asyncio.sleep(0)
        await sync_to_async(write)(stream, range(start, start + 2))
    assert await asyncio.gather(*followers) == [[*range(20)], [*range(3, 20)], [*range(10, 20)]]


async def test_many_followers_of_many_streams_take_two_connections() -> None:
    before = connection().client_list()
    streams = [progress.answer_stream(uuid4()) for _ in range(40)]
    followers = [asyncio.create_task(heard(stream, 6)) for stream in streams for _ in range(2)]
    await sync_to_async(lambda: [write(stream, range(3)) for stream in streams])()
    ours = {client["id"] for client in await sync_to_async(connection().client_list)()} - {c["id"] for c in before}
    await sync_to_async(lambda: [write(stream, range(3, 6)) for stream in streams])()
    assert await asyncio.gather(*followers) == [[*range(6)]] * 80
    assert len(ours) <= 2


async def test_whoever_asks_for_one_row_hears_of_no_other(stream: str) -> None:
    write(stream, range(600), "other")  # more than one read brings
    write(stream, range(3), "mine")
    follower = asyncio.create_task(heard(stream, 6, about="mine"))
    await asyncio.sleep(0.2)
    write(stream, range(600, 603), "other")
    write(stream, range(3, 6), "mine")
    assert await follower == [*range(6)]


async def test_one_that_cannot_keep_up_misses_nothing(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "MOST_WAITING", 20)
    write(stream, range(1))
    found: list[int] = []
    async with aclosing(follow(stream)) as batches, asyncio.timeout(30):
        for start in range(1, 302, 50):
            events = await anext(batches)
            found += [event.data["number"] for event in events or []]
            await sync_to_async(write)(stream, range(start, start + 50))
            await asyncio.sleep(0.1)  # they come while nobody takes them
        while len(found) < 351:
            found += [event.data["number"] for event in await anext(batches) or []]
    assert found == [*range(351)]


async def test_without_its_bell_an_event_comes_at_the_heartbeat(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.3)
    follower = asyncio.create_task(heard(stream, 2))
    write(stream, range(1))
    await asyncio.sleep(0.1)
    connection().xadd(stream, {"event": "token", "data": '{"number": 1}'})
    assert await follower == [0, 1]


@pytest.mark.parametrize("kind", ["pubsub", "normal"])
async def test_a_connection_that_is_cut_costs_no_event(stream: str, kind: str) -> None:
    followers = [asyncio.create_task(heard(stream, 40)) for _ in range(3)]
    for start in range(0, 40, 10):
        await sync_to_async(write)(stream, range(start, start + 10))
        await asyncio.sleep(0.06)
        await sync_to_async(connection().client_kill_filter)(_type=kind, skipme=True)
    assert await asyncio.gather(*followers) == [[*range(40)]] * 3


async def test_a_hub_ends_with_its_last_follower_and_begins_again_with_the_next(stream: str) -> None:
    write(stream, range(2))
    for _ in range(3):
        assert await heard(stream, 2) == [0, 1]
        [running] = hub._hubs.values()
        async with asyncio.timeout(5):
            await running._task
        assert hub._hubs == {}


async def test_what_is_asked_for_within_a_moment_is_looked_up_at_once() -> None:
    asked: list[set[int]] = []

    def squares(numbers: Any) -> dict[int, int]:
        asked.append(set(numbers))
        return {number: number**2 for number in numbers if number != 3}

    square = Lookup(squares, within_seconds=0.05)
    assert await asyncio.gather(*map(square, [1, 2, 2, 3])) == [1, 4, 4, None]
    assert await square(1) == 1
    assert asked == [{1, 2, 3}, {1}]


async def test_whoever_asked_is_told_of_the_failure_and_others_who_left_are_not_missed() -> None:
    def fail(numbers: Any) -> dict[int, int]:
        raise ValueError("no")

    lookup = Lookup(fail, within_seconds=0.05)
    gone, waiting = asyncio.create_task(lookup(1)), asyncio.create_task(lookup(1))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(ValueError, match="no"):
        await waiting


@pytest.fixture(autouse=True)
async def no_hub_left() -> AsyncIterator[None]:
    """Let the hub of a test's loop close its connections within the loop."""
    yield
    for running in list(hub._hubs.values()):
        running.ring()
        await running._task
