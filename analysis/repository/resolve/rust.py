"""Rust: paths from the crate, from the module itself, and crates of the same workspace."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index
from analysis.repository.tree import parent_of

NAME = re.compile(r"^\[package\][^\[]*?^name\s*=\s*\"([^\"]+)\"", re.MULTILINE)
STANDARD = frozenset("std core alloc proc_macro test".split())
ROOTS = frozenset("mod.rs lib.rs main.rs".split())


def resolve_rust(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the module files of `use module::{names}`, and of `mod module;`."""
    parts = [part.strip() for part in module.removeprefix("mod ").strip(":; ").split("::") if part.strip(" *")]
    if not parts:
        return NOTHING
    base = _base(index, path, parts)
    if base is None:
        return NOTHING if parts[0] in STANDARD else Found(external=parts[0])
    folder, rest = base
    wanted = [[*rest, name] for name in names if name not in ("*", "self")] or [rest]
    targets = [target for each in wanted if (target := _module(index, folder, each))]
    return Found(tuple(dict.fromkeys(targets)))


def _base(index: Index, path: str, parts: list[str]) -> tuple[str, list[str]] | None:
    """Return the folder whose modules the path starts from, and the rest of the path; None for another's crate."""
    own = _own_folder(path)
    if parts[0] == "crate":
        return _source(index, path), parts[1:]
    if parts[0] == "self":
        return own, parts[1:]
    if parts[0] == "super":
        depth = next((at for at, part in enumerate(parts) if part != "super"), len(parts))
        for _ in range(depth):
            own = parent_of(own)
        return own, parts[depth:]
    if _module(index, own, parts[:1], exactly=True):
        return own, parts
    for manifest in index.manifests_named("Cargo.toml"):
        name = NAME.search(index.manifests[manifest])
        if name and name[1].replace("-", "_") == parts[0]:
            return _inside(parent_of(manifest), "src"), parts[1:]
    return None


def _own_folder(path: str) -> str:
    """Return the folder that the modules inside the file `path` stand in."""
    folder, _, name = path.rpartition("/")
    return folder if name in ROOTS else _inside(folder, name.removesuffix(".rs"))


def _source(index: Index, path: str) -> str:
    manifest = index.manifest_above("Cargo.toml", path)
    return _inside(parent_of(manifest), "src") if manifest is not None else parent_of(path)


def _module(index: Index, folder: str, parts: Sequence[str], *, exactly: bool = False) -> str | None:
    """Return the file of the longest beginning of `parts` that is a module; the folder's own when none is."""
    for count in range(len(parts), 0, -1):
        base = _inside(folder, "/".join(parts[:count]))
        if found := index.first([f"{base}.rs", f"{base}/mod.rs"]):
            return found
        if exactly:
            return None
    return index.first([_inside(folder, name) for name in ("lib.rs", "mod.rs", "main.rs")] + [f"{folder}.rs"])


def _inside(folder: str, name: str) -> str:
    return f"{folder}/{name}".lstrip("/")
