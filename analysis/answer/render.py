"""An answer's text as HTML: Markdown made safe, every sentence in place with its citations.

Model output is hostile: HTML, links and images in it stay text, and what markdown-it makes passes nh3 with a short list
of tags and no attributes. Sentences are carried from the parsed tokens to the page by marks beside their first and last
visible characters, turned into elements at the end. So emphasis and lists may cross sentence boundaries, nothing is
parsed twice, and no mark can change what the Markdown means.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import nh3
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

from analysis.types import lines_in_words

# Before a sentence stand _OPEN, its number and _NUMBERED; after it _CLOSE.
_OPEN, _NUMBERED, _CLOSE = "⸨", "⸢", "⸩"
_MARKS = str.maketrans({_OPEN: "(", _NUMBERED: "[", _CLOSE: ")"})
_MARK = re.compile(f"({_OPEN}[0-9]+{_NUMBERED}|{_CLOSE})")
# A sentence that ends in code or emphasis has its citations after it, not in its type.
_CLOSE_INSIDE = re.compile(f"{_CLOSE}((?:</(?:code|em|strong)>)+)")
_TAGS = frozenset("p br hr ul ol li strong em code pre blockquote h3 h4 h5 h6 table thead tbody tr th td".split())
_PIECES = re.compile(r"<[^>]*>|[^<]+")
_LINE_END = re.compile(r"\r\n?|\n")
_VISIBLE = re.compile(r"\S")
_VISIBLE_IN_CELL = re.compile(r"\\\||\S")
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
    parser.disable(["link", "image", "autolink", "reference", "lheading", "code", "html_block", "html_inline"])
    # Escapes and entities stay apart from the text around them, so that each tells what it looks like in the source.
    parser.disable("text_join").add_render_rule("text_special", RendererHTML.text)
    return parser


def _parse(text: str) -> list[Token]:
    tokens = _markdown().parse(text)
    for token in tokens:
        _lower_heading(token)
    return tokens


def _html(tokens: Sequence[Token]) -> str:
    raw = _markdown().renderer.render(tokens, _markdown().options, {})
    return nh3.clean(raw, tags=set(_TAGS), attributes={"ol": {"start"}}, url_schemes=set())


def _lower_heading(token: Token) -> None:
    """Make an answer's headings subordinate to the page's own."""
    if token.type in {"heading_open", "heading_close"}:
        token.tag = f"h{min(_LAST_HEADING, int(token.tag[1]) + _TOP_HEADING - 1)}"


def render_text(text: str) -> SafeString:
    """Return `text` as HTML without sentences: an answer that is being written, or was never checked."""
    return mark_safe(_html(_parse(text)))  # noqa: S308  # nh3 has cleaned it


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
    tokens = _parse(text)
    _mark(tokens, text, sentences)
    cleaned = _CLOSE_INSIDE.sub(rf"\1{_CLOSE}", _html(tokens))
    return mark_safe("".join(_weave(cleaned, sentences, chips)))  # noqa: S308  # nh3 has cleaned it; ours is escaped


class _Run:
    """A token's text as a list of characters, so that a mark costs the same wherever it is put.

    places: where each visible character stands in the source. visible: these, each with the character's index here.
    """

    def __init__(self, token: Token, places: Sequence[int]) -> None:
        self.token = token
        self.characters = list(token.content.translate(_MARKS))
        self.visible = list(zip(places, _visible(token.content), strict=True))


def _mark(tokens: Sequence[Token], text: str, sentences: Sequence[Sentence]) -> None:
    """Put a mark before and after the visible characters of each sentence; one that has none gets no marks."""
    runs = list(_runs(tokens, text))
    letters = [(place, run.characters, index) for run in runs for place, index in run.visible]
    places = [place for place, _, _ in letters]
    begin = 0
    for number, sentence in enumerate(sentences):
        begin = bisect_left(places, sentence.start_char, lo=begin)
        end = bisect_left(places, sentence.end_char, lo=begin)
        if begin < end:
            (_, first, first_index), (_, last, last_index) = letters[begin], letters[end - 1]
            first[first_index] = f"{_OPEN}{number}{_NUMBERED}{first[first_index]}"
            last[last_index] += _CLOSE
            begin = end
    for run in runs:
        run.token.content = "".join(run.characters)


def _runs(tokens: Sequence[Token], text: str) -> Iterator[_Run]:
    """Yield all text that the page will show, in order."""
    source = _Source(text)
    for index, token in enumerate(tokens):
        if token.type == "fence":
            yield _Run(token, source.places(token))
        elif token.type == "inline":
            yield from _inline_runs(token, source.places(token, is_cell=tokens[index - 1].tag in {"th", "td"}))


def _inline_runs(block: Token, places: Sequence[int]) -> Iterator[_Run]:
    """Yield the texts of a block. places: of all that is visible in its content, emphasis signs and the like too."""
    visible = _visible(block.content)
    at = 0
    for token in block.children or []:
        count = len(_visible(token.content))
        if token.type == "text_special":
            yield _Run(token, [places[at]] * count)
            at += len(_visible(token.markup))
        elif token.type == "hardbreak":  # written as a backslash or as spaces
            at += at < len(visible) and block.content.startswith("\\\n", visible[at])
        else:
            at += len(token.markup)
            yield _Run(token, places[at : at + count])
            at += count + (len(token.markup) if token.type == "code_inline" else 0)


def _visible(text: str) -> list[int]:
    return [match.start() for match in _VISIBLE.finditer(text)]


class _Source:
    """The text that blocks were parsed from, read once from its start to its end."""

    def __init__(self, text: str) -> None:
        self._text = text.replace("\0", "\ufffd")  # as markdown-it does
        self._line_starts = [0, *(match.end() for match in _LINE_END.finditer(text)), len(text)]
        self._at = 0

    def places(self, block: Token, *, is_cell: bool = False) -> list[int]:
        """Return where each visible character of the content of the next block stands.

        A block's lines are the source's without what makes it that block: signs of quotes, lists and headings stand
        before them, closing number signs after. A row has many cells, whose bars are escaped.
        """
        places: list[int] = []
        line_number, end = block.map or (0, 0)
        line_number += block.type == "fence"
        for line in filter(None, map(str.strip, block.content.split("\n"))):
            wanted = line.replace("|", r"\|") if is_cell else line
            found = -1
            while found < 0 and line_number < end:
                found = self._find(wanted, line_number, is_cell)
                line_number += 1
            self._at = max(self._at, found)
            units = (_VISIBLE_IN_CELL if is_cell else _VISIBLE).finditer(wanted)
            places += [self._at + unit.start() for unit in units]
            self._at += len(wanted)
        return places

    def _find(self, wanted: str, line_number: int, is_cell: bool) -> int:
        start, end = self._line_starts[line_number : line_number + 2]
        find = self._text.find if is_cell else self._text.rfind
        return find(wanted, max(self._at, start), end)


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
                current, first = int(part[1:-1]), True
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


def place_url(place: dict[str, Any]) -> str:
    """Return where a citation or a finding leads: to its words in the reader, or to its lines in the code viewer."""
    if not place.get("repository_id"):
        span = f"start_char={place['start_char']}&end_char={place['end_char']}"
        return f"/d/{place['document_id']}/?{span}"
    lines = lines_in_words(place["start_line"], place["end_line"])
    asked = ({"at": place["snapshot"]} if place.get("snapshot") else {}) | ({"lines": lines} if lines else {})
    address = f"/r/{place['repository_id']}/file/{quote(place['path'])}{f'?{urlencode(asked)}' if asked else ''}"
    return f"{address}#L{place['start_line']}" if lines else address


def place_name(place: dict[str, Any]) -> str:
    """Return what a place is called: a document's name and page, or a file's path, lines and commit."""
    if not place.get("path"):
        return f"{place['document_name']}, {place['place']}"
    commit = place.get("commit")
    return f"{place['place']} @ {commit[:10]}" if commit else str(place["place"])


def code_data(place: dict[str, Any]) -> SafeString:
    """Return the attributes that tell scripts of a place in a repository; "" for a document's."""
    if not place.get("repository_id"):
        return mark_safe("")
    lines = lines_in_words(place["start_line"], place["end_line"])
    return format_html(
        ' data-repository="{}" data-path="{}" data-lines="{}"', place["repository_id"], place["path"], lines
    )


def _chip(number: int, citation: dict[str, Any]) -> SafeString:
    return format_html(
        '<a class="cite" href="{url}" data-document="{document}" data-start="{start}" data-end="{end}"'
        ' data-page="{page}" data-quote="{quote}" data-where="{where}"{code}'
        ' aria-label="Citation {number}: {where}">{number}</a>',
        number=number,
        url=place_url(citation),
        code=code_data(citation),
        document=citation["document_id"],
        start=citation["start_char"],
        end=citation["end_char"],
        page=citation["page_number"],
        quote=citation["quote"],
        where=place_name(citation),
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
