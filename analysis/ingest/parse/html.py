"""HTML: what a reader would see, as paragraphs, headings, lists and tables."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from lxml import etree

from analysis.ingest.parse.flow import FlowText
from analysis.ingest.parse.grid import Cell
from analysis.ingest.parse.headings import outside_tables, pattern_headings
from analysis.ingest.parse.text import decode, encoding_warnings
from analysis.types import ParsedDocument

_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?\s*([\w-]+)", re.I)
_HIDDEN = {"script", "style", "template", "noscript", "head", "object", "svg", "select", "iframe"}
_BLOCKS = set(
    "address article aside blockquote body caption center dd details dialog div dl dt fieldset figcaption figure "
    "footer form h1 h2 h3 h4 h5 h6 header hr html legend li main nav ol p pre section summary table tbody tfoot thead "
    "title tr ul td th".split()
)
_BLANKS = re.compile(r"\s+")
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)


def parse_html(path: Path) -> ParsedDocument:
    """Return an HTML file's visible text."""
    data = path.read_bytes()
    declared = _CHARSET.search(data[:4096])
    markup, encoding = decode(data, declared[1].decode("ascii", "ignore") if declared else "")
    flow = FlowText()
    title = read_html(markup, flow)
    metadata: dict[str, Any] = {"encoding": encoding, **({"title": title} if title else {})}
    document = flow.document("html", metadata, encoding_warnings(markup, encoding))
    if document.headings:
        return document
    headings = outside_tables(pattern_headings(document.text), document.tables, len(document.text))
    return replace(document, headings=headings)


def read_html(markup: str, flow: FlowText) -> str:
    """Append the visible text of `markup` to `flow`; return the page's title."""
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, huge_tree=True, encoding="utf-8")
    root = etree.fromstring(markup.encode("utf-8", "replace"), parser) if markup.strip() else None
    if root is None:
        return ""
    _Walk(flow).run(root)
    return _BLANKS.sub(" ", root.findtext(".//title") or "").strip()


class _Walk:
    """One pass over the tree. `words` collects the paragraph that is open; `rows` the innermost table."""

    def __init__(self, flow: FlowText) -> None:
        self.flow = flow
        self.words: list[str] = []
        self.hidden = 0
        self.level = 0
        self.preformatted = 0
        self.lists: list[int | None] = []
        self.mark = ""  # a list item's, until its first words come
        self.rows: list[list[Cell]] | None = None
        self.cell = Cell("")  # the one that is open, without its words
        self.head = False

    def run(self, root: Any) -> None:
        for event, element in etree.iterwalk(root, events=("start", "end")):
            if not isinstance(element.tag, str):
                continue
            if event == "start":
                self._start(element)
            else:
                self._end(element)
        self._flush()

    def _start(self, element: Any) -> None:
        tag = element.tag.lower()
        if self.hidden or tag in _HIDDEN or _INVISIBLE.search(element.get("style") or ""):
            self.hidden += 1
            return
        if tag in _BLOCKS:
            self._block_starts(tag, element)
        elif tag == "br":
            self.words.append("\n")
        self._text(element.text)

    def _end(self, element: Any) -> None:
        tag = element.tag.lower()
        if self.hidden:
            self.hidden -= 1
        elif tag in _BLOCKS:
            self._block_ends(tag)
        if not self.hidden and element.getparent() is not None:
            self._text(element.tail)

    def _text(self, text: str | None) -> None:
        if text:
            self.words.append(text if self.preformatted else _BLANKS.sub(" ", text))

    def _block_starts(self, tag: str, element: Any) -> None:
        if tag in {"td", "th"} and self.rows is not None:
            self.words.clear()
            spans = (_count(element.get("rowspan")), _count(element.get("colspan")))
            self.cell = Cell("", *spans, header=tag == "th" or self.head)
            return
        if self.rows is None:
            self._flush()
        if tag == "table" and self.rows is None and element.find(".//table") is None:
            self.rows = []
        elif tag == "tr" and self.rows is not None:
            self.rows.append([])
        elif tag == "thead":
            self.head = True
        elif tag in {"ol", "ul"}:
            self.lists.append(_first_number(element) if tag == "ol" else None)
        elif tag == "li" and self.rows is None:
            self.mark = self._item_mark()
        elif tag == "pre":
            self.preformatted += 1
        elif tag[0] == "h" and tag[1:].isdigit():
            self.level = int(tag[1:])

    def _block_ends(self, tag: str) -> None:
        if self.rows is not None:
            self._table_part_ends(tag)
        else:
            self._flush()
        if tag in {"ol", "ul"} and self.lists:
            self.lists.pop()
        elif tag == "pre":
            self.preformatted -= 1
        elif tag[0] == "h" and tag[1:].isdigit():
            self.level = 0

    def _table_part_ends(self, tag: str) -> None:
        if tag in {"td", "th"} and self.rows is not None:
            self.rows = self.rows or [[]]
            self.rows[-1].append(replace(self.cell, text="".join(self.words)))
            self.words.clear()
        elif tag == "thead":
            self.head = False
        elif tag == "table":
            self._table()
        else:
            self.words.append(" ")

    def _table(self) -> None:
        rows, self.rows, self.head = self.rows or [], None, False
        texts = [[cell.text for cell in row if cell.text.strip()] for row in rows]
        if any(len(row) > 1 for row in texts):
            self.flow.table(rows)
            return
        for row in texts:  # a table for looks
            self.flow.paragraph("".join(row))

    def _item_mark(self) -> str:
        if not self.lists or self.lists[-1] is None:
            return "• "
        number = self.lists[-1]
        self.lists[-1] = number + 1
        return f"{number}. "

    def _flush(self) -> None:
        text = "".join(self.words)
        self.words.clear()
        if text.strip():
            self.flow.paragraph(self.mark + text.lstrip(), level=self.level)
            self.mark = ""


def _count(span: str | None) -> int:
    """Return a rowspan or colspan; 1 where it is none that can be read."""
    return max(1, int(span)) if span and span.isdecimal() and len(span) < 6 else 1


def _first_number(element: Any) -> int:
    start = element.get("start") or "1"
    return int(start) if start.lstrip("-").isdigit() and len(start) < 6 else 1
