"""What changed between two snapshots: files, lines and symbols."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from analysis.models import DocumentVersion, Snapshot
from analysis.repository.diff import Diff, counts, diff, edits, lines_of
from analysis.repository.texts import texts_of
from analysis.repository.tree import FileNode, files_of

PAIRS_KEPT = 8
ALIKE = 0.6  # of the lines of a file that moved and changed are still the same, at least
BATCH = 50  # changes whose texts are held at once
COMPARED_MAX = 20_000  # pairs of files that are looked at for that


class ChangeKind(StrEnum):
    """What became of a file."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    RENAMED = "renamed"  # moved, and perhaps changed too


@dataclass(frozen=True)
class FileChange:
    """A file that is not as it was. old, new: the file in either snapshot, None where it is not.

    added, removed: lines, 0 of files that are not read. similarity: of a renamed file, the share of lines that stayed.
    """

    kind: ChangeKind
    old: FileNode | None
    new: FileNode | None
    added: int = 0
    removed: int = 0
    similarity: float = 1.0

    @property
    def path(self) -> str:
        """Where the file is now, or was last."""
        file = self.new or self.old
        return file.path if file else ""


def changed_files(old: Snapshot, new: Snapshot) -> list[FileChange]:
    """Return the files that differ between two snapshots of a repository, in the order of paths.

    A file that is gone and one that is new are one renamed file if their bytes are equal, or ALIKE of their lines. What
    only another rule reads or leaves out has not changed.
    """
    return _kept(old, new) if old.ready and new.ready else _changed_files(old, new)


def _changed_files(old: Snapshot, new: Snapshot) -> list[FileChange]:
    before = {file.path: file for file in files_of(old)}
    after = {file.path: file for file in files_of(new)}
    changed = [
        FileChange(ChangeKind.CHANGED, before[path], after[path])
        for path in before.keys() & after.keys()
        if _differ(before[path], after[path])
    ]
    gone = [before[path] for path in before.keys() - after.keys()]
    come = [after[path] for path in after.keys() - before.keys()]
    moved = _renamed(gone, come)
    settled = {file.path for change in moved for file in (change.old, change.new) if file}
    removed = [FileChange(ChangeKind.REMOVED, file, None) for file in gone if file.path not in settled]
    added = [FileChange(ChangeKind.ADDED, None, file) for file in come if file.path not in settled]
    return sorted(_counted([*changed, *moved, *removed, *added]), key=lambda change: change.path)


_kept = lru_cache(PAIRS_KEPT)(_changed_files)


def _differ(old: FileNode, new: FileNode) -> bool:
    if old.digest and new.digest:
        return old.digest != new.digest
    return old.size_bytes != new.size_bytes


def _renamed(gone: Sequence[FileNode], come: Sequence[FileNode]) -> list[FileChange]:
    """Return the files that moved: first by equal bytes, then by equal lines; each file once."""
    moved = list(_same_bytes(gone, come))
    settled = {id(file) for change in moved for file in (change.old, change.new)}
    gone = [file for file in gone if id(file) not in settled and file.read]
    come = [file for file in come if id(file) not in settled and file.read]
    return [*moved, *_alike(gone, come)]


def _same_bytes(gone: Sequence[FileNode], come: Sequence[FileNode]) -> Iterator[FileChange]:
    by_digest: dict[str, list[FileNode]] = defaultdict(list)
    for file in gone:
        if file.digest and file.size_bytes:
            by_digest[file.digest].append(file)
    for file in sorted(come, key=lambda file: file.path):
        if sources := by_digest.get(file.digest):
            source = min(sources, key=lambda source: (source.name != file.name, source.path))
            sources.remove(source)
            yield FileChange(ChangeKind.RENAMED, source, file)


def _alike(gone: Sequence[FileNode], come: Sequence[FileNode]) -> Iterator[FileChange]:
    """Yield the pairs that have most lines in common, the most alike first."""
    pairs = [(old, new) for old in gone for new in come if _comparable(old, new)]
    if len(pairs) > COMPARED_MAX:
        pairs = [(old, new) for old, new in pairs if old.name == new.name][:COMPARED_MAX]
    lines = {file: Counter(hash(line) for line in lines_of(text)) for file, text in texts_of(_each(pairs))}
    scored = [(_share(lines[old], lines[new]), old, new) for old, new in pairs if old in lines and new in lines]
    taken: set[FileNode] = set()
    for share, old, new in sorted(scored, key=lambda each: (-each[0], each[1].path, each[2].path)):
        if share >= ALIKE and old not in taken and new not in taken:
            taken |= {old, new}
            yield FileChange(ChangeKind.RENAMED, old, new, similarity=round(share, 3))


def _comparable(old: FileNode, new: FileNode) -> bool:
    """Return whether the two can have most lines in common: of one kind and not of very different sizes."""
    smaller, larger = sorted((old.line_count, new.line_count))
    return posixpath.splitext(old.path)[1] == posixpath.splitext(new.path)[1] and 0 < larger * ALIKE <= smaller


def _each(pairs: Iterable[tuple[FileNode, FileNode]]) -> set[FileNode]:
    return {file for pair in pairs for file in pair}


def _share(old: Counter[int], new: Counter[int]) -> float:
    return (old & new).total() / max(old.total(), new.total(), 1)


def _counted(changes: Sequence[FileChange]) -> Iterator[FileChange]:
    """Yield the changes with the lines that were added and removed."""
    for start in range(0, len(changes), BATCH):
        batch = changes[start : start + BATCH]
        texts = {file.version_id: text for file, text in texts_of(_edited(batch))}
        yield from (_with_counts(change, texts) for change in batch)


def _edited(changes: Iterable[FileChange]) -> Iterator[FileNode]:
    """Yield both files of each change whose lines have to be compared."""
    for change in changes:
        if change.old and change.new and change.old.version_id and change.new.version_id:
            yield from (change.old, change.new)


def _with_counts(change: FileChange, texts: Mapping[int | None, str]) -> FileChange:
    old, new = change.old, change.new
    if old is None or new is None:
        return replace(change, added=new.line_count if new else 0, removed=old.line_count if old else 0)
    if old.version_id not in texts or new.version_id not in texts or old.digest == new.digest:
        return change
    added, removed = counts(edits(lines_of(texts[old.version_id]), lines_of(texts[new.version_id])))
    return replace(change, added=added, removed=removed)


def diff_of(old_version: DocumentVersion | None, new_version: DocumentVersion | None) -> Diff:
    """Return the hunks from one version of a file to another; None stands for a file that is not there."""
    return diff(old_version.read_text() if old_version else "", new_version.read_text() if new_version else "")
