"""What `manage.py upload` does with code bases: folders, archives and addresses to repositories."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from django.core.files import File

from analysis.errors import UserError
from analysis.ingest.parse.code.syntaxes import syntax_of, syntaxes
from analysis.ingest.repository import repository_add, snapshot_add
from analysis.ingest.repository.folder import members_of, packed
from analysis.ingest.unpack.entries import looks_like_archive
from analysis.ingest.unpack.rules import PathRules, Rules, no_part
from analysis.models import Origin, Repository, Snapshot
from workspaces.access import repositories_for
from workspaces.models import Member

_HEAD_BYTES = 512
# As many files tell what a folder holds.
_MOST_LOOKED_AT = 2_000
_SOURCE_SHARE = 0.5


def is_address(path: str) -> bool:
    """Return whether what a person has typed is the address of a git server."""
    return path.startswith(("https://", "http://"))


def is_code_base(path: Path) -> bool:
    """Return whether the path is a code base: a folder with a .git in it, or mostly of source files; or an archive."""
    if path.is_file():
        with path.open("rb") as file:
            return looks_like_archive(file.read(_HEAD_BYTES)) and path.suffix.lower() not in _OFFICE
    if not path.is_dir():
        return False
    if (path / ".git").exists():
        return True
    kinds = Counter(_is_source(name) for name in islice(_names(path), _MOST_LOOKED_AT))
    return kinds[True] > _SOURCE_SHARE * kinds.total()


# ZIP archives by their first bytes, and documents all the same.
_OFFICE = {".docx", ".docm", ".odt", ".xlsx", ".pptx", ".dotx"}


def _names(folder: Path) -> Iterator[str]:
    usual = PathRules(Rules(), {})
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not no_part(name) and not usual.reason(name):
            yield name


def _is_source(name: str) -> bool:
    syntax = syntaxes().get(syntax_of(name, ""))
    return syntax is not None and not syntax.prose


def uploaded(member: Member, source: str, *, ref: str = "") -> Snapshot:
    """Return the snapshot that waits to be read in: of a new repository, or of the one that is here by that name.

    source: an address, a folder or an archive. Raises UserError.
    """
    if is_address(source):
        return _from_address(member, source, ref)
    path = Path(source).resolve()
    if path.is_dir():
        with packed(path.name, members_of(path)) as archive:
            return _from_archive(member, path.name, archive, Origin.FOLDER)
    with path.open("rb") as file:
        return _from_archive(member, "", File(file, name=path.name), Origin.ARCHIVE)


def _from_address(member: Member, url: str, ref: str) -> Snapshot:
    known = repositories_for(member).filter(url=url.rstrip("/")).first()
    if known:
        return snapshot_add(repository=known, user=member.user, ref=ref)
    return _first(repository_add(workspace=member.workspace, user=member.user, url=url, ref=ref))


def _from_archive(member: Member, name: str, archive: File[bytes], origin: Origin) -> Snapshot:
    known = repositories_for(member).filter(name=name, url="").first() if name else None
    if known:
        return snapshot_add(repository=known, user=member.user, archive=archive, origin=origin)
    added = repository_add(workspace=member.workspace, user=member.user, name=name, archive=archive, origin=origin)
    return _first(added)


def _first(repository: Repository) -> Snapshot:
    return repository.snapshots.get()


def words(snapshot: Snapshot) -> str:
    """Return what is being done, in words: "shop: index 120 of 900"."""
    count = f" {snapshot.stage_done:,} of {snapshot.stage_total:,}" if snapshot.stage_total else ""
    return f"{snapshot.repository.name}: {snapshot.stage or 'waiting for a worker'}{count}"


def share(snapshot: Snapshot) -> float:
    """Return how far the snapshot is, from 0 to 1, until it can be searched."""
    part = snapshot.stage_done / snapshot.stage_total if snapshot.stage_total else 0.0
    starts = {"parse": (0.05, 0.45), "index": (0.5, 0.45), "embed": (0.95, 0.05)}
    start, width = starts.get(snapshot.stage, (0.0, 0.05))
    return start + width * part


def refused(error: UserError | OSError) -> str:
    """Return why a path was not taken, in a sentence."""
    return error.message if isinstance(error, UserError) else error.strerror or "It cannot be opened."
