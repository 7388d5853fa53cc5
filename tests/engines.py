"""The real PostgreSQL and Valkey for a test run, in a home of their own that is thrown away."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit


def start() -> None:
    """Start both engines and point the environment at them; Django must not have been set up yet."""
    home = Path(tempfile.mkdtemp(prefix="lectern-test-"))
    os.environ["LECTERN_HOME"] = str(home)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")

    from local import postgres, process, valkey

    running: list[tuple[subprocess.Popen[bytes], int]] = []

    def stop() -> None:
        for child, stop_signal in running:
            child.send_signal(stop_signal)
        for child, _ in running:
            child.wait(timeout=20)
        shutil.rmtree(home, ignore_errors=True)

    atexit.register(stop)
    log = home / "engines.log"
    postgres_port = process.free_port()
    postgres.install(home / "postgres")
    # Nothing in a test run has to survive a power cut.
    fast = ["--fsync=off", "--synchronous_commit=off", "--full_page_writes=off"]
    database = process.start(
        [*postgres.command(home / "postgres", postgres_port), *fast],
        log=log,
        account=postgres.account(),
        stop_signal=postgres.STOP_SIGNAL,
    )
    running.append((database, postgres.STOP_SIGNAL))
    valkey_port = process.free_port()
    broker = process.start(valkey.command(valkey.install(home / "valkey"), valkey_port), log=log)
    running.append((broker, signal.SIGTERM))
    process.wait_until(lambda: postgres.ready(postgres_port), database, log=log, timeout_seconds=60)
    process.wait_until(lambda: valkey.ready(valkey_port), broker, log=log, timeout_seconds=30)
    os.environ["DATABASE_URL"] = postgres.url(postgres_port)
    os.environ["REDIS_URL"] = valkey.url(valkey_port)


def product_environment() -> dict[str, str]:
    """Return the environment for a process of the product's own on the test's database."""
    from django.db import connection

    parts = urlsplit(os.environ["DATABASE_URL"])
    database = urlunsplit(parts._replace(path=f"/{connection.settings_dict['NAME']}"))
    return {**os.environ, "DATABASE_URL": database, "DJANGO_SETTINGS_MODULE": "config.settings"}
