"""C#: namespaces are taken for folders, dotted or nested, as is the custom."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index

STANDARD = frozenset(("System", "Microsoft"))


def resolve_csharp(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the folder of the namespace, the longest end of its name that there is a folder for."""
    parts = [part for part in module.removeprefix("static ").split(".") if part]
    if not parts or parts[0] in STANDARD:
        return NOTHING
    for start in range(len(parts)):
        for tail in _tails(parts[start:]):
            # A single last name would catch any folder called Models.
            if (start == 0 or len(parts) - start > 1) and (folder := index.folder_ending(tail, path)):
                return Found((folder,))
    return Found(external=".".join(parts[:2]))


def _tails(parts: Sequence[str]) -> list[str]:
    """Return "A/B/C", "A.B/C" and "A.B.C": a project's folder is often called by several names at once."""
    return ["/".join(filter(None, (".".join(parts[:cut]), *parts[cut:]))) for cut in range(1, len(parts) + 1)]
