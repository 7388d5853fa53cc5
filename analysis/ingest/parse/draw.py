"""Page images, drawn by pdfium."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analysis.ingest.parse.pdf import open_pdf, show_forms

WIDTH_PIXELS = 1400
# Pages are drawn to one width; this bounds the height of a page that is a long strip.
_MOST_PIXELS = 12_000_000
_QUALITY = 80


def draw(path: Path, password: str, numbers: list[int], folder: Path, report: Callable[[str, int, int], None]) -> None:
    """Draw pages `numbers` of a PDF into `folder` as <number>.webp; numbers past the end are left out."""
    document = open_pdf(path, password)
    show_forms(document)
    numbers = [number for number in numbers if number <= len(document)]
    for done, number in enumerate(numbers, 1):
        page = document[number - 1]
        width, height = page.get_size()
        scale = min(WIDTH_PIXELS / max(width, 1), (_MOST_PIXELS / max(width * height, 1)) ** 0.5)
        picture = page.render(scale=scale, rev_byteorder=True).to_pil().convert("RGB")
        picture.save(folder / f"{number}.webp", "WEBP", quality=_QUALITY, method=2)
        page.close()
        report("draw", done, len(numbers))
