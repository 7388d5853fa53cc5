"""`manage.py up`: everything that one Lectern needs on one machine, started, watched and stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from config.heartbeat import QUEUES
from local import llama_server, parts, postgres, valkey
from local.backups.restore import unfinished
from local.home import Endpoints, home, room, secret, write_endpoints
from local.model_files import ModelFile, chosen, fetch
from local.process import StartFailed, free_port, next_free_port
from local.supervisor import CODE, Part, Supervisor, end_leftovers, hold_home

DEFAULT_PORT = 8000


def up(say: Callable[[str], None]) -> None:
    """Run Lectern until it is told to stop.

    Raises AlreadyRunning, ModelUnavailable before anything is started; StartFailed after all is stopped again.
    """
    with hold_home():
        for name in end_leftovers():
            say(f"Ended {name}, left behind by a run that was killed.")
        say(f"Everything is kept in {home()}.")
        if unfinished():
            raise StartFailed("A restore into this home was cut off. Run `manage.py restore` again, which begins anew.")
        # A key alone is for a hosted model that the catalogue knows by LECTERN_LLM_MODEL.
        elsewhere = os.environ.get("LECTERN_LLM_URL") or os.environ.get("LECTERN_LLM_KEY")
        model = None if elsewhere else chosen()
        path = fetch(model) if model else None
        supervisor = Supervisor(say)
        supervisor.listen_for_signals()
        try:
            _run(supervisor, say, model, path)
        finally:
            say("Stopping.")
            supervisor.stop()
            (home() / "run" / "engines.json").unlink(missing_ok=True)
            say("Stopped.")


def _run(supervisor: Supervisor, say: Callable[[str], None], model: ModelFile | None, path: Path | None) -> None:
    """Start the parts in order, say where Lectern is, and watch until told to stop."""
    host, port = parts.bind_host(), _web_port(say)
    ports = _engine_ports()
    endpoints = _endpoints(ports, with_model=model is not None)
    write_endpoints(endpoints)
    supervisor.start(_engines(ports, model, path))
    if supervisor.stopping.is_set():
        return
    link = prepare()
    endpoints["web_url"] = f"http://{parts.own_address(host)}:{port}/"
    write_endpoints(endpoints)
    supervisor.start(_services(host, port, os.environ.get("REDIS_URL") or endpoints["redis_url"]))
    if not supervisor.stopping.is_set():
        _greet(say, endpoints["web_url"], link)
        supervisor.watch()


def _web_port(say: Callable[[str], None]) -> int:
    """Return LECTERN_PORT, or the next port that is free."""
    wanted = int(os.environ.get("LECTERN_PORT") or DEFAULT_PORT)
    port = next_free_port(wanted, host=parts.bind_host())
    if port != wanted:
        say(f"Port {wanted} is taken by another program; Lectern uses {port}.")
    return port


def _engine_ports() -> dict[str, int]:
    """Return a free port for each engine: the one it had in the last run where nobody has taken it."""
    notes = room("run") / "ports.json"
    last = json.loads(notes.read_text()) if notes.exists() else {}
    ports: dict[str, int] = {}
    for name in ("postgres", "valkey", "llama"):
        port = free_port(last.get(name, 0))
        while port in ports.values():
            port = free_port()
        ports[name] = port
    notes.write_text(json.dumps(ports))
    return ports


def _endpoints(ports: dict[str, int], *, with_model: bool) -> Endpoints:
    """Return the addresses of the engines that are ours to start; one named in the environment is not."""
    endpoints = Endpoints()
    if not os.environ.get("DATABASE_URL"):
        endpoints["database_url"] = postgres.url(ports["postgres"])
    if not os.environ.get("REDIS_URL"):
        endpoints["redis_url"] = valkey.url(ports["valkey"])
    if with_model:
        endpoints["llm_url"], endpoints["llm_key"] = llama_server.url(ports["llama"]), secret("llama")
    return endpoints


def _engines(ports: dict[str, int], model: ModelFile | None, path: Path | None) -> list[Part]:
    engines = []
    if not os.environ.get("DATABASE_URL"):
        engines.append(parts.database(ports["postgres"]))
    if not os.environ.get("REDIS_URL"):
        engines.append(parts.broker(ports["valkey"]))
    if model and path:
        engines.append(parts.language_model(model, path, ports["llama"]))
    return engines


def _services(host: str, port: int, redis_url: str) -> list[Part]:
    return [parts.web(host, port), *(parts.worker(queue, redis_url) for queue in QUEUES), parts.beat()]


def prepare() -> str:
    """Bring the database and the static files up to date; return the path of the first person's sign-in link.

    In a process of its own, since this one's settings were read before the engines had addresses.
    """
    done = subprocess.run(
        [sys.executable, "manage.py", "prepare"], cwd=CODE, capture_output=True, text=True, check=False
    )
    (room("logs") / "prepare.log").write_text(done.stderr)
    if done.returncode != 0:
        raise StartFailed("The database could not be brought up to date.\n" + "\n".join(done.stderr.splitlines()[-15:]))
    return done.stdout.strip()


def _greet(say: Callable[[str], None], address: str, link: str) -> None:
    say(f"Lectern is ready at {address}")
    if link:
        say(f"Sign in without a password (this link works once, for a day): {address.rstrip('/')}{link}")
    say(f"Ctrl-C stops it. Logs are in {home() / 'logs'}.")
