"""Parsed files of a snapshot to rows, many files at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from django.db.models import Max
from psycopg.types.json import Jsonb

from analysis.ingest.chunk_code import CODE_CHUNKER_VERSION
from analysis.ingest.copying import copy_rows
from analysis.ingest.index import first_character, page_at, table_rows
from analysis.ingest.understand import UNDERSTANDING_VERSION
from analysis.ingest.understand.language import language_of
from analysis.llm.tokens import estimate
from analysis.models import (
    Chunk,
    Disposition,
    Document,
    DocumentVersion,
    Heading,
    Import,
    IngestStatus,
    Page,
    Secret,
    Snapshot,
    SnapshotFile,
    Symbol,
    SymbolUse,
    Table,
    VersionText,
)
from analysis.repository.lines import line_table, pack_lines
from analysis.types import ChunkSpan, ParsedCode, ParsedDocument

# Raised when the same bytes would give another text, other symbols or other passages: all is then read anew.
READER_VERSION = 1
INSERT_ROWS = 500
NAME_MAX_CHARACTERS = 255
# What a file's beginning tells of its language, the rest would only tell more slowly.
_LANGUAGE_CHARACTERS = 6_000


@dataclass(frozen=True)
class ReadFile:
    """A file of a snapshot, what the parsers made of it, and its passages."""

    row: SnapshotFile
    parsed: ParsedDocument
    code: ParsedCode
    chunks: Sequence[ChunkSpan]


def write_files(snapshot: Snapshot, files: Sequence[ReadFile], failed: Sequence[SnapshotFile]) -> None:
    """Give each file its document and a version that is still to be embedded; the failed ones are marked.

    In the caller's transaction.
    """
    documents = _documents(snapshot, [file.row.path for file in files])
    versions = DocumentVersion.objects.bulk_create(_versions(documents, files), INSERT_ROWS)
    read = list(zip(versions, files, strict=True))
    _write_texts(read)
    _write_code(read)
    _write_chunks(snapshot, read)
    for version, file in read:
        file.row.version, file.row.document_id = version, version.document_id
        file.row.syntax, file.row.line_count = version.syntax, version.line_count
    for row in failed:
        row.disposition, row.line_count = Disposition.UNREADABLE, 0
    changed = [*(file.row for file in files), *failed]
    SnapshotFile.objects.bulk_update(
        changed, ["version", "document", "syntax", "line_count", "disposition"], INSERT_ROWS
    )


def _documents(snapshot: Snapshot, paths: Sequence[str]) -> dict[str, Document]:
    """Return the repository's documents of `paths` by path, made where there are none."""
    repository = snapshot.repository
    known = Document.objects.filter(repository=repository, path__in=paths)
    documents = {document.path: document for document in known}
    new = [
        Document(
            workspace_id=repository.workspace_id,
            repository=repository,
            path=path,
            folder_id=repository.folder_id,
            name=path if len(path) <= NAME_MAX_CHARACTERS else "…" + path[1 - NAME_MAX_CHARACTERS :],
            uploaded_by_id=snapshot.added_by_id,
        )
        for path in paths
        if path not in documents
    ]
    Document.objects.bulk_create(new, INSERT_ROWS)
    return documents | {document.path: document for document in new}


def _versions(documents: dict[str, Document], files: Sequence[ReadFile]) -> Iterator[DocumentVersion]:
    ours = DocumentVersion.objects.filter(document__in=documents.values()).values_list("document")
    newest = dict(ours.annotate(Max("number")).values_list("document", "number__max"))
    for file in files:
        document = documents[file.row.path]
        yield DocumentVersion(
            document=document,
            number=newest.get(document.pk, 0) + 1,
            sha256=file.row.digest,
            size_bytes=file.row.size_bytes,
            status=IngestStatus.INGESTING,
            parser_version=READER_VERSION,
            understanding_version=UNDERSTANDING_VERSION,
            **_facts(file),
        )


def _facts(file: ReadFile) -> dict[str, Any]:
    text, parsed = file.parsed.text, file.parsed
    return {
        "kind": parsed.kind,
        "metadata": parsed.metadata | {"tokens_exact": False},
        "warnings": [vars(warning) for warning in parsed.warnings],
        "page_count": len(parsed.pages),
        "characters": len(text),
        "tokens": estimate(text),
        "language": "code" if parsed.kind == "code" else language_of(text[:_LANGUAGE_CHARACTERS]),
        "syntax": file.code.syntax,
        "line_count": line_table(text).count,
    }


Read = Sequence[tuple[DocumentVersion, ReadFile]]


def _write_texts(read: Read) -> None:
    texts = ((version.pk, file.parsed.text, pack_lines(line_table(file.parsed.text))) for version, file in read)
    copy_rows(VersionText, ("version_id", "text", "line_starts"), texts)
    pages = (
        (version.pk, page.number, page.start_char, page.end_char, page.source.value, page.width, page.height)
        for version, file in read
        for page in file.parsed.pages
    )
    copy_rows(Page, ("version_id", "number", "start_char", "end_char", "source", "width", "height"), pages)
    headings = [
        Heading(version=version, ordinal=i, **asdict(h) | {"label": h.label[:60], "title": h.title[:300]})
        for version, file in read
        for i, h in enumerate(file.parsed.headings)
    ]
    Heading.objects.bulk_create(headings, INSERT_ROWS)
    tables = [table for version, file in read for table in table_rows(version, file.parsed)]
    Table.objects.bulk_create(tables, INSERT_ROWS)


_SYMBOL = (
    "version_id ordinal parent kind name path signature start_char end_char name_start_char name_end_char "
    "doc_start_char doc_end_char"
).split()


def _write_code(read: Read) -> None:
    copy_rows(Symbol, _SYMBOL, _each(read, _symbols))
    copy_rows(SymbolUse, ("version_id", "name", "places"), _each(read, _uses))
    copy_rows(Import, ("version_id", "ordinal", "module", "names", "start_char", "end_char"), _each(read, _imports))
    copy_rows(Secret, ("version_id", "kind", "start_char", "end_char"), _each(read, _secrets))


def _each(read: Read, rows: Any) -> Iterator[tuple[Any, ...]]:
    return ((version.pk, *row) for version, file in read for row in rows(file.code))


def _symbols(code: ParsedCode) -> Iterable[tuple[Any, ...]]:
    for ordinal, symbol in enumerate(code.symbols):
        head = (symbol.kind[:20], symbol.name[:200], symbol.path[-500:], symbol.signature[:500])
        span = (symbol.start_char, symbol.end_char, symbol.name_start_char, symbol.name_end_char)
        yield (ordinal, symbol.parent, *head, *span, *(symbol.doc or (None, None)))


def _uses(code: ParsedCode) -> Iterable[tuple[Any, ...]]:
    # A name that is cut would be another name.
    return ((name, np.array(places, "<u4").tobytes()) for name, places in code.uses.items() if len(name) <= 200)


def _imports(code: ParsedCode) -> Iterable[tuple[Any, ...]]:
    for ordinal, each in enumerate(code.imports):
        yield (ordinal, each.module[:500], Jsonb(list(each.names)), each.start_char, each.end_char)


def _secrets(code: ParsedCode) -> Iterable[tuple[Any, ...]]:
    once = {secret.start_char: secret for secret in code.secrets}
    return ((secret.kind[:60], secret.start_char, secret.end_char) for secret in once.values())


_CHUNK = (
    "workspace_id document_id version_id chunker_version ordinal start_char end_char page_number heading_path "
    "token_count text sentences"
).split()


def _write_chunks(snapshot: Snapshot, read: Read) -> None:
    workspace_id = snapshot.repository.workspace_id
    copy_rows(Chunk, _CHUNK, (row for version, file in read for row in _chunks(workspace_id, version, file)))


def _chunks(workspace_id: int, version: DocumentVersion, file: ReadFile) -> Iterator[tuple[Any, ...]]:
    text, starts = file.parsed.text, [page.start_char for page in file.parsed.pages]
    for span in file.chunks:
        yield (
            workspace_id,
            version.document_id,
            version.pk,
            CODE_CHUNKER_VERSION,
            span.ordinal,
            span.start_char,
            span.end_char,
            page_at(starts, first_character(text, span)),
            span.heading_path,
            span.token_count,
            text[span.start_char : span.end_char],
            b"",
        )
