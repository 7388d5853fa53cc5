"""Texts of a snapshot's files, a few at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from analysis.models import VersionText
from analysis.repository.tree import FileNode

TEXTS_AT_ONCE = 8


def texts_of(files: Iterable[FileNode]) -> Iterator[tuple[FileNode, str]]:
    """Yield each of the files that is read with its canonical text, in no order and never holding many of them."""
    by_version = {file.version_id: file for file in files if file.version_id is not None}
    rows = VersionText.objects.filter(version__in=list(by_version)).values_list("version_id", "text")
    for version, text in rows.iterator(chunk_size=TEXTS_AT_ONCE):
        yield by_version[version], text
