"""C and C++: included files beside the file, then by the end of their paths."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index, joined
from analysis.repository.tree import parent_of


def resolve_include(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the included file; a header in a folder that is not here belongs to the library of that name."""
    header = module.strip('"<> ')
    beside = joined(parent_of(path), header)
    found = beside if beside in index.paths else index.ending(header.lstrip("./"), path)
    if found:
        return Found((found,))
    library, slash, _ = header.partition("/")
    return Found(external=library) if slash and library not in ("sys", "..", ".") else NOTHING
