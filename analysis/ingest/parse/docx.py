"""DOCX: text as Word shows it, from the XML itself, since contracts use all of it."""

from __future__ import annotations

import base64
import io
import posixpath
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from analysis.errors import UserError
from analysis.ingest.parse import messages
from analysis.ingest.parse.archive import Archive, parse_xml
from analysis.ingest.parse.docx_changes import Changes
from analysis.ingest.parse.docx_numbering import Numbering
from analysis.ingest.parse.docx_runs import Notes, Runs
from analysis.ingest.parse.docx_styles import Numbered, Styles
from analysis.ingest.parse.email import message_html
from analysis.ingest.parse.flow import FlowText
from analysis.ingest.parse.grid import Cell
from analysis.ingest.parse.headings import outside_tables, pattern_headings
from analysis.ingest.parse.html import read_html
from analysis.ingest.parse.text import decode
from analysis.ingest.parse.wordml import attribute, child, children, is_on, local, number
from analysis.types import ParsedDocument, Warning

Report = Callable[[str, int, int], None]
_TRANSPARENT = {"sdt", "sdtContent", "customXml", "smartTag", "ins", "moveTo", "AlternateContent", "Choice"}
_PROPERTIES = {
    "title": "title",
    "creator": "author",
    "created": "created",
    "modified": "modified",
    "lastModifiedBy": "last_author",
}
_FEW_HEADINGS = 3


class Package(Protocol):
    """A DOCX's parts by name, from a ZIP archive or from the one-file XML form."""

    names: set[str]

    def xml(self, name: str) -> Any: ...

    def read(self, name: str) -> bytes: ...


def parse_docx(path: Path, *, password: str, encrypted: bool, report: Report) -> ParsedDocument:
    """Return a DOCX's text: numbers resolved, insertions taken, deletions left out, notes and comments at the end."""
    source: Path | BinaryIO = _decrypt(path, password) if encrypted else path
    if not encrypted and path.open("rb").read(2) != b"PK":
        return _Reader(_FlatPackage(path.read_bytes()), report).document()
    with Archive(source) as archive:
        return _Reader(archive, report).document()


def _decrypt(path: Path, password: str) -> BinaryIO:
    import msoffcrypto

    if not password:
        raise messages.password_error("document", given=False)
    plain = io.BytesIO()
    try:
        with path.open("rb") as file:
            office = msoffcrypto.OfficeFile(file)
            office.load_key(password=password, verify_password=True)
            office.decrypt(plain)
    except msoffcrypto.exceptions.InvalidKeyError as error:
        raise messages.password_error("document", given=True) from error
    except msoffcrypto.exceptions.FileFormatError as error:
        raise UserError(messages.DAMAGED, code="damaged") from error
    plain.seek(0)
    return plain


class _FlatPackage:
    """Word's one-file XML form: every part is an element."""

    def __init__(self, data: bytes) -> None:
        parts = children(parse_xml(data), "part")
        self._parts = {attribute(part, "name").lstrip("/"): part for part in parts}
        self.names = set(self._parts)

    def read(self, name: str) -> bytes:
        binary = child(self._parts.get(name), "binaryData")
        return base64.b64decode(binary.text or "") if binary is not None else b""

    def xml(self, name: str) -> Any:
        part = self._parts.get(name)
        if part is None:
            return None
        content = child(part, "xmlData")
        if content is not None:
            return next(iter(content), None)
        data = self.read(name)
        return parse_xml(data) if data else None


class _Reader:
    """One pass over a document's parts."""

    def __init__(self, package: Package, report: Report) -> None:
        self.package = package
        self.report = report
        self.main = self._main_part()
        self.parts = self._relations(self.main)
        self.styles = Styles(self._part("styles"))
        self.numbering = Numbering(self._part("numbering"))
        self.changes, self.notes = Changes(), Notes()
        self.runs = Runs(self.changes, self.notes)
        self.flow = FlowText()
        self.embedded = False
        self.joined = ""  # the text before a deleted paragraph mark: it goes on in the next paragraph

    def document(self) -> ParsedDocument:
        root = self.package.xml(self.main)
        body = child(root, "body")
        if body is None:
            raise UserError(messages.DAMAGED, code="damaged")
        blocks = list(body)
        for done, block in enumerate(blocks):
            if done % 500 == 0:
                self.report("parse", done, len(blocks))
            self._block(block)
        self._appendix(root)
        return self._finish()

    def _finish(self) -> ParsedDocument:
        metadata = self._properties()
        if self.changes.entries:
            metadata["tracked_changes"] = self.changes.entries
        warnings = [*self.changes.warning(), *self._other_warnings()]
        if not self.notes.rendered_breaks:
            self.flow.breaks.clear()
        document = self.flow.document("docx", metadata, warnings)
        printed = pattern_headings(document.text) if len(document.headings) < _FEW_HEADINGS else []
        headings = max(document.headings, printed, key=len)
        return replace(document, headings=outside_tables(headings, document.tables, len(document.text)))

    def _other_warnings(self) -> list[Warning]:
        warnings = []
        if self.notes.hidden:
            warnings.append(
                Warning("hidden_text", "This document has hidden text; it was left out, as Word leaves it out.")
            )
        if self.embedded:
            warnings.append(Warning("embedded", "Another file is embedded in this document; it was not read."))
        return warnings

    # Blocks

    def _block(self, element: Any) -> None:
        name = local(element)
        if name == "p":
            self._paragraph(element)
        elif name == "tbl":
            self._table(element)
        elif name in _TRANSPARENT:
            for one in element:
                self._block(one)
        elif name == "altChunk":
            self._embedded(element)

    def _embedded(self, element: Any) -> None:
        """Read a web page in the document's place, as converters to DOCX leave it; warn of other files."""
        place = self.parts.get(attribute(element, "id"), ("", ""))[1]
        if place.lower().endswith((".mht", ".mhtml", ".eml")):
            read_html(message_html(self.package.read(place)), self.flow)
        elif place.lower().endswith((".html", ".htm", ".xhtml")):
            read_html(decode(self.package.read(place))[0], self.flow)
        else:
            self.embedded = True

    def _paragraph(self, paragraph: Any) -> None:
        properties = child(paragraph, "pPr")
        text = self.joined + self.runs.text(paragraph)
        boxes, self.runs.boxes = self.runs.boxes, []
        if child(properties, "rPr", "del") is not None:
            self.joined = text
            return
        self.joined = ""
        if is_on(properties, "pageBreakBefore"):
            self.flow.page_break()
        style_id = attribute(child(properties, "pStyle"), "val")
        label = self._label(properties, style_id) if text.strip() else ""
        self.flow.paragraph(f"{label} {text}" if label else text, level=self._level(properties, style_id), label=label)
        for box in boxes:
            for one in box:
                self._block(one)

    def _level(self, properties: Any, style_id: str) -> int:
        own = child(properties, "outlineLvl")
        if own is not None:
            value = number(attribute(own, "val"), 9)
            return value + 1 if value < 9 else 0
        return self.styles.outline_level(style_id)

    def _label(self, properties: Any, style_id: str) -> str:
        own = child(properties, "numPr")
        inherited = self.styles.numbered(style_id)
        list_id = attribute(child(own, "numId"), "val") or (inherited.list_id if inherited else "")
        if list_id in {"", "0"}:
            return ""
        level = child(own, "ilvl")
        if level is not None:
            return self.numbering.label(Numbered(list_id, number(attribute(level, "val"))))
        numbered = Numbered(list_id, inherited.depth if inherited else 0)
        return self.numbering.label(self.numbering.depth_of_style(numbered, style_id))

    def _table(self, table: Any) -> None:
        rows = [row for row in _rows(table) if not self._deleted(row)]
        if all(len(list(_cells(row))) <= 1 for row in rows):  # a frame around text
            for row in rows:
                for cell in _cells(row):
                    for block in cell:
                        self._block(block)
            return
        self.flow.table(self._grid(rows))

    def _grid(self, rows: list[Any]) -> list[list[Cell]]:
        """Return the cells of `rows`; one that goes on from the row above has no words of its own and is not drawn."""
        grid: list[list[Cell]] = []
        open_cells: dict[int, tuple[int, int]] = {}  # column -> (row, place) of the cell that reaches down to here
        for row in rows:
            header, column = is_on(child(row, "trPr"), "tblHeader"), _skipped(row, "gridBefore")
            grid.append([Cell("", column_span=column)] if column else [])
            for cell in _cells(row):
                width, goes_on, opens = _merge(cell)
                if goes_on and column in open_cells:
                    above, place = open_cells[column]
                    grid[above][place] = replace(grid[above][place], row_span=len(grid) - above)
                else:
                    open_cells.pop(column, None)
                    if opens:
                        open_cells[column] = (len(grid) - 1, len(grid[-1]))
                    grid[-1].append(Cell(self._cell(cell), 1, width, header))
                column += width
        return grid

    def _deleted(self, row: Any) -> bool:
        mark = child(row, "trPr", "del")
        if mark is None:
            return False
        self.changes.note(mark, "del", " | ".join(self._cell(cell) for cell in _cells(row)))
        return True

    def _cell(self, cell: Any) -> str:
        """Return a cell's words on one line; a table inside it, its rows after one another."""
        texts = []
        for paragraph in _paragraphs(cell):
            properties = child(paragraph, "pPr")
            text = self.runs.text(paragraph)
            label = self._label(properties, attribute(child(properties, "pStyle"), "val")) if text.strip() else ""
            texts.append(f"{label} {text}" if label else text)
            boxes, self.runs.boxes = self.runs.boxes, []
            texts += [self._cell(box) for box in boxes]
        return " ".join(text for text in texts if text.strip())

    # What stands outside of the body

    def _appendix(self, root: Any) -> None:
        for kind, mark in (("footnotes", "Footnote"), ("endnotes", "Endnote")):
            numbers = self.notes.footnotes if kind == "footnotes" else self.notes.endnotes
            for note in children(self._part(kind), kind[:-1]):
                if attribute(note, "id") in numbers:
                    self.flow.paragraph(f"{mark} {numbers[attribute(note, 'id')]}: {self._cell(note)}")
        self._comments()
        self._headers_and_footers(root)

    def _comments(self) -> None:
        for comment in children(self._part("comments"), "comment"):
            text = self._cell(comment)
            if text.strip():
                date = attribute(comment, "date")[:10]
                self.flow.paragraph(
                    f"Comment by {attribute(comment, 'author') or 'unknown'}{f', {date}' if date else ''}: {text}"
                )

    def _headers_and_footers(self, root: Any) -> None:
        """Append each header and footer that a section uses, once."""
        seen: set[str] = set()
        for reference in root.iter():
            kind = local(reference)
            if kind not in {"headerReference", "footerReference"}:
                continue
            target = self.parts.get(attribute(reference, "id"), ("", ""))[1]
            part = self.package.xml(target)
            text = f"{kind[:6].capitalize()}: {self._cell(part)}" if part is not None else ""
            if text and text not in seen and not text.endswith(": "):
                seen.add(text)
                self.flow.paragraph(text)

    def _properties(self) -> dict[str, Any]:
        root = self.package.xml("docProps/core.xml")
        values = {local(one): (one.text or "").strip() for one in root} if root is not None else {}
        return {name: values[key] for key, name in _PROPERTIES.items() if values.get(key)}

    # Parts

    def _main_part(self) -> str:
        root = self.package.xml("_rels/.rels")
        for relation in children(root, "Relationship"):
            if attribute(relation, "Type").endswith("/officeDocument"):
                return attribute(relation, "Target").lstrip("/")
        return "word/document.xml"

    def _relations(self, part: str) -> dict[str, tuple[str, str]]:
        """Return what a part refers to: id -> (kind, part name)."""
        folder, name = posixpath.split(part)
        root = self.package.xml(f"{folder}/_rels/{name}.rels")
        relations = {}
        for one in children(root, "Relationship"):
            target = attribute(one, "Target")
            place = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
            relations[attribute(one, "Id")] = (attribute(one, "Type").rsplit("/", 1)[-1], place)
        return relations

    def _part(self, kind: str) -> Any:
        return next((self.package.xml(place) for one, place in self.parts.values() if one == kind), None)


def _rows(table: Any) -> Iterator[Any]:
    for one in table:
        if local(one) == "tr":
            yield one
        elif local(one) in _TRANSPARENT:
            yield from _rows(one)


def _skipped(row: Any, name: str) -> int:
    return number(attribute(child(row, "trPr", name), "val"))


def _merge(cell: Any) -> tuple[int, bool, bool]:
    """Return a cell's width in columns, whether it goes on from the row above, and whether it opens such a run."""
    properties = child(cell, "tcPr")
    down = child(properties, "vMerge")
    opens = down is not None and attribute(down, "val") == "restart"
    return max(1, number(attribute(child(properties, "gridSpan"), "val"), 1)), down is not None and not opens, opens


def _cells(row: Any) -> Iterator[Any]:
    for one in row:
        if local(one) == "tc":
            yield one
        elif local(one) in _TRANSPARENT:
            yield from _cells(one)


def _paragraphs(element: Any) -> Iterator[Any]:
    """Yield the paragraphs of a cell, note or header, those of tables in it too, but not those of text boxes."""
    for one in element:
        name = local(one)
        if name == "p":
            yield one
        elif name in _TRANSPARENT or name in {"tbl", "tr", "tc"}:
            yield from _paragraphs(one)
