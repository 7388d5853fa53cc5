"""JavaScript and TypeScript: relative modules, `paths` of a tsconfig.json, packages of the same workspace."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from analysis.repository.resolve.index import NOTHING, Found, Index, joined
from analysis.repository.tree import parent_of

ENDINGS = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".d.ts", ".vue", ".svelte", ".json")
WRITTEN = re.compile(r"\.[mc]?jsx?$")  # in TypeScript a module's source is named by what it compiles to
CONFIGS = ("tsconfig.json", "jsconfig.json")
COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
TRAILING_COMMA = re.compile(r",(\s*[}\]])")
BUILT_IN = frozenset(
    "assert async_hooks buffer child_process cluster console constants crypto dgram dns domain events fs http http2 "
    "https inspector module net os path perf_hooks process punycode querystring readline repl stream string_decoder "
    "timers tls tty url util v8 vm worker_threads zlib".split()
)


def resolve_script(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the file that `module` means in the file `path`."""
    module = module.partition("?")[0]
    if module.startswith("."):
        return _found(index, joined(parent_of(path), module))
    if module.startswith("/"):
        return _found(index, module.lstrip("/"))
    for place in (*_mapped(index, path, module), *_packaged(index, module)):
        if file := _file(index, place):
            return Found((file,))
    scope, _, rest = module.partition("/")
    if module.startswith("node:") or scope in BUILT_IN or not scope:
        return NOTHING
    return Found(external=f"{scope}/{rest.partition('/')[0]}" if scope.startswith("@") else scope)


def _found(index: Index, place: str | None) -> Found:
    file = None if place is None else _file(index, place)
    return Found((file,)) if file else NOTHING


def _file(index: Index, place: str) -> str | None:
    bare = WRITTEN.sub("", place)
    return index.first(
        [
            place,
            *(f"{place}{ending}" for ending in ENDINGS),
            *((f"{bare}{ending}" for ending in ENDINGS) if bare != place else ()),
            *(f"{place}/index{ending}".lstrip("/") for ending in ENDINGS),
        ]
    )


def _mapped(index: Index, path: str, module: str) -> Iterator[str]:
    """Yield where the nearest tsconfig.json says that the module is."""
    config = next((found for name in CONFIGS if (found := index.manifest_above(name, path))), None)
    if config is None:
        return
    options = _object(_object(loose_json(index.manifests[config])).get("compilerOptions"))
    base = joined(parent_of(config), str(options.get("baseUrl") or "."))
    if base is None:
        return
    for pattern, targets in _object(options.get("paths")).items():
        head, star, tail = pattern.partition("*")
        if module.startswith(head) and module.endswith(tail) and (star or module == pattern):
            middle = module[len(head) : len(module) - len(tail)] if star else ""
            for target in targets if isinstance(targets, list) else ():
                if (place := joined(base, str(target).replace("*", middle))) is not None:
                    yield place
    if "baseUrl" in options:
        yield posixpath.join(base, module)


def _packaged(index: Index, module: str) -> Iterator[str]:
    """Yield where a package of this repository may have the module: by its package.json's name."""
    for manifest in index.manifests_named("package.json"):
        package = _object(loose_json(index.manifests[manifest]))
        name, folder = str(package.get("name") or ""), parent_of(manifest)
        if name and (module == name or module.startswith(f"{name}/")):
            inside = module[len(name) :].strip("/")
            places = (
                (inside, f"src/{inside}") if inside else (*_entry_points(package), "src/index", "index", "lib/index")
            )
            for place in places:
                if (found := joined(folder, place)) is not None:
                    yield found


def _entry_points(package: Mapping[str, Any]) -> Iterator[str]:
    for key in ("source", "types", "module", "main"):
        if isinstance(package.get(key), str):
            yield package[key]


@lru_cache(256)
def loose_json(text: str) -> Any:
    """Return what a JSON file with comments and trailing commas holds, None when it cannot be read."""
    bare = TRAILING_COMMA.sub(r"\1", COMMENT.sub(lambda found: found[1] or "", text))
    try:
        return json.loads(bare)
    except (ValueError, RecursionError):
        return None


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
