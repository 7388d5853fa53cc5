"""What pypdf knows of a PDF beside its text: properties, outline, form fields, page labels."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pypdf import PdfReader
from pypdf.generic import Destination, DictionaryObject

from analysis.ingest.parse import messages
from analysis.ingest.parse.headings import OutlineItem
from analysis.types import Warning

_PROPERTIES = {
    "title": "title",
    "author": "author",
    "subject": "subject",
    "creator": "creator",
    "producer": "producer",
    "creation_date_raw": "created",
    "modification_date_raw": "modified",
}
_MOST_OUTLINE_ITEMS = 5000
_LONGEST_VALUE = 2000


@dataclass(frozen=True)
class Structure:
    """Everything of a PDF but its text."""

    metadata: dict[str, Any] = field(default_factory=dict)
    outline: list[OutlineItem] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)


def read_structure(path: Path, password: str) -> Structure:
    """Return the structure of the PDF at `path`; a warning in its place where pypdf cannot read the file."""
    try:
        with PdfReader(path, strict=False) as reader:
            if reader.is_encrypted:
                reader.decrypt(password)
            return _structure(reader)
    except MemoryError:
        raise
    except Exception:
        # pypdf meets damaged files with errors of every class; the text has been read by pdfium already.
        return Structure(warnings=[Warning("structure_damaged", messages.STRUCTURE_DAMAGED)])


def _structure(reader: PdfReader) -> Structure:
    metadata: dict[str, Any] = {name: value for name, value in _properties(reader).items() if value}
    metadata["encrypted"] = bool(reader.is_encrypted)
    fields = _form_fields(reader)
    if fields:
        metadata["form_fields"] = fields
    labels = _page_labels(reader)
    if labels:
        metadata["page_labels"] = labels
    outline = _outline(reader)
    if outline:
        metadata["outline"] = [[item.level, item.title, item.page_number] for item in outline]
    return Structure(metadata, outline)


def _properties(reader: PdfReader) -> dict[str, str]:
    information = reader.metadata
    if information is None:
        return {}
    return {name: _text(getattr(information, key, None)) for key, name in _PROPERTIES.items()}


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return clean(str(value))[:_LONGEST_VALUE].strip()


def clean(text: str) -> str:
    """Return `text` without what PostgreSQL cannot keep: NUL and lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _has(reader: PdfReader, key: str) -> bool:
    """Whether the document's root names `key`: pypdf would walk every page to find out what is not there."""
    root = reader.trailer["/Root"].get_object()
    return isinstance(root, DictionaryObject) and key in root


def _form_fields(reader: PdfReader) -> dict[str, str]:
    if not _has(reader, "/AcroForm"):
        return {}
    fields = reader.get_fields() or {}
    values = {_text(name): _text(field.get("/V")) for name, field in fields.items() if field.get("/V") is not None}
    return {name: value for name, value in values.items() if value and value != "/Off"}


def _page_labels(reader: PdfReader) -> list[str]:
    if not _has(reader, "/PageLabels"):
        return []
    return [_text(label) for label in reader.page_labels]


def _outline(reader: PdfReader) -> list[OutlineItem]:
    if not _has(reader, "/Outlines"):
        return []
    items: list[OutlineItem] = []
    _walk(reader, reader.outline, 1, items)
    return items


def _walk(reader: PdfReader, entries: list[Any], level: int, items: list[OutlineItem]) -> None:
    for entry in entries:
        if len(items) >= _MOST_OUTLINE_ITEMS or level > 12:
            return
        if isinstance(entry, list):
            _walk(reader, entry, level + 1, items)
        elif isinstance(entry, Destination) and _text(entry.title):
            number = reader.get_destination_page_number(entry)
            items.append(
                OutlineItem(level, " ".join(_text(entry.title).split()), None if number is None else number + 1)
            )
