"""Files to one archive, for those that come without one: a folder on disk, or files dropped in the browser."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

from django.core.files import File

from analysis.ingest.unpack.rules import no_part


class Member(NamedTuple):
    """A file to be packed. path: with `/` between folders. link: it points elsewhere, and only that is packed."""

    path: str
    size_bytes: int
    content: IO[bytes] | None = None
    link: str = ""


@contextmanager
def packed(name: str, members: Iterable[Member]) -> Iterator[File[bytes]]:
    """Yield an archive called `name` that holds the members in their order; it goes with the context."""
    with TemporaryFile(prefix="lectern-pack-") as target:
        zipped = gzip.GzipFile("", "wb", compresslevel=1, fileobj=target, mtime=0)
        with zipped, tarfile.open(fileobj=zipped, mode="w|") as archive:
            for member in members:
                archive.addfile(_info(member), member.content)
        target.seek(0)
        yield File(target, name=f"{name}.tar.gz")


def _info(member: Member) -> tarfile.TarInfo:
    info = tarfile.TarInfo(member.path)
    info.size = member.size_bytes
    if member.link:
        info.type, info.linkname, info.size = tarfile.SYMTYPE, member.link, 0
    return info


def members_of(folder: Path) -> Iterator[Member]:
    """Yield the files of a folder in the order of their paths, without what belongs to version control.

    The same files give the same archive, whenever they are packed.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if no_part(name):
            continue
        if path.is_symlink():
            yield Member(name, 0, link=str(path.readlink()))
        elif path.is_file():
            with path.open("rb") as content:
                yield Member(name, path.stat().st_size, content)
