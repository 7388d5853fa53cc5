"""Reading a code base in: seconds until symbols can be read, until search goes by words, by meaning, and for 1 % more.

Of the last two numbers the share is of the seconds until search goes by words.
"""

from __future__ import annotations

import resource
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from analysis.benchmarks import Report, scratch_workspace
from analysis.ingest.embed import encoder, passage_tokenizer
from analysis.ingest.parse.kind import is_text
from analysis.ingest.repository import read_in, repository_add, snapshot_add
from analysis.ingest.repository.folder import Member, members_of, packed
from analysis.ingest.unpack.entries import FILE, entries
from analysis.ingest.unpack.rules import DEFAULT_MOST_BYTES
from analysis.models import Origin, Repository, Snapshot
from config.env import env
from workspaces.models import Workspace

COLUMNS = (
    "files",
    "lines",
    "symbols s",
    "searchable s",
    "vectors s",
    "cpu s",
    "lines/s",
    "1 % s",
    "1 % share",
    "worker MiB",
    "child MiB",
)
_HEAD_BYTES = 8192

Files = dict[str, bytes]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("source", metavar="DIR_OR_ARCHIVE", type=Path)
    parser.add_argument("--files", type=int, nargs="+", default=[0], help="read so many of its files, from all over it")
    parser.add_argument("--lines", type=int, default=0, help="and no more lines: long files give way")


def run(*, source: Path, files: list[int], lines: int, **_: Any) -> Report:
    """Read the code base in once for each number of files. Memory is the peak so far: flat is flat from row to row."""
    report = Report(COLUMNS)
    started = time.perf_counter()
    encoder()
    passage_tokenizer()
    report.notes.append(f"The embedder took {time.perf_counter() - started:.1f} s to load; that is not in the rows.")
    found = {path: data for path, data in _files(source) if data and is_text(data[:_HEAD_BYTES]) and path}
    with scratch_workspace() as workspace:
        for count in sorted(files):
            _add_row(report, workspace, _chosen(found, count or len(found), lines))
    return report


def _files(source: Path) -> Iterator[tuple[str, bytes]]:
    if source.is_dir():
        for member in members_of(source):
            if member.content and member.size_bytes <= DEFAULT_MOST_BYTES:
                yield member.path, member.content.read()
        return
    for entry in entries(source, env.repository_max_bytes):
        if entry.kind == FILE and entry.size_bytes <= DEFAULT_MOST_BYTES:
            yield entry.path, entry.open().read()


def _chosen(found: Mapping[str, bytes], count: int, lines: int) -> Files:
    """Return `count` files, evenly from the list, with at most `lines` lines: the longest give way to shorter ones."""
    paths = sorted(found)
    chosen = {path: found[path] for path in paths[:: max(1, len(paths) // count)][:count]}
    spare = iter(sorted(set(paths) - set(chosen), key=lambda path: (len(found[path]), path)))
    while lines and sum(map(_lines, chosen.values())) > lines:
        del chosen[max(chosen, key=lambda path: _lines(chosen[path]))]
        if path := next(spare, ""):
            chosen[path] = found[path]
    return chosen


def _lines(data: bytes) -> int:
    return data.count(b"\n")


def _add_row(report: Report, workspace: Workspace, files: Files) -> None:
    started = time.time()
    with packed(f"{len(files)} files", _members(files)) as archive:
        repository = repository_add(
            workspace=workspace, user=None, archive=archive, origin=Origin.FOLDER, enqueue=False
        )
    cpu_before = _cpu_seconds()
    first = read_in(repository)
    cpu = round(_cpu_seconds() - cpu_before, 1)
    again_at = time.perf_counter()
    second = _again(repository, _changed(files))
    again_seconds = time.perf_counter() - again_at
    values = _measured(first, started, again_seconds) | {"cpu s": cpu}
    report.rows.append([values[column] for column in COLUMNS])
    report.values[str(len(files))] = values | {"seconds": first.seconds, "1 % seconds": second.seconds}
    report.notes.append(f"{len(files)} files: {first.seconds}; 1 %: {second.seconds}")


def _members(files: Files) -> Iterator[Member]:
    return (Member(path, len(data), BytesIO(data)) for path, data in files.items())


def _changed(files: Files) -> Files:
    """Return the files with a line more in one of a hundred of them."""
    every = sorted(files)[::100]
    return files | {path: files[path] + b"\n# One more line.\n" for path in every}


def _again(repository: Repository, files: Files) -> Snapshot:
    with packed(repository.name, _members(files)) as archive:
        snapshot_add(repository=repository, user=None, archive=archive, origin=Origin.FOLDER, enqueue=False)
    return read_in(repository)


def _cpu_seconds() -> float:
    """Return what this process and its children have used of the cores; the database's share is not in it."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _measured(first: Snapshot, started: float, again_seconds: float) -> dict[str, Any]:
    times = (first.symbols_at, first.ready_at, first.vectors_at)
    symbols, searchable, vectors = (at.timestamp() - started for at in times if at)
    return {
        "files": first.files.exclude(version=None).count(),
        "lines": first.line_count,
        "symbols s": round(symbols, 1),
        "searchable s": round(searchable, 1),
        "vectors s": round(vectors, 1),
        "lines/s": round(first.line_count / searchable),
        "1 % s": round(again_seconds, 2),
        "1 % share": f"{again_seconds / searchable:.1%}",
        "worker MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "child MiB": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024,
    }
