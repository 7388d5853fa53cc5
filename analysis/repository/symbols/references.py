"""Where a name is used: by file, each place with its line and the symbol that it stands in."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from analysis.models import Snapshot, Symbol, SymbolUse, VersionText
from analysis.repository.lines import LineTable, line_tables
from analysis.repository.symbols.rows import TEXTS_AT_ONCE, parts_of
from analysis.repository.tree import files_by_version

REFERENCES_MAX = 500
LINE_CHARACTERS = 400  # of a longer line only what is around the name is given


@dataclass(frozen=True)
class Reference:
    """A use of a name: `text[start_char:end_char]`. words: its line. symbol: the path of what it stands in, or ""."""

    line: int
    start_char: int
    end_char: int
    words: str
    symbol: str = ""


@dataclass(frozen=True)
class FileReferences:
    """The uses of a name in one file. places: the first of `count`, or none, where too many were asked for."""

    path: str
    document_id: UUID | None
    version_id: int
    count: int
    places: tuple[Reference, ...] = ()


def references(snapshot: Snapshot, name: str, *, limit: int = REFERENCES_MAX) -> list[FileReferences]:
    """Return where the snapshot uses `name`, by file in the order of paths, in a constant number of queries.

    name: of "Session.request" the last part counts. limit: how many places are given with their lines; all are counted.
    """
    name = parts_of(name)[-1]
    files = files_by_version(snapshot)
    uses = SymbolUse.objects.filter(version__snapshot_files__snapshot=snapshot, name=name)
    starts = {
        version: np.frombuffer(places, "<u4")
        for version, places in uses.values_list("version_id", "places")
        if version in files
    }
    found = [
        FileReferences(files[version].path, files[version].document_id, version, len(places))
        for version, places in starts.items()
    ]
    found.sort(key=lambda file: file.path)
    shares = dict(_shares(found, limit))
    places = {
        reader.version_id: reader.places(starts[reader.version_id][: shares[reader.version_id]], len(name))
        for reader in _readers(set(shares))
    }
    return [replace(file, places=places.get(file.version_id, ())) for file in found]


def _shares(files: list[FileReferences], limit: int) -> Iterator[tuple[int, int]]:
    """Yield how many places of each file are given, as long as there are any left of `limit`."""
    for file in files:
        if limit <= 0:
            return
        yield file.version_id, min(limit, file.count)
        limit -= file.count


@dataclass(frozen=True)
class _Scope:
    """A symbol: where it starts and ends, its path, and the index of what it stands in."""

    start_char: int
    end_char: int
    path: str
    parent: int | None


@dataclass(frozen=True)
class _Reader:
    """One file's text, its lines and its symbols in the order of the text."""

    version_id: int
    text: str
    table: LineTable
    scopes: list[_Scope]

    def places(self, starts: NDArray[np.uint32], length: int) -> tuple[Reference, ...]:
        return tuple(self._place(int(start), length) for start in starts)

    def _place(self, start: int, length: int) -> Reference:
        line = self.table.line_of(start)
        first, last = self.table.span_of(line, line)
        if last - first > LINE_CHARACTERS:
            first = max(first, start - LINE_CHARACTERS // 2)
            last = min(last, first + LINE_CHARACTERS)
        return Reference(line, start, start + length, self.text[first:last].rstrip("\n"), self._symbol(start))

    def _symbol(self, char: int) -> str:
        """Return the path of the innermost symbol around `char`: the last that starts before it, or one around that."""
        at: int | None = bisect_right(self.scopes, char, key=lambda scope: scope.start_char) - 1
        if at == -1:
            return ""
        while at is not None and self.scopes[at].end_char <= char:
            at = self.scopes[at].parent
        return "" if at is None else self.scopes[at].path


def _readers(versions: set[int]) -> Iterator[_Reader]:
    """Yield a reader for each of the versions, never holding many of their texts."""
    tables = line_tables(versions)
    scopes: dict[int, list[_Scope]] = defaultdict(list)
    rows = Symbol.objects.filter(version__in=versions).order_by("version", "ordinal")
    for version, start, end, path, parent in rows.values_list("version_id", "start_char", "end_char", "path", "parent"):
        scopes[version].append(_Scope(start, end, path, parent))
    texts = VersionText.objects.filter(version__in=list(tables)).values_list("version_id", "text")
    for version, text in texts.iterator(chunk_size=TEXTS_AT_ONCE):
        yield _Reader(version, text, tables[version], scopes[version])
