"""Pieces of a page: characters that stand side by side, cut where a column may run between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse.grid import closes_figure, is_figure, opens_figure
from analysis.ingest.parse.pdf_chars import LINE_END_HYPHEN

_BREAKS = (0x0A, 0x0D)
# Two pieces stand on one line when their heights overlap by this share of the lower one.
_SAME_LINE = 0.5
# Letters of a word stand closer than this, in heights.
_LETTER_GAP = 0.15
# Blanks inside a line of a table: words stand closer, columns further apart.
_COLUMN_GAP = 0.8


@dataclass(frozen=True)
class Piece:
    """Characters that pdfium wrote side by side: `codes[start:end]`, in points on the displayed page."""

    start: int
    end: int
    x0: float
    y0: float
    x1: float
    y1: float
    text: str

    @property
    def height(self) -> float:
        return self.y1 - self.y0

    @property
    def middle(self) -> float:
        return (self.y0 + self.y1) / 2


@dataclass
class Line:
    """Pieces on one line, left to right. column: lines of different columns never make a paragraph."""

    pieces: list[Piece]
    column: int = 0
    x0: float = field(init=False)
    y0: float = field(init=False)
    x1: float = field(init=False)
    y1: float = field(init=False)
    text: str = field(init=False)

    def __post_init__(self) -> None:
        self.x0 = min(piece.x0 for piece in self.pieces)
        self.y0 = min(piece.y0 for piece in self.pieces)
        self.x1 = max(piece.x1 for piece in self.pieces)
        self.y1 = max(piece.y1 for piece in self.pieces)
        self.text = " ".join(piece.text for piece in self.pieces)

    @property
    def height(self) -> float:
        return self.y1 - self.y0


def is_ink(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Return which characters can be seen."""
    ink: NDArray[np.bool_] = (codes > 0x20) | (codes == LINE_END_HYPHEN)
    return ink


def text_of(codes: NDArray[np.uint32]) -> str:
    """Return the string of Unicode `codes`."""
    return codes.astype("<u4").tobytes().decode("utf-32-le")


class Glyphs:
    """A page's characters, and which of them can be seen. boxes: float32[n, 4] in points, upright."""

    def __init__(self, codes: NDArray[np.uint32], boxes: NDArray[np.float32]) -> None:
        self.codes = codes
        self.boxes = boxes
        self._inked = np.flatnonzero(is_ink(codes))
        self.ink = boxes[self._inked]  # of the characters that can be seen
        self._gaps = self.ink[1:, 0] - self.ink[:-1, 2]  # between each of them and the next

    def pieces(self, groups: NDArray[np.int32] | None = None) -> list[Piece]:
        """Return what pdfium wrote between two line breaks, in its order.

        groups: of each character that can be seen; a piece is cut where the next one is of another group.
        """
        breaks = np.isin(self.codes, _BREAKS)
        # A piece starts after a break or a line-end hyphen.
        starts = breaks | np.append(False, self.codes[:-1] == LINE_END_HYPHEN) if len(breaks) else breaks
        if groups is not None:
            starts[self._inked[1:][np.diff(groups) != 0]] = True
        return self._cut([0, *np.flatnonzero(starts).tolist(), len(self.codes)])

    def grouped(self, groups: NDArray[np.int32]) -> list[tuple[int, Piece]]:
        """Return the pieces, each with the group of its characters."""
        pieces = self.pieces(groups)
        firsts = np.searchsorted(self._inked, [piece.start for piece in pieces])
        return list(zip(groups[firsts].tolist(), pieces, strict=True))

    def touching(self) -> NDArray[np.bool_]:
        """Return for each seen character but the last whether the next one goes on with its word."""
        heights = self.ink[:-1, 3] - self.ink[:-1, 1]
        near = (np.abs(self._gaps) < _LETTER_GAP * heights) & (np.diff(self._inked) == 1)
        touching: NDArray[np.bool_] = near & (np.abs(np.diff(self.ink[:, 1])) < _SAME_LINE * heights)
        return touching

    def split(self, piece: Piece, least_gap: float) -> list[Piece]:
        """Split a piece at blanks that are wider than `least_gap` times its height."""
        first, last = np.searchsorted(self._inked, (piece.start, piece.end))
        wide = np.flatnonzero(self._gaps[first : last - 1] > least_gap * piece.height)
        if not len(wide):
            return [piece]
        return self._cut([piece.start, *self._inked[first + 1 + wide].tolist(), piece.end])

    def runs(self, piece: Piece) -> list[Piece]:
        """Split a piece where it may run through two columns of a table: at wide blanks, and between figures."""
        runs: list[Piece] = []
        for run in self.split(piece, _COLUMN_GAP):
            words = run.text.split(" ")
            figures = len(words) > 1 and all(is_figure(w) or opens_figure(w) or closes_figure(w) for w in words)
            runs += self._words(run) if figures else [run]
        return runs

    def _words(self, run: Piece) -> list[Piece]:
        blanks = np.flatnonzero(self.codes[run.start : run.end] == 0x20) + run.start
        return self._cut([run.start, *blanks.tolist(), run.end])

    def _cut(self, edges: list[int]) -> list[Piece]:
        """Return what can be seen between each edge and the next."""
        places = np.searchsorted(self._inked, edges).tolist()
        return [self._piece(first, last) for first, last in pairwise(places) if first < last]

    def _piece(self, first: int, last: int) -> Piece:
        """Return the piece of the seen characters [first, last)."""
        start, end = int(self._inked[first]), int(self._inked[last - 1]) + 1
        ink = self.boxes[self._inked[first:last]]
        x0, y0, _, _ = ink.min(axis=0).tolist()
        _, _, x1, y1 = ink.max(axis=0).tolist()
        return Piece(start, end, x0, y0, x1, y1, text_of(self.codes[start:end]))


def same_line(first: Piece | Line, second: Piece | Line) -> bool:
    """Whether two pieces stand on one line of the page."""
    overlap = min(first.y1, second.y1) - max(first.y0, second.y0)
    return overlap > _SAME_LINE * min(first.height, second.height)
