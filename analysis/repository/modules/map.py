"""A snapshot as a diagram: a few folders and files, and how much each imports of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from analysis.models import Snapshot
from analysis.repository.modules.imports import ImportGraph, imports_of
from analysis.repository.resolve import RESOLVERS
from analysis.repository.tree import FileNode, Folder, aside, folder_at, parent_of, tree_of

MODULES_MAX = 25


@dataclass(frozen=True)
class Module:
    """A folder with all below it, or a file. own: of a folder whose folders are modules too, only its own files.

    layer: 0 for what imports no other module, else one more than the highest that it imports; those of a cycle share
    theirs. cycle: the number of the cycle that it is in, counted from 1; 0 for none.
    """

    path: str
    folder: bool
    own: bool
    file_count: int
    line_count: int
    layer: int = 0
    cycle: int = 0


@dataclass(frozen=True, order=True)
class Link:
    """source imports target, in so many pairs of files."""

    source: str
    target: str
    imports: int


@dataclass(frozen=True)
class ModuleMap:
    """modules: the highest layer first. cycles: paths of modules that import each other, around."""

    modules: tuple[Module, ...] = ()
    links: tuple[Link, ...] = ()
    cycles: tuple[tuple[str, ...], ...] = ()


def module_map(snapshot: Snapshot, path: str = "", *, limit: int = MODULES_MAX) -> ModuleMap:
    """Return the diagram of the folder `path` of the snapshot, of at most `limit` modules.

    The folder is opened, then the biggest of what is in it, as long as the parts are few enough: the program before its
    tests. Only source code whose imports can be resolved is on it.
    """
    folder = folder_at(tree_of(snapshot), path)
    if folder is None:
        return ModuleMap()
    parts = _parts(folder, limit)
    owners = {file.path: name for name, part in parts.items() for file in part.files}
    return _laid_out(parts, _links(imports_of(snapshot), owners))


@dataclass(frozen=True)
class _Part:
    """A folder that may be opened further, a folder's own files, or a file."""

    module: Module
    files: tuple[FileNode, ...]
    folder: Folder | None = None


def _parts(folder: Folder, limit: int) -> dict[str, _Part]:
    """Return what `folder` is divided into, by path."""
    whole = _folder_part(folder)
    parts = {whole.module.path: whole} if whole.files else {}
    closed = list(parts.values())
    while closed:
        closed.sort(key=lambda part: (aside(f"{part.module.path}/"), -part.module.line_count))
        part = closed.pop(0)
        inner = _opened(part, limit - len(parts) + 1)
        if inner:
            del parts[part.module.path]
            parts |= {each.module.path: each for each in inner}
            closed += [each for each in inner if each.folder is not None]
    return parts


def _opened(part: _Part, room: int) -> list[_Part]:
    """Return what stands in the part's folder: its folders, and its files one by one if there is room, else as one."""
    if part.folder is None:
        return []
    folders = [each for folder in part.folder.folders if (each := _folder_part(folder)).files]
    files = [file for file in part.folder.files if _drawn(file)]
    single = [*folders, *(_part(file.path, [file], folder=False) for file in files)]
    if len(single) <= room:
        return single
    if not folders or len(folders) + bool(files) > room:
        return []
    return [*folders, *([_part(part.module.path, files, own=True)] if files else [])]


def _folder_part(folder: Folder) -> _Part:
    return replace(_part(folder.path, [file for file in folder.walk() if _drawn(file)]), folder=folder)


def _part(path: str, files: Iterable[FileNode], *, folder: bool = True, own: bool = False) -> _Part:
    files = tuple(files)
    return _Part(Module(path, folder, own, len(files), sum(file.line_count for file in files)), files)


def _drawn(file: FileNode) -> bool:
    return file.read and file.syntax in RESOLVERS


def _links(graph: ImportGraph, owners: Mapping[str, str]) -> dict[tuple[str, str], int]:
    """Return how often each part imports another."""
    packages = {parent_of(path): owner for path, owner in owners.items()}
    links: Counter[tuple[str, str]] = Counter()
    for path, source in owners.items():
        for target in graph.targets.get(path, ()):
            owner = owners.get(target) or packages.get(target)
            if owner is not None and owner != source:
                links[source, owner] += 1
    return dict(links)


def _laid_out(parts: Mapping[str, _Part], links: Mapping[tuple[str, str], int]) -> ModuleMap:
    """Return the parts in layers, with the cycles among them."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(parts)
    graph.add_edges_from(links)
    condensed = nx.condensation(graph)
    modules, cycles = [], []
    # Turned around, a generation is what rests only on those before it.
    for layer, generation in enumerate(nx.topological_generations(condensed.reverse())):
        for node in sorted(generation, key=lambda node: min(condensed.nodes[node]["members"])):
            members = sorted(condensed.nodes[node]["members"])
            if len(members) > 1:
                cycles.append(tuple(members))
            cycle = len(cycles) if len(members) > 1 else 0
            modules += [replace(parts[path].module, layer=layer, cycle=cycle) for path in members]
    modules.sort(key=lambda module: (-module.layer, module.path))
    found = sorted(Link(source, target, count) for (source, target), count in links.items())
    return ModuleMap(tuple(modules), tuple(found), tuple(cycles))
