"""What an archive holds, entry by entry, as hostile as it may be: sizes as they come, nothing followed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from analysis.errors import UserError
from analysis.ingest.unpack import messages

FILE, LINK, SPECIAL, SUBMODULE = "file", "link", "special", "submodule"
DAMAGES = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)
# Of well-packed source code it is 4 to 10; deflate and bzip2 reach thousands on zeros.
_MOST_RATIO = 200
_RATIO_FROM_BYTES = 64 * 2**20
_UTF8_NAME = 0x800
_LOCKED = 0x1


def _plain(path: Path) -> Any:
    return path.open("rb")


# Each opens for reading unless told otherwise.
_TAR_MAGIC: dict[bytes, Callable[[Path], Any]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


@dataclass(frozen=True)
class Entry:
    """One entry of an archive. path: with `/` between folders, as the archive has it, so it may lead anywhere.

    open: its bytes, to be read before the next entry; what is damaged raises one of DAMAGES then. guessed_name: the
    name's bytes are no UTF-8. locked: a password is needed.
    """

    path: str
    kind: str
    size_bytes: int
    open: Callable[[], IO[bytes]]
    guessed_name: bool = False
    locked: bool = False


def entries(path: Path, most_bytes: int) -> Iterator[Entry]:
    """Yield the archive's entries but its folders. Raises UserError unsupported_type, damaged, too_large.

    most_bytes: what may come out of it in all, whatever its directory says.
    """
    limit = min(most_bytes, max(_RATIO_FROM_BYTES, _MOST_RATIO * path.stat().st_size))
    with path.open("rb") as file:
        head = file.read(512)
    try:
        if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
            yield from _zip_entries(path, limit)
        else:
            yield from _tar_entries(path, head, limit)
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError) as error:
        raise UserError(messages.DAMAGED, code="damaged") from error


def looks_like_archive(head: bytes) -> bool:
    """Return whether a file that starts so (512 bytes) is an archive of a kind that is read."""
    magics = (b"PK\x03\x04", *_TAR_MAGIC)
    return head.startswith(magics) or _is_tar(head)


def _is_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _zip_entries(path: Path, limit: int) -> Iterator[Entry]:
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        # A member gives no more than its directory entry says, so the sum is what can come out, overlapping or not.
        if sum(info.file_size for info in infos) > limit:
            raise UserError(messages.unpacks_too_large(limit), code="too_large", status=413)
        for info in infos:
            if not info.filename.endswith(("/", "\\")):
                yield _zip_entry(archive, info)


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    name, guessed = _zip_name(info)
    mode = info.external_attr >> 16
    return Entry(
        name,
        LINK if stat.S_ISLNK(mode) else SPECIAL if _is_special(mode) else FILE,
        info.file_size,
        lambda: archive.open(info),
        guessed,
        bool(info.flag_bits & _LOCKED),
    )


def _is_special(mode: int) -> bool:
    return any(kind(mode) for kind in (stat.S_ISBLK, stat.S_ISCHR, stat.S_ISFIFO, stat.S_ISSOCK))


def _zip_name(info: zipfile.ZipInfo) -> tuple[str, bool]:
    """Return the member's name, and whether its encoding was guessed. Windows writes `\\` between folders."""
    name, guessed = info.filename, False
    if not info.flag_bits & _UTF8_NAME:
        # The flag is for UTF-8, and without it names should be of the first PC: many tools write UTF-8 all the same.
        try:
            name = name.encode("cp437").decode("utf-8")
        except UnicodeError:
            guessed = True
    return name.replace("\\", "/"), guessed


class _Counted:
    """A stream that gives no more than `limit` bytes, so that a small file cannot become a large one."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream, self._left, self._limit = stream, limit, limit

    def read(self, size: int) -> bytes:
        """Return the next bytes; raises UserError too_large."""
        data: bytes = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise UserError(messages.unpacks_too_large(self._limit), code="too_large", status=413)
        return data


def _tar_entries(path: Path, head: bytes, limit: int) -> Iterator[Entry]:
    unpacked = next((opened for magic, opened in _TAR_MAGIC.items() if head.startswith(magic)), _plain)
    if unpacked is _plain and not _is_tar(head):
        raise UserError(messages.UNSUPPORTED, code="unsupported_type", status=415)
    with unpacked(path) as stream:
        counted: Any = _Counted(stream, limit)
        with tarfile.open(fileobj=counted, mode="r|", errors="surrogateescape") as archive:
            for info in archive:
                # It would keep every member that it has read.
                archive.members.clear()  # type: ignore[attr-defined]
                if not info.isdir():
                    yield _tar_entry(archive, info)


def _tar_entry(archive: tarfile.TarFile, info: tarfile.TarInfo) -> Entry:
    name, guessed = _tar_name(info.name)
    kind = FILE if info.isreg() else LINK if info.issym() or info.islnk() else SPECIAL

    def opened() -> IO[bytes]:
        file = archive.extractfile(info)
        if file is None:
            raise tarfile.ReadError(name)
        return file

    return Entry(name, kind, info.size, opened, guessed)


def _tar_name(name: str) -> tuple[str, bool]:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "replace"), True
    return name, False
