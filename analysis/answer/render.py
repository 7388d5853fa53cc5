"""An answer's text as HTML: Markdown made safe, every sentence in place with its citations.

Model output is hostile: HTML, links and images in it stay text, and what markdown-it makes passes nh3 with a short list
of tags and no attributes. Sentences are carried through Markdown by marks put into the text before and turned into
elements after, so emphasis and lists may cross sentence boundaries and nothing is parsed twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import nh3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.token import Token

from analysis.types import Span

# CommonMark counts these as punctuation, so beside them emphasis opens and closes as beside a bracket.
_OPEN, _CLOSE, _DIGITS = "⸨", "⸩", "⸢⸣⸤⸥"
_MARKS = str.maketrans({_OPEN: "(", _CLOSE: ")", "⸢": "[", "⸣": "]", "⸤": "[", "⸥": "]"})
_MARK = re.compile(f"({_OPEN}[{_DIGITS}]+|{_CLOSE})")
_TAGS = frozenset("p br hr ul ol li strong em code pre blockquote h3 h4 h5 h6 table thead tbody tr th td".split())
_PIECES = re.compile(r"<[^>]*>|[^<]+")
# What stands at the start of a line for Markdown's sake; a sentence begins after it.
_PREFIX = re.compile(r"(?:[ \t]*(?:>|[-*+](?=[ \t])|\d{1,9}[.)](?=[ \t])|#{1,6}(?=[ \t])|\|))*[ \t]*")
_RULE = re.compile(r"[ \t]*[-=*_|:`~ \t]+[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```|~~~)")
_GAP = re.compile(r"\n[ \t]*\n")
_TOP_HEADING, _LAST_HEADING = 3, 6


@dataclass(frozen=True)
class Sentence:
    """A sentence as it is drawn. citations: numbers as shown, from 1."""

    start_char: int
    end_char: int
    supported: bool | None
    reason: str
    citations: Sequence[int]


@cache
def _markdown() -> MarkdownIt:
    # Links and images off: an answer must not be able to lead a reader away or fetch anything. Setext headings and
    # indented code off: a model that writes "---" or indents means neither.
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    return parser.disable(["link", "image", "autolink", "reference", "lheading", "code", "html_block", "html_inline"])


def _html(text: str) -> str:
    tokens = _markdown().parse(text)
    for token in tokens:
        _lower_heading(token)
    raw = _markdown().renderer.render(tokens, _markdown().options, {})
    return nh3.clean(raw, tags=set(_TAGS), attributes={"ol": {"start"}}, url_schemes=set())


def _lower_heading(token: Token) -> None:
    """Make an answer's headings subordinate to the page's own."""
    if token.type in {"heading_open", "heading_close"}:
        token.tag = f"h{min(_LAST_HEADING, int(token.tag[1]) + _TOP_HEADING - 1)}"


def render_text(text: str) -> SafeString:
    """Return `text` as HTML without sentences: an answer that is being written, or was never checked."""
    return mark_safe(_html(text))  # noqa: S308  # nh3 has cleaned it


def render_answer(payload: dict[str, Any]) -> SafeString:
    """Return the text of an `answer_payload` as HTML, its sentences marked and followed by their citations."""
    sentences = [
        Sentence(s["start_char"], s["end_char"], s["supported"], s["reason"], [i + 1 for i in s["citations"]])
        for s in payload["sentences"]
    ]
    return render_sentences(payload["answer"], sentences, payload["citations"])


def render_sentences(text: str, sentences: Sequence[Sentence], citations: Sequence[dict[str, Any]]) -> SafeString:
    """Return `text` as HTML with each of `sentences` (spans of it, in order) in elements of its own."""
    chips = [_chip(number, citation) for number, citation in enumerate(citations, start=1)]
    cleaned = _html(_marked(text.translate(_MARKS), sentences))
    return mark_safe("".join(_weave(cleaned, sentences, chips)))  # noqa: S308  # nh3 has cleaned it; ours is escaped


def _marked(text: str, sentences: Sequence[Sentence]) -> str:
    """Return `text` with a mark before and after each sentence; the opening mark carries the sentence's number."""
    pieces: list[str] = []
    at = 0
    for number, sentence in enumerate(sentences):
        span = _inner(text, max(at, sentence.start_char), sentence.end_char)
        if span.start_char < span.end_char:
            pieces += [text[at : span.start_char], _OPEN + _code(number), text[span.start_char : span.end_char], _CLOSE]
            at = span.end_char
    return "".join([*pieces, text[at:]])


def _inner(text: str, start: int, end: int) -> Span:
    """Return the part of a sentence where marks disturb no Markdown: past its list sign, before a rule or cell end."""
    line_start = text.rfind("\n", 0, start) + 1
    prefix = _PREFIX.match(text, line_start)
    start = max(start, prefix.end() if prefix else start)
    while start < end and (_FENCE.match(text[line_start:end]) or _RULE.match(_line_at(text, line_start))):
        line_start = text.find("\n", line_start, end) + 1
        if not line_start:
            return Span(end, end)
        start = line_start
    while start < end and (tail := text.rfind("\n", start, end)) >= 0 and _RULE.match(text[tail + 1 : end]):
        end = tail
    return Span(start, start + len(text[start:end].rstrip(" \t\n|")))


def _line_at(text: str, start: int) -> str:
    end = text.find("\n", start)
    return text[start : end if end >= 0 else len(text)]


def _code(number: int) -> str:
    digits = ""
    while True:
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
        if not number:
            return digits


def _number(code: str) -> int:
    value = 0
    for digit in code:
        value = value * len(_DIGITS) + _DIGITS.index(digit)
    return value


def _weave(cleaned: str, sentences: Sequence[Sentence], chips: Sequence[SafeString]) -> Iterator[str]:
    """Yield `cleaned` with its marks turned into elements. Each run of text gets its own, so tags always nest."""
    current: int | None = None
    first = False
    for piece in _PIECES.findall(cleaned):
        if piece.startswith("<"):
            yield piece
            continue
        for part in _MARK.split(piece):
            if part.startswith(_OPEN):
                current, first = _number(part[1:]), True
            elif part == _CLOSE:
                yield _tail(sentences[current], chips) if current is not None else ""
                current = None
            elif current is None or not part.strip():
                yield part
            else:
                yield _run(part, current, sentences[current], first)
                first = False


def _run(escaped: str, number: int, sentence: Sentence, first: bool) -> str:
    if sentence.supported is None:
        return escaped
    state = "supported" if sentence.supported else "unsupported"
    why = "" if sentence.supported else format_html(' title="{}"', sentence.reason)
    # One stop for the keyboard a sentence, however many elements it takes.
    why += ' tabindex="0"' if first and not sentence.supported else ""
    return f'<span class="sentence {state}" data-sentence="{number}"{why}>{escaped}</span>'


def _tail(sentence: Sentence, chips: Sequence[SafeString]) -> str:
    if sentence.supported is False:
        return format_html('<span class="why">{}</span>', sentence.reason)
    cited = [(chips[number - 1],) for number in sentence.citations if number <= len(chips)]
    return format_html('<span class="cites">{}</span>', format_html_join("", "{}", cited)) if cited else ""


def _chip(number: int, citation: dict[str, Any]) -> SafeString:
    return format_html(
        '<a class="cite" href="/d/{document}/?start_char={start}&amp;end_char={end}" data-document="{document}"'
        ' data-start="{start}" data-end="{end}" data-page="{page}" data-quote="{quote}" data-where="{where}"'
        ' aria-label="Citation {number}: {where}">{number}</a>',
        number=number,
        document=citation["document_id"],
        start=citation["start_char"],
        end=citation["end_char"],
        page=citation["page_number"],
        quote=citation["quote"],
        where=f"{citation['document_name']}, {citation['place']}",
    )


def block_starts(text: str, start: int = 0) -> list[int]:
    """Return where the blocks of `text` begin, from `start` (one of them) on: after blank lines outside fences.

    Text that is appended later changes the last block only.
    """
    starts, fenced, at = [start], False, start
    for gap in _GAP.finditer(text, start):
        fenced ^= sum(1 for line in text[at : gap.start()].split("\n") if _FENCE.match(line)) % 2 == 1
        at = gap.end()
        if not fenced and text[gap.end() : gap.end() + 1].strip():
            starts.append(gap.end())
    return starts


def render_live(text: str) -> list[SafeString]:
    """Return an unfinished answer's blocks as HTML, one for each of `block_starts(text)`."""
    starts = block_starts(text)
    return [render_text(text[start:end]) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
