"""Source code: the tree of a version, its files, symbols, definitions and references, modules and facts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router

from analysis.api.auth import ApiRequest
from analysis.api.chosen import FilePath, Path, SnapshotNumber, SourceFile, file_for, snapshot_for
from analysis.api.repository_schemas import (
    DefinitionOfNameOut,
    FileOut,
    ModulesOut,
    OverviewOut,
    ReferencesOut,
    SymbolOut,
    TreeOut,
)
from analysis.api.responses import responses
from analysis.api.schemas import Text
from analysis.errors import UserError
from analysis.models import Secret, Snapshot
from analysis.repository.lines import LineTable, line_tables
from analysis.repository.modules import imports_of, module_map
from analysis.repository.modules.map import MODULES_MAX
from analysis.repository.running import facts_of
from analysis.repository.symbols import Definition, definitions, find_symbols, outline, references
from analysis.repository.symbols.references import REFERENCES_MAX
from analysis.repository.tree import FileNode, Folder, folder_at, tree_of

router = Router(tags=["Source code"])

Name = Annotated[Text, Query(..., min_length=1, max_length=500)]
Line = Annotated[int | None, Query(None, ge=1, le=2**31 - 1)]
Symbols = Annotated[int, Query(50, ge=1, le=500)]
SUMS = ("path", "name", "file_count", "read_count", "line_count", "size_bytes", "tokens", "dispositions")
FILE = ("path", "name", "disposition", "size_bytes", "line_count", "tokens", "syntax", "document_id")
SYMBOL = (
    *("document_id", "kind", "name", "signature", "doc", "start_line", "end_line", "line", "start_char", "end_char"),
    *("depth", "nearness"),
)


@router.get("/repositories/{uuid:repository_id}/tree", response=responses(200, TreeOut, 409))
def get_tree(
    request: ApiRequest, repository_id: UUID, path: Path = "", snapshot: SnapshotNumber = None
) -> dict[str, Any]:
    """A folder of a version, by default the top: its files, each with whether it is read, and sums of its folders."""
    chosen = snapshot_for(request.auth, repository_id, snapshot)
    folder = folder_at(tree_of(chosen), path)
    if folder is None:
        raise UserError(f"There is no folder {path!r} in {chosen.label}.", code="unknown_path", status=404)
    inner = {"folders": [_sums(each) for each in folder.folders], "files": [_listed(each) for each in folder.files]}
    return _sums(folder) | inner | {"snapshot": chosen.number}


def _sums(folder: Folder) -> dict[str, Any]:
    return {name: getattr(folder, name) for name in SUMS}


def _listed(file: FileNode) -> dict[str, Any]:
    return {name: getattr(file, name) for name in FILE}


@router.get("/repositories/{uuid:repository_id}/files", response=responses(200, FileOut, 409))
def get_file(
    request: ApiRequest,
    repository_id: UUID,
    *,
    path: FilePath,
    start_line: Line = None,
    end_line: Line = None,
    snapshot: SnapshotNumber = None,
) -> dict[str, Any]:
    """The lines of a file from start_line to end_line, both inside; by default all of it.

    Lines past the end are moved into the file; the reply states what it holds.
    """
    chosen = snapshot_for(request.auth, repository_id, snapshot)
    file = file_for(chosen, path)
    table = line_tables([file.version.pk])[file.version.pk]
    span = table.span_of(start_line or 1, end_line or table.count)
    first, last = table.lines_of(*span)
    return {
        "path": file.node.path,
        "snapshot": chosen.number,
        "document_id": file.node.document_id,
        "syntax": file.node.syntax,
        "line_count": table.count,
        "start_line": first,
        "end_line": last,
        "start_char": span.start_char,
        "end_char": span.end_char,
        "text": file.version.read_text(*span),
        "secrets": [_secret(row, table) for row in _secrets(file, *span)],
    }


def _secrets(file: SourceFile, start_char: int, end_char: int) -> list[Secret]:
    return list(Secret.objects.filter(version=file.version, start_char__gte=start_char, start_char__lt=end_char))


def _secret(row: Secret, table: LineTable) -> dict[str, Any]:
    place = {"start_char": row.start_char, "end_char": row.end_char}
    return {"kind": row.kind, "line": table.line_of(row.start_char), **place}


@router.get("/repositories/{uuid:repository_id}/symbols", response=responses(200, list[SymbolOut], 409))
def list_symbols(
    request: ApiRequest,
    repository_id: UUID,
    *,
    q: Annotated[Text, Query("", max_length=500)] = "",
    path: Path = "",
    kind: Annotated[list[Text], Query([], max_length=20)] = [],  # noqa: B006
    limit: Symbols = 50,
    snapshot: SnapshotNumber = None,
) -> list[dict[str, Any]]:
    """The symbols that `q` may mean, the likeliest first; or without `q` the outline of the file `path`.

    `q` is a name, a part of one, or how its words begin: `SesReq` finds Session.request. `path` keeps to a folder or
    file, `kind` (repeatable) to functions, methods, classes and so on.
    """
    chosen = snapshot_for(request.auth, repository_id, snapshot)
    if q.strip():
        return [_symbol(row) for row in find_symbols(chosen, q, limit, kinds=kind, path=path)]
    if not path:
        raise UserError("Say which symbol (q) or which file (path).", code="empty_query")
    rows = outline(file_for(chosen, path).version)
    return [_symbol(row) for row in rows if not kind or row.kind in kind]


def _symbol(row: Definition) -> dict[str, Any]:
    return {name: getattr(row, name) for name in SYMBOL} | {"path": row.file_path, "symbol": row.path}


@router.get("/repositories/{uuid:repository_id}/definitions", response=responses(200, list[DefinitionOfNameOut], 409))
def list_definitions(
    request: ApiRequest,
    repository_id: UUID,
    *,
    name: Name,
    path: Path = "",
    line: Line = None,
    snapshot: SnapshotNumber = None,
) -> list[dict[str, Any]]:
    """Where a name is defined; with `path` and `line` of a place that uses it, the nearest definition first."""
    chosen = snapshot_for(request.auth, repository_id, snapshot)
    near = _place(chosen, path, line or 1, name) if path else None
    return [_symbol(row) for row in definitions(chosen, name, near)]


def _place(snapshot: Snapshot, path: str, line: int, name: str) -> tuple[Any, int]:
    """Return the version and the character of the name on that line, of the line's beginning if it is not there."""
    file = file_for(snapshot, path)
    span = line_tables([file.version.pk])[file.version.pk].span_of(line, line)
    at = file.version.read_text(*span).find(name)
    last = at + len(name) - len(name.rpartition(".")[2])  # of "session.send" the place of "send"
    return file.version, span.start_char + max(0, last if at >= 0 else 0)


@router.get("/repositories/{uuid:repository_id}/references", response=responses(200, ReferencesOut, 409))
def list_references(
    request: ApiRequest,
    repository_id: UUID,
    name: Name,
    limit: Annotated[int, Query(REFERENCES_MAX, ge=1, le=5000)] = REFERENCES_MAX,
    snapshot: SnapshotNumber = None,
) -> dict[str, Any]:
    """Where a name is used, by file; past `limit` places files are only counted.

    By name, not by type: another class's method of the same name is among them.
    """
    found = references(snapshot_for(request.auth, repository_id, snapshot), name, limit=limit)
    return {"name": name, "count": sum(file.count for file in found), "files": [asdict(file) for file in found]}


@router.get("/repositories/{uuid:repository_id}/modules", response=responses(200, ModulesOut, 409))
def get_modules(
    request: ApiRequest,
    repository_id: UUID,
    path: Path = "",
    limit: Annotated[int, Query(MODULES_MAX, ge=1, le=100)] = MODULES_MAX,
    snapshot: SnapshotNumber = None,
) -> dict[str, Any]:
    """How the folders and files below `path` import each other, as at most `limit` modules; and what others' code is
    imported."""
    chosen = snapshot_for(request.auth, repository_id, snapshot)
    dependencies = imports_of(chosen).dependencies
    listed = [{"name": each.name, "file_count": len(each.files)} for each in dependencies]
    return asdict(module_map(chosen, path.strip("/"), limit=limit)) | {"dependencies": listed}


@router.get("/repositories/{uuid:repository_id}/overview", response=responses(200, OverviewOut, 409))
def get_overview(request: ApiRequest, repository_id: UUID, snapshot: SnapshotNumber = None) -> dict[str, Any]:
    """What the repository says of itself: languages, entry points, how it is run and tested, dependencies, licence.

    Every fact stands on lines of a file. No language model is asked.
    """
    chosen = snapshot_for(request.auth, repository_id, snapshot)
    return asdict(facts_of(chosen)) | {"snapshot": chosen.number}
