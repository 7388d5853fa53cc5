"""The place in a workspace that its home shows: the top or a folder, the way to it, and the folders in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404
from django.urls import reverse

from analysis.answer.material import below
from analysis.models import Document, Repository
from analysis.views.listing import Wanted
from workspaces.access import folders_for
from workspaces.models import Folder, Member


@dataclass(frozen=True)
class Shelf:
    """A folder as a list shows it. count: the documents and repositories that lie in it; path: the folders above."""

    folder: Folder
    count: int = 0
    path: tuple[Folder, ...] = ()

    @property
    def label(self) -> str:
        return " / ".join(each.name for each in (*self.path, self.folder))


@dataclass(frozen=True)
class Place:
    """The top of a workspace (folder None), or a folder of it. lying: the condition of what the table shows."""

    folder: Folder | None
    path: tuple[Folder, ...]
    folders: tuple[Shelf, ...]
    lying: Q

    @classmethod
    def of(cls, member: Member, wanted: Wanted) -> Place:
        """Return the place that is asked for; raises Http404 for a folder out of sight.

        What is looked for by name or status is shown from all folders below. At the top a member also has those folders
        whose parent they do not see.
        """
        seen = {folder.pk: folder for folder in _counted(member)}
        folder = seen.get(wanted.folder) if wanted.folder else None
        if wanted.folder and folder is None:
            raise Http404
        if wanted.filtered:
            inner = below([folder], list(seen.values())) if folder else []
            return cls(folder, _above(folder, seen), (), Q(folder__in=inner) if folder else Q())
        here = folder.pk if folder else None
        inside = [each for each in seen.values() if (each.parent_id if each.parent_id in seen else None) == here]
        shelves = tuple(Shelf(each, each.lying) for each in inside)  # type: ignore[attr-defined]  # by the query
        return cls(folder, _above(folder, seen), shelves, Q(folder=folder))


def _counted(member: Member) -> list[Folder]:
    """Return the folders in sight with how much lies in each, counted folder by folder: joined, all would be sorted."""
    documents, repositories = _number(Document.objects.filter(repository=None)), _number(Repository.objects.all())
    return list(folders_for(member).annotate(lying=documents + repositories))


def _number(rows: QuerySet[Any, Any]) -> Coalesce:
    here = rows.filter(folder=OuterRef("pk")).order_by().values("folder").annotate(number=Count("pk"))
    return Coalesce(Subquery(here.values("number")), 0)


def _above(folder: Folder | None, seen: dict[int, Folder]) -> tuple[Folder, ...]:
    """Return the folders above this one that are seen, from the top down."""
    path: list[Folder] = []
    at = seen.get(folder.parent_id or 0) if folder else None
    while at is not None:
        path.insert(0, at)
        at = seen.get(at.parent_id or 0)
    return tuple(path)


def folders_by_path(member: Member) -> list[Shelf]:
    """Return the folders that the member sees with the way to each, in the order of a tree drawn out."""
    seen = {folder.pk: folder for folder in folders_for(member)}
    shelves = [Shelf(folder, path=_above(folder, seen)) for folder in seen.values()]
    return sorted(shelves, key=lambda shelf: [each.name.lower() for each in (*shelf.path, shelf.folder)])


def place_url(slug: str, folder: Folder | None) -> str:
    """Return the address of the workspace's home at the folder, None for the top."""
    home = reverse("workspace", args=[slug])
    return f"{home}?{urlencode({'folder': folder.pk})}" if folder else home
