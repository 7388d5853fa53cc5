"""Which pages of a file have to be read from their images: known before any of them is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analysis.errors import UserError
from analysis.ingest.parse.kind import kind_of

Report = Callable[[str, int, int], None]


def scans(path: Path, name: str, password: str, page_limit: int, report: Report) -> list[int]:
    """Return the numbers of the pages that are images; none for a format without pages of its own.

    Raises UserError as parsing does.
    """
    kind = kind_of(path, name)
    if kind == "pdf":
        return _pdf_scans(path, password, page_limit, report)
    return _sheets(path, page_limit, report) if kind == "picture" else []


def _pdf_scans(path: Path, password: str, page_limit: int, report: Report) -> list[int]:
    from analysis.ingest.parse.pdf import is_scan, open_within

    document = open_within(path, password, page_limit)
    numbers = []
    for index in range(len(document)):
        if is_scan(document, index):
            numbers.append(index + 1)
        report("parse", index + 1, len(document))
    return numbers


def _sheets(path: Path, page_limit: int, report: Report) -> list[int]:
    from analysis.ingest.parse.picture import is_blank, open_picture, sheet, sheet_count

    image = open_picture(path)
    total = min(sheet_count(image), page_limit)
    numbers = []
    for index in range(total):
        try:
            if not is_blank(sheet(image, index)):
                numbers.append(index + 1)
        except UserError:
            continue  # parsing says what is wrong with it
        finally:
            report("parse", index + 1, total)
    return numbers
