"""What `manage.py up` decides before it starts anything, and one whole run of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from local import home, model_files, parts, postgres, process, up
from local.process import StartFailed, free_port, wait_until
from tests.local.test_process import soon

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def own_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A home outside pytest's folder, which pytest closes to PostgreSQL's account whenever it starts."""
    with tempfile.TemporaryDirectory(prefix="lectern-test-") as folder:
        monkeypatch.setenv("LECTERN_HOME", folder)
        yield Path(folder)


def test_engines_keep_their_ports_while_nobody_takes_them(own_home: Path) -> None:
    first = up._engine_ports()
    assert len(set(first.values())) == 3
    assert up._engine_ports() == first
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["valkey"]))
        other.listen()
        second = up._engine_ports()
    assert second["valkey"] != first["valkey"]
    assert (second["postgres"], second["llama"]) == (first["postgres"], first["llama"])


def test_a_taken_web_port_is_said_and_the_next_one_used(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setenv("LECTERN_PORT", str(taken))
        port = up._web_port(said.append)
    assert port > taken
    assert said == [f"Port {taken} is taken by another program; Lectern uses {port}."]
    said.clear()
    assert up._web_port(said.append) == taken
    assert said == []


def test_an_engine_named_by_an_address_is_not_started(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/lectern")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere")
    ports = up._engine_ports()
    assert up._endpoints(ports, with_model=False) == {}
    assert up._engines(ports, None, None) == []
    monkeypatch.delenv("REDIS_URL")
    assert [part.name for part in up._engines(ports, None, None)] == ["valkey"]
    assert list(up._endpoints(ports, with_model=False)) == ["redis_url"]


def test_the_bundled_model_is_known_by_its_address_and_key(own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/lectern")
    ports = up._engine_ports()
    endpoints = up._endpoints(ports, with_model=True)
    assert endpoints["llm_url"] == f"http://127.0.0.1:{ports['llama']}/v1"
    assert endpoints["llm_key"] == (own_home / "secrets" / "llama").read_text()


@pytest.mark.parametrize(("host", "reached"), [
    ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("fd00::7", "[fd00::7]"), ("box", "box"),
])  # fmt: skip
def test_the_address_by_which_this_machine_reaches_the_web_server(host: str, reached: str) -> None:
    assert parts.own_address(host) == reached


def test_postgres_on_a_taken_port_says_so(own_home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        part = parts.database(port)
        started = process.start(part.command, log=part.log, account=part.account, stop_signal=part.death_signal)
        with pytest.raises(StartFailed, match=rf'could not bind IPv4 address "127\.0\.0\.1"(.|\n)*{port}'):
            wait_until(lambda: postgres.ready(port), started, log=part.log, timeout_seconds=30)


def test_a_cluster_that_was_copied_elsewhere_serves_again(own_home: Path) -> None:
    data = home.room("postgres")
    postgres.install(data)
    (own_home / "deep").mkdir(mode=0o700)
    copy = own_home / "deep" / "postgres"
    shutil.copytree(data, copy)  # as `cp -r` does: the files belong to whoever copies
    postgres.install(copy)
    port, log = free_port(), home.room("logs") / "copy.log"
    server = process.start(postgres.command(copy, port), log=log, account=postgres.account())
    try:
        wait_until(lambda: postgres.ready(port), server, log=log, timeout_seconds=60)
    finally:
        server.send_signal(postgres.STOP_SIGNAL)
        server.wait(timeout=20)
    assert server.returncode == 0


def test_a_first_start_that_was_cut_off_leaves_nothing_in_the_way(own_home: Path) -> None:
    data = home.room("postgres")
    (own_home / "postgres.new").mkdir()
    (own_home / "postgres.new" / "PG_VERSION").write_text("18")
    postgres.install(data)
    assert (data / "global" / "pg_control").exists()
    assert not (own_home / "postgres.new").exists()


@pytest.mark.model
def test_a_whole_run(own_home: Path) -> None:
    """Start everything in a fresh home, kill parts of it, stop it; twice, since a home must open again."""
    model = model_files.find(model_files.MODEL_FILES["0.5b"])
    if model is None:
        pytest.fail("The bundled model is not here: run `make model` once, or set LECTERN_MODEL_FILE.")
    settings = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    settings |= {"LECTERN_MODEL_FILE": str(model), "LECTERN_PORT": str(free_port())}
    settings |= {"LECTERN_BUNDLED_LLM": "0.5b", "DJANGO_SETTINGS_MODULE": "config.settings"}
    for _ in range(2):
        _run_once(own_home, settings)


def _run_once(folder: Path, settings: dict[str, str]) -> None:
    output = (folder / "output").open("w")
    command = [sys.executable, "manage.py", "up"]
    boss = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=output, stderr=output, start_new_session=True)

    def said() -> str:
        return (folder / "output").read_text()

    try:
        assert soon(lambda: "Ctrl-C stops it." in said() or boss.poll() is not None, 240), said()
        address, path = re.findall(r"(http://127\.0\.0\.1:\d+)(/start/\S+/)", said())[0]
        assert soon(lambda: httpx.get(f"{address}/healthz").status_code == 200, 60)
        assert httpx.get(f"{address}{path}", follow_redirects=True).status_code == 200
        again = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, check=False)
        assert again.returncode == 1
        assert again.stderr.strip().endswith(f"Lectern is already running at {address}/ (process {boss.pid}).")

        children = {child.pid: child for child in psutil.Process(boss.pid).children(recursive=True)}
        database = next(child for child in children.values() if child.name() == "postgres" and child.ppid() == boss.pid)
        database.kill()
        assert soon(lambda: "PostgreSQL is ready again." in said(), 60), said()
        assert soon(lambda: httpx.get(f"{address}/healthz").status_code == 200, 60)
        children |= {child.pid: child for child in psutil.Process(boss.pid).children(recursive=True)}
    finally:
        boss.send_signal(signal.SIGINT)
        boss.wait(timeout=30)
        output.close()
    assert said().endswith("Stopping.\nStopped.\n")
    assert [child for child in children.values() if child.is_running()] == []
    assert home.read_endpoints() == {} or not (folder / "run" / "engines.json").exists()
