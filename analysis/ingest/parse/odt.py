"""ODT: OpenDocument text, paragraph by paragraph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analysis.errors import UserError
from analysis.ingest.parse import messages
from analysis.ingest.parse.archive import Archive
from analysis.ingest.parse.flow import FlowText
from analysis.ingest.parse.grid import WIDEST_SPAN, Cell
from analysis.ingest.parse.wordml import attribute, child, local, number
from analysis.types import ParsedDocument, Warning

_SKIPPED = {"tracked-changes", "annotation", "forms", "sequence-decls"}
_PROPERTIES = {"title": "title", "initial-creator": "author", "creation-date": "created", "date": "modified"}


def parse_odt(path: Path) -> ParsedDocument:
    """Return an ODT's text with headings and tables; deletions that are tracked are not in it."""
    with Archive(path) as archive:
        root = archive.xml("content.xml")
        body = child(root, "body", "text")
        if body is None:
            raise UserError(messages.DAMAGED, code="damaged")
        reader = _Reader()
        reader.blocks(body)
        return reader.flow.document("odt", _properties(archive), reader.warnings())


def _properties(archive: Archive) -> dict[str, Any]:
    meta = child(archive.xml("meta.xml"), "meta") if "meta.xml" in archive.names else None
    values = {local(one): one.text for one in meta if one.text} if meta is not None else {}
    return {name: values[key] for key, name in _PROPERTIES.items() if key in values}


class _Reader:
    def __init__(self) -> None:
        self.flow = FlowText()
        self.notes: list[str] = []
        self.tracked = False

    def warnings(self) -> list[Warning]:
        for number_, note in enumerate(self.notes, 1):
            self.flow.paragraph(f"Footnote {number_}: {note}")
        if not self.tracked:
            return []
        return [Warning("tracked_changes", "This document has tracked changes. They were read as accepted.")]

    def blocks(self, element: Any, mark: str = "") -> None:
        for one in element:
            name = local(one)
            if name == "tracked-changes":
                self.tracked = True
            if name in _SKIPPED:
                continue
            if name == "h":
                self.flow.paragraph(self.words(one), level=max(1, number(attribute(one, "outline-level", "1"))))
            elif name == "p":
                self.flow.paragraph(f"{mark}{self.words(one)}" if self.words_only(one) else "")
                mark = ""
            elif name == "table":
                self._table(one)
            else:
                self.blocks(one, "• " if name in {"list-item", "list-header"} else mark)

    def _table(self, table: Any) -> None:
        rows = [row for row in table.iter() if local(row) == "table-row"]
        self.flow.table([self._row(row) for row in rows])

    def _row(self, row: Any) -> list[Cell]:
        header = local(row.getparent()) == "table-header-rows"
        return [cell for one in row for cell in self._cells(one, header)]

    def _cells(self, cell: Any, header: bool) -> list[Cell]:
        """Return a cell, as often as it is repeated; a covered one is part of the cell that reaches over it."""
        if local(cell) != "table-cell":
            return []
        text = " ".join(self.words(p) for p in cell.iter() if local(p) in {"p", "h"})
        rows, columns = (number(attribute(cell, f"number-{name}-spanned"), 1) for name in ("rows", "columns"))
        repeated = min(number(attribute(cell, "number-columns-repeated"), 1), WIDEST_SPAN)
        return [Cell(text, rows, columns, header)] * max(1, repeated)

    def words_only(self, element: Any) -> bool:
        return any(text.strip() for text in element.itertext())

    def words(self, element: Any) -> str:
        parts = [element.text or ""]
        for one in element:
            parts += [self._inline(one), one.tail or ""]
        return "".join(parts)

    def _inline(self, element: Any) -> str:
        name = local(element)
        if name in {"s", "tab"}:
            return " "
        if name == "line-break":
            return "\n"
        if name == "note":
            body = child(element, "note-body")
            self.notes.append(" ".join(self.words(one) for one in body) if body is not None else "")
            return f"[{len(self.notes)}]"
        return "" if name in _SKIPPED or not name else self.words(element)
