"""Sentence boundaries in canonical text, for chunking, for answers and for their evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator

from analysis.numerals import HAN_DIGITS
from analysis.types import Span

# Words whose full stop does not end a sentence. Contracts are full of them.
_ABBREVIATIONS = frozenset(
    "no nos art arts sec secs cl para paras pp p vol fig ex exh inc corp co ltd llc plc l.l.c bros mr mrs ms dr "
    "prof hon jr sr st vs v u.s u.k u.s.a d.c n.y e.g i.e cf etc al approx dept div est jan feb mar apr jun jul "
    "aug sep sept oct nov dec a.m p.m s.a n.v b.v s.p.a gmbh viz resp "
    # German
    "abs nr bzw z.b ziff d.h gem i.v.m i.s.d i.s.v i.d.r i.h.v u.a o.g v.a s.o u.u z.t o.ä u.ä ggf evtl inkl exkl zzgl "
    "abzgl insb bspw vgl sog lit str tel hrsg bd anm mio mrd mwst ust kfm dipl rn rdnr verz einschl entspr max mind "
    # French and Spanish
    "mme mlle m.m art.l al p.ex c.-à-d env réf sra srta dña núm pág págs apdo ej cía s.l d.c u.e".split()
)
# After an ordinal ("1. Januar", "im 2. Quartal") a German sentence goes on.
_ORDINAL_NOUNS = frozenset(
    "januar jänner februar märz april mai juni juli august september oktober november dezember halbjahr quartal absatz "
    "satz tag tages werktag werktages kalendertag monat monats jahr jahres woche kalenderwoche geschäftsjahr "
    "vertragsjahr lebensjahr nachtrag abschnitt teil rate stufe instanz auflage mahnung".split()
)
# What may stand before a section's number that opens a line.
_NUMBER_OPENERS = frozenset({"", "§", "§§", "artikel", "ziffer"})
_OPENER_CHARACTERS = 80
# A stop, closing quotes or brackets, then space; CJK stops need no space; a blank line always ends a sentence. Stops in
# a row are looked at once, from the first on: there may be thousands, as leaders or in a hostile text.
_BOUNDARY = re.compile(
    r"""(?<![.!?])(?P<stop>[.!?]++)["'”’“»)\]]*(?=\s)|(?P<wide>[。！？；]["”’」』）】》]*)|(?P<gap>\n[ \t]*\n)"""
)
_LAST_WORD = re.compile(r"([^\W\d_\u3400-\u9fff](?:[^\W\u3400-\u9fff]|\.)*(?<![._])|\d[\d.]*)$")
_NEXT_START = re.compile(r"""\s+["'“‘„«(\[]*([^\s])""")
_NEXT_WORD = re.compile(r"\s+(\w+)(\.?)")
# A line that opens a list item or a numbered clause starts a sentence of its own.
_ITEM = re.compile(
    r"\n(?=[ \t]*(?:[-•*–]|\(?[0-9ivxlc]{1,5}[.)]|\(?[a-z][.)]|\d+(?:\.\d+)+|§+[ \t]?\d+[a-z]?\.?)[ \t]+\S)",
    re.IGNORECASE,
)
# So does each row of a table: canonical text has bars between cells, and rows on lines of their own.
_ROW = re.compile(r"^[^\n]* \| [^\n]*$", re.MULTILINE)
_HAN = rf"[{HAN_DIGITS}\d]"
_HAN_ITEM = re.compile(rf"\n(?=[ \t\u3000]*(?:第{_HAN}+[编章节節条條]|{_HAN}{{1,3}}、|[（(]{_HAN}{{1,3}}[)）]))")


def split_sentences(text: str, start_char: int = 0, end_char: int | None = None) -> list[Span]:
    """Return the sentences of `text[start_char:end_char]` in order, as spans of `text` without outer white space.

    Together the spans hold every character that is not white space. Abbreviations, initials and section numbers do not
    end a sentence; blank lines, list items and rows of tables do.
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
    items = (*_ITEM.finditer(text, start_char, end_char), *_HAN_ITEM.finditer(text, start_char, end_char))
    ends = {match.start() + 1 for match in items}
    ends |= {edge for row in _ROW.finditer(text, start_char, end_char) for edge in row.span() if start_char < edge}
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
    if last[0].isdigit():
        return not (_numbers_a_clause(text, word.start()) or _is_ordinal(text, last, end))
    initial = len(last) == 1 and last != "I" and (last.isupper() or _spelled_apart(text, end))
    return not (initial or last.lower() in _ABBREVIATIONS)


def _numbers_a_clause(text: str, number_at: int) -> bool:
    before = text[max(0, number_at - _OPENER_CHARACTERS) : number_at].rpartition("\n")[2]
    return before.strip().lower() in _NUMBER_OPENERS


def _is_ordinal(text: str, number: str, end: int) -> bool:
    following = _NEXT_WORD.match(text, end)
    return following is not None and len(number) <= 2 and following[1].lower() in _ORDINAL_NOUNS


def _spelled_apart(text: str, end: int) -> bool:
    """Whether a small letter and its stop go on with another letter and its stop, as in "z. B."."""
    following = _NEXT_WORD.match(text, end)
    return following is not None and len(following[1]) == 1 and bool(following[2])
