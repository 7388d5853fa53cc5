"""Headings and the sections they open: from an outline, from marks, or from how contracts are printed."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from analysis.ingest.parse import headings_chinese
from analysis.types import ParsedHeading, ParsedPage, ParsedTable


class Found(NamedTuple):
    """A heading whose section's end is not known yet; fields as in `types.ParsedHeading`."""

    level: int
    label: str
    title: str
    start_char: int
    end_char: int


class OutlineItem(NamedTuple):
    """An entry of a document's own outline. level: 1 is the outermost. page_number: None if it leads nowhere."""

    level: int
    title: str
    page_number: int | None


@dataclass(frozen=True)
class _Line:
    """A line of text without outer blanks.

    opens: it starts a paragraph. closes: it ends one. after_stop: the line before ends a sentence. ends_early: the next
    line does not go on with it.
    """

    text: str
    start_char: int
    opens: bool
    closes: bool
    after_stop: bool
    ends_early: bool


_SHORT_HEADING, _LONGEST_HEADING = 40, 110
_LONGEST_LABEL, _LONGEST_TITLE = 60, 300
# English, and behind it German, French and Spanish.
_ANNEXES = "exhibit|schedule|appendix|annex|annexure|attachment|addendum|anlage|anhang|annexe|anexo"
_DIVISIONS = (
    "article|part|item|chapter|title|artikel|teil|kapitel|abschnitt|chapitre|titre|partie|artículo|capítulo|título"
)
_KEYWORD = rf"(?:{_ANNEXES}|{_DIVISIONS}|section|clause|ziffer|cláusula)"
_NUMBER = r"(?:\d{1,3}(?:\.\d{1,3}){0,4}[A-C]?|[IVXLC]{1,7}|[A-Z](?:[-.]?\d{1,2})?)"
_NAMED = re.compile(
    rf"(?P<label>(?P<keyword>(?i:{_KEYWORD}))\s+[\"“]?(?P<number>{_NUMBER})[\"”]?)(?![\w(])[.:)]?\s*[-–—]?\s*(?P<rest>.*)"
)
_NUMBERED = re.compile(
    r"(?P<label>(?:§{1,2}\s*)?(?P<number>[1-9]\d?(?:\.\d{1,2}){0,4}))"
    r"(?:\s?[.)]\s*(?=[A-ZÀ-ÖØ-Þ\"“'‘\[\u3400-\u9fff])|[、．]\s*|\s+)(?P<rest>\S.*)"
)
# "§ 1" alone on its line, the title below it; and what follows a § in a reference, not in a heading.
_PARAGRAPH = re.compile(r"(?P<label>§\s*(?P<number>[1-9]\d{0,2}))[.:]?")
_REFERRED = re.compile(r"(?:Abs|Absatz|Satz|S|Nr|Ziff|ff?|lit|[A-Z]{2,}[a-zA-Z]*)\b")
_ROMAN = re.compile(r"(?P<label>(?P<number>[IVXLC]{1,6}))\.\s+(?P<rest>\S.*)")
_STOP = re.compile(r"(?<!\b[A-Z])[.:](?=\s|$)|\s[-–—]\s|\.[-–—]")
_TOC_LINE = re.compile(r"(?:[.·_]\s?){4,}\s*(?:[\divx]{1,5})?$|\s(?:\d{1,3}|[ivx]{1,5}|[A-Z]-\d{1,2})$")
_LEADERS = re.compile(r"(?:[.·…]\s?){4,}")
_COMPANY = re.compile(
    r"\b(?:INC|LLC|L\.L\.C|LTD|CORP|CORPORATION|COMPANY|L\.P|LP|PLC|GMBH|N\.A|S\.A|BANK|TRUST)\b\.?,?$", re.I
)
# Lines in capitals that open no section: signature blocks, parties, legends.
_NOT_HEADINGS = re.compile(
    r"(?:confidential.*|by|name|title|date|its|and|between|by and between|among|to|or|if to|attn|attention|signature|"
    r"witness|page|draft|execution (?:copy|version)|party [a-z]|form of|section page|page section|professional|company|"
    r"whereas|investor|buyer|seller|purchaser|licensor|licensee|landlord|tenant|employee|employer|executive|consultant|"
    r"client|customer|provider|lender|borrower|supplier|distributor|contractor|parties|the parties|"
    r"w i t n e s s e t h|seal|notary public|dated|tel|fax|telephone|facsimile|e-?mail)\b[:\s_.\d]*",
    re.I,
)
_SMALL_WORDS = frozenset(
    "a an and as at be but by for from if in into is it its no nor not of on or over per the to under up upon via vs "
    "with without "
    "aus bei beim bis das dem den der des die durch ein eine einem einen einer eines für gegen im mit nach ohne oder "
    "sowie und unter vom von vor zu zum zur zwischen über "
    "au aux avec ce dans de del des du el en et la las le les los par para por pour sans sous sur un une y".split()
)
# What a defined term's line says after the term: it is a definition and opens no section.
_DEFINITION = re.compile(
    r"[\"“][^\"”]+[\"”][,\s]+(?:\(.*\)\s*)?(?:means?|shall|has|have|is|are|refers?|includes?)\b.*|"
    r".*\b(?:means|has the meaning)\b.*",
    re.I,
)
# The number that a filing gives an exhibit, on its first lines: not a part of the document.
_FILING_MARK = re.compile(r"exhibit\s+\d+(?:\.\d+)?[a-z]?", re.I)
_FILING_MARK_CHARS = 1500
_MOST_TITLE_WORDS = 14
# Behind these a title need not have capitals.
_SENTENCE_CASE = re.compile(r"article|chapitre|annexe|artículo|capítulo|cláusula|anexo|artikel|anlage|anhang|ziffer")
_LONGEST_PLAIN_TITLE = 90


def outside_tables(headings: list[ParsedHeading], tables: Sequence[ParsedTable], length: int) -> list[ParsedHeading]:
    """Return the headings but those inside of a table, where short lines in capitals are labels of rows."""
    starts = [table.start_char for table in tables]
    ends = [0, *(table.end_char for table in tables)]
    kept = [h for h in headings if h.start_char >= ends[bisect_right(starts, h.start_char)]]
    if len(kept) == len(headings):
        return headings
    return close_sections([Found(h.level, h.label, h.title, h.start_char, h.end_char) for h in kept], length)


def close_sections(found: list[Found], length: int) -> list[ParsedHeading]:
    """Return the headings in order, each with the end of its section in a text of `length` characters."""
    headings: list[ParsedHeading] = []
    ends: list[tuple[int, int]] = []  # (level, where it starts) of the sections that follow, nearest last
    for heading in sorted(found, key=lambda heading: heading.start_char)[::-1]:
        while ends and ends[-1][0] > heading.level:
            ends.pop()
        end = ends[-1][1] if ends else length
        headings.append(
            ParsedHeading(
                heading.level,
                heading.label[:_LONGEST_LABEL],
                heading.title[:_LONGEST_TITLE],
                heading.start_char,
                heading.end_char,
                end,
            )
        )
        ends.append((heading.level, heading.start_char))
    return headings[::-1]


def split_label(text: str) -> tuple[str, str]:
    """Return a heading's number and its title: "4.2 Term" -> ("4.2", "Term"), "Article IV" -> ("Article IV", "")."""
    text = " ".join(text.split())
    for pattern in (_NAMED, _NUMBERED, _ROMAN):
        if match := pattern.fullmatch(text):
            return match["label"], match["rest"]
    chinese = headings_chinese.read(text, alone=False)
    return (chinese.label, text[len(chinese.label) :].lstrip("、:： ")) if chinese else ("", text)


def heading_end(text: str) -> int:
    """Return where the heading ends in a paragraph set as one: its run-in title or all of it; 0 if it is a sentence."""
    line = text.split("\n", 1)[0]
    rest = split_label(line)[1]
    offset = len(line) - len(rest)
    stop = _STOP.search(rest)
    if stop and _is_title(rest[: stop.start()]):
        return offset + stop.start()
    if len(rest) <= _SHORT_HEADING or (len(rest) <= _LONGEST_HEADING and not rest.endswith((".", ";", ":", ","))):
        return len(line)
    return 0


def markdown_headings(text: str) -> list[ParsedHeading]:
    """Return the headings that a Markdown parser sees, `#` and underlined ones."""
    from markdown_it import MarkdownIt

    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    tokens = MarkdownIt("commonmark").parse(text)
    found = []
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.map and inline.content:
            label, title = split_label(re.sub(r"[*_`]+", "", inline.content))
            # A lone CR ends no line here, though it does for Markdown: look the words up from the line on.
            start = text.find(inline.content, starts[min(token.map[0], len(starts) - 1)])
            if start >= 0:
                found.append(Found(int(token.tag[1]), label, title, start, start + len(inline.content)))
    return close_sections(found, len(text))


def find_headings(text: str, pages: list[ParsedPage], outline: list[OutlineItem]) -> list[ParsedHeading]:
    """Return the headings of a paged text: its own outline where that is as rich as the print, or the print's."""
    printed = pattern_headings(text, pages)
    own = _outline_headings(text, pages, outline)
    return own if len(own) >= 3 and 2 * len(own) >= len(printed) else printed


def pattern_headings(text: str, pages: list[ParsedPage] | None = None) -> list[ParsedHeading]:
    """Return the headings of `text` as contracts print them: ARTICLE IV, Section 4.2, 4.2 Term, Exhibit A, RECITALS."""
    lines = list(_lines(text, {page.start_char for page in pages or []}))
    running = _running_lines(lines, pages or [])
    candidates = [
        candidate
        for index, line in enumerate(lines)
        if line.text not in running and (candidate := _candidate(lines, index))
    ]
    candidates = _without_contents(_without_filing_mark(_apart(_numbered_alike(candidates))), text)
    return close_sections(_levelled(_in_sequence(candidates)), len(text))


@dataclass(frozen=True)
class _Candidate:
    """A line that looks like a heading. family: annex, division, number, caps. number: (4, 2) of "4.2"."""

    family: str
    label: str
    title: str
    number: tuple[int, ...]
    start_char: int
    end_char: int
    run_in: bool = False


def _lines(text: str, page_starts: set[int]) -> Iterator[_Line]:
    before, blank = "", True
    position = 0
    raw_lines = text.split("\n")
    for index, raw in enumerate(raw_lines):
        stripped = raw.strip()
        if stripped:
            opens = blank or position in page_starts
            following = raw_lines[index + 1].strip() if index + 1 < len(raw_lines) else ""
            start = position + len(raw) - len(raw.lstrip())
            stopped = bool(re.search(r"[.;:!?_。；：！？][\"'”’)\]」』]*$", before))
            ends_early = not following[:1].islower() and len(stripped) < 70
            yield _Line(stripped, start, opens, not following, stopped, ends_early)
            before = stripped
        blank = not stripped
        position += len(raw) + 1


def _running_lines(lines: list[_Line], pages: list[ParsedPage]) -> set[str]:
    """Return lines that stand on many pages: headers, footers, legends."""
    if len(pages) < 3:
        return set()
    counts = Counter(line.text for line in lines)
    return {text for text, count in counts.items() if count >= 3 and count >= 0.2 * len(pages)}


def _candidate(lines: list[_Line], index: int) -> _Candidate | None:
    line = lines[index]
    if not (line.opens or line.after_stop or _is_caps(line.text)) or _LEADERS.search(line.text):
        return None
    for read in (_named, _paragraph, _numbered, _chinese, _caps):
        if candidate := read(lines, index):
            return candidate
    return None


def _named(lines: list[_Line], index: int) -> _Candidate | None:
    line = lines[index]
    match = _NAMED.fullmatch(line.text)
    if not match or not match["keyword"][0].isupper():
        return None
    keyword, rest = match["keyword"].lower(), match["rest"]
    family = (
        "annex" if re.fullmatch(_ANNEXES, keyword) else "division" if re.fullmatch(_DIVISIONS, keyword) else "number"
    )
    if not rest:
        return _with_next_line(lines, index, family, match["label"], match["number"])
    title, run_in = _title(rest, line)
    if not title and _SENTENCE_CASE.fullmatch(keyword) and line.opens and line.closes and _is_plain_title(rest):
        title = rest
    if not title:
        return None
    end = line.start_char + match.start("rest") + len(title)
    return _Candidate(
        family, match["label"], title.rstrip(".: "), _parts(match["number"]), line.start_char, end, run_in
    )


def _with_next_line(lines: list[_Line], index: int, family: str, label: str, number: str) -> _Candidate | None:
    """A label alone on its line: the title is the next line, if that looks like one."""
    line = lines[index]
    if not (line.opens or _is_caps(line.text)):
        return None
    following = lines[index + 1] if index + 1 < len(lines) else None
    end, title = line.start_char + len(line.text), ""
    if (
        following
        and len(following.text) < 100
        and not _is_no_title(following.text)
        and _is_title(following.text.rstrip("."))
        and not _is_label(following.text)
    ):
        end, title = following.start_char + len(following.text), following.text.rstrip(".: ")
    return _Candidate(family, label, title, _parts(number), line.start_char, end)


def _is_no_title(text: str) -> bool:
    return bool(_NOT_HEADINGS.fullmatch(text) or _COMPANY.search(text) or _DEFINITION.fullmatch(text))


def _is_label(text: str) -> bool:
    return bool(_NAMED.fullmatch(text) or _NUMBERED.fullmatch(text))


def _paragraph(lines: list[_Line], index: int) -> _Candidate | None:
    """A German section: "§ 1" over its title, or "§ 1 Gegenstand und sonstige Pflichten" in ordinary case."""
    line = lines[index]
    if match := _PARAGRAPH.fullmatch(line.text):
        return _with_next_line(lines, index, "number", match["label"], match["number"])
    match = _NUMBERED.fullmatch(line.text)
    if not match or not match["label"].startswith("§") or not (line.closes or line.ends_early):
        return None
    rest = match["rest"]
    if not _is_plain_title(rest) or _REFERRED.match(rest):
        return None
    end = line.start_char + len(line.text)
    return _Candidate("number", match["label"], rest.rstrip(": "), _parts(match["number"]), line.start_char, end)


def _chinese(lines: list[_Line], index: int) -> _Candidate | None:
    line = lines[index]
    found = headings_chinese.read(line.text, alone=line.opens and (line.closes or index == 0))
    if not found:
        return None
    end = line.start_char + found.title_end
    return _Candidate(found.family, found.label, found.title, found.number, line.start_char, end, found.run_in)


def _numbered(lines: list[_Line], index: int) -> _Candidate | None:
    line = lines[index]
    match = _NUMBERED.fullmatch(line.text)
    roman = None if match else _ROMAN.fullmatch(line.text)
    match = match or roman
    if not match or (roman and not _is_caps(match["rest"])):
        return None
    title, run_in = _title(match["rest"], line)
    if not title:
        return None
    end = line.start_char + match.start("rest") + len(title)
    family = "roman" if roman else "number"
    return _Candidate(
        family, match["label"], title.rstrip(".: "), _parts(match["number"]), line.start_char, end, run_in
    )


def _caps(lines: list[_Line], index: int) -> _Candidate | None:
    """A short line in capitals that is a paragraph of its own."""
    line = lines[index]
    text = line.text.rstrip(":")
    if ":" in text or text.startswith(("[", "(")):
        return None
    letters = sum(char.isalpha() for char in text)
    if not (line.opens and line.closes and _is_caps(text)) or letters < 6 or letters < 0.7 * len(text.replace(" ", "")):
        return None
    if (
        len(text.split()) > 10
        or text.endswith((",", ";", "."))
        or _COMPANY.search(text)
        or _NOT_HEADINGS.fullmatch(text)
    ):
        return None
    return _Candidate("caps", "", text, (), line.start_char, line.start_char + len(text))


def _title(rest: str, line: _Line) -> tuple[str, bool]:
    """Return the title at the start of `rest` and whether text runs on after it; "" if there is none."""
    if _DEFINITION.fullmatch(rest):
        return "", False
    stop = _STOP.search(rest)
    head = rest[: stop.start()] if stop else rest
    if stop and _is_title(head):
        return rest[: stop.start()], bool(rest[stop.end() :].strip()) or not line.closes
    alone = line.closes or (line.ends_early and (line.opens or _is_caps(rest)))
    if not stop and alone and _is_title(rest) and len(rest) < 90:
        return rest, False
    return "", False


def _is_title(text: str) -> bool:
    """Whether `text` is set as a title: its words, small ones aside, begin with capitals."""
    if headings_chinese.is_title(text):
        return True
    words = text.split()
    if not words or len(words) > _MOST_TITLE_WORDS or text.endswith((",", ";")):
        return False
    if not any(char.isalpha() for char in words[0]) or words[0][0].islower() or "___" in text or "$" in text:
        return False
    weighty = [word.strip("()[]\"'“”‘’,;*") for word in words if word.lower().strip(",") not in _SMALL_WORDS]
    weighty = [word for word in weighty if word and word[0].isalpha()]
    if not weighty or _LEADERS.search(text) or "redacted" in text.lower() or text.count("[") != text.count("]"):
        return False
    return sum(word[0].isupper() for word in weighty) >= (len(weighty) if len(weighty) < 4 else 0.8 * len(weighty))


def _is_plain_title(text: str) -> bool:
    """Whether `text` may be a title in ordinary case, as German, French and Spanish contracts print them."""
    return text[0].isupper() and not text.endswith((".", ",", ";")) and len(text) <= _LONGEST_PLAIN_TITLE


def _is_caps(text: str) -> bool:
    return text.isupper() and sum(char.isalpha() for char in text) >= 3


def _parts(number: str) -> tuple[int, ...]:
    if number[0].isdigit():
        return tuple(int(part) for part in number.rstrip("ABC").split("."))
    return (_roman(number),) if set(number) <= set("IVXLC") else (ord(number[0]) - 64,)


def _roman(number: str) -> int:
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[digit] for digit in number]
    return sum(
        -value if value < following else value for value, following in zip(values, [*values[1:], 0], strict=True)
    )


def _numbered_alike(candidates: list[_Candidate]) -> list[_Candidate]:
    """Give Chinese headings numbers as others have: 第二条 is (2,), or else 二、 is (2,) and （一） below it (2, 1).

    Below articles the listed ones are items of a list, no sections.
    """
    articles = any(candidate.family == "clause" for candidate in candidates)
    top, kept = 0, []
    for one in candidates:
        below = one.family == "bracketed"
        if one.family in {"clause", "listed"}:
            top = one.number[0]
        if one.family in {"clause", "listed", "bracketed"}:
            number = (top, *one.number) if below else one.number
            if one.family == "clause" or not articles:
                kept.append(replace(one, family="number", number=number))
        else:
            kept.append(one)
    return kept


def _apart(candidates: list[_Candidate]) -> list[_Candidate]:
    """Leave out headings that stand inside the one before, as a title on a line of its own does."""
    kept: list[_Candidate] = []
    for candidate in candidates:
        if not kept or candidate.start_char >= kept[-1].end_char:
            kept.append(candidate)
    return kept


def _without_filing_mark(candidates: list[_Candidate]) -> list[_Candidate]:
    """Make "Exhibit 10.15 / LEASE" at the top of a filed contract the heading "LEASE"."""
    if (
        not candidates
        or not _FILING_MARK.fullmatch(candidates[0].label)
        or candidates[0].start_char > _FILING_MARK_CHARS
    ):
        return candidates
    first, *others = candidates
    if not first.title or _NOT_HEADINGS.fullmatch(first.title):
        return others
    start = first.end_char - len(first.title)
    return [replace(first, family="caps", label="", number=(), start_char=start), *others]


def _without_contents(candidates: list[_Candidate], text: str) -> list[_Candidate]:
    """Leave out the table of contents: lines with page numbers in company, and headings that come again later."""
    contents = [bool(_TOC_LINE.search(_line_at(text, candidate))) for candidate in candidates]
    last = {_identity(candidate): index for index, candidate in enumerate(candidates)}
    kept = []
    for index, candidate in enumerate(candidates):
        listed = contents[index] and sum(contents[max(0, index - 3) : index + 4]) >= 3
        comes_again = last[_identity(candidate)] != index and not candidate.run_in
        if not (listed or comes_again or candidate.title.lower() == "table of contents"):
            kept.append(candidate)
    annexes = [candidate for candidate in kept if candidate.family == "annex"]
    return [one for one in kept if not any(_announces(one, annex) for annex in annexes)]


def _identity(candidate: _Candidate) -> tuple[str, str]:
    return candidate.label.lower(), candidate.title.lower()


def _announces(candidate: _Candidate, annex: _Candidate) -> bool:
    """Whether `candidate` only names an annex that follows, as a list of schedules does."""
    if candidate.family != "annex" or candidate.start_char >= annex.start_char:
        return False
    if (_keyword(candidate), candidate.number) != (_keyword(annex), annex.number):
        return False
    words, others = set(candidate.title.lower().split()), set(annex.title.lower().split())
    return 2 * len(words & others) >= min(len(words), len(others))


def _line_at(text: str, candidate: _Candidate) -> str:
    end = text.find("\n", candidate.end_char)
    return text[candidate.start_char : end if end >= 0 else len(text)]


def _in_sequence(candidates: list[_Candidate]) -> list[_Candidate]:
    """Leave out numbers that follow from nothing: "30 Days", "123 Main Street"."""
    kept: list[_Candidate] = []
    seen: set[tuple[int, ...]] = set()
    for candidate in candidates:
        if candidate.family == "annex":
            seen = set()
        if candidate.family == "number" and not _follows(candidate.number, seen):
            continue
        if candidate.family in {"number", "division"}:
            seen.add(candidate.number)
        kept.append(candidate)
    return kept


def _follows(number: tuple[int, ...], seen: set[tuple[int, ...]]) -> bool:
    """Whether some number just before this one, or its parent, has been seen; a first one needs nothing."""
    if number[-1] <= 1 and (len(number) < 3 or number[:-1] in seen):
        return True
    return any((*number[:-1], number[-1] - back) in seen for back in range(1, 5)) or (
        len(number) > 1 and (number[:-1] in seen or number[-1] <= 3)
    )


def _levelled(candidates: list[_Candidate]) -> list[Found]:
    """Give each heading its depth: annexes and divisions outside, then "4", "4.2", "4.2.1"."""
    divisions = list(dict.fromkeys(_keyword(c) for c in candidates if c.family == "division"))
    first_number = len(divisions) + 1
    if not divisions and _numbers_start_again(candidates):
        first_number = 2
    found = []
    in_annex = in_division = 0
    for candidate in candidates:
        if candidate.family == "annex":
            level, in_annex, in_division = 1, 1, 0
        elif candidate.family == "division":
            level, in_division = 1 + divisions.index(_keyword(candidate)) + in_annex, 1
        elif candidate.family == "number":
            # "1.1" is below "Article 1" as it is below "1".
            depth = len(candidate.number) - (1 if divisions and len(candidate.number) > 1 else 0)
            level = first_number + depth - 1 + in_annex
        else:
            level = 1 + in_annex + in_division
        found.append(Found(level, candidate.label, candidate.title, candidate.start_char, candidate.end_char))
    return found


def _keyword(candidate: _Candidate) -> str:
    label = candidate.label
    return label[-1] if label.startswith("第") else label.split()[0].lower()


def _numbers_start_again(candidates: list[_Candidate]) -> bool:
    """Whether headings in capitals each count their sections from 1."""
    starts, under_caps = 0, False
    for candidate in candidates:
        if candidate.family == "annex":
            break
        if candidate.family == "number" and candidate.number == (1,):
            starts += under_caps
        under_caps = candidate.family == "caps"
    return starts >= 2


def _outline_headings(text: str, pages: list[ParsedPage], outline: list[OutlineItem]) -> list[ParsedHeading]:
    """Return the outline's entries that are found on the pages they point to."""
    found: list[Found] = []
    for item in outline:
        if item.page_number and item.page_number <= len(pages):
            page = pages[item.page_number - 1]
            words = [re.escape(word) for word in item.title.split()]
            match = re.compile(r"\s+".join(words), re.I).search(text, page.start_char, page.end_char) if words else None
            if match:
                found.append(Found(item.level, *split_label(item.title), match.start(), match.end()))
    return close_sections(_without_doubles(found), len(text))


def _without_doubles(found: list[Found]) -> list[Found]:
    by_start = {heading.start_char: heading for heading in reversed(found)}
    lowest = min((heading.level for heading in found), default=1)
    return [heading._replace(level=heading.level - lowest + 1) for heading in by_start.values()]
