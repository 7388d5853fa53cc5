"""PDF: pdfium for text, boxes and images of pages; pypdf for structure; OCR where a page has no usable text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from analysis.errors import UserError
from analysis.ingest.parse import messages
from analysis.ingest.parse.canonical import PagedText
from analysis.ingest.parse.headings import find_headings, outside_tables
from analysis.ingest.parse.pdf_chars import Chars, read_chars
from analysis.ingest.parse.pdf_continued import with_continued
from analysis.ingest.parse.pdf_layout import lay_out
from analysis.ingest.parse.pdf_rules import read_rules
from analysis.ingest.parse.pdf_structure import read_structure
from analysis.ingest.parse.pdf_write import PageText
from analysis.ingest.parse.scan import is_even, read_by, read_scan, scan_warnings, summed
from analysis.ingest.parse.transcripts import Transcripts
from analysis.types import PageSource, ParsedDocument, Warning

Report = Callable[[str, int, int], None]
# With fewer glyphs than this a page may be a scan with a stamp or a page number on it.
_FEW_GLYPHS = 250
_GARBAGE_SHARE = 0.3
_SCAN_SHARE = 0.4
_DOTS_PER_INCH = 200
OCR_LONGEST_SIDE_PIXELS = 2400
_WRITTEN = (pdfium_c.FPDF_ANNOT_WIDGET, pdfium_c.FPDF_ANNOT_FREETEXT, pdfium_c.FPDF_ANNOT_STAMP)
_NO_TEXT = PageText("", np.zeros((0, 4), np.float32))


def open_pdf(path: Path, password: str) -> pdfium.PdfDocument:
    """Return the open document; UserError password_required, password_wrong or damaged."""
    try:
        return pdfium.PdfDocument(path, password=password or None)
    except pdfium.PdfiumError as error:
        if error.err_code == pdfium_c.FPDF_ERR_PASSWORD:
            raise messages.password_error("PDF", given=bool(password)) from error
        raise UserError(messages.DAMAGED, code="damaged") from error


def show_forms(document: pdfium.PdfDocument) -> None:
    """Make a document's form fields part of what is drawn."""
    if document.get_formtype() != pdfium_c.FORMTYPE_NONE:
        document.init_forms()


def parse_pdf(
    path: Path, *, password: str, page_limit: int, transcripts: Transcripts | None, report: Report
) -> ParsedDocument:
    """Return a PDF's text with a box for every character. transcripts: what was read on its scanned pages already."""
    document = open_within(path, password, page_limit)
    total = len(document)
    report("parse", 0, total)
    paged, warnings = PagedText(), list[Warning]()
    for index in range(total):
        transcript = transcripts.texts.get(index + 1, "") if transcripts else ""
        warnings += _add_page(document, index, transcript, paged, report)
    text = paged.finish()
    if not text:
        raise UserError(messages.no_words(total), code="empty_document")
    structure = read_structure(path, password)
    warnings = [*structure.warnings, *summed(warnings), *scan_warnings(paged, transcripts)]
    headings = find_headings(text, paged.pages, structure.outline)
    headings = outside_tables(headings, paged.tables, len(text))
    metadata = structure.metadata | read_by(transcripts)
    tables = with_continued(paged.tables, paged.pages, text)
    return ParsedDocument("pdf", text, paged.pages, headings, metadata, warnings, tables)


def open_within(path: Path, password: str, page_limit: int) -> pdfium.PdfDocument:
    """Return the open document with its form fields; as `open_pdf`, and UserError empty_document, too_many_pages."""
    document = open_pdf(path, password)
    total = len(document)
    if total == 0:
        raise UserError(messages.NO_PAGES, code="empty_document")
    if total > page_limit:
        raise UserError(messages.too_many_pages(total, page_limit), code="too_many_pages")
    show_forms(document)
    return document


def is_scan(document: pdfium.PdfDocument, index: int) -> bool:
    """Whether a page has to be read from its image; False for one that is damaged or blank."""
    try:
        page = _open_page(document, index)
    except pdfium.PdfiumError:
        return False
    try:
        chars = read_chars(page)
        return _may_be_scan(page, chars) and bool(chars.glyphs or not _is_blank(page))
    finally:
        page.close()


def page_pixels(page: pdfium.PdfPage) -> NDArray[np.uint8]:
    """Return the page drawn as fine as it takes to read it, uint8[h, w, 3]."""
    scale = min(_DOTS_PER_INCH / 72, OCR_LONGEST_SIDE_PIXELS / max(*page.get_size(), 1.0))
    return np.ascontiguousarray(page.render(scale=scale).to_numpy()[:, :, :3])


def _add_page(
    document: pdfium.PdfDocument, index: int, transcript: str, paged: PagedText, report: Report
) -> list[Warning]:
    try:
        page = _open_page(document, index)
    except pdfium.PdfiumError:
        paged.add("", _NO_TEXT.boxes, source=PageSource.UNREADABLE, width=0, height=0)
        report("parse", index + 1, len(document))
        return [Warning("page_damaged", messages.page_damaged(index + 1), index + 1)]
    try:
        width, height = page.get_size()
        laid_out, source = _read_page(page, transcript, lambda: report("ocr", index, len(document)))
    finally:
        page.close()
    paged.add(laid_out.text, laid_out.boxes, source=source, width=width, height=height, tables=laid_out.tables)
    report("parse" if source != PageSource.OCR else "ocr", index + 1, len(document))
    if source == PageSource.UNREADABLE:
        return [Warning("page_unreadable", messages.page_unreadable(index + 1), index + 1)]
    return []


def _open_page(document: pdfium.PdfDocument, index: int) -> pdfium.PdfPage:
    """Return a page with what was written into its form fields and text boxes as part of its text."""
    page = document[index]
    if not _has_written_annotations(page):
        return page
    page.flatten()
    page.close()
    return document[index]


def _has_written_annotations(page: pdfium.PdfPage) -> bool:
    for number in range(pdfium_c.FPDFPage_GetAnnotCount(page)):
        annotation = pdfium_c.FPDFPage_GetAnnot(page, number)
        if not annotation:
            continue
        subtype = pdfium_c.FPDFAnnot_GetSubtype(annotation)
        pdfium_c.FPDFPage_CloseAnnot(annotation)
        if subtype in _WRITTEN:
            return True
    return False


def _read_page(page: pdfium.PdfPage, transcript: str, beat: Callable[[], None]) -> tuple[PageText, PageSource]:
    chars = read_chars(page)
    width, height = page.get_size()
    own = lay_out(chars, width, height, lambda: read_rules(page))
    if not _may_be_scan(page, chars):
        return own, PageSource.TEXT
    if not chars.glyphs and _is_blank(page):
        return _NO_TEXT, PageSource.BLANK
    beat()
    seen = read_scan(page_pixels(page), page.get_size(), transcript, beat)
    garbage = chars.unmapped > _GARBAGE_SHARE * max(1, chars.glyphs)
    if len(seen.text) > len(own.text) or (garbage and seen.text):
        return seen, PageSource.OCR
    return own, PageSource.TEXT if own.text and not garbage else PageSource.UNREADABLE


def _may_be_scan(page: pdfium.PdfPage, chars: Chars) -> bool:
    """Whether the text layer is missing, garbage, or a stamp on a picture of a page."""
    usable = chars.glyphs - chars.unmapped
    if chars.unmapped > _GARBAGE_SHARE * max(1, chars.glyphs) or usable == 0:
        return True
    return usable < _FEW_GLYPHS and _image_share(page) > _SCAN_SHARE


def _image_share(page: pdfium.PdfPage) -> float:
    """Return how much of the page its images cover, at most 1."""
    width, height = page.get_size()
    area = 0.0
    for image in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = image.get_bounds()
        area += abs(right - left) * abs(top - bottom)
    return float(min(1.0, area / max(1.0, width * height)))


def _is_blank(page: pdfium.PdfPage) -> bool:
    """Whether the page, drawn small, is one even colour."""
    width, height = page.get_size()
    scale = min(1.0, 1000 / max(width, height, 1.0))
    return is_even(page.render(scale=scale, grayscale=True).to_numpy())
