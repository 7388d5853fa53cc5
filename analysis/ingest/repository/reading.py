"""An archive's files to versions: listed, taken over where they are unchanged, and otherwise parsed, batch by batch.

One child process unpacks and one a batch parses. While a batch's rows are written here, the next one is being parsed
there: of two cores neither waits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from django.utils import timezone

from analysis.ingest import sandbox
from analysis.ingest.chunk_code import chunk_code
from analysis.ingest.embed import passage_tokenizer
from analysis.ingest.repository.run import Run
from analysis.ingest.repository.store import READER_VERSION, ReadFile, write_files
from analysis.ingest.run import local_file
from analysis.ingest.sandbox import Unpacked
from analysis.ingest.unpack.listing import ListedFile
from analysis.ingest.unpack.rules import Rules
from analysis.models import Disposition, DocumentVersion, SnapshotFile
from analysis.types import ParsedCode, ParsedDocument

LISTED_ROWS = 1_000
BATCH_FILES = 100
BATCH_BYTES = 2 * 2**20


def parse(run: Run) -> None:
    """Give every file of the archive its row, and every one that is read its version; then symbols can be read."""
    snapshot = run.snapshot
    rules = Rules.of(snapshot.repository.rules)
    run.report("unpack", 0, 0)
    with run.timed("unpack"), local_file(snapshot.file) as path:
        unpacking = sandbox.unpacked(path, origin=snapshot.origin, rules=rules, on_progress=run.report)
        with unpacking as unpacked:
            _list(run, unpacked)
            _parse_new(run, unpacked)
    with run.writing():
        run.renew(symbols_at=timezone.now())


def _list(run: Run, unpacked: Unpacked) -> None:
    """Write a row for every file, with the version that was made of the same bytes at the same path if there is one."""
    rows = unpacked.rows()
    with run.writing():
        run.files.delete()
    while batch := list(islice(rows, LISTED_ROWS)):
        with run.writing():
            SnapshotFile.objects.bulk_create(_rows(run, batch), LISTED_ROWS)
    told = [warning for warning in run.snapshot.warnings if warning["code"] != "archive"]
    with run.writing():
        run.renew(warnings=[*told, *unpacked.warnings])


def _rows(run: Run, files: Sequence[ListedFile]) -> Iterator[SnapshotFile]:
    versions = _known_versions(run, [file.path for file in files])
    for file in files:
        read = file.disposition == Disposition.READ
        version = versions.get((file.path, file.digest)) if read else None
        row = SnapshotFile(snapshot=run.snapshot, version=version, **vars(file))
        if version:
            row.document_id = version.document_id
            row.syntax, row.line_count = version.syntax, version.line_count
        yield row


def _known_versions(run: Run, paths: Sequence[str]) -> dict[tuple[str, str], DocumentVersion]:
    """Return the versions that these parsers have made of files at `paths`, by path and digest; the newest counts."""
    rows = DocumentVersion.objects.filter(
        document__repository=run.snapshot.repository, document__path__in=paths, parser_version=READER_VERSION
    )
    rows = rows.only("sha256", "syntax", "line_count", "document__path").select_related("document").order_by("number")
    return {(version.document.path, version.sha256): version for version in rows}


def _parse_new(run: Run, unpacked: Unpacked) -> None:
    todo = run.files.filter(disposition=Disposition.READ)
    total, new = todo.count(), list(todo.filter(version=None).order_by("path"))
    done = total - len(new)
    run.report("parse", done, total)
    for batch, parsed in _parsed(_batches(new), unpacked):
        with run.timed("chunk"):
            read = [_read(row, parsed[row.path]) for row in batch if row.path in parsed]
        failed = [row for row in batch if row.path not in parsed]
        with run.timed("store"), run.writing():
            write_files(run.snapshot, read, failed)
        done += len(batch)
        run.report("parse", done, total)


Batch = list[SnapshotFile]


def _parsed(batches: Iterable[Batch], unpacked: Unpacked) -> Iterator[tuple[Batch, dict[str, ParsedDocument]]]:
    """Yield each batch with what was read of it by path; the one after it is being read meanwhile."""

    def read(batch: Batch) -> dict[str, ParsedDocument]:
        return sandbox.parse_sources({row.path: unpacked.file(row.digest) for row in batch})

    with ThreadPoolExecutor(1, "parse") as pool:
        waiting = None
        for batch in batches:
            following = (batch, pool.submit(read, batch))
            if waiting:
                yield waiting[0], waiting[1].result()
            waiting = following
        if waiting:
            yield waiting[0], waiting[1].result()


def _batches(rows: Iterable[SnapshotFile]) -> Iterator[Batch]:
    batch: Batch = []
    size_bytes = 0
    for row in rows:
        if batch and (len(batch) == BATCH_FILES or size_bytes + row.size_bytes > BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(row)
        size_bytes += row.size_bytes
    if batch:
        yield batch


def _read(row: SnapshotFile, parsed: ParsedDocument) -> ReadFile:
    code = parsed.code or ParsedCode()
    return ReadFile(row, parsed, code, chunk_code(parsed.text, code, passage_tokenizer(), path=row.path))
