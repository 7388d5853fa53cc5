"""Rows of tables as evidence: what a row says, it says with the caption, the group and the headers over it.

Canonical text writes a table row by row with every position of its grid between bars (`analysis.ingest.parse.grid`), so
a row's figures and the headers over them are read from the text itself, as far as a source holds it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from analysis.ingest.parse.grid import CELL_SEPARATOR, is_figure

LONGEST_CAPTION = 300
_SCALES = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
_SCALE = re.compile(rf"\bin\s+({'|'.join(_SCALES)})s?\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True)
class Row:
    """A row's figures, each with the words over it; lead_in: what the row stands under. scale: of its figures."""

    lead_in: str
    figures: tuple[tuple[str, str], ...] = ()
    scale: float = 1.0

    def over(self, figure_at: int) -> frozenset[str]:
        """Return the words over a figure, in lower case."""
        return frozenset(word.lower() for word in _WORD.findall(self.figures[figure_at][1]))


@dataclass(frozen=True)
class Head:
    """What the rows of a table stand under, as far as it has been read. open: no figures have come yet."""

    caption: str = ""
    group: str = ""
    lines: tuple[tuple[str, ...], ...] = ()
    open: bool = True

    @property
    def begun(self) -> bool:
        """Whether a row of the table has been read."""
        return bool(self.lines) or not self.open

    def with_group(self, label: str) -> Head:
        """Return the head after a line between rows, which names those that follow: "Net sales:"."""
        return replace(self, group=label)

    def with_line(self, line: str) -> tuple[Head, Row]:
        """Return the head after a line of the table, and the line as a row under what came before it."""
        cells = tuple(cell.strip() for cell in line.split(CELL_SEPARATOR))
        if any(is_figure(cell) for cell in cells[1:]):
            return replace(self, open=False), self._row(cells)
        if self.open:
            return replace(self, lines=(*self.lines, cells)), Row(self.caption)
        if not cells[0]:  # a table may have headers again further down
            return replace(self, lines=(cells,), open=True), Row(self.caption)
        return self, self._row(cells)

    def _row(self, cells: tuple[str, ...]) -> Row:
        figures = tuple((cell, self._over(at)) for at, cell in enumerate(cells) if at and is_figure(cell))
        headers = " ".join(dict.fromkeys(header for _, header in figures if header))
        scale = _SCALE.search(f"{self.caption} {headers} {' '.join(' '.join(line[:1]) for line in self.lines)}")
        lead_in = " ".join(part for part in (self.caption, headers, self.group) if part)
        return Row(lead_in, figures, _SCALES[scale[1].lower()] if scale else 1.0)

    def _over(self, column: int) -> str:
        """Return what stands over a column; a header that others stand under reaches to the next one."""
        if not self.lines:
            return ""
        full = len([cell for cell in self.lines[-1] if cell])
        words: list[str] = []
        for line in self.lines:
            reaches = len([cell for cell in line if cell]) < full
            held = [cell for cell in line[1 : column + 1] if cell] if reaches else line[column : column + 1]
            words += held[-1:]
        return " ".join(word for word in words if word)


def is_row(line: str) -> bool:
    """Whether a line of canonical text is a row of a table."""
    return CELL_SEPARATOR in line


def head_after(sentence: str) -> Head:
    """Return the head of a table that follows on `sentence`."""
    return Head(" ".join(sentence[-LONGEST_CAPTION:].split()))
