"""What resolving an import looks things up in: the paths of a snapshot and its manifests."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from analysis.repository.tree import parent_of, parents_of


@dataclass(frozen=True)
class Found:
    """Where an import leads. targets: files, or folders where a package is a folder. external: whose code it is
    otherwise, "" for the language's own library and for what is not known."""

    targets: tuple[str, ...] = ()
    external: str = ""


NOTHING = Found()


@dataclass(frozen=True)
class Index:
    """The files of a snapshot that are read, and the texts of its manifests, both by path."""

    paths: frozenset[str]
    manifests: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder, the top one "" too."""
        return frozenset(folder for path in self.paths for folder in parents_of(path))

    @cached_property
    def _files_by_name(self) -> Mapping[str, list[str]]:
        return _by_name(self.paths)

    @cached_property
    def _folders_by_name(self) -> Mapping[str, list[str]]:
        return _by_name(self.folders)

    @cached_property
    def python_roots(self) -> Mapping[str, list[str]]:
        """Where top modules stand: for each first name of a dotted one, folders that are no packages themselves."""
        roots: dict[str, set[str]] = defaultdict(set)
        for path in self.paths:
            if path.endswith((".py", ".pyi")):
                parts = path.split("/")
                for at, part in enumerate(parts):
                    root = "/".join(parts[:at])
                    if f"{root}/__init__.py".lstrip("/") not in self.paths:
                        roots[part.partition(".")[0]].add(root)
        return {name: sorted(folders) for name, folders in roots.items()}

    def first(self, candidates: Iterable[str]) -> str | None:
        """Return the first of `candidates` that is a file here."""
        return next((path for path in candidates if path in self.paths), None)

    def ending(self, tail: str, near: str) -> str | None:
        """Return the file whose path ends with `tail`, by whole names; of several the nearest to the file `near`."""
        return _nearest(self._files_by_name, tail, near)

    def folder_ending(self, tail: str, near: str) -> str | None:
        """Return the folder whose path ends with `tail`, by whole names; of several the nearest to the file `near`."""
        return _nearest(self._folders_by_name, tail, near)

    def manifest_above(self, name: str, path: str) -> str | None:
        """Return the path of the nearest manifest called `name` in the folders that `path` stands in."""
        places = (posixpath.join(folder, name) for folder in parents_of(path))
        return next((place for place in places if place in self.manifests), None)

    def manifests_named(self, name: str) -> list[str]:
        """Return the paths of all manifests called `name`, the outermost first."""
        found = [path for path in self.manifests if posixpath.basename(path) == name]
        return sorted(found, key=lambda path: (path.count("/"), path))


def _by_name(paths: Iterable[str]) -> Mapping[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    for path in sorted(paths):
        names[posixpath.basename(path)].append(path)
    return names


def _nearest(by_name: Mapping[str, list[str]], tail: str, near: str) -> str | None:
    found = [path for path in by_name.get(posixpath.basename(tail), ()) if path == tail or path.endswith(f"/{tail}")]
    return min(found, key=lambda path: (-shared(path, near), len(path), path), default=None)


def shared(path: str, other: str) -> int:
    """Return how many folders the two paths share, from the top."""
    count = 0
    for one, two in zip(parent_of(path).split("/"), parent_of(other).split("/"), strict=False):
        if one != two:
            break
        count += 1
    return count


def joined(folder: str, relative: str) -> str | None:
    """Return the path that `relative` means from `folder`; None when it leads out of the snapshot."""
    path = posixpath.normpath(posixpath.join(folder, relative))
    if path == "..":
        return None
    return None if path.startswith(("../", "/")) else "" if path == "." else path
