"""Go: packages by the module path of a go.mod."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index
from analysis.repository.tree import parent_of

MODULE = re.compile(r"^\s*module\s+\"?([^\s\"]+)", re.MULTILINE)


def resolve_go(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the package's folder."""
    for manifest in reversed(index.manifests_named("go.mod")):  # inner modules first
        own = MODULE.search(index.manifests[manifest])
        if own and (module == own[1] or module.startswith(f"{own[1]}/")):
            folder = "/".join(filter(None, (parent_of(manifest), module[len(own[1]) :].strip("/"))))
            return Found((folder,)) if folder in index.folders else NOTHING
    host, *rest = module.split("/")
    if "." not in host:
        return NOTHING  # the standard library, and "C"
    return Found(external="/".join((host, *rest[:2])))
