"""The tree of a snapshot: its folders with what they hold, and every file with whether it is read."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from analysis.models import Disposition, Snapshot
from analysis.repository.kept import once_ready

ASIDE = re.compile(
    r"(^|/)(tests?|testing|specs?|__tests__|docs?|examples?|samples?|benchmarks?)/"
    r"|(^|/)(test_[^/]*|conftest\.py|[^/]*_test\.\w+|[^/]*\.(test|spec)\.\w+)$"
)


@dataclass(frozen=True)
class FileNode:
    """A file of a snapshot. tokens, document_id, version_id: 0 and None unless the file is read."""

    path: str
    disposition: Disposition = Disposition.READ
    size_bytes: int = 0
    line_count: int = 0
    tokens: int = 0
    syntax: str = ""
    digest: str = ""
    document_id: UUID | None = None
    version_id: int | None = None

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def read(self) -> bool:
        return self.disposition == Disposition.READ


@dataclass(frozen=True)
class Folder:
    """A folder and all that is below it. path: "" for the top.

    file_count and size_bytes are of all files, line_count and tokens of those that are read. dispositions: how many
    files each of them has.
    """

    path: str
    folders: tuple[Folder, ...] = ()
    files: tuple[FileNode, ...] = ()
    file_count: int = 0
    line_count: int = 0
    size_bytes: int = 0
    tokens: int = 0
    dispositions: Mapping[Disposition, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def read_count(self) -> int:
        return self.dispositions.get(Disposition.READ, 0)

    def walk(self) -> Iterator[FileNode]:
        """Yield every file below the folder: of each folder its own files, then those of its folders."""
        waiting = [self]
        while waiting:
            folder = waiting.pop()
            yield from folder.files
            waiting.extend(reversed(folder.folders))


@once_ready
def tree_of(snapshot: Snapshot) -> Folder:
    """Return the top folder of the snapshot, in one query."""
    return folded(files_of(snapshot))


@once_ready
def files_of(snapshot: Snapshot) -> list[FileNode]:
    """Return every file of the snapshot in the order of paths, in one query."""
    fields = ("path", "disposition", "size_bytes", "line_count", "version__tokens", "syntax", "digest")
    rows = snapshot.files.order_by("path").values_list(*fields, "document_id", "version_id")
    return [
        FileNode(path, Disposition(disposition), size, lines, tokens or 0, syntax, digest, document, version)
        for path, disposition, size, lines, tokens, syntax, digest, document, version in rows
    ]


@once_ready
def files_by_version(snapshot: Snapshot) -> dict[int, FileNode]:
    """Return the files of the snapshot that are read, by the id of their version."""
    return {file.version_id: file for file in files_of(snapshot) if file.version_id is not None}


def folded(files: Iterable[FileNode]) -> Folder:
    """Return the top folder of a tree that holds `files`; folders and files by name, capitals or not."""
    own: dict[str, list[FileNode]] = {"": []}
    for file in files:
        own.setdefault(parent_of(file.path), []).append(file)
    for path in list(own):
        for above in parents_of(path):
            own.setdefault(above, [])
    below: dict[str, list[Folder]] = defaultdict(list)
    # From the deepest up and without recursion: a path may have five hundred parts.
    for path in sorted(own, key=_depth, reverse=True):
        folder = _folder(path, below.pop(path, []), own[path])
        if not path:
            return folder
        below[parent_of(path)].append(folder)
    raise AssertionError("the top folder is always there")


def _folder(path: str, folders: list[Folder], files: list[FileNode]) -> Folder:
    dispositions = Counter(file.disposition for file in files)
    for folder in folders:
        dispositions.update(folder.dispositions)
    counted: list[Folder | FileNode] = [*folders, *(file for file in files if file.read)]
    return Folder(
        path,
        tuple(sorted(folders, key=_by_name)),
        tuple(sorted(files, key=_by_name)),
        file_count=dispositions.total(),
        line_count=sum(part.line_count for part in counted),
        size_bytes=sum(folder.size_bytes for folder in folders) + sum(file.size_bytes for file in files),
        tokens=sum(part.tokens for part in counted),
        dispositions=dict(dispositions),
    )


def _depth(path: str) -> int:
    return path.count("/") + 1 if path else 0


def _by_name(part: Folder | FileNode) -> tuple[str, str]:
    return part.name.casefold(), part.name


def folder_at(tree: Folder, path: str) -> Folder | None:
    """Return the folder at `path` below `tree`, the top folder; None if there is none."""
    for name in filter(None, path.split("/")):
        found = next((folder for folder in tree.folders if folder.name == name), None)
        if found is None:
            return None
        tree = found
    return tree


def file_at(snapshot: Snapshot, path: str) -> FileNode | None:
    """Return the file of the snapshot at `path`, None if there is none."""
    folder = folder_at(tree_of(snapshot), parent_of(path))
    return next((file for file in folder.files if file.path == path), None) if folder else None


def parent_of(path: str) -> str:
    """Return the folder that `path` stands in, "" for the top."""
    return path.rpartition("/")[0]


def parents_of(path: str) -> Iterator[str]:
    """Yield the folders that `path` stands in, from its own up to the top."""
    while path:
        path = parent_of(path)
        yield path


def aside(path: str) -> bool:
    """Return whether the file, or the folder with its "/", is beside the program: a test, an example, documentation."""
    return bool(ASIDE.search(path))
