"""Sentence boundaries in canonical text, for chunking, for answers and for their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.types import Span

# Words whose full stop does not end a sentence. Contracts are full of them.
_ABBREVIATIONS = frozenset(
    "no nos art arts sec secs cl para paras pp p vol fig ex exh inc corp co ltd llc plc l.l.c bros mr mrs ms dr "
    "prof hon jr sr st vs v u.s u.k u.s.a d.c n.y e.g i.e cf etc al approx dept div est jan feb mar apr jun jul "
    "aug sep sept oct nov dec a.m p.m s.a n.v b.v s.p.a gmbh viz resp abs nr bzw z.b ziff".split()
)
# A stop, closing quotes or brackets, then space; CJK stops need no space; a blank line always ends a sentence.
_BOUNDARY = re.compile(r"""(?P<stop>[.!?]+)["'”’)\]]*(?=\s)|(?P<wide>[。！？；]["”’」』）]*)|(?P<gap>\n[ \t]*\n)""")
_LAST_WORD = re.compile(r"([^\W\d_](?:[\w.]*[^\W_])?|\d[\d.]*)$")
_NEXT_START = re.compile(r"""\s+["'“‘(\[]*([^\s])""")
# A line that opens a list item or a numbered clause starts a sentence of its own.
_ITEM = re.compile(r"\n(?=[ \t]*(?:[-•*–]|\(?[0-9ivxlc]{1,5}[.)]|\(?[a-z][.)]|\d+(?:\.\d+)+)[ \t]+\S)", re.IGNORECASE)


def split_sentences(text: str, start_char: int = 0, end_char: int | None = None) -> list[Span]:
    """Return the sentences of `text[start_char:end_char]` in order, as spans of `text` without outer white space.

    Together the spans hold every character that is not white space. Abbreviations, initials and section numbers do not
    end a sentence; blank lines and list items do.
    """
    end_char = len(text) if end_char is None else end_char
    spans: list[Span] = []
    start = start_char
    for cut in [*_cuts(text, start_char, end_char), end_char]:
        piece = text[start:cut]
        left = len(piece) - len(piece.lstrip())
        stripped = piece.strip()
        if stripped:
            spans.append(Span(start + left, start + left + len(stripped)))
        start = cut
    return spans


def _cuts(text: str, start_char: int, end_char: int) -> list[int]:
    ends = {match.start() + 1 for match in _ITEM.finditer(text, start_char, end_char)}
    ends.update(_stops(text, start_char, end_char))
    return sorted(ends)


def _stops(text: str, start_char: int, end_char: int) -> Iterator[int]:
    for match in _BOUNDARY.finditer(text, start_char, end_char):
        if not match["stop"] or _ends_sentence(text, match.start("stop"), match["stop"], match.end(), start_char):
            yield match.end()


def _ends_sentence(text: str, stop_at: int, stop: str, end: int, start_char: int) -> bool:
    following = _NEXT_START.match(text, end)
    if stop != ".":
        return True
    if following and following[1].islower():
        return False
    word = _LAST_WORD.search(text, max(start_char, stop_at - 30), stop_at)
    if word is None:
        return True
    last = word[1]
    line_start = text.rfind("\n", 0, word.start()) + 1
    numbers_a_clause = last[0].isdigit() and not text[line_start : word.start()].strip()
    initial = len(last) == 1 and last.isupper() and last != "I"
    return not (numbers_a_clause or initial or last.lower() in _ABBREVIATIONS)
