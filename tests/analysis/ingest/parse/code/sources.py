"""Source files that tests write, and what is found in them in a form that is easy to compare."""

from __future__ import annotations

from pathlib import Path

from analysis.ingest.parse.code import parse_source
from analysis.types import ParsedDocument


def parsed(folder: Path, name: str, text: str | bytes) -> ParsedDocument:
    path = folder / "source"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return parse_source(path, name)


def outline(document: ParsedDocument) -> list[tuple[str, str, str]]:
    """Return kind, path and signature of each symbol; each name stands where the symbol says."""
    code = document.code
    assert code is not None
    for symbol in code.symbols:
        assert document.text[symbol.name_start_char : symbol.name_end_char] == symbol.name
        assert symbol.start_char <= symbol.name_start_char < symbol.name_end_char <= symbol.end_char
    return [(symbol.kind, symbol.path, symbol.signature) for symbol in code.symbols]


def taken(document: ParsedDocument) -> list[tuple[str, tuple[str, ...]]]:
    assert document.code is not None
    return [(each.module, each.names) for each in document.code.imports]
