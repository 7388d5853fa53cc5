"""Where one Lectern keeps everything: the folder LECTERN_HOME, its rooms and its secrets."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import TypedDict


class Endpoints(TypedDict, total=False):
    """Addresses of the engines that `manage.py up` started, as written to run/engines.json."""

    database_url: str
    redis_url: str
    llm_url: str
    llm_key: str
    web_url: str


def home() -> Path:
    """Return LECTERN_HOME (default: .lectern beside manage.py), which may not exist yet."""
    return Path(os.environ.get("LECTERN_HOME") or Path(__file__).resolve().parent.parent / ".lectern").resolve()


def room(name: str) -> Path:
    """Return the folder `name` of the home, made if missing."""
    folder = home() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def secret(name: str) -> str:
    """Return the secret `name`, made at random on first use and readable by its owner only."""
    path = room("secrets") / name
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(48))
        # A link fails where the name is taken: of two processes that start together one wins, and both read it.
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        os.unlink(draft)
    return path.read_text()


def read_endpoints() -> Endpoints:
    """Return the running engines' addresses; empty when nothing has been started in this home."""
    try:
        endpoints: Endpoints = json.loads((home() / "run" / "engines.json").read_text())
    except FileNotFoundError:
        return {}
    return endpoints


def write_endpoints(endpoints: Endpoints) -> None:
    """Replace run/engines.json in one step, so that no reader sees half a file."""
    path = room("run") / "engines.json"
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(endpoints, indent=1))
    partial.replace(path)
