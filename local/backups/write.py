"""A backup is made: database and file names as of one moment, then the files, all streamed into one tar file."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psycopg
from django.apps import apps
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection
from django.db.models import FileField
from psycopg import sql

from config.version import version
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
    Reads,
    fingerprint,
    sealed,
)
from local.home import room

MOST_BYTES_IN_MEMORY = 2**20


@dataclass
class Made:
    """A backup that was made. lost: files that the database names and that are not there; they were lost before."""

    path: Path
    size_bytes: int = 0
    files: int = 0
    deleted_meanwhile: int = 0
    lost: list[str] = field(default_factory=list)
    with_secrets: bool = False


def backup(target: Path, *, passphrase: str | None, say: Callable[[str], None] = lambda _: None) -> Made:
    """Write a backup to `target` (in it, if it is a folder) and return what it holds.

    Lectern goes on meanwhile. passphrase: for the secrets, None to leave them out. Raises BackupError; nothing is left
    at `target` then.
    """
    path = _path(target)
    partial = path.with_name(path.name + ".partial")
    made = Made(path, with_secrets=passphrase is not None)
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=path.parent, prefix=".lectern-backup-"))
            tar = stack.enter_context(_tar(partial, compressed=path.suffix == ".gz"))
            writer = _Writer(tar, stack.enter_context((Path(folder) / MANIFEST).open("w+b")), made)
            _write(writer, Path(folder), passphrase, say)
        made.size_bytes = partial.stat().st_size
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return made


def _path(target: Path) -> Path:
    """Return the file to write; raises BackupError where there is one already, or no folder for it."""
    path = target / f"lectern-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar" if target.is_dir() else target
    if not path.name.endswith((".tar", ".tar.gz")):
        raise BackupError("Name a folder, or a file that ends in .tar or .tar.gz.")
    if path.exists():
        raise BackupError(f"{path} is there already; a backup never replaces one.")
    if not path.parent.is_dir():
        raise BackupError(f"There is no folder {path.parent}.")
    return path


@contextmanager
def _tar(path: Path, *, compressed: bool) -> Iterator[tarfile.TarFile]:
    """Yield a tar file that is written from front to back, readable by its owner only."""
    with ExitStack() as stack:
        raw: IO[bytes] = stack.enter_context(
            os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")
        )
        # The dump is compressed already, and so are most originals: the lightest level takes what is left.
        out: Any = stack.enter_context(gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=1)) if compressed else raw
        yield stack.enter_context(tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT))


def _write(writer: _Writer, folder: Path, passphrase: str | None, say: Callable[[str], None]) -> None:
    dump, names = folder / DUMP, folder / "names"
    with _moment() as moment:
        writer.add_bytes(ABOUT, json.dumps(_about(moment)).encode())
        if passphrase is not None:
            writer.add_bytes(SECRETS, sealed(_secrets(), passphrase))
        say("Copying the database.")
        _note_names(moment, names)
        Place.of(connection.settings_dict).run(
            "pg_dump", "--format=custom", "--compress=1", "--no-owner", "--no-acl", f"--snapshot={_exported(moment)}",
            f"--file={dump}",
        )  # fmt: skip
    with dump.open("rb") as file:
        writer.add(DUMP, file, dump.stat().st_size)
    dump.unlink()
    say("Copying the files.")
    with names.open(encoding="utf-8") as lines:
        for line in lines:
            writer.add_stored(json.loads(line))
    writer.end()


@contextmanager
def _moment() -> Iterator[psycopg.Connection[Any]]:
    """Yield a connection that sees the database as it is now, whatever is written meanwhile."""
    with psycopg.connect(**Place.of(connection.settings_dict).for_psycopg) as own:  # type: ignore[arg-type]
        own.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        own.read_only = True
        yield own


def _exported(moment: psycopg.Connection[Any]) -> str:
    """Return the name by which another session sees what this one sees."""
    row = moment.execute("SELECT pg_export_snapshot()").fetchone()
    assert row is not None  # noqa: S101  a function of the server returns one row
    return str(row[0])


def _about(moment: psycopg.Connection[Any]) -> dict[str, Any]:
    applied = moment.execute("SELECT app, name FROM django_migrations ORDER BY id").fetchall()
    return {
        "format": FORMAT,
        "lectern": version(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "migrations": [list(row) for row in applied],
        "key": fingerprint(settings.SECRET_KEY),
    }


def _secrets() -> dict[str, str]:
    """Return the secrets of this installation that another home needs, by name."""
    kept = {path.name: path.read_text() for path in room("secrets").iterdir() if path.is_file()}
    own = {name: value for name, value in kept.items() if name not in ENGINE_SECRETS and not name.startswith("tmp")}
    return own | {"django": settings.SECRET_KEY}


def file_fields() -> list[tuple[str, str]]:
    """Return (table, column) of every field that names a stored file, whichever part of Lectern has it."""
    fields = [(model, each) for model in apps.get_models() for each in model._meta.local_fields]
    return [(model._meta.db_table, str(each.column)) for model, each in fields if isinstance(each, FileField)]


def _note_names(moment: psycopg.Connection[Any], path: Path) -> None:
    """Write the names of all stored files, one a line; there may be millions."""
    with path.open("w", encoding="utf-8") as out:
        for table, column in file_fields():
            query = sql.SQL("SELECT DISTINCT {column} FROM {table} WHERE {column} <> ''").format(
                column=sql.Identifier(column), table=sql.Identifier(table)
            )
            with moment.cursor(name=f"names_of_{table}") as rows:
                for (name,) in rows.execute(query):
                    out.write(json.dumps(name) + "\n")


def _still_named(name: str) -> bool:
    """Return whether a row of the database as it is now names the file."""
    with connection.cursor() as cursor:
        for table, column in file_fields():
            quoted = connection.ops.quote_name
            cursor.execute(f"SELECT 1 FROM {quoted(table)} WHERE {quoted(column)} = %s LIMIT 1", [name])  # noqa: S608
            if cursor.fetchone():
                return True
    return False


class _Writer:
    """Adds members to the tar file, and a line on each to the manifest."""

    def __init__(self, tar: tarfile.TarFile, manifest: IO[bytes], made: Made) -> None:
        self.tar = tar
        self.manifest = manifest
        self.made = made

    def add_bytes(self, name: str, content: bytes) -> None:
        """Add a small member."""
        self.add(name, io.BytesIO(content), len(content))

    def add(self, name: str, file: Reads, size_bytes: int) -> None:
        """Add `size_bytes` of the file, piece by piece."""
        hashing = Hashing(file)
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.mtime = size_bytes, 0o600, int(datetime.now(UTC).timestamp())
        self.tar.addfile(info, hashing)
        self._note(name=name, size=hashing.size_bytes, sha256=hashing.sha256)

    def add_stored(self, name: str) -> None:
        """Add a stored file; one that is not there was deleted meanwhile, or lost before, and is noted."""
        try:
            with default_storage.open(name, "rb") as file:
                self.add(FILES + name, file, file.size)
            self.made.files += 1
        except FileNotFoundError:
            lost = _still_named(name)
            if lost:
                self.made.lost.append(name)
            else:
                self.made.deleted_meanwhile += 1
            self._note(name=FILES + name, missing="lost" if lost else "deleted")

    def end(self) -> None:
        """Add the manifest: a file that was cut off has none."""
        size = self.manifest.tell()
        self.manifest.seek(0)
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = size, 0o600
        self.tar.addfile(info, self.manifest)

    def _note(self, **line: Any) -> None:
        self.manifest.write(json.dumps(line).encode() + b"\n")
