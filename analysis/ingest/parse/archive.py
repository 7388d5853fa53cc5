"""Reading members of a ZIP-based document without being blown up by it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from lxml import etree

from analysis.errors import UserError
from analysis.ingest.parse import messages

_MOST_TEXT_BYTES = 256 * 2**20
_MOST_MEMBERS = 20_000
# Deflate reaches about 1,000 on zeros; documents' XML stays below 100.
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 10 * 2**20


class Archive:
    """An open document archive; only what is asked for is unpacked, and never more than a document holds."""

    def __init__(self, file: Path | BinaryIO) -> None:
        try:
            self._zip = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, OSError, ValueError) as error:
            raise UserError(messages.DAMAGED, code="damaged") from error
        self._left = _MOST_TEXT_BYTES
        infos = self._zip.infolist()
        self.names = {info.filename for info in infos}
        if len(infos) > _MOST_MEMBERS or any(map(_is_bomb, infos)):
            raise UserError(messages.UNPACKS_TOO_LARGE, code="too_large", status=413)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Return a member's bytes; UserError damaged or too_large."""
        try:
            # What the directory says about sizes may be a lie: the limit is on what comes out.
            with self._zip.open(name) as member:
                data = member.read(self._left + 1)
        except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
            raise UserError(messages.DAMAGED, code="damaged") from error
        self._left -= len(data)
        if self._left < 0:
            raise UserError(messages.UNPACKS_TOO_LARGE, code="too_large", status=413)
        return data

    def xml(self, name: str) -> Any:
        """Return a member's root element, or None if there is no such member."""
        return parse_xml(self.read(name)) if name in self.names else None


def parse_xml(data: bytes) -> Any:
    """Return the root element of hostile XML: no entities, no DTD, no network. UserError damaged."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True, remove_comments=True
    )
    try:
        return etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise UserError(messages.DAMAGED, code="damaged") from error


def _is_bomb(info: zipfile.ZipInfo) -> bool:
    return info.file_size > _RATIO_FROM_BYTES and info.file_size > _MOST_RATIO * max(1, info.compress_size)
