"""How far a definition reaches: all of it, with its sub-clauses, and nothing of the next one."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from analysis.sentences import split_sentences
from analysis.types import Span

_LONGEST_CHARS = 12_000
_LONGEST_NAMED_CHARS = 1_200  # what a parenthesis gives a name to is looked for this far back
_LABEL = r"(?:\(?(?:[A-Za-z]{1,4}|\d{1,3}(?:\.\d{1,3}){0,4})[.)]|\d{1,3}(?:\.\d{1,3}){1,4}|[-•*–·|])"
# What stands between the end of what was said before and a term that opens its definition.
_LEAD = re.compile(
    rf"(?:\A|[\n.;:,—)”\"]|\b(?:and|or|und))\s{{0,40}}(?P<lead>(?:(?:and|or|und)\s+)?"
    rf"(?:{_LABEL}[ \t]{{0,12}}\n?[ \t]{{0,12}}){{0,2}}"
    r"(?:(?:the|an?|each|any|der|die|das)\s+)?(?:(?:terms?|words?|expressions?|phrases?"
    r"|Begriffe?)\s+)?(?:an?\s+|the\s+)?)\Z",
    re.IGNORECASE,
)
_BLANK_LINE = re.compile(r"\n[ \t\f\r\xa0]{0,200}\n\s{0,200}")
_SEMICOLON = re.compile(r";\s{1,9}(?:(?:and|or)\s)?")
_NEW_LINE = re.compile(r"\n\s{0,200}")
# What a page leaves between two paragraphs: its number and a rule.
_FURNITURE = re.compile(
    r"(?:page\s+)?[-–—\[(\s]{0,9}(?:[A-Z]{1,2}-)?(?:\d{1,4}|[ivxl]{1,6})?[-–—\])\s]{0,9}(?:_{3,}\s{0,40})?",
    re.IGNORECASE,
)
_ENDS = re.compile(r"[.!?。！？][\"”’»)\]]{0,3}\s{0,20}(?:(?:[A-Z]-)?\d{1,3}\s{0,20})?\Z")
_PROMISES = re.compile(r"(?:[:：;,—–]|\b(?:and|or|und|oder))\s{0,20}\Z")
_ITEM = re.compile(r"\(?(?:[A-Za-z]|[ivxIVX]{1,5}|\d{1,2})[.)]\s|[-•–·]\s")
# A list item that opens after a full stop: the next clause, unless the item before it is part of the definition.
_NEXT_CLAUSE = re.compile(r"(?<=\.\s)\((?P<label>[a-z])\)\s{1,12}(?=[A-Z“\"])")
_PAGE_NUMBER = re.compile(r"(?<=[.;:”\")])\s{1,9}(?:[A-Z]-)?\d{1,3}\s{0,40}\Z")
_CLOSES = re.compile(r"[^()\n（）]{0,200}?[)\]）】]")
_GOES_ON = re.compile(r"[^()\n（）]{0,200}?[)\]）】]?\s{0,9}(?:[,;]\s{0,9}(?:(?:and|or|und)\s+)?|(?:and|or|und)\s+)")
_AND_ANOTHER = re.compile(r",\s+and\s+(?=[A-Z])")  # of two parties the second, past the first one's address


@dataclass(frozen=True)
class Quoted:
    """A word or phrase between quotation marks. start_char, end_char: the words; outer_*: with the marks."""

    term: str
    start_char: int
    end_char: int
    outer_start: int
    outer_end: int


@dataclass(frozen=True)
class Defining:
    """A place that defines a term. named: by giving a name, "(the “Term”)", and not by "“Term” means"."""

    quoted: Quoted
    named: bool


@dataclass(frozen=True)
class _Text:
    """A text with what ends a definition in it. opens: where definitions begin; sections: where headings stand."""

    text: str
    gap: re.Pattern[str]
    opens: Sequence[int]
    sections: Sequence[int]


def definition_spans(text: str, places: Sequence[Defining], sections: Sequence[int]) -> list[Span]:
    """Return the definition of each of `places`, which are in order. sections: where headings stand, in order."""
    joined = {second.quoted for first, second in pairwise(places) if _joined(text, first, second)}
    opening = [place.quoted for place in places if not place.named and place.quoted not in joined]
    opens = [at for quoted in opening if (at := _opens_at(text, quoted)) is not None]
    context = _Text(text, _NEW_LINE if _runs_on(text) else _BLANK_LINE, opens, sections)
    spans: list[Span] = []
    before: Defining | None = None
    for place in places:
        former = spans[-1] if spans else None
        span = _named(context, place.quoted, before, former) if place.named else _means(context, place.quoted)
        spans.append(span)
        before = place
    for index in range(len(places) - 1, 0, -1):  # “A” or “B” means: one definition
        if places[index].quoted in joined:
            spans[index - 1] = Span(spans[index - 1].start_char, spans[index].end_char)
    return spans


def _runs_on(text: str) -> bool:
    """Whether a line is a paragraph here, and not what fitted on one."""
    return sum(len(line) for line in text.split("\n") if len(line) > 160) > len(text) / 2


def _opens_at(text: str, quoted: Quoted) -> int | None:
    """Return where the definition's sentence or list item begins; None for a term in the middle of one."""
    before = max(0, quoted.outer_start - 80)
    lead = _LEAD.search(text[before : quoted.outer_start])
    return before + lead.start("lead") if lead else None


def _joined(text: str, first: Defining, second: Defining) -> bool:
    if first.named or second.named:
        return False
    between = text[first.quoted.outer_end : second.quoted.outer_start]
    return len(between) < 24 and "\n\n" not in between and not re.search(r"[.;]|mean", between)


def _named(context: _Text, quoted: Quoted, before: Defining | None, former: Span | None) -> Span:
    """Return what a name is given to, with the name: its clause, up to the end of the parenthesis.

    before, former: the definition before it, and its span.
    """
    text = context.text
    close = _CLOSES.match(text, quoted.outer_end, quoted.outer_end + 200)
    end = close.end() if close else quoted.outer_end
    start = _clause_start(context, quoted)
    if before and former and before.named and start < before.quoted.outer_end:
        if not re.search(r"[)）]", text[before.quoted.outer_end : quoted.outer_start]):
            return Span(former.start_char, end)  # (“Recipient” or “Company”): two names of one
        onward = _GOES_ON.match(text, before.quoted.outer_end, quoted.outer_start)
        start = onward.end() if onward else start
        start = max([start, *(comma.end() for comma in _AND_ANOTHER.finditer(text, start, quoted.outer_start - 8))])
    return Span(min(start, quoted.outer_start), end)


def _clause_start(context: _Text, quoted: Quoted) -> int:
    """Return where the sentence or clause before the name begins, on the page before if need be."""
    text = context.text
    least = max(0, quoted.outer_start - _LONGEST_NAMED_CHARS)
    for boundary in (context.gap, _SEMICOLON):
        for gap in boundary.finditer(text, least, quoted.outer_start):
            if boundary is _SEMICOLON or not _goes_on_at(text, gap.end(), quoted.outer_start):
                least = gap.end()
    sentences = split_sentences(text, least, quoted.outer_end)
    starts = [one.start_char for one in sentences if not _goes_on_at(text, one.start_char, one.end_char)]
    return max([least, *starts]) if starts else sentences[-1].start_char


def _goes_on_at(text: str, start: int, end: int) -> bool:
    """Whether no clause begins here: a small letter goes on with what was said, and a page's number is none."""
    line = text[start:end].split("\n", 1)[0]
    return line[:1].islower() or _FURNITURE.fullmatch(line) is not None


def _means(context: _Text, quoted: Quoted) -> Span:
    """Return the definition from the term to its end."""
    limit = _limit(context, quoted)
    opening = _opens_at(context.text, quoted)
    before = context.text[max(0, (opening or 0) - 12) : opening or 0]
    opens_paragraph = opening is not None and (not before.strip() or "\n" in before[-6:] or _ENDS.search(before))
    end = _paragraphs_end(context, quoted, limit) if opens_paragraph else _sentences_end(context.text, quoted, limit)
    end = _before_next_clause(context.text, quoted.outer_end, end)
    return Span(quoted.outer_start, _trimmed(context.text, quoted.outer_end, end))


def _limit(context: _Text, quoted: Quoted) -> int:
    """Return where something else begins: the next definition, the next section, or enough is enough."""
    nearest = [len(context.text), quoted.outer_end + _LONGEST_CHARS]
    for starts in (context.opens, context.sections):
        nearest += starts[(at := bisect_right(starts, quoted.outer_end)) : at + 1]
    return min(nearest)


def _paragraphs_end(context: _Text, quoted: Quoted, limit: int) -> int:
    """Return the end of the paragraph, and of those after it that go on with its sentence or its list."""
    text = context.text
    gaps = [Span(*gap.span()) for gap in context.gap.finditer(text, quoted.outer_end, limit)]
    said = quoted.outer_end
    for gap, following in pairwise([*gaps, Span(limit, limit)]):
        if not _FURNITURE.fullmatch(text, said, gap.start_char):
            said = gap.start_char
        paragraph = text[gap.end_char : min(following.start_char, gap.end_char + 60)]
        if not _FURNITURE.fullmatch(paragraph) and not _goes_on(
            text[max(quoted.outer_end, said - 60) : said], paragraph
        ):
            return said
    return limit


def _before_next_clause(text: str, start: int, end: int) -> int:
    for clause in _NEXT_CLAUSE.finditer(text, start, end):
        before = chr(ord(clause["label"]) - 1)
        if f"({before})" not in text[start : clause.start()]:
            return clause.start()
    return end


def _goes_on(before: str, paragraph: str) -> bool:
    """Whether a paragraph belongs to what stands before it."""
    if paragraph[:1].islower():
        return True
    if _PROMISES.search(before):
        return True
    return not _ENDS.search(before) and not _ITEM.match(paragraph)


def _sentences_end(text: str, quoted: Quoted, limit: int) -> int:
    """Return the end of the sentence, and of those after it that speak of the term."""
    end = limit
    for number, sentence in enumerate(split_sentences(text, quoted.start_char, limit)):
        said = text[sentence.start_char : sentence.end_char]
        if number and quoted.term.lower() not in " ".join(said.lower().split()):
            break
        end = sentence.end_char
    return end


def _trimmed(text: str, start: int, end: int) -> int:
    """Return `end` without white space, page numbers and rules before it."""
    said = text[start:end].rstrip().rstrip("_").rstrip()
    page = _PAGE_NUMBER.search(said)
    return start + len(said[: page.start()].rstrip() if page else said)
