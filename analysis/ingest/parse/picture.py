"""Pictures as documents: PNG, JPEG, WebP, and TIFF with a page in each of its frames."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from analysis.errors import UserError
from analysis.ingest.parse import messages
from analysis.ingest.parse.canonical import PagedText
from analysis.ingest.parse.headings import find_headings
from analysis.ingest.parse.pdf_write import PageText
from analysis.ingest.parse.scan import is_even, read_by, read_scan, scan_warnings, summed
from analysis.ingest.parse.transcripts import Transcripts
from analysis.types import PageSource, ParsedDocument, Warning

Report = Callable[[str, int, int], None]
MOST_PIXELS = 100_000_000
OCR_LONGEST_SIDE_PIXELS = 2400
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "MPO")
_A4_POINTS = 842.0
_LIKELY_DOTS_PER_INCH = (100, 1200)
_BROKEN = (OSError, ValueError, SyntaxError, TypeError, KeyError, EOFError, IndexError, struct.error)
# The limit is our own, and refuses with a sentence.
Image.MAX_IMAGE_PIXELS = None


def open_picture(path: Path) -> Image.Image:
    """Return the picture with nothing decoded yet; UserError damaged."""
    try:
        return Image.open(path, formats=_FORMATS)
    except _BROKEN as error:
        raise UserError(messages.DAMAGED, code="damaged") from error


def sheet_count(image: Image.Image) -> int:
    """Return how many pages the picture has: a TIFF's frames; of moving pictures the first frame alone is one."""
    try:
        return int(getattr(image, "n_frames", 1)) if image.format == "TIFF" else 1
    except _BROKEN as error:
        raise UserError(messages.DAMAGED, code="damaged") from error


def sheet(image: Image.Image, index: int) -> Image.Image:
    """Return a page in RGB, upright and with square pixels; UserError damaged, too_large (413)."""
    try:
        image.seek(index)
        if image.width * image.height > MOST_PIXELS:
            raise UserError(messages.too_many_pixels(image.width, image.height, MOST_PIXELS), code="too_large")
        return _squared(_flattened(ImageOps.exif_transpose(image)))
    except _BROKEN as error:
        raise UserError(messages.DAMAGED, code="damaged") from error


def size_points(page: Image.Image) -> tuple[float, float]:
    """Return the page's size on paper, as its resolution states it, else with the long side of A4."""
    dots = float(page.info.get("dpi", (0, 0))[0] or 0)
    low, high = _LIKELY_DOTS_PER_INCH
    scale = 72 / dots if low <= dots <= high else _A4_POINTS / max(page.size)
    return page.width * scale, page.height * scale


def pixels(page: Image.Image, longest_side: int = OCR_LONGEST_SIDE_PIXELS) -> NDArray[np.uint8]:
    """Return uint8[h, w, 3], made smaller where a side is longer than `longest_side`."""
    return np.ascontiguousarray(np.asarray(shrunk(page, longest_side), np.uint8))


def shrunk(page: Image.Image, longest_side: int) -> Image.Image:
    """Return the page, made smaller where a side is longer than `longest_side`."""
    scale = longest_side / max(page.size)
    if scale >= 1:
        return page
    return page.resize((max(1, round(page.width * scale)), max(1, round(page.height * scale))))


def is_blank(page: Image.Image) -> bool:
    """Whether the page is one even colour."""
    return is_even(np.asarray(shrunk(page, 1000).convert("L"), np.uint8))


def parse_picture(path: Path, *, page_limit: int, transcripts: Transcripts | None, report: Report) -> ParsedDocument:
    """Return what is written on a picture, with a box for every character."""
    image = open_picture(path)
    total = sheet_count(image)
    if total > page_limit:
        raise UserError(messages.too_many_pages(total, page_limit), code="too_many_pages")
    report("parse", 0, total)
    paged, warnings = PagedText(), list[Warning]()
    for index in range(total):
        transcript = transcripts.texts.get(index + 1, "") if transcripts else ""
        warnings += _add_sheet(image, index, transcript, paged, partial(report, "ocr", index, total))
        report("ocr", index + 1, total)
    text = paged.finish()
    if not text:
        raise UserError(messages.no_words(total), code="empty_document")
    warnings = [*summed(warnings), *scan_warnings(paged, transcripts)]
    headings = find_headings(text, paged.pages, [])
    return ParsedDocument("picture", text, paged.pages, headings, _metadata(image) | read_by(transcripts), warnings)


def _add_sheet(
    image: Image.Image, index: int, transcript: str, paged: PagedText, beat: Callable[[], None]
) -> list[Warning]:
    """Append one page. A later page that is damaged does not take the others with it."""
    try:
        page = sheet(image, index)
    except UserError as error:
        if index == 0:
            raise
        paged.add("", _NOTHING.boxes, source=PageSource.UNREADABLE, width=0, height=0)
        return [Warning("page_damaged", messages.page_damaged(index + 1, error.code), index + 1)]
    width, height = size_points(page)
    if is_blank(page):
        paged.add("", _NOTHING.boxes, source=PageSource.BLANK, width=width, height=height)
        return []
    seen = read_scan(pixels(page), (width, height), transcript, beat)
    source = PageSource.OCR if seen.text else PageSource.UNREADABLE
    paged.add(seen.text, seen.boxes, source=source, width=width, height=height, tables=seen.tables)
    return [] if seen.text else [Warning("page_unreadable", messages.page_unreadable(index + 1), index + 1)]


def _flattened(image: Image.Image) -> Image.Image:
    """Return the picture in RGB on white; 16 bits a sample become 8, which Pillow's own conversion would cut off."""
    if image.mode in {"I", "F"} or image.mode.startswith("I;16"):
        levels = np.asarray(image, np.float32)
        span = max(1e-9, float(levels.max()) - float(levels.min()))
        grey = Image.fromarray(((levels - levels.min()) * (255 / span)).astype(np.uint8))
        grey.info = {**image.info}
        return grey.convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    white = Image.new("RGBA", clear.size, "white")
    white.alpha_composite(clear)
    white.info = {**image.info}
    return white.convert("RGB")


def _squared(page: Image.Image) -> Image.Image:
    """Return a page with as many dots across as down: a fax has half as many lines as columns to the inch."""
    across, down = (float(dots or 0) for dots in page.info.get("dpi", (0, 0)))
    if min(across, down) <= 0 or abs(across / down - 1) < 0.1 or not 0.2 < across / down < 5:
        return page
    finest = max(across, down)
    return page.resize((round(page.width * finest / across), round(page.height * finest / down)))


def _metadata(image: Image.Image) -> dict[str, str]:
    image.seek(0)
    return {"format": str(image.format or ""), "size": f"{image.width:,} × {image.height:,} pixels"}


_NOTHING = PageText("", np.zeros((0, 4), np.float32))
