"""Model names: `lectern/<workspace>`, and `lectern/<workspace>/<id>` for one document or repository of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import CharField, F, QuerySet, Value
from django.http import Http404

from analysis.models import Document, IngestStatus, Repository
from workspaces.access import Viewer, documents_for, member_or_404, memberships_for, repositories_for
from workspaces.models import Member, Role

PREFIX = "lectern/"
# Of each workspace as many are listed, newest first; every other one works by its name too.
LISTED = 100


@dataclass(frozen=True)
class Named:
    """What a model name means. Neither documents nor repositories: the whole workspace."""

    member: Member
    documents: Sequence[Document] = ()
    repositories: Sequence[Repository] = ()

    @property
    def title(self) -> str:
        """Return what it is called, for people."""
        rows: list[Document | Repository] = [*self.documents, *self.repositories]
        return rows[0].name if rows else self.member.workspace.name


def named(viewer: Viewer, name: str, *, role: Role = Role.VIEWER) -> Named:
    """Return what the name means; raises Http404 where it means nothing that the viewer sees, PermissionDenied."""
    slug, _, wanted = name.removeprefix(PREFIX).partition("/")
    if not name.startswith(PREFIX):
        raise Http404
    member = member_or_404(viewer, slug, role=role)
    if not wanted:
        return Named(member)
    try:
        row_id = UUID(wanted)
    except ValueError:
        raise Http404 from None
    document = documents_for(member).filter(pk=row_id).select_related("version").first()
    if document is not None:
        return Named(member, documents=[document])
    repository = repositories_for(member).filter(pk=row_id).first()
    if repository is None:
        raise Http404
    return Named(member, repositories=[repository])


def listed(viewer: Viewer) -> Iterator[dict[str, Any]]:
    """Yield the models that the viewer may choose from: each workspace, then what of it can be asked, newest first."""
    places = list(memberships_for(viewer))
    inner = _inner(places)
    for place in places:
        yield model(place.workspace.slug, place.workspace.name, place.workspace.created_at.timestamp())
        for slug, row_id, title, added_at in inner:
            if slug == place.workspace.slug:
                yield model(f"{slug}/{row_id}", title, added_at.timestamp())


def _inner(places: list[Member]) -> list[tuple[Any, ...]]:
    """Return (slug, id, name, when it came) of what the workspaces hold, in one query however many they are."""
    queries = [query for place in places for query in _of(place)]
    return list(queries[0].union(*queries[1:], all=True)) if queries else []


def _of(place: Member) -> tuple[QuerySet[Any, Any], QuerySet[Any, Any]]:
    slug = Value(place.workspace.slug, output_field=CharField())
    documents = documents_for(place).filter(version__status=IngestStatus.READY)
    repositories = repositories_for(place).exclude(snapshot=None)
    return (
        documents.annotate(slug=slug, at=F("uploaded_at")).values_list("slug", "pk", "name", "at")[:LISTED],
        repositories.annotate(slug=slug, at=F("added_at")).values_list("slug", "pk", "name", "at")[:LISTED],
    )


def model(name: str, title: str, created: float) -> dict[str, Any]:
    """Return a model as clients list it. title: what it is called, for those that show it."""
    return {"id": PREFIX + name, "object": "model", "created": int(created), "owned_by": "lectern", "name": title}
