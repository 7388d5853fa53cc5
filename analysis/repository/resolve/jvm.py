"""Java, Kotlin, Scala: a package is a folder, whatever the source folder is called."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index

ENDINGS = (".java", ".kt", ".scala", ".groovy")
STANDARD = frozenset("java javax jdk sun kotlin kotlinx scala android groovy".split())
WILDCARDS = frozenset(("*", "_", ""))


def resolve_jvm(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the file of each imported class; the package's folder for what no file is named after."""
    parts = [part for part in module.removeprefix("static ").replace("`", "").split(".") if part not in WILDCARDS]
    if not parts:
        return NOTHING
    wanted = [[*parts, name] for name in names if name not in WILDCARDS] or [parts]
    targets = [target for each in wanted if (target := _target(index, path, each))]
    if targets or parts[0] in STANDARD:
        return Found(tuple(dict.fromkeys(targets)))
    package = [part for part in parts if part[:1].islower()]
    return Found(external=".".join(package[:3]))


def _target(index: Index, path: str, parts: Sequence[str]) -> str | None:
    """Return the file of the class, of one that it stands in, or the package."""
    for count in range(len(parts), 1, -1):
        tail = "/".join(parts[:count])
        found = next((file for ending in ENDINGS if (file := index.ending(f"{tail}{ending}", path))), None)
        found = found or index.folder_ending(tail, path)
        if found:
            return found
    return None
