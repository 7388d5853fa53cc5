"""Where words are kept: every column of every table, every key and value of Valkey, every file of the data folders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import redis
from django.conf import settings
from django.db import connection

from local.home import room

# It keeps the name and the id of what was deleted, and who did it: that is what it is for.
AUDIT = "workspaces_auditevent"


def traces(words: Iterable[str]) -> list[str]:
    """Return the places in which any of the words stands, each with the word, in order."""
    wanted = [(word, word.lower().encode()) for word in words]
    found = {f"{place}: {word}" for place, held in _held() for word, bytes in wanted if bytes in held.lower()}
    return sorted(found)


def _held() -> Iterator[tuple[str, bytes]]:
    """Yield every place and what it holds."""
    yield from _tables()
    yield from _keys()
    for folder in {Path(settings.MEDIA_ROOT), *(room(name) for name in ("slots", "mail", "uploads", "files"))}:
        for path in folder.rglob("*"):
            if path.is_file():
                yield f"file {path.relative_to(folder)}", str(path).encode() + path.read_bytes()


def _tables() -> Iterator[tuple[str, bytes]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = current_schema() AND table_name <> %s ORDER BY table_name, ordinal_position",
            [AUDIT],
        )
        for table, column, kind in cursor.fetchall():
            as_bytes = f'"{column}"' if kind == "bytea" else f"convert_to(\"{column}\"::text, 'UTF8')"
            cursor.execute(f'SELECT {as_bytes} FROM "{table}" WHERE "{column}" IS NOT NULL')
            for (value,) in cursor.fetchall():
                yield f"{table}.{column}", bytes(value)


def _keys() -> Iterator[tuple[str, bytes]]:
    client = redis.Redis.from_url(settings.REDIS_URL)
    readers = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"list": lambda key: client.lrange(key, 0, -1),
        b"set": client.smembers,
        b"zset": lambda key: client.zrange(key, 0, -1),
        b"stream": client.xrange,
    }
    for key in client.scan_iter():
        value = readers[client.type(key)](key)
        yield f"key {key.decode()}", key + (value if isinstance(value, bytes) else repr(value).encode())
