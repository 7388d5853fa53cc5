"""Whatever names another file by its path: shell scripts, style sheets, pages."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index, joined
from analysis.repository.tree import parent_of


def resolve_relative(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the file at that path, seen from the file or from the top."""
    module = module.strip("\"'")
    for folder in (parent_of(path), ""):
        place = joined(folder, module.lstrip("/"))
        if place is not None and place in index.paths:
            return Found((place,))
    return NOTHING
