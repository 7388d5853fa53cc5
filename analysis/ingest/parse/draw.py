"""Page images: of a PDF drawn by pdfium, of a picture the picture itself; for people, and for language models."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image

from analysis.errors import UserError
from analysis.ingest.parse.kind import kind_of
from analysis.ingest.parse.pdf import open_pdf, page_pixels, show_forms
from analysis.ingest.parse.picture import OCR_LONGEST_SIDE_PIXELS, open_picture, sheet, sheet_count, shrunk

WIDTH_PIXELS = 1400
# Pages are drawn to one width; this bounds the height of a page that is a long strip.
_MOST_PIXELS = 12_000_000
_QUALITY = 80
_WEBP_LONGEST_SIDE = 16_383
# 10 MB is what Model Studio takes of an image in base64.
_MOST_PNG_BYTES = 7 * 2**20


Report = Callable[[str, int, int], None]


def draw(path: Path, password: str, numbers: list[int], folder: Path, report: Report) -> None:
    """Draw pages `numbers` of a PDF or a picture into `folder` as <number>.webp; those that are not there are left out.

    A page is drawn to one width, a picture not larger than it is.
    """
    pages = _Pages(path, password)
    numbers = [number for number in numbers if number <= pages.count]
    for done, number in enumerate(numbers, 1):
        picture = pages.drawn(number)
        if picture:
            picture.save(folder / f"{number}.webp", "WEBP", quality=_QUALITY, method=2)
        report("draw", done, len(numbers))


def draw_to_read(path: Path, password: str, numbers: list[int], folder: Path, report: Report) -> None:
    """Draw pages as <number>.png, fine enough to be read and small enough for an endpoint."""
    pages = _Pages(path, password)
    for done, number in enumerate(numbers, 1):
        if picture := pages.readable(number):
            _save_within(picture, folder / f"{number}.png")
        report("draw", done, len(numbers))


class _Pages:
    """The pages of a PDF or a picture."""

    def __init__(self, path: Path, password: str) -> None:
        self._image = open_picture(path) if kind_of(path, path.name) == "picture" else None
        self._pdf = None if self._image else open_pdf(path, password)
        if self._pdf:
            show_forms(self._pdf)
        self.count = len(self._pdf) if self._pdf else sheet_count(self._image) if self._image else 0

    def drawn(self, number: int) -> Image.Image | None:
        """Return the page as it is shown; None for one that is damaged."""
        if self._pdf is None:
            page = self._sheet(number)
            return page and _narrowed(page)
        return _page_picture(self._pdf, number)

    def readable(self, number: int) -> Image.Image | None:
        """Return the page as it is read; None for one that is damaged."""
        if self._pdf is None:
            page = self._sheet(number)
            return page and shrunk(page, OCR_LONGEST_SIDE_PIXELS)
        pdf_page = self._pdf[number - 1]
        picture = Image.fromarray(page_pixels(pdf_page)[:, :, ::-1])
        pdf_page.close()
        return picture

    def _sheet(self, number: int) -> Image.Image | None:
        assert self._image is not None  # noqa: S101
        try:
            return sheet(self._image, number - 1)
        except UserError:
            return None


def _page_picture(document: pdfium.PdfDocument, number: int) -> Image.Image:
    page = document[number - 1]
    width, height = page.get_size()
    scale = min(WIDTH_PIXELS / max(width, 1), (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
    picture: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB")
    page.close()
    return picture


def _narrowed(page: Image.Image) -> Image.Image:
    scale = min(1.0, WIDTH_PIXELS / page.width, (_MOST_PIXELS / (page.width * page.height)) ** 0.5)
    # WebP knows no side above 16,383 pixels.
    scale = min(scale, _WEBP_LONGEST_SIDE / max(page.size))
    return page.resize((max(1, round(page.width * scale)), max(1, round(page.height * scale)))) if scale < 1 else page


def _save_within(picture: Image.Image, path: Path) -> None:
    """Save a PNG of at most a few MiB: endpoints refuse larger ones."""
    picture.save(path, "PNG")
    while path.stat().st_size > _MOST_PNG_BYTES:
        picture = shrunk(picture, round(max(picture.size) * 0.8))
        picture.save(path, "PNG")
