"""Symbols as they are kept, with their lines and the first words of their doc comments."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from django.db.models import QuerySet

from analysis.models import DocumentVersion, Symbol, VersionText
from analysis.repository.lines import LineTable, line_tables
from analysis.repository.tree import FileNode

TEXTS_AT_ONCE = 8
DOC_CHARACTERS = 2000  # of a doc comment, looked through for the end of its first paragraph
SEPARATORS = re.compile(r"\.|::|->|#|\\")


class Nearness(StrEnum):
    """How a definition stands to the place that asks for it, the nearest first."""

    SCOPE = "scope"  # in what the place stands in
    FILE = "file"
    IMPORTED = "imported"  # in a file that the place's file imports
    FOLDER = "folder"
    ELSEWHERE = "elsewhere"


@dataclass(frozen=True)
class Definition:
    """A symbol and where it stands. file_path: its file's; path: its own, with the names of what it stands in.

    line: that of its name, from start_line to end_line. doc: the first paragraph of its doc comment. depth: in an
    outline, how many symbols it stands in. nearness: to the place that was asked from, None if there was none.
    """

    file_path: str
    document_id: UUID | None
    symbol_id: int
    version_id: int
    ordinal: int
    parent: int | None
    kind: str
    name: str
    path: str
    signature: str
    start_char: int
    end_char: int
    name_start_char: int
    name_end_char: int
    start_line: int = 0
    end_line: int = 0
    line: int = 0
    doc: str = ""
    depth: int = 0
    nearness: Nearness | None = None


FIELDS = (
    *("id", "version_id", "ordinal", "parent", "kind", "name", "path", "signature"),
    *("start_char", "end_char", "name_start_char", "name_end_char"),
)


def outline(version: DocumentVersion) -> list[Definition]:
    """Return what the file defines, in the order of the text; `depth` says what stands in what."""
    file = FileNode(version.document.path, document_id=version.document_id, version_id=version.pk)
    rows = completed(read(Symbol.objects.filter(version=version), {version.pk: file}))
    depths: dict[int | None, int] = {None: -1}
    for row in rows:
        depths[row.ordinal] = depths.get(row.parent, -1) + 1
    return [replace(row, depth=depths[row.ordinal]) for row in rows]


def symbol_at(version: DocumentVersion, char: int) -> Symbol | None:
    """Return the innermost symbol that holds the character at `char`, None at the top of the file."""
    return Symbol.objects.filter(version=version, start_char__lte=char, end_char__gt=char).order_by("ordinal").last()


def read(rows: QuerySet[Symbol], files: Mapping[int, FileNode]) -> list[Definition]:
    """Return the symbols as far as their own rows tell; those of versions that are not among `files` are left out."""
    return [
        Definition(files[values[1]].path, files[values[1]].document_id, *values)
        for values in rows.values_list(*FIELDS)
        if values[1] in files
    ]


def completed(rows: Sequence[Definition]) -> list[Definition]:
    """Return the definitions with their lines and doc comments, in three queries."""
    tables = line_tables(row.version_id for row in rows)
    docs = _docs(rows)
    return [_with_lines(row, tables.get(row.version_id), docs.get(row.symbol_id, "")) for row in rows]


def _with_lines(row: Definition, table: LineTable | None, doc: str) -> Definition:
    if table is None:
        return replace(row, doc=doc)
    start, end = table.lines_of(row.start_char, row.end_char)
    return replace(row, start_line=start, end_line=end, line=table.line_of(row.name_start_char), doc=doc)


def _docs(rows: Iterable[Definition]) -> dict[int, str]:
    """Return the first paragraph of each doc comment by the symbol's id.

    Cut here, not by the database, which would unpack a file's whole text once for each of its symbols.
    """
    symbols = Symbol.objects.filter(pk__in=[row.symbol_id for row in rows], doc_start_char__isnull=False)
    spans: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for version, symbol, start, end in symbols.values_list("version_id", "id", "doc_start_char", "doc_end_char"):
        spans[version].append((symbol, start or 0, end or 0))
    texts = VersionText.objects.filter(version__in=list(spans)).values_list("version_id", "text")
    return {
        symbol: first_paragraph(text[start : min(end, start + DOC_CHARACTERS)])
        for version, text in texts.iterator(chunk_size=TEXTS_AT_ONCE)
        for symbol, start, end in spans[version]
    }


def first_paragraph(doc: str) -> str:
    """Return the first paragraph of a doc comment or docstring on one line, without quotes and comment marks."""
    lines: list[str] = []
    for line in doc.splitlines():
        words = line.strip().strip("/*#!-\"'`; \t").strip()
        if words:
            lines.append(words)
        elif lines:
            break
    return " ".join(lines)


def parts_of(path: str) -> list[str]:
    """Return the names in a symbol's path: of "Session.request", "Session::request" and "Session#request" alike two."""
    return SEPARATORS.split(path)
