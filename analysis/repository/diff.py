"""Two texts line by line: what was taken out, what was put in, and hunks of it with what stands around."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

CONTEXT_LINES = 3
CELLS_MAX = 4_000_000  # of the table for a gap without unique lines: 8 MB, some 50 ms


class Edit(NamedTuple):
    """Lines old[old_start:old_end] became new[new_start:new_end]; counted from 0, one side may be empty."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


@dataclass(frozen=True)
class DiffLine:
    """A line of a hunk. mark: " " in both, "-" in the old text only, "+" in the new one only. Numbers count from 1."""

    mark: str
    old_line: int | None
    new_line: int | None
    text: str


@dataclass(frozen=True)
class Hunk:
    """Lines that belong together. old_line, new_line: where it begins, counted from 1. edits: of the whole texts."""

    old_line: int
    new_line: int
    lines: tuple[DiffLine, ...]


@dataclass(frozen=True)
class Diff:
    """What lies between two texts. added, removed: in lines."""

    hunks: tuple[Hunk, ...] = ()
    added: int = 0
    removed: int = 0


def diff(old: str, new: str, *, context: int = CONTEXT_LINES) -> Diff:
    """Return the hunks that lead from `old` to `new`, with `context` lines around each."""
    before, after = lines_of(old), lines_of(new)
    found = edits(before, after)
    added, removed = counts(found)
    return Diff(tuple(_hunks(before, after, found, context)), added, removed)


def counts(found: Sequence[Edit]) -> tuple[int, int]:
    """Return how many lines were added and how many removed."""
    added = sum(edit.new_end - edit.new_start for edit in found)
    return added, sum(edit.old_end - edit.old_start for edit in found)


def lines_of(text: str) -> list[str]:
    """Return the lines of a text, each with its line break: a last line without one differs from one with."""
    lines = text.split("\n")
    ended = [f"{line}\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def edits(old: Sequence[str], new: Sequence[str]) -> list[Edit]:
    """Return what changed, in order: patience diff (Bram Cohen), with a longest common subsequence in its gaps.

    Lines that stand once in both texts are anchors. A gap without any gets the longest common subsequence of its lines
    when the table for it is at most CELLS_MAX, and counts as replaced as a whole when it is larger, so that time is
    bounded whatever the texts are.
    """
    numbers: dict[str, int] = {}
    before = [numbers.setdefault(line, len(numbers)) for line in old]
    after = [numbers.setdefault(line, len(numbers)) for line in new]
    return list(_joined(_gaps(before, after)))


def _gaps(old: list[int], new: list[int]) -> Iterator[Edit]:
    waiting = [Edit(0, len(old), 0, len(new))]
    while waiting:
        gap = _trimmed(old, new, waiting.pop())
        if gap.old_start == gap.old_end and gap.new_start == gap.new_end:
            continue
        if gap.old_start == gap.old_end or gap.new_start == gap.new_end:
            yield gap
        elif anchors := _anchors(old, new, gap):
            waiting.extend(reversed(_between(gap, anchors)))
        else:
            yield from _between(gap, _common(old, new, gap))


def _trimmed(old: list[int], new: list[int], gap: Edit) -> Edit:
    """Return the gap without the lines that are alike at its beginning and its end."""
    old_start, old_end, new_start, new_end = gap
    while old_start < old_end and new_start < new_end and old[old_start] == new[new_start]:
        old_start, new_start = old_start + 1, new_start + 1
    while old_start < old_end and new_start < new_end and old[old_end - 1] == new[new_end - 1]:
        old_end, new_end = old_end - 1, new_end - 1
    return Edit(old_start, old_end, new_start, new_end)


def _between(gap: Edit, pairs: Sequence[tuple[int, int]]) -> list[Edit]:
    """Return what is left of the gap between lines that are alike, in order."""
    left = []
    old_at, new_at = gap.old_start, gap.new_start
    for old_line, new_line in (*pairs, (gap.old_end, gap.new_end)):
        if old_at < old_line or new_at < new_line:
            left.append(Edit(old_at, old_line, new_at, new_line))
        old_at, new_at = old_line + 1, new_line + 1
    return left


def _anchors(old: list[int], new: list[int], gap: Edit) -> list[tuple[int, int]]:
    """Return the longest run of lines that stand once in each side of the gap and in the same order in both."""
    ours = _once(old, gap.old_start, gap.old_end)
    theirs = _once(new, gap.new_start, gap.new_end)
    pairs = [(at, theirs[line]) for line, at in ours.items() if line in theirs]
    return _rising(sorted(pairs))


def _once(lines: list[int], start: int, end: int) -> dict[int, int]:
    found: dict[int, int] = {}
    twice = set()
    for at in range(start, end):
        if lines[at] in found:
            twice.add(lines[at])
        found[lines[at]] = at
    return {line: at for line, at in found.items() if line not in twice}


def _rising(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest subsequence of `pairs` whose second members rise, by patience sorting."""
    tops: list[int] = []
    piles: list[int] = []
    before: list[int | None] = []
    for at, (_, value) in enumerate(pairs):
        pile = bisect_left(tops, value)
        before.append(piles[pile - 1] if pile else None)
        tops[pile : pile + 1] = [value]
        piles[pile : pile + 1] = [at]
    chain = []
    step = piles[-1] if piles else None
    while step is not None:
        chain.append(pairs[step])
        step = before[step]
    return chain[::-1]


def _common(old: list[int], new: list[int], gap: Edit) -> list[tuple[int, int]]:
    """Return the longest common subsequence of the gap's lines; none where the table would be too large."""
    ours, theirs = np.array(old[gap.old_start : gap.old_end]), np.array(new[gap.new_start : gap.new_end])
    if len(ours) * len(theirs) > CELLS_MAX:
        return []
    table = _lengths(ours, theirs)
    pairs = []
    row, column = len(ours), len(theirs)
    while row and column:
        if table[row, column] == table[row - 1, column]:
            row -= 1
        elif table[row, column] == table[row, column - 1]:
            column -= 1
        else:
            row, column = row - 1, column - 1
            pairs.append((gap.old_start + row, gap.new_start + column))
    return pairs[::-1]


def _lengths(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> NDArray[np.int16]:
    """Return int16[n + 1, m + 1]: how long the longest common subsequence is of every beginning of both."""
    table = np.zeros((len(ours) + 1, len(theirs) + 1), np.int16 if min(len(ours), len(theirs)) < 2**15 else np.int32)
    for row, line in enumerate(ours, 1):
        above = table[row - 1]
        np.maximum.accumulate(np.maximum(above[1:], above[:-1] + (theirs == line)), out=table[row, 1:])
    return table


def _joined(found: Iterator[Edit]) -> Iterator[Edit]:
    """Yield the edits with those that touch made one."""
    last: Edit | None = None
    for edit in sorted(found):
        if last and last.old_end == edit.old_start and last.new_end == edit.new_start:
            last = Edit(last.old_start, edit.old_end, last.new_start, edit.new_end)
            continue
        if last:
            yield last
        last = edit
    if last:
        yield last


def _hunks(old: Sequence[str], new: Sequence[str], found: Sequence[Edit], context: int) -> Iterator[Hunk]:
    for group in _grouped(found, context):
        start = max(0, group[0].old_start - context)
        end = min(len(old), group[-1].old_end + context)
        shift = group[0].new_start - group[0].old_start
        yield Hunk(start + 1, start + shift + 1, tuple(_lines(old, new, group, start, end)))


def _grouped(found: Sequence[Edit], context: int) -> Iterator[list[Edit]]:
    """Yield edits together whose contexts touch."""
    group: list[Edit] = []
    for edit in found:
        if group and edit.old_start - group[-1].old_end > 2 * context:
            yield group
            group = []
        group.append(edit)
    if group:
        yield group


def _lines(old: Sequence[str], new: Sequence[str], group: Sequence[Edit], start: int, end: int) -> Iterator[DiffLine]:
    at, shift = start, group[0].new_start - group[0].old_start
    for edit in group:
        yield from (_both(old, line, line + shift) for line in range(at, edit.old_start))
        yield from (DiffLine("-", line + 1, None, _shown(old[line])) for line in range(edit.old_start, edit.old_end))
        yield from (DiffLine("+", None, line + 1, _shown(new[line])) for line in range(edit.new_start, edit.new_end))
        at, shift = edit.old_end, edit.new_end - edit.old_end
    yield from (_both(old, line, line + shift) for line in range(at, end))


def _both(old: Sequence[str], line: int, new_line: int) -> DiffLine:
    return DiffLine(" ", line + 1, new_line + 1, _shown(old[line]))


def _shown(line: str) -> str:
    return line.removesuffix("\n")
