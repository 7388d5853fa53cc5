"""Jupyter notebooks: the sources of their cells, one after another; what the cells put out is left out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from analysis.types import Span

_MOST_CELLS = 10_000


@dataclass(frozen=True)
class Notebook:
    """text: each cell behind a line with its number and kind. code: where the source of each code cell stands.

    language: of the code, as the notebook calls it in small letters. has_outputs: something was left out.
    """

    text: str
    cells: tuple[Span, ...]
    code: tuple[Span, ...]
    language: str
    has_outputs: bool


def read_notebook(text: str) -> Notebook | None:
    """Return the notebook whose JSON is `text`; None if that is none."""
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        return None
    cells = _cells(stored)
    return _laid_out(stored, cells) if cells else None


def _cells(stored: Any) -> list[dict[str, Any]]:
    """Return the cells, of notebooks before version 4 too, whose cells stand in worksheets."""
    if not isinstance(stored, dict):
        return []
    sheets = stored.get("worksheets")
    groups = [stored.get("cells")] + [sheet.get("cells") for sheet in _dicts(sheets)]
    return [cell for group in groups for cell in _dicts(group)][:_MOST_CELLS]


def _dicts(found: Any) -> list[dict[str, Any]]:
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _laid_out(stored: dict[str, Any], cells: list[dict[str, Any]]) -> Notebook:
    parts: list[str] = []
    spans: list[Span] = []
    code: list[Span] = []
    at = 0
    for number, cell in enumerate(cells, 1):
        kind = str(cell.get("cell_type") or "cell")[:20].split("\n")[0]
        head, source = f"# %% [{number}] {kind}\n", _source(cell)
        part = head + source + ("\n" if source.endswith("\n") or not source else "\n\n")
        if kind == "code":
            code.append(Span(at + len(head), at + len(head) + len(source)))
        parts.append(part)
        spans.append(Span(at, at + len(part)))
        at += len(part)
    has_outputs = any(cell.get("outputs") for cell in cells)
    return Notebook("".join(parts), tuple(spans), tuple(code), _language(stored), has_outputs)


def _source(cell: dict[str, Any]) -> str:
    source = cell.get("source", cell.get("input", ""))
    lines = source if isinstance(source, list) else [source]
    words = "".join(line for line in lines if isinstance(line, str))
    # JSON can say what no text may hold: half of a pair, and NUL.
    return words.encode("utf-8", "replace").decode().replace("\x00", "\ufffd").replace("\r\n", "\n")


def _language(stored: dict[str, Any]) -> str:
    metadata = stored.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    for part, key in (("language_info", "name"), ("kernelspec", "language")):
        found = metadata.get(part)
        if isinstance(found, dict) and isinstance(found.get(key), str):
            return str(found[key]).lower()
    return "python"
