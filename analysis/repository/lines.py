"""Lines of source files: from characters of the canonical text to line numbers, counted from 1, and back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.models import VersionText
from analysis.types import Span


@dataclass(frozen=True)
class LineTable:
    """Where each line of a text starts: int64[lines], the first at 0. characters: the text's length."""

    starts: NDArray[np.int64]
    characters: int

    @property
    def count(self) -> int:
        return len(self.starts)

    def line_of(self, char: int) -> int:
        """Return the number of the line that holds the character at `char`."""
        return max(1, int(np.searchsorted(self.starts, char, side="right")))

    def lines_of(self, start_char: int, end_char: int) -> tuple[int, int]:
        """Return the first and the last line of `text[start_char:end_char]`, both of them inside."""
        return self.line_of(start_char), self.line_of(max(start_char, end_char - 1))

    def span_of(self, first_line: int, last_line: int) -> Span:
        """Return the characters from `first_line` to `last_line`, its line break included; clipped to the text."""
        first = min(max(first_line, 1), self.count)
        last = min(max(last_line, first), self.count)
        end = int(self.starts[last]) if last < self.count else self.characters
        return Span(int(self.starts[first - 1]), end)


def line_table(text: str) -> LineTable:
    """Return the lines of `text`: as many as it has line breaks, and one more unless it ends with one."""
    starts = [0]
    at = text.find("\n")
    while 0 <= at < len(text) - 1:
        starts.append(at + 1)
        at = text.find("\n", at + 1)
    return LineTable(np.array(starts, np.int64), len(text))


def pack_lines(table: LineTable) -> bytes:
    """Return the line starts as they are kept: uint32, in order."""
    return table.starts.astype("<u4").tobytes()


def line_tables(version_ids: Iterable[int]) -> dict[int, LineTable]:
    """Return the lines of those of the versions that are files of a repository, by id, in one query."""
    rows = VersionText.objects.filter(version__in=set(version_ids), line_starts__isnull=False)
    return {
        version_id: LineTable(np.frombuffer(packed or b"", "<u4").astype(np.int64), characters)
        for version_id, packed, characters in rows.values_list("version_id", "line_starts", "version__characters")
    }
