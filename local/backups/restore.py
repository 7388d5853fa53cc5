"""A home is filled from a backup: everything is verified before anything is put in its place.

Nothing is overwritten: the home, and a database of one's own, have to be empty. While it is going on, the folder
`restoring/` stands in the home. A restore that was cut off leaves it, Lectern does not start beside it, and the next
restore clears what the former has put there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

import psycopg
from django.db.migrations.loader import MigrationLoader

from local import postgres
from local.backups.format import (
    ABOUT,
    DUMP,
    ENGINE_SECRETS,
    FILES,
    FORMAT,
    MANIFEST,
    SECRETS,
    BackupError,
    Hashing,
    Place,
    fingerprint,
    opened,
)
from local.home import home, room
from local.process import free_port, start, wait_until
from local.supervisor import CODE, AlreadyRunning, hold_home

PIECE_BYTES = 2**20
UNFINISHED = "restoring"


def restore(archive: Path, *, passphrase: str | None, say: Callable[[str], None] = lambda _: None) -> None:
    """Fill this home from the backup; raises BackupError, with the home as empty as it was.

    passphrase: of the secrets in it, None to do without them: stored passwords and keys are then cleared.
    """
    try:
        with hold_home():
            _restore(archive, passphrase, say)
    except AlreadyRunning as error:
        raise BackupError(f"{error} A backup is restored into an empty home.") from None


def unfinished() -> bool:
    """Return whether a restore into this home was cut off."""
    return (home() / UNFINISHED).exists()


def _restore(archive: Path, passphrase: str | None, say: Callable[[str], None]) -> None:
    if unfinished():
        say("A restore into this home was cut off; it begins anew.")
        _clear()
    _require_empty_home()
    staging = room(UNFINISHED)
    try:
        say("Verifying the backup.")
        about = unpack(archive, staging)
        _require_known(about)
        key = _take_secrets(staging, about, passphrase, say)
        for each in (staging / FILES).glob("*"):
            each.rename(room("files") / each.name)
        with _database() as (place, url):
            say("Restoring the database.")
            _fill(place, staging / DUMP)
            say("Bringing it up to date.")
            _settle(url, key)
    except BaseException:
        _clear()
        raise
    # In one step, so that a restore is either over or not.
    shutil.rmtree(staging.rename(room("run") / "restored"))


def _require_empty_home() -> None:
    if (home() / "postgres" / "PG_VERSION").exists() or any(room("files").iterdir()):
        raise BackupError(f"{home()} is not empty. Set LECTERN_HOME to a folder that is, and restore into that.")


def _clear() -> None:
    """Take out of this home what a restore has put there."""
    for folder in ("postgres", "postgres.new", "files", UNFINISHED):
        shutil.rmtree(home() / folder, ignore_errors=True)
    room("files")


def unpack(archive: Path, staging: Path) -> dict[str, Any]:
    """Put the backup's members into `staging` and return what it says about itself.

    Raises BackupError when it was cut off, or any of it is not as it was written.
    """
    about: dict[str, Any] = {}
    try:
        with tarfile.open(archive, "r|*") as tar, (staging / "found").open("w+", encoding="utf-8") as found:
            for member in tar:
                path = _path_in(staging, member)
                _note(found, member.name, _extract(tar, member, path))
                if member.name == ABOUT:
                    about = _read_about(path)
                if member.name == MANIFEST:
                    _compare(found, path)
                    return about
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BackupError(f"{archive} cannot be read: {error}") from error
    raise BackupError(f"{archive} was cut off: its end is missing.")


def _path_in(staging: Path, member: tarfile.TarInfo) -> Path:
    """Return where a member goes; raises BackupError for what no backup holds."""
    path = staging / member.name
    own = member.name in {ABOUT, SECRETS, DUMP, MANIFEST} or member.name.startswith(FILES)
    if not (own and member.isreg() and path.resolve().is_relative_to(staging.resolve())):
        raise BackupError(f"{member.name!r} does not belong into a backup.")
    return path


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, path: Path) -> Hashing:
    """Write the member to `path` piece by piece; return its size and digest."""
    source = tar.extractfile(member)
    assert source is not None  # noqa: S101  it is a regular file
    path.parent.mkdir(parents=True, exist_ok=True)
    reading = Hashing(source)
    with path.open("wb") as out:
        while piece := reading.read(PIECE_BYTES):
            out.write(piece)
    return reading


def _note(found: IO[str], name: str, read: Hashing) -> None:
    if name != MANIFEST:
        found.write(json.dumps({"name": name, "size": read.size_bytes, "sha256": read.sha256}) + "\n")


def _compare(found: IO[str], manifest: Path) -> None:
    """Raise BackupError unless the manifest says of all members, in their order, what was found."""
    found.seek(0)
    with manifest.open(encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            if "missing" in said:
                continue
            if json.loads(found.readline() or "{}") != said:
                raise BackupError(f"{said['name']} is not as it was written: the backup is damaged.")
    if found.readline():
        raise BackupError("The backup holds more than its manifest says.")


def _read_about(path: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(path.read_text())
    if about.get("format") != FORMAT:
        raise BackupError("This backup was made by a newer Lectern. Restore it with that, or a later one.")
    return about


def _require_known(about: dict[str, Any]) -> None:
    """Raise BackupError when the backup's database is newer than this code."""
    known = set(MigrationLoader(None, ignore_no_migrations=True).disk_migrations)
    unknown = [f"{app}.{name}" for app, name in about["migrations"] if (app, name) not in known]
    if unknown:
        raise BackupError(
            f"This backup was made by a newer Lectern ({about['lectern']}): it has {unknown[-1]}, which this one has "
            "not. Restore it with that, or a later one."
        )


def _take_secrets(staging: Path, about: dict[str, Any], passphrase: str | None, say: Callable[[str], None]) -> str:
    """Put the backup's secrets into this home; return the key if it is the backup's, else ""."""
    sealed = staging / SECRETS
    if not sealed.exists():
        say("The backup holds no secrets.")
        passphrase = None
    elif passphrase is not None:
        for name, value in opened(sealed.read_bytes(), passphrase).items():
            if name not in ENGINE_SECRETS and "/" not in name:
                _write_secret(room("secrets") / name, value)
    key = os.environ.get("LECTERN_SECRET_KEY") or (room("secrets") / "django").read_text()
    if fingerprint(key) == about["key"]:
        return key
    if passphrase is not None:
        raise BackupError("LECTERN_SECRET_KEY is not the key of this backup. Take it out of the environment.")
    say(
        "The key of this backup is not here: passwords of documents, keys of endpoints and the like are cleared, and "
        "everybody signs in again."
    )
    return ""


def _write_secret(path: Path, value: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(value)


@contextmanager
def _database() -> Iterator[tuple[Place, str]]:
    """Yield the database to fill and its address: the one of DATABASE_URL, else this home's own, started for it."""
    url = os.environ.get("DATABASE_URL", "")
    if url:
        yield _place(url), url
        return
    port, log, data = free_port(), room("logs") / "restore.log", room("postgres")
    postgres.install(data)
    server = start(postgres.command(data, port), log=log, account=postgres.account(), stop_signal=postgres.STOP_SIGNAL)
    try:
        wait_until(lambda: postgres.ready(port), server, log=log, timeout_seconds=60)
        yield _place(postgres.url(port)), postgres.url(port)
    finally:
        server.send_signal(postgres.STOP_SIGNAL)
        server.wait(timeout=60)


def _place(url: str) -> Place:
    parts = urlsplit(url)
    return Place(
        parts.hostname or "", str(parts.port or ""), unquote(parts.username or ""), unquote(parts.password or ""),
        unquote(parts.path.lstrip("/")) or "lectern",
    )  # fmt: skip


def _fill(place: Place, dump: Path) -> None:
    """Restore the dump, all of it or nothing; raises BackupError when there is something in the database."""
    with psycopg.connect(**place.for_psycopg) as own:  # type: ignore[arg-type]
        found = own.execute("SELECT 1 FROM pg_tables WHERE schemaname = 'public' LIMIT 1").fetchone()
    if found:
        raise BackupError("The database is not empty. Name one that is in DATABASE_URL.")
    with dump.open("rb") as file:
        place.run(
            "pg_restore", "--no-owner", "--no-acl", "--no-comments", "--exit-on-error", "--single-transaction",
            stdin=file,
        )  # fmt: skip


def _settle(url: str, key: str) -> None:
    """Migrate and finish in a process of its own: this one's settings were read before there was a database."""
    environment = os.environ | {"DATABASE_URL": url} | ({"LECTERN_SECRET_KEY": key} if key else {})
    done = subprocess.run(
        [sys.executable, "manage.py", "restore", "--settle", str(home() / UNFINISHED)],
        cwd=CODE, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise BackupError("The database could not be brought up to date.\n" + done.stderr[-2000:])
