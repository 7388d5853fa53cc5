"""Parsers: an original file becomes a ParsedDocument. They run in a child process; see analysis/ingest/sandbox.py.

Raise PARSER_VERSION when the same file would give another canonical text: stored spans belong to one version.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import UserError
from analysis.ingest.parse import messages
from analysis.types import ParsedDocument

if TYPE_CHECKING:
    from analysis.ingest.parse.transcripts import Transcripts

PARSER_VERSION = 6

Report = Callable[[str, int, int], None]


def parse_file(
    path: Path, *, name: str, password: str, page_limit: int, report: Report, transcripts: Transcripts | None = None
) -> ParsedDocument:
    """Return what the file at `path` holds, read as what its bytes say it is; `name` decides where they do not.

    transcripts: what a language model has read on its page images, None if none was asked to.
    """
    from analysis.ingest.parse.kind import kind_of

    kind = kind_of(path, name)
    report("parse", 0, 1)
    if kind == "pdf":
        from analysis.ingest.parse.pdf import parse_pdf

        return parse_pdf(path, password=password, page_limit=page_limit, transcripts=transcripts, report=report)
    if kind == "picture":
        from analysis.ingest.parse.picture import parse_picture

        return parse_picture(path, page_limit=page_limit, transcripts=transcripts, report=report)
    document = _flowing(kind, path, password, report)
    if not document.text.strip():
        raise UserError(messages.NO_TEXT, code="empty_document")
    if len(document.pages) > page_limit:
        raise UserError(messages.too_many_pages(len(document.pages), page_limit), code="too_many_pages")
    report("parse", len(document.pages), len(document.pages))
    return document


def _flowing(kind: str, path: Path, password: str, report: Report) -> ParsedDocument:
    # Parsers load where they are needed: a plain text file should not wait for lxml.
    if kind in {"docx", "docx-encrypted"}:
        from analysis.ingest.parse.docx import parse_docx

        return parse_docx(path, password=password, encrypted=kind == "docx-encrypted", report=report)
    if kind == "html":
        from analysis.ingest.parse.html import parse_html

        return parse_html(path)
    if kind == "email":
        from analysis.ingest.parse.email import parse_email

        return parse_email(path)
    if kind == "odt":
        from analysis.ingest.parse.odt import parse_odt

        return parse_odt(path)
    if kind == "rtf":
        from analysis.ingest.parse.rtf import parse_rtf

        return parse_rtf(path)
    from analysis.ingest.parse.text import parse_text

    return parse_text(path, kind)
