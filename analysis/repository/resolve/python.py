"""Python: dotted modules below the folders that hold top packages, and relative ones."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index, shared
from analysis.repository.tree import parent_of

STANDARD = sys.stdlib_module_names


def resolve_python(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the files of `import module` or `from module import names`, submodules that are named among them."""
    dots = len(module) - len(module.lstrip("."))
    parts = [part for part in module.split(".") if part]
    if dots:
        folder = path
        for _ in range(dots):
            folder = parent_of(folder)
        return Found(_files(index, folder, parts, names))
    if not parts or parts[0] in STANDARD:
        return NOTHING
    roots = sorted(index.python_roots.get(parts[0], ()), key=lambda root: (-shared(f"{root}/_", path), len(root)))
    for root in roots:
        if files := _files(index, root, parts, names):
            return Found(files)
    return NOTHING if roots else Found(external=parts[0])


def _files(index: Index, folder: str, parts: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    """Return the submodules that `names` are, and the module itself unless they all are."""
    base = "/".join(filter(None, (folder, *parts)))
    inner = [_module(index, f"{base}/{name}".lstrip("/")) for name in names]
    found = [file for file in inner if file is not None]
    if names and len(found) == len(names):
        return tuple(found)
    own = _module(index, base)
    if own is None and parts and not found:  # `import a.b.c` may name something inside a/b.py
        own = _module(index, base.rpartition("/")[0])
    return (*found, own) if own else tuple(found)


def _module(index: Index, base: str) -> str | None:
    if not base:
        return index.first(["__init__.py"])
    return index.first([f"{base}.py", f"{base}/__init__.py", f"{base}.pyi", f"{base}/__init__.pyi"])
