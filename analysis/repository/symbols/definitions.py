"""Where a name is defined, the likeliest definition for the place that uses it first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from analysis.models import DocumentVersion, Snapshot, Symbol
from analysis.repository.modules import imports_of
from analysis.repository.symbols.rows import Definition, Nearness, completed, parts_of, read
from analysis.repository.tree import FileNode, aside, files_by_version, parent_of

DEFINITIONS_MAX = 50
QUALIFIER = re.compile(r"([\w$]+)\s*(?:\.|::|->|\?\.)\s*$")
QUALIFIER_CHARACTERS = 100
SELF = frozenset(("self", "this", "cls", "super", "Self"))
WITHIN = frozenset(("function", "method", "constructor"))  # what stands in a type, where `self` is that type
RANK = {nearness: rank for rank, nearness in enumerate(Nearness)}


def definitions(
    snapshot: Snapshot, name: str, near: tuple[DocumentVersion, int] | None = None, *, limit: int = DEFINITIONS_MAX
) -> list[Definition]:
    """Return where the snapshot defines `name`, the nearest to `near` first, at most `limit`.

    name: as it is used, "request" or "Session.request". near: a version of a file and a character of its text.
    Nearest is what the word before the dot names, then what stands in the symbols around the place, in its file, in
    files that it imports, in its folder; among equals what is public, and what is of the program rather than a test.
    """
    *outer, last = parts_of(name)
    files = files_by_version(snapshot)
    rows = read(Symbol.objects.filter(version__snapshot_files__snapshot=snapshot, name=last), files)
    if outer:
        rows = [row for row in rows if parts_of(row.path)[-len(outer) - 1 : -1] == outer] or rows
    view = _view(snapshot, files, *near) if near else None
    ranked = sorted(rows, key=lambda row: _distance(row, view))[:limit]
    return completed([replace(row, nearness=_nearness(row, view)) for row in ranked] if view else ranked)


@dataclass(frozen=True)
class _View:
    """What is around a place: its file, the symbols it stands in, the files its own imports, the word before it."""

    version_id: int
    folder: str
    scopes: frozenset[int]
    imported: frozenset[str]
    qualifier: str


def _view(snapshot: Snapshot, files: Mapping[int, FileNode], version: DocumentVersion, char: int) -> _View:
    around = Symbol.objects.filter(version=version, start_char__lte=char, end_char__gt=char).order_by("-ordinal")
    scopes = list(around.values_list("ordinal", "name", "kind"))
    path = files[version.pk].path if version.pk in files else version.document.path
    before = QUALIFIER.search(version.read_text(max(0, char - QUALIFIER_CHARACTERS), char))
    qualifier = before[1] if before else ""
    if qualifier in SELF:
        qualifier = next((name for _, name, kind in scopes if kind not in WITHIN), "")
    imported = imports_of(snapshot).targets.get(path, frozenset())
    return _View(version.pk, parent_of(path), frozenset(scope for scope, _, _ in scopes), imported, qualifier)


def _nearness(row: Definition, view: _View) -> Nearness:
    if row.version_id == view.version_id:
        return Nearness.SCOPE if row.parent in view.scopes else Nearness.FILE
    if row.file_path in view.imported or parent_of(row.file_path) in view.imported:
        return Nearness.IMPORTED
    return Nearness.FOLDER if parent_of(row.file_path) == view.folder else Nearness.ELSEWHERE


def _distance(row: Definition, view: _View | None) -> tuple[Any, ...]:
    """Return what definitions are sorted by, the smallest first."""
    depth = len(parts_of(row.path))
    plain = (row.name.startswith("_"), aside(row.file_path), depth, row.file_path, row.start_char)
    if view is None:
        return plain
    named = not view.qualifier or view.qualifier in parts_of(row.path)[:-1]
    return (not named, RANK[_nearness(row, view)], *plain)
