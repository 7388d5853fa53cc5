"""Parsers: an original file becomes a ParsedDocument. They run in a child process; see analysis/ingest/sandbox.py.

Raise PARSER_VERSION when the same file would give another canonical text: stored spans belong to one version.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analysis.types import ParsedDocument

PARSER_VERSION = 1

Report = Callable[[str, int, int], None]


def parse_file(path: Path, *, name: str, password: str, page_limit: int, report: Report) -> ParsedDocument:
    """Return what the file at `path` holds, read as what its bytes say it is; `name` decides where they do not."""
    from analysis.ingest.parse.pdf import parse_pdf

    return parse_pdf(path, password=password, page_limit=page_limit, report=report)
