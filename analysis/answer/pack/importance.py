"""Which files of a snapshot come first when there is not room for all, whatever is asked."""

from __future__ import annotations

import re

from analysis.models import Snapshot
from analysis.repository.kept import once_ready
from analysis.repository.modules import imports_of
from analysis.repository.running import facts_of
from analysis.repository.running.facts import DATA
from analysis.repository.tree import FileNode, aside, files_by_version

_README = re.compile(r"^readme(\.\w+)?$", re.IGNORECASE)


@once_ready
def by_importance(snapshot: Snapshot) -> dict[int, int]:
    """Return the rank of each version that is read, 0 for the first.

    What tells how it is started comes first, then code before data and prose, and tests and examples last; among these
    whatever is imported by more files, then what is nearer to the top.
    """
    files = files_by_version(snapshot)
    graph = imports_of(snapshot)
    entries = {fact.path for fact in facts_of(snapshot).entry_points}

    def order(file: FileNode) -> tuple[int, int, int, str]:
        return _tier(file, entries), -len(graph.importers(file.path)), file.path.count("/"), file.path

    ranked = sorted(files.items(), key=lambda held: order(held[1]))
    return {version_id: rank for rank, (version_id, _) in enumerate(ranked)}


def _tier(file: FileNode, entries: set[str]) -> int:
    if aside(file.path):
        return 3
    if file.path in entries or _README.match(file.path):
        return 0
    return 1 if file.syntax and file.syntax not in DATA else 2
