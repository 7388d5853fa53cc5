"""Followers of event streams: one reader for all that a process follows, whatever their number.

    async for events in follow(answer_stream(answer.pk), after):  # a list of events, or None as a heartbeat
        ...

Every event rings: `progress.emit` publishes on a channel with the stream's name. The hub listens to the channels of
the streams that somebody follows here, reads with one command what is new in all that have rung, and hands it on; two
connections to Redis are all it takes. A bell carries nothing. What counts is the stream, read from the place up to
which the hub has read it, so a bell too many or too few can cost time and never an event: streams are also read
whenever a subscription begins (again), and all of them at every heartbeat.

Each follower has a place of its own. It catches up from there by itself, as does one that cannot keep up, and takes
from the hub what comes after. Whoever wants further kinds of events (who is here, who writes a comment) emits them to
the stream that its readers follow already, a workspace's or an answer's, and passes `about` to hear of one row only.

When Redis is lost every follower gets its error, and readers come back with the id of the last event that they have.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from asyncio import AbstractEventLoop
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import redis
import redis.asyncio
from django.conf import settings

from analysis import progress
from analysis.progress import Event, event_of, place

PAUSE_SECONDS = 0.05  # between two reads: many events then cost one, and nobody reads words faster
BATCH = 500  # events of one stream that are read at once
MOST_WAITING = 2000  # events kept for a follower; one that falls further behind reads them itself when it gets to them
OWN_CHANNEL = "lectern:hub"  # rung by nobody: a connection without any channel cannot be listened to

_hubs: dict[AbstractEventLoop, Hub] = {}


async def follow(stream: str, after: str = "0", *, about: object = "") -> AsyncGenerator[list[Event] | None, None]:
    """Yield the events after id `after` in batches as they come, for ever; None as a heartbeat when there is nothing.

    about: only events whose data has this as its `id`. Raises redis.RedisError when the stream cannot be read.
    """
    follower = _hub().join(stream, after, str(about))
    try:
        while True:
            try:
                yield await follower.next(progress.HEARTBEAT_SECONDS)
            except TimeoutError:
                yield None
    finally:
        follower.leave()


def _hub() -> Hub:
    """Return the hub of this event loop, begun now if nobody has followed anything."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub(loop)
    return _hubs[loop]


class Channel:
    """A stream that is followed here. read_to: the id up to which it was handed on; "" until a follower has caught up.

    heard: set once its bell is heard here, before which nobody may rely on it.
    """

    def __init__(self, stream: str) -> None:
        self.stream = stream
        self.read_to = ""
        self.heard = asyncio.Event()
        self.followers: set[Follower] = set()

    def hand_on(self, events: Sequence[Event]) -> None:
        self.read_to = events[-1].id
        for follower in self.followers:
            follower.take(events)


class Follower:
    """One reader of a stream and what waits for it. after: the last id that it has been given or need not be."""

    def __init__(self, hub: Hub, channel: Channel, after: str, about: str) -> None:
        self.after = after
        self._hub, self._channel, self._about = hub, channel, about
        self._taken = after  # the last id of what waits
        self._waiting: list[Event] = []
        self._behind = True
        self._rung = asyncio.Event()

    async def next(self, timeout_seconds: float) -> list[Event]:
        """Return the next events, in order. Raises TimeoutError when none came for so long, redis.RedisError."""
        async with asyncio.timeout(timeout_seconds):
            await self._channel.heard.wait()
        while True:
            if self._hub.error is not None:
                raise self._hub.error
            events = await self._caught_up() if self._behind else self._take_waiting()
            if events:
                return events
            if not self._behind:
                async with asyncio.timeout(timeout_seconds):
                    await self._rung.wait()

    def take(self, events: Sequence[Event]) -> None:
        """Have events wait for the reader, unless it reads for itself."""
        if self._behind:
            return
        if place(events[0].id) <= place(self._taken):
            events = [event for event in events if place(event.id) > place(self._taken)]
        if not events:
            return
        self._taken = events[-1].id
        self._waiting += self._wanted(events)
        if len(self._waiting) > MOST_WAITING:
            self._waiting, self._behind = [], True
        if self._waiting or self._behind:
            self._rung.set()

    def wake(self) -> None:
        self._channel.heard.set()
        self._rung.set()

    def leave(self) -> None:
        self._channel.followers.discard(self)
        self._hub.ring()

    def _take_waiting(self) -> list[Event]:
        self._rung.clear()
        events, self._waiting = self._waiting, []
        self.after = self._taken
        return events

    async def _caught_up(self) -> list[Event]:
        """Return the events that come next in the stream; from the hub from now on if these were the last so far.

        Without a wait in between: the hub's place in the stream is not past this one, so what follows is handed on.
        """
        events = await self._hub.read(self._channel.stream, self.after)
        if events:
            self.after = self._taken = events[-1].id
        channel = self._channel
        if len(events) < BATCH and (not channel.read_to or place(channel.read_to) <= place(self.after)):
            self._behind = False
            channel.read_to = channel.read_to or self.after
            self._hub.ring(channel.stream)
        return self._wanted(events)

    def _wanted(self, events: Sequence[Event]) -> list[Event]:
        return [event for event in events if not self._about or str(event.data.get("id")) == self._about]


class Hub:
    """The one reader of an event loop, from the first follower to the last one's end. error: what it died of."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.error: redis.RedisError | None = None
        self._loop = loop
        self._channels: dict[str, Channel] = {}
        self._listened: set[str] = set()
        self._unread: set[str] = set()
        self._rung = asyncio.Event()
        self._reads: set[asyncio.Task[list[Event]]] = set()
        self._redis = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, decode_responses=True, single_connection_client=True
        )
        self._bells = self._redis.pubsub()
        self._task = loop.create_task(self._run())

    def join(self, stream: str, after: str, about: str) -> Follower:
        """Return a new follower of `stream`."""
        channel = self._channels.get(stream)
        if channel is None:
            channel = self._channels[stream] = Channel(stream)
        follower = Follower(self, channel, after, about)
        channel.followers.add(follower)
        self.ring()
        return follower

    def ring(self, stream: str = "") -> None:
        """Have the reader look at the followers, and at `stream`."""
        if stream:
            self._unread.add(stream)
        self._rung.set()

    async def read(self, stream: str, after: str) -> list[Event]:
        """Return up to BATCH events after id `after`, oldest first. Whoever goes away meanwhile cuts nobody short."""
        task = self._loop.create_task(self._read_after(stream, after))
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)
        return await asyncio.shield(task)

    async def _read_after(self, stream: str, after: str) -> list[Event]:
        start = f"({after}" if after != "0" else "-"
        entries: Any = await self._redis.xrange(stream, min=start, count=BATCH)
        return [event_of(*entry) for entry in entries]

    async def _run(self) -> None:
        parts: set[asyncio.Task[None]] = set()
        try:
            await self._bells.subscribe(OWN_CHANNEL)
            parts = {self._loop.create_task(self._listen()), self._loop.create_task(self._read())}
            done, _ = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in done:
                part.result()
        except redis.RedisError as error:
            self.error = error
        finally:
            self._take_no_more()
            self._wake_all()
            for part in parts:
                part.cancel()
            await asyncio.gather(*parts, *self._reads, return_exceptions=True)
            for each in (self._bells, self._redis):
                with contextlib.suppress(redis.RedisError, OSError):
                    await each.aclose()

    def _take_no_more(self) -> None:
        if _hubs.get(self._loop) is self:
            del _hubs[self._loop]

    def _wake_all(self) -> None:
        """Let every follower know that nothing more comes from here."""
        self.error = self.error or redis.ConnectionError("Nobody reads the streams any more.")
        for channel in self._channels.values():
            for follower in channel.followers:
                follower.wake()

    async def _listen(self) -> None:
        """Note which streams have rung, for ever, and all of them at each heartbeat."""
        all_read_at = time.monotonic()
        while True:
            message = await self._bells.get_message(timeout=progress.HEARTBEAT_SECONDS)
            if message is not None and message["channel"] in self._channels:
                if message["type"] == "subscribe":
                    self._channels[message["channel"]].heard.set()
                self.ring(message["channel"])
            if time.monotonic() - all_read_at > progress.HEARTBEAT_SECONDS:
                all_read_at = time.monotonic()
                self._unread |= self._channels.keys()
                self.ring()

    async def _read(self) -> None:
        """Hand on what is new in the streams that have rung, until nobody follows any."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            await self._subscribe()
            if not self._channels:
                self._take_no_more()
                return
            channels = {name: self._channels[name] for name in self._unread if name in self._channels}
            self._unread.clear()
            places: Any = {name: channel.read_to for name, channel in channels.items() if channel.read_to}
            if places:
                found: Any = await self._redis.xread(places, count=BATCH)
                for name, entries in dict(found or {}).items():
                    channels[name].hand_on([event_of(*entry) for entry in entries])
                    if len(entries) == BATCH:
                        self.ring(name)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _subscribe(self) -> None:
        """Listen to the bells of the streams that are followed, and to no others."""
        left = [name for name, channel in self._channels.items() if not channel.followers]
        for name in left:
            del self._channels[name]
        come = self._channels.keys() - self._listened
        gone = self._listened - self._channels.keys()
        self._listened = set(self._channels)
        if gone:
            await self._bells.unsubscribe(*gone)
        if come:
            await self._bells.subscribe(*come)
