"""PHP: classes by the PSR-4 prefixes of a composer.json, included files by their paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index, joined
from analysis.repository.resolve.script import loose_json
from analysis.repository.tree import parent_of


def resolve_php(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the file of each class that is used, or the file that is included."""
    module = module.strip("\"' ")
    if module.endswith((".php", ".inc")):
        beside = joined(parent_of(path), module.lstrip("/"))
        found = beside if beside in index.paths else index.ending(module.lstrip("./"), path)
        return Found((found,)) if found else NOTHING
    namespace = module.strip("\\")
    wanted = [f"{namespace}\\{name}" for name in names] or [namespace]
    targets = [file for name in wanted if (file := index.first(_places(index, name)))]
    if targets:
        return Found(tuple(dict.fromkeys(targets)))
    vendor, inner, _ = namespace.partition("\\")
    ours = any(namespace.startswith(prefix) for prefix, _ in _prefixes(index))
    return Found(external=vendor) if inner and not ours else NOTHING


def _places(index: Index, name: str) -> Iterator[str]:
    for prefix, folder in _prefixes(index):
        if name.startswith(prefix):
            inside = name[len(prefix) :].strip("\\").replace("\\", "/")
            yield f"{folder}/{inside}.php".lstrip("/")


def _prefixes(index: Index) -> Iterator[tuple[str, str]]:
    """Yield each namespace prefix with the folder that its classes stand in."""
    for manifest in index.manifests_named("composer.json"):
        composer = loose_json(index.manifests[manifest])
        for section in ("autoload", "autoload-dev"):
            rules = composer.get(section) if isinstance(composer, dict) else None
            psr4 = rules.get("psr-4") if isinstance(rules, dict) else None
            for prefix, folders in (psr4 if isinstance(psr4, dict) else {}).items():
                for folder in folders if isinstance(folders, list) else [folders]:
                    place = joined(parent_of(manifest), str(folder))
                    if place is not None:
                        yield prefix, place
