"""Pages that are read from their images: by OCR, or by a language model that sees, with OCR for where words stand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from analysis.ingest.parse import messages
from analysis.ingest.parse.align import aligned_boxes
from analysis.ingest.parse.canonical import PagedText
from analysis.ingest.parse.flow import tidy
from analysis.ingest.parse.pdf_layout import lay_out
from analysis.ingest.parse.pdf_write import PageText
from analysis.ingest.parse.transcripts import Transcripts
from analysis.types import PageSource, Warning


def read_scan(
    picture: NDArray[np.uint8], size: tuple[float, float], transcript: str, beat: Callable[[], None]
) -> PageText:
    """Return the words of a page image with a box for each character.

    picture: uint8[h, w, 3]. size: of the page, in points. transcript: what a language model has read there, "" if none
    has; its characters have the boxes of the words that OCR reads in the same place.
    """
    from analysis.ingest.parse.ocr import read_picture

    seen = lay_out(read_picture(picture, beat), *size)
    text = tidy(transcript)
    return PageText(text, aligned_boxes(text, seen)) if text.strip() else seen


def is_even(grey: NDArray[np.uint8]) -> bool:
    """Whether a picture is one even colour: nothing is on the page."""
    return int(grey.max()) - int(grey.min()) < 16


def scan_warnings(paged: PagedText, transcripts: Transcripts | None) -> list[Warning]:
    """Return what a reader must know about the pages that were read from their images."""
    scanned = [page.number for page in paged.pages if page.source == PageSource.OCR]
    if transcripts is None:
        return [Warning("ocr", messages.scanned(scanned))] if scanned else []
    by_llm = [number for number in scanned if transcripts.texts.get(number, "").strip()]
    by_ocr = [number for number in scanned if number not in by_llm]
    failed = [number for number in by_ocr if number in transcripts.failed]
    warnings = [Warning("ocr", messages.scanned(by_llm, transcripts.llm))] if by_llm else []
    if failed:
        warnings.append(Warning("vision_failed", messages.vision_failed(failed, transcripts.llm)))
    rest = [number for number in by_ocr if number not in failed]
    return [*warnings, Warning("ocr", messages.scanned(rest))] if rest else warnings


def read_by(transcripts: Transcripts | None) -> dict[str, str]:
    """Return which language model has read the page images, for the document's metadata."""
    return {"scans_read_by": transcripts.llm} if transcripts and any(transcripts.texts.values()) else {}


def summed(warnings: list[Warning]) -> list[Warning]:
    """One line for many unreadable pages; the first twenty keep their own."""
    if len(warnings) <= 20:
        return warnings
    return [*warnings[:20], Warning("pages_unreadable", f"{len(warnings) - 20} more pages could not be read.")]
