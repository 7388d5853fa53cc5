"""Imports of a snapshot resolved: which file imports which, and which code of others it rests on."""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from analysis.models import Import, Snapshot
from analysis.repository.kept import once_ready
from analysis.repository.resolve import RESOLVERS, Index
from analysis.repository.texts import texts_of
from analysis.repository.tree import FileNode, files_by_version

MANIFESTS = frozenset("go.mod Cargo.toml composer.json package.json tsconfig.json jsconfig.json".split())


@dataclass(frozen=True)
class Dependency:
    """Code of others, by the name it is imported under, and the files that import it."""

    name: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class ImportGraph:
    """targets: for each file what it imports of the snapshot: files, and folders where a package is a folder."""

    targets: Mapping[str, frozenset[str]] = field(default_factory=dict)
    dependencies: tuple[Dependency, ...] = ()

    @cached_property
    def _importers(self) -> Mapping[str, frozenset[str]]:
        reverse: dict[str, set[str]] = defaultdict(set)
        for file, targets in self.targets.items():
            for target in targets:
                reverse[target].add(file)
        return {target: frozenset(files) for target, files in reverse.items()}

    def importers(self, path: str) -> frozenset[str]:
        """Return the files that import the file `path`, or the folder it stands in as a package."""
        own = self._importers.get(path, frozenset())
        return own | self._importers.get(posixpath.dirname(path), frozenset())

    def reaches(self, path: str, other: str) -> bool:
        """Return whether the file `path` imports the file `other`."""
        targets = self.targets.get(path, frozenset())
        return other in targets or posixpath.dirname(other) in targets


@once_ready
def imports_of(snapshot: Snapshot) -> ImportGraph:
    """Return the imports of the snapshot, in a constant number of queries."""
    files = files_by_version(snapshot)
    index = _index(files)
    targets: dict[str, set[str]] = defaultdict(set)
    external: dict[str, set[str]] = defaultdict(set)
    rows = Import.objects.filter(version__in=list(files)).order_by("version", "ordinal")
    for version, module, names in rows.values_list("version_id", "module", "names").iterator():
        file = files[version]
        resolver = RESOLVERS.get(file.syntax)
        if resolver is None:
            continue
        found = resolver(index, file.path, module, names)
        targets[file.path].update(target for target in found.targets if target != file.path)
        if found.external:
            external[found.external].add(file.path)
    dependencies = [Dependency(name, tuple(sorted(paths))) for name, paths in external.items()]
    dependencies.sort(key=lambda dependency: (-len(dependency.files), dependency.name))
    return ImportGraph({path: frozenset(found) for path, found in targets.items() if found}, tuple(dependencies))


def _index(files: Mapping[int, FileNode]) -> Index:
    manifests = [file for file in files.values() if file.name in MANIFESTS]
    return Index(
        frozenset(file.path for file in files.values()), {file.path: text for file, text in texts_of(manifests)}
    )
