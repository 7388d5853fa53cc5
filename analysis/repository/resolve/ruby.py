"""Ruby: files beside the file, then in a lib folder."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.repository.resolve.index import NOTHING, Found, Index, joined
from analysis.repository.tree import parent_of

STANDARD = frozenset(
    "abbrev base64 benchmark bigdecimal bundler cgi coverage csv date delegate digest english erb etc fiber fileutils "
    "find forwardable io ipaddr json logger matrix minitest monitor net objspace observer open-uri open3 openssl "
    "optparse ostruct pathname pp prettyprint prime psych pty rbconfig rdoc readline ripper securerandom "
    "set shellwords singleton socket stringio strscan syslog tempfile time timeout tmpdir "
    "tsort uri weakref yaml zlib".split()
)


def resolve_ruby(index: Index, path: str, module: str, names: Sequence[str]) -> Found:
    """Return the required file; what is neither here nor Ruby's own is a gem."""
    module = module.strip("\"'").removesuffix(".rb")
    beside = joined(parent_of(path), f"{module}.rb")
    found = beside if beside in index.paths else index.ending(f"lib/{module}.rb", path)
    if found:
        return Found((found,))
    gem = module.partition("/")[0]
    return NOTHING if module.startswith(".") or gem.casefold() in STANDARD else Found(external=gem)
