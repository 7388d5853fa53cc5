"""What lies between two versions of a file, as rows: in one column or side by side, with changed words marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest

from django.utils.safestring import SafeString

from analysis.repository.diff import Diff, DiffLine, Hunk, diff
from analysis.repository.tree import FileNode
from analysis.views.code import Source
from analysis.views.highlight import Line, Mark
from analysis.views.rooms import Visit

# Lines with more words than this, and with less in common, are not compared word by word.
WORDS_MAX, ALIKE = 300, 0.35
LINES_MAX = 6_000  # of one file's differences that are drawn
CONTEXT_LINES = 3
_WORDS = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Cell:
    """A line on one side. mark: "-", "+" or " "."""

    number: int
    mark: str
    html: SafeString


@dataclass(frozen=True)
class Row:
    """Lines that stand beside each other; either side may be missing."""

    old: Cell | None
    new: Cell | None


@dataclass(frozen=True)
class Gap:
    """Lines that are alike and not shown: `count` of them (0: up to the end), from these lines on."""

    old_line: int
    new_line: int
    count: int


@dataclass(frozen=True)
class Section:
    """What is left out, then what is shown; rows: side by side."""

    gap: Gap | None
    rows: Sequence[Row]

    @property
    def unified(self) -> list[Cell]:
        """The rows in one column: of each stretch of changes, what is gone before what has come."""
        cells: list[Cell] = []
        come: list[Cell] = []
        for row in self.rows:
            if row.old and row.old.mark == " ":
                cells += [*come, row.new or row.old]
                come = []
                continue
            cells += [row.old] if row.old else []
            come += [row.new] if row.new else []
        return [*cells, *come]


class Difference:
    """A file in two versions, either of which may be missing."""

    def __init__(self, old: Source | None, new: Source | None) -> None:
        self.old, self.new = old, new
        # Of the texts as they are shown: a secret that has changed is not told by where it did.
        self.diff: Diff = diff(old.text if old else "", new.text if new else "", context=CONTEXT_LINES)

    @property
    def cut(self) -> bool:
        """Whether there is more than is drawn."""
        return sum(len(hunk.lines) for hunk in self.diff.hunks) > LINES_MAX

    def sections(self) -> list[Section]:
        """Return what changed in order, with what is left out between."""
        sections, drawn = [], 0
        old_at = new_at = 1
        for hunk in self.diff.hunks:
            count = hunk.new_line - new_at if self.new else hunk.old_line - old_at
            gap = Gap(old_at, new_at, count) if count > 0 and self.old and self.new else None
            sections.append(Section(gap, list(self._rows(hunk))))
            old_at = hunk.old_line + sum(1 for line in hunk.lines if line.mark != "+")
            new_at = hunk.new_line + sum(1 for line in hunk.lines if line.mark != "-")
            drawn += len(hunk.lines)
            if drawn > LINES_MAX:
                return sections
        if self.old and self.new and (count := self.new.table.count - new_at + 1) > 0 and sections:
            sections.append(Section(Gap(old_at, new_at, count), []))
        return sections

    def _rows(self, hunk: Hunk) -> Iterator[Row]:
        olds = self._drawn(
            self.old, [line.old_line for line in hunk.lines if line.old_line], self._changed(hunk, old=True)
        )
        news = self._drawn(
            self.new, [line.new_line for line in hunk.lines if line.new_line], self._changed(hunk, old=False)
        )
        for gone, come in _pairs(hunk.lines):
            yield Row(
                _cell(gone, gone.old_line if gone else None, olds), _cell(come, come.new_line if come else None, news)
            )

    def _drawn(self, source: Source | None, numbers: Sequence[int], marks: Sequence[Mark]) -> dict[int, Line]:
        if source is None or not numbers:
            return {}
        return {line.number: line for line in source.plain_lines(min(numbers), max(numbers), marks)}

    def _changed(self, hunk: Hunk, *, old: bool) -> list[Mark]:
        """Return which words of one side differ from those of the line that it is paired with."""
        marks: list[Mark] = []
        if self.old is None or self.new is None:
            return marks
        for gone, come in _pairs(hunk.lines):
            if gone and come and gone.mark == "-" and gone.old_line and come.new_line:
                before = self.old.table.span_of(gone.old_line, gone.old_line)
                after = self.new.table.span_of(come.new_line, come.new_line)
                own = before if old else after
                marks += [
                    Mark(own.start_char + start, own.start_char + end, css="changed")
                    for start, end in changed_words(
                        self.old.text[slice(*before)], self.new.text[slice(*after)], old=old
                    )
                ]
        return marks


def _cell(line: DiffLine | None, number: int | None, drawn: dict[int, Line]) -> Cell | None:
    if line is None or number is None or number not in drawn:
        return None
    return Cell(number, line.mark, drawn[number].html)


def _pairs(lines: Sequence[DiffLine]) -> Iterator[tuple[DiffLine | None, DiffLine | None]]:
    """Yield what stands beside what: alike lines with themselves, of what is replaced the first with the first."""
    gone: list[DiffLine] = []
    come: list[DiffLine] = []
    for line in lines:
        if line.mark == "-":
            if come:
                yield from zip_longest(gone, come)
                gone, come = [], []
            gone.append(line)
        elif line.mark == "+":
            come.append(line)
        else:
            yield from zip_longest(gone, come)
            gone, come = [], []
            yield line, line
    yield from zip_longest(gone, come)


def changed_words(before: str, after: str, *, old: bool) -> list[tuple[int, int]]:
    """Return the spans of the words of one line that the other has not; none where the two have little in common."""
    ours, theirs = list(_WORDS.finditer(before)), list(_WORDS.finditer(after))
    if max(len(ours), len(theirs)) > WORDS_MAX:
        return []
    matcher = SequenceMatcher(None, [word[0] for word in ours], [word[0] for word in theirs], autojunk=False)
    if matcher.ratio() < ALIKE:
        return []
    words = ours if old else theirs
    changed = [opcode[1:3] if old else opcode[3:5] for opcode in matcher.get_opcodes() if opcode[0] != "equal"]
    return [(words[first].start(), words[last - 1].end()) for first, last in changed if first < last]


def difference(seen: Visit, old: FileNode | None, new: FileNode | None) -> Difference:
    """Return a file in the two versions that `old` and `new` name, as far as they are read."""
    return Difference(
        Source(seen, old) if old and old.version_id else None, Source(seen, new) if new and new.version_id else None
    )
