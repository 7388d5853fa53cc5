"""Small look-ups of many streams, done together: what is asked for within a moment goes to the database as one query.

A stream has to ask now and then whether its reader may still follow, and what to draw. A thousand streams that ask one
by one keep the database and this process busier than the events do.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Future
from collections.abc import Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Lookup(Generic[Key, Value]):
    """Answers `await lookup(key)`; None for a key that nothing is found for.

    find: the values of all keys at once, on a thread whose database connection is given back afterwards.
    within_seconds: how long the first who asks waits for others.
    """

    def __init__(self, find: Callable[[Collection[Key]], Mapping[Key, Value]], *, within_seconds: float) -> None:
        self._find, self._within_seconds = find, within_seconds
        self._asked: dict[AbstractEventLoop, dict[Key, Future[Value | None]]] = {}

    async def __call__(self, key: Key) -> Value | None:
        loop = asyncio.get_running_loop()
        if loop not in self._asked:
            self._asked[loop] = {}
            loop.call_later(self._within_seconds, lambda: loop.create_task(self._answer(self._asked.pop(loop))))
        found = self._asked[loop].setdefault(key, loop.create_future())
        return await asyncio.shield(found)  # whoever goes away takes nobody else's answer along

    async def _answer(self, asked: dict[Key, Future[Value | None]]) -> None:
        try:
            found = await sync_to_async(self._found, thread_sensitive=False)(list(asked))
        except Exception as error:
            for future in asked.values():
                future.set_exception(error)
            return
        for key, future in asked.items():
            future.set_result(found.get(key))

    def _found(self, keys: Collection[Key]) -> Mapping[Key, Value]:
        try:
            return self._find(keys)
        finally:
            connections.close_all()
