"""How a ParsedDocument crosses from the child process: document.json and boxes.bin, never pickle."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from analysis.types import (
    PageSource,
    ParsedCode,
    ParsedDocument,
    ParsedHeading,
    ParsedImport,
    ParsedPage,
    ParsedSecret,
    ParsedSymbol,
    ParsedTable,
    Span,
    TableCell,
    Warning,
)


def write_document(document: ParsedDocument, folder: Path) -> None:
    """Write `document` into `folder`; boxes go one page after another into a file of their own."""
    pages: list[dict[str, Any]] = []
    with (folder / "boxes.bin").open("wb") as boxes:
        for page in document.pages:
            boxes.write(page.boxes or b"")
            size = None if page.boxes is None else len(page.boxes)
            # asdict would copy the boxes.
            pages.append({**{name: getattr(page, name) for name in _PAGE_FIELDS}, "boxes_bytes": size})
    fields = {
        "kind": document.kind,
        "text": document.text,
        "pages": pages,
        "headings": [asdict(heading) for heading in document.headings],
        "metadata": document.metadata,
        "warnings": [asdict(warning) for warning in document.warnings],
        "tables": [asdict(table) for table in document.tables],
        "code": asdict(document.code) if document.code else None,
    }
    (folder / "document.json").write_text(json.dumps(fields, default=str), encoding="utf-8")


def read_document(folder: Path) -> ParsedDocument:
    """Return the document that a child left in `folder`."""
    fields = json.loads((folder / "document.json").read_text(encoding="utf-8"))
    with (folder / "boxes.bin").open("rb") as boxes:
        pages = []
        for page in fields["pages"]:
            size = page.pop("boxes_bytes")
            page["source"] = PageSource(page["source"])
            pages.append(ParsedPage(**page, boxes=None if size is None else boxes.read(size)))
    return ParsedDocument(
        kind=fields["kind"],
        text=fields["text"],
        pages=pages,
        headings=[ParsedHeading(**heading) for heading in fields["headings"]],
        metadata=fields["metadata"],
        warnings=[Warning(**warning) for warning in fields["warnings"]],
        tables=[_table(table) for table in fields["tables"]],
        code=_code(fields["code"]) if fields["code"] else None,
    )


def _table(fields: dict[str, Any]) -> ParsedTable:
    cells = tuple(TableCell(**cell) for cell in fields.pop("cells"))
    caption = fields.pop("caption")
    headers = tuple(fields.pop("headers"))
    return ParsedTable(**fields, cells=cells, caption=Span(*caption) if caption else None, headers=headers)


def _code(fields: dict[str, Any]) -> ParsedCode:
    return ParsedCode(
        syntax=fields["syntax"],
        symbols=tuple(
            ParsedSymbol(**symbol | {"doc": Span(*symbol["doc"]) if symbol["doc"] else None})
            for symbol in fields["symbols"]
        ),
        uses={name: tuple(places) for name, places in fields["uses"].items()},
        imports=tuple(ParsedImport(**each | {"names": tuple(each["names"])}) for each in fields["imports"]),
        secrets=tuple(ParsedSecret(**each) for each in fields["secrets"]),
        cells=tuple(Span(*cell) for cell in fields["cells"]),
    )


_PAGE_FIELDS = ("number", "start_char", "end_char", "source", "width", "height")
