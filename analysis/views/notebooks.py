"""Jupyter notebooks in the code viewer: cell by cell, code in the colours of its language, Markdown as text.

The lines are those of the canonical text (`analysis.ingest.parse.code.notebooks`), so that a citation of lines leads
into its cell. The line before a cell, `# %% [3] code`, is drawn as the cell's head.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from django.utils.translation import gettext as _

from analysis.types import Span
from analysis.views.highlight import Line

SYNTAX = "notebook"
_HEAD = re.compile(r"^# %% \[(\d+)\] (.*)\n", re.M)


@dataclass(frozen=True)
class Cell:
    """A cell. span: with its head, the line that starts it; kind: code, markdown, raw."""

    number: int
    kind: str
    span: Span

    @property
    def label(self) -> str:
        kinds = {"code": _("code"), "markdown": _("text"), "raw": _("raw text")}
        return _("Cell %(number)s · %(kind)s") % {"number": f"{self.number:,}", "kind": kinds.get(self.kind, self.kind)}


def cells_of(text: str) -> list[Cell]:
    """Return the cells of a notebook's canonical text, in order; [] for a text that is none.

    A line that looks like a head counts as one only where its number is the next.
    """
    heads: list[re.Match[str]] = []
    for head in _HEAD.finditer(text):
        if head[1] == str(len(heads) + 1):
            heads.append(head)
    if not heads or heads[0].start():
        return []
    starts = [*(head.start() for head in heads), len(text)]
    spans = [Span(start, end) for start, end in pairwise(starts)]
    return [Cell(int(head[1]), head[2], span) for head, span in zip(heads, spans, strict=True)]


def pieces_of(cells: Sequence[Cell], span: Span) -> Iterator[tuple[Cell, Span]]:
    """Yield the cells that the span reaches into, each with what of the span is in it."""
    for cell in cells:
        start, end = max(cell.span.start_char, span.start_char), min(cell.span.end_char, span.end_char)
        if start < end:
            yield cell, Span(start, end)


def in_cell(cell: Cell, lines: Sequence[Line]) -> list[Line]:
    """Return lines of the cell as they are drawn in it: its head with what it is called, Markdown as prose."""
    prose = "" if cell.kind == "code" else "cell-prose"
    return [
        replace(line, cell=cell.label, css="cell-head")
        if line.start_char == cell.span.start_char
        else replace(line, css=prose)
        for line in lines
    ]
