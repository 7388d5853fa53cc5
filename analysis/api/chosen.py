"""What a request means by its parameters: repositories, versions of one, files of a version."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from uuid import UUID

from django.db.models import Model, QuerySet
from django.http import Http404
from ninja import Query

from analysis.api.repository_schemas import Number
from analysis.api.schemas import Text
from analysis.errors import UserError
from analysis.models import DocumentVersion, Repository, Snapshot
from analysis.repository.tree import FileNode, file_at
from workspaces.access import Viewer, folders_for, get_repository_or_404, repositories_for
from workspaces.models import Folder, Member

Row = TypeVar("Row", bound=Model)
SnapshotNumber = Annotated[Number | None, Query(None)]
Path = Annotated[Text, Query("", max_length=1000)]
FilePath = Annotated[Text, Query(..., min_length=1, max_length=1000)]


@dataclass(frozen=True)
class SourceFile:
    """A file that is read, and its version in the snapshot that was asked for."""

    node: FileNode
    version: DocumentVersion


def in_order(rows: QuerySet[Row], ids: Iterable[Any]) -> list[Row]:
    """Return the rows with these ids in the order asked for, each once; raises Http404 where one is missing."""
    wanted = list(dict.fromkeys(ids))
    found = {row.pk: row for row in rows.filter(pk__in=wanted)}
    if len(found) < len(wanted):
        raise Http404
    return [found[row_id] for row_id in wanted]


def chosen_repositories(member: Member, repository_ids: Iterable[UUID]) -> list[Repository]:
    """Return the repositories in the order asked for, each once; raises Http404 for one not in the workspace."""
    return in_order(repositories_for(member), repository_ids)


def chosen_folders(member: Member, folder_ids: Iterable[int]) -> list[Folder]:
    """Return the folders in the order asked for, each once; raises Http404 for one that the member does not see."""
    return in_order(folders_for(member), folder_ids)


def snapshot_for(viewer: Viewer, repository_id: UUID, number: int | None = None) -> Snapshot:
    """Return version `number` of the repository, by default the one in use, else the newest that can be browsed.

    Raises Http404 for a repository or version that is not there, UserError not_ready (409) for one without a tree.
    """
    repository = get_repository_or_404(viewer, repository_id)
    snapshot = _numbered(repository, number) if number else repository.snapshot or _newest(repository)
    if snapshot is None or snapshot.symbols_at is None:
        raise UserError("This repository has not been read in yet.", code="not_ready", status=409)
    return snapshot


def _numbered(repository: Repository, number: int) -> Snapshot:
    snapshot = repository.snapshots.filter(number=number).first()
    if snapshot is None:
        raise Http404
    return snapshot


def _newest(repository: Repository) -> Snapshot | None:
    return repository.snapshots.filter(symbols_at__isnull=False).order_by("-number").first()


def file_for(snapshot: Snapshot, path: str) -> SourceFile:
    """Return the file of the snapshot. Raises UserError: unknown_path (404), not_read (409) with the reason."""
    node = file_at(snapshot, path.strip("/"))
    if node is None:
        raise UserError(f"There is no file {path!r} in {snapshot.label}.", code="unknown_path", status=404)
    if node.version_id is None:
        raise UserError(f"This file is not read: {node.disposition.label}.", code="not_read", status=409)
    return SourceFile(node, DocumentVersion.objects.select_related("document").get(pk=node.version_id))
