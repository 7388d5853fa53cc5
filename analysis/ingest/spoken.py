"""A recording's words as a document: paragraphs with the seconds that they are spoken in, five minutes to a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from django.utils.translation import gettext

from analysis.ingest.parse.flow import tidy
from analysis.sentences import split_sentences
from analysis.types import PageSource, ParsedDocument, ParsedPage, Span

PAGE_SECONDS = 300
# A paragraph ends with a sentence, after a pause, or when it has run on for so long.
PAUSE_SECONDS = 2.0
LONGEST_PARAGRAPH_SECONDS = 60.0
# A stretch for which the endpoint gave no finer times: its sentences get their share of it.
LONG_SECONDS = 20.0
_SENTENCE_END = re.compile(r"[.!?。！？…][\"'”’)\]]*$")

# What is kept of a recording's times: [start_char, end_char, start_seconds, end_seconds].
Times = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Said:
    """What was said in a stretch of a recording, in seconds from its beginning."""

    start_seconds: float
    end_seconds: float
    text: str


def spoken_document(said: Sequence[Said], seconds: float) -> ParsedDocument:
    """Return what was said as a document. seconds: how long the recording is.

    metadata["times"] has the seconds of each stretch of text. Page n is minutes 5(n-1) to 5n, empty when nobody spoke.
    """
    text, times, breaks = "", list[list[float]](), list[int]()
    pages = max(1, int(-(-seconds // PAGE_SECONDS)))
    for number, paragraphs in groupby(_paragraphs(_finer(said)), key=_page_number):
        breaks += [len(text) + 2 * bool(text)] * (min(number, pages) - 1 - len(breaks))
        for paragraph in paragraphs:
            text += "\n\n" if text else ""
            for index, each in enumerate(paragraph):
                text += " " if index else ""
                times.append([len(text), len(text) + len(each.text), each.start_seconds, each.end_seconds])
                text += each.text
    breaks += [len(text)] * (pages - 1 - len(breaks))
    edges = [0, *(min(cut, len(text)) for cut in breaks), len(text)]
    metadata = {"times": times, "length": clock(seconds)}
    return ParsedDocument(
        "recording", text, [_page(n, edge) for n, edge in enumerate(pairwise(edges), 1)], [], metadata
    )


def clock(seconds: float) -> str:
    """Return "12:34", or "1:02:03" from an hour on."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def page_name(number: int, kind: str) -> str:
    """Return what a page is called: "Page 3", or of a recording "Minutes 10 to 15"."""
    minutes = PAGE_SECONDS // 60
    if kind == "recording":
        span = {"first": minutes * (number - 1), "last": minutes * number}
        return gettext("Minutes %(first)s to %(last)s") % span
    return gettext("Page %(number)s") % {"number": number}


def place_words(page_number: int, spoken: tuple[float, float] | None) -> str:
    """Return a place as it is cited: "page 3", or of a recording when it is spoken: "12:34"."""
    return clock(spoken[0]) if spoken else gettext("page %(number)s") % {"number": page_number}


def seconds_of(times: Times, span: Span) -> tuple[float, float] | None:
    """Return when `span` is spoken, from and to; None where it has no words.

    Inside a stretch time passes with its characters: a little early at the start, so that no word is cut.
    """
    touched = [row for row in times if row[0] < span.end_char and row[1] > span.start_char]
    if not touched:
        return None
    first, last = touched[0], touched[-1]
    start = _at(first, max(span.start_char, int(first[0])))
    end = _at(last, min(span.end_char, int(last[1])))
    return round(max(first[2], start - (start > first[2])), 2), round(end, 2)


def _at(row: Sequence[float], char: int) -> float:
    start_char, end_char, start_seconds, end_seconds = row
    return start_seconds + (end_seconds - start_seconds) * (char - start_char) / max(1.0, end_char - start_char)


def _page(number: int, edge: tuple[int, int]) -> ParsedPage:
    start, end = edge
    return ParsedPage(number, start, end, PageSource.TEXT if start < end else PageSource.BLANK)


def _page_number(paragraph: list[Said]) -> int:
    return int(paragraph[0].start_seconds // PAGE_SECONDS) + 1


def _finer(said: Sequence[Said]) -> Iterator[Said]:
    """Yield the stretches, in order and tidied; a long one sentence by sentence."""
    for each in sorted(said, key=lambda each: each.start_seconds):
        text = " ".join(tidy(each.text).split())
        sentences = split_sentences(text)
        if each.end_seconds - each.start_seconds <= LONG_SECONDS or len(sentences) < 2:
            sentences = [Span(0, len(text))] if text else []
        whole = (0, len(text), each.start_seconds, each.end_seconds)
        for start, end in sentences:
            yield Said(round(_at(whole, start), 2), round(_at(whole, end), 2), text[start:end])


def _paragraphs(said: Iterator[Said]) -> Iterator[list[Said]]:
    paragraph: list[Said] = []
    for each in said:
        if paragraph and _ends(paragraph, each):
            yield paragraph
            paragraph = []
        paragraph.append(each)
    if paragraph:
        yield paragraph


def _ends(paragraph: list[Said], following: Said) -> bool:
    last = paragraph[-1]
    return (
        _SENTENCE_END.search(last.text) is not None
        or following.start_seconds - last.end_seconds > PAUSE_SECONDS
        or following.end_seconds - paragraph[0].start_seconds > LONGEST_PARAGRAPH_SECONDS
        or following.start_seconds // PAGE_SECONDS > paragraph[0].start_seconds // PAGE_SECONDS
    )
