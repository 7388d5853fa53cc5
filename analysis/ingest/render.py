"""Page images: drawn in a confined child process, several at a start, and kept."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext

from analysis.errors import UserError
from analysis.ingest import sandbox
from analysis.models import DocumentVersion

PAGED_KINDS = frozenset({"pdf", "picture"})
# Starting the child costs as much as drawing a few pages, and whoever opens one page scrolls to the next.
PAGES_A_START = 8
# Ahead of need many are drawn at a start.
_PAGES_AHEAD = 200


def page_image(version: DocumentVersion, number: int) -> Path:
    """Return page `number` as a .webp file, drawn now if need be together with the pages that follow it.

    Raises UserError no_image for formats without pages of their own and for pages that there are not.
    """
    ready = page_image_cached(version, number)
    if ready:
        return ready
    if not (version.kind in PAGED_KINDS and 1 <= number <= version.page_count):
        raise UserError(gettext("There is no image of this page."), code="no_image", status=404)
    last = min(version.page_count, number + PAGES_A_START - 1)
    with _drawing(version, (number - 1) // PAGES_A_START):
        # Whoever held the lock before may have drawn it.
        _draw(version, [n for n in range(number, last + 1) if not page_image_cached(version, n)])
    ready = page_image_cached(version, number)
    if ready is None:
        raise UserError(gettext("This page could not be drawn."), code="no_image", status=404)
    return ready


def page_image_cached(version: DocumentVersion, number: int) -> Path | None:
    """Return page `number` as a .webp file if it has been drawn."""
    path = pages_folder(version) / f"{number}.webp"
    return path if path.exists() else None


def draw_all(version: DocumentVersion) -> int:
    """Draw every page that has not been drawn; return how many were."""
    if version.kind not in PAGED_KINDS:
        return 0
    drawn = 0
    for first in range(1, version.page_count + 1, _PAGES_AHEAD):
        last = min(version.page_count, first + _PAGES_AHEAD - 1)
        missing = [n for n in range(first, last + 1) if not page_image_cached(version, n)]
        _draw(version, missing)
        drawn += len(missing)
    return drawn


def pages_folder(version: DocumentVersion) -> Path:
    """Return where the images of a version's pages are kept; it goes with the version."""
    return Path(settings.MEDIA_ROOT) / "pages" / str(version.pk)


@contextmanager
def _drawing(version: DocumentVersion, block: int) -> Iterator[None]:
    """Hold the lock on one stretch of pages: of requests that come together one draws, the others wait for it."""
    folder = pages_folder(version)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f".{block}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _draw(version: DocumentVersion, numbers: list[int]) -> None:
    if not numbers:
        return
    folder = pages_folder(version)
    folder.mkdir(parents=True, exist_ok=True)
    # On the same disk as the pages, so that a rename is one step.
    with tempfile.TemporaryDirectory(prefix=".drawing-", dir=folder) as work, _original(version) as path:
        request = {"job": "render", "path": str(path), "password": version.password, "page_numbers": numbers}
        sandbox.run(request, Path(work), on_progress=lambda *_: None)
        for picture in Path(work).glob("*.webp"):
            picture.replace(folder / picture.name)


@contextmanager
def _original(version: DocumentVersion) -> Iterator[Path]:
    """Yield the original as a local file: as it lies, or fetched from a storage that has no paths."""
    try:
        yield Path(version.file.path)
    except NotImplementedError:
        with tempfile.NamedTemporaryFile(prefix="lectern-original-") as copy, version.file.open("rb") as original:
            shutil.copyfileobj(original, copy)
            copy.flush()
            yield Path(copy.name)
