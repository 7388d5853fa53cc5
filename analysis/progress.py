"""Run events: write and replay (Redis Streams). `analysis.hub` follows them for pages.

Every run (an answer, a workspace's live list) has one stream. Its entry ids are the SSE ids, so a reader that comes
back with `Last-Event-ID` gets exactly what it has not seen. Token events carry `start_char`, the place of their text in
the answer: a reader keeps `text[:start_char] + event text`, so neither a replay nor a run that starts again after a
worker's death can repeat or lose a word.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from django.conf import settings

HEARTBEAT_SECONDS = 15
KEEP_SECONDS = 24 * 3600
LAST_EVENTS = frozenset({"done", "failed"})


@dataclass(frozen=True)
class Event:
    """One event. id: the stream entry's id ("1700000000000-0")."""

    id: str
    name: str
    data: dict[str, Any]


def answer_stream(answer_id: object) -> str:
    """Return the stream that an answer's events go to: progress, token, reasoning, answer, done, failed."""
    return f"lectern:answer:{answer_id}"


def review_stream(review_id: object) -> str:
    """Return the stream that a review's events go to: progress, done, failed."""
    return f"lectern:review:{review_id}"


def workspace_stream(workspace_id: object) -> str:
    """Return the stream of a workspace's live list: `document`, `repository` and `question` events with an id."""
    return f"lectern:workspace:{workspace_id}"


@cache
def connection() -> redis.Redis:
    """Return this process's Redis client (thread-safe, pooled)."""
    return redis.Redis.from_url(settings.REDIS_URL, decode_responses=True)


def emit(stream: str, name: str, data: dict[str, Any], *, keep: int | None = None) -> str:
    """Append an event, ring for those who follow, and return its id. keep: about how many to keep; all by default."""
    pipe = connection().pipeline(transaction=False)
    pipe.xadd(stream, {"event": name, "data": json.dumps(data)}, maxlen=keep, approximate=True)
    pipe.expire(stream, KEEP_SECONDS)
    pipe.publish(stream, "")
    entry_id: str = pipe.execute()[0]
    return entry_id


def announce_document(workspace_id: object, document_id: object) -> None:
    """Tell the workspace's live list that a document's row should be drawn again."""
    emit(workspace_stream(workspace_id), "document", {"id": str(document_id)}, keep=1000)


def announce_repository(workspace_id: object, repository_id: object) -> None:
    """Tell the workspace's live list that a repository's row should be drawn again."""
    emit(workspace_stream(workspace_id), "repository", {"id": str(repository_id)}, keep=1000)


def replay(stream: str, after: str = "0") -> list[Event]:
    """Return the events after id `after`, oldest first."""
    entries: Any = connection().xrange(stream, min=f"({after}" if after != "0" else "-")
    return [event_of(*entry) for entry in entries]


def listen(stream: str, after: str = "0") -> Iterator[Event]:
    """Yield the events after id `after` as they come, up to a run's last one; for readers with a thread to spare."""
    while True:
        reply: Any = connection().xread({stream: after}, block=1000, count=500)
        for entry in reply[0][1] if reply else []:
            event = event_of(*entry)
            yield event
            if event.name in LAST_EVENTS:
                return
            after = event.id


def newest(stream: str) -> Event | None:
    """Return the last event so far; None for a stream that is empty or has expired."""
    entries: Any = connection().xrevrange(stream, count=1)
    return event_of(*entries[0]) if entries else None


def drop(stream: str, name: str) -> None:
    """Delete the events called `name`; the others keep their ids."""
    entries: Any = connection().xrange(stream)
    dropped = [entry_id for entry_id, fields in entries if fields["event"] == name]
    if dropped:
        connection().xdel(stream, *dropped)


def forget(stream: str) -> None:
    """Delete a stream."""
    connection().delete(stream)


def event_of(entry_id: str, fields: dict[str, str]) -> Event:
    """Return the event that a stream's entry holds."""
    return Event(entry_id, fields["event"], json.loads(fields["data"]))


def place(event_id: str) -> tuple[int, int]:
    """Return an id as what ids are compared by."""
    milliseconds, _, ordinal = event_id.partition("-")
    return int(milliseconds), int(ordinal or 0)
