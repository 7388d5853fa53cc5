"""What counts as a sentence of source code: a statement, or a few short lines that belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from analysis.types import Span

# A statement over many lines is cut all the same: a citation should be no longer than it has to be.
MOST_LINES = 6
LONGEST_CHARACTERS = 600
# A line below this says too little to be found by itself.
SHORT_CHARACTERS = 60
# Strings and comments hold brackets that open nothing.
_QUIET = re.compile(r"""\"(?:\\.|[^"\\\n])*+"|'(?:\\.|[^'\\\n])*+'|`[^`\n]*+`|(?<![:\w])//.*|(?<!\S)\#.*|--\s.*""")
_BRACKETS = re.compile(r"[()\[\]]")
_QUOTES = re.compile(r'"""|\'\'\'')
# A line of closing marks ends what is before it.
_CLOSER = re.compile(r"[\s)\]};,]*(?:end\b|fi\b|done\b|esac\b|\"\"\"|\'\'\')?[\s)\]};,]*$")
_CONTINUED = re.compile(r"(?:[\\,+*/|&=(\[.-]|\b(?:and|or|not|in))$")
_GOES_ON = re.compile(r"[.)\]?:|&+]|(?:and|or)\b")
# What stands before a definition is read with it: decorators, attributes, comments.
_LEAD = re.compile(r"@\w|\#\[|\[\w[^=]*\]$")
_COMMENT = re.compile(r"//|\#(?!\[|include|define|if|end|else|pragma)|--\s|/\*|\*(?=\s|/|$)|<!--|;;")


@dataclass
class _Unit:
    """The unit that lines are put to. last: its last line with something on it; gap: an empty one came since."""

    depth: int = 0
    lines: int = 0
    characters: int = 0
    quoted: bool = False
    last: str = ""
    gap: bool = False

    def add(self, line: str, characters: int) -> None:
        words = _QUIET.sub("", line)
        self.depth = max(0, self.depth + sum(1 if mark in "([" else -1 for mark in _BRACKETS.findall(words)))
        self.quoted ^= len(_QUOTES.findall(line)) % 2 == 1
        self.characters += characters
        self.gap = not line
        if line:
            self.lines, self.last = self.lines + 1, line

    def ends_before(self, line: str) -> bool:
        """Whether `line`, without outer white space, is the first of another unit."""
        if not self.lines or not line or (_CLOSER.match(line) and not self.gap):
            return False
        if self.lines >= MOST_LINES or self.characters > LONGEST_CHARACTERS:
            return True
        if self.gap:
            return not self.depth
        if self.depth or self.quoted or _COMMENT.match(self.last) or _LEAD.match(self.last):
            return False
        return not (self.characters < SHORT_CHARACTERS or _CONTINUED.search(self.last) or _GOES_ON.match(line))


def units(text: str, start_char: int, end_char: int) -> list[Span]:
    """Return what is ranked and cited as one in `text[start_char:end_char]`: whole lines, end to end, without a gap.

    A unit is a statement with all the lines that it takes, short lines together, or a paragraph of comments with what
    follows; empty lines and closing brackets belong to what stands before them. A line that is longer than
    `LONGEST_CHARACTERS` is cut, where a word opens if one does.
    """
    cuts = [start_char, *_cuts(text, start_char, end_char), end_char]
    return [span for edges in pairwise(cuts) for span in _shortened(text, *edges)]


def _cuts(text: str, start_char: int, end_char: int) -> Iterator[int]:
    unit = _Unit()
    for start, end in _lines(text, start_char, end_char):
        # Of a line without an end, its beginning says what it is.
        line = text[start : min(end, start + LONGEST_CHARACTERS)].strip()
        if unit.ends_before(line):
            yield start
            unit = _Unit()
        unit.add(line, end - start)


def _lines(text: str, start_char: int, end_char: int) -> Iterator[tuple[int, int]]:
    while start_char < end_char:
        line_end = text.find("\n", start_char, end_char) + 1 or end_char
        yield start_char, line_end
        start_char = line_end


def _shortened(text: str, start_char: int, end_char: int) -> Iterator[Span]:
    """Yield the unit, cut where it has no line's end for too long."""
    while end_char - start_char > 2 * LONGEST_CHARACTERS:
        limit = start_char + LONGEST_CHARACTERS
        line_end, space = text.rfind("\n", start_char, limit), text.rfind(" ", start_char, limit)
        cut = 1 + (line_end if line_end >= 0 else space) if max(line_end, space) >= 0 else limit
        yield Span(start_char, cut)
        start_char = cut
    if start_char < end_char:
        yield Span(start_char, end_char)
