"""Repositories: adding, listing, changing, deleting, and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import Http404
from ninja import Router, Schema, Status
from ninja.errors import HttpError, ValidationError
from pydantic import ValidationError as Unusable

from analysis.api.auth import ApiRequest
from analysis.api.chosen import chosen_folders
from analysis.api.repository_schemas import (
    RepositoryChangeIn,
    RepositoryIn,
    RepositoryOut,
    RepositoryPage,
    RulesIn,
    SnapshotIn,
    SnapshotOut,
    SnapshotPage,
)
from analysis.api.responses import Limit, Offset, page_of, responses
from analysis.errors import UserError
from analysis.ingest.repository import (
    repository_add,
    repository_change,
    repository_change_rules,
    repository_delete,
    repository_retry,
    snapshot_add,
)
from analysis.ingest.unpack.rules import Rules
from analysis.models import IngestStatus, Repository, Snapshot
from workspaces.access import get_repository_or_404, member_or_404, repositories_for
from workspaces.models import Folder, Member, Role

router = Router(tags=["Repositories"])

Body = TypeVar("Body", bound=Schema)
FOLDER_ID_DIGITS = 18

# Where each stage starts and how much of the whole it is; about what they take on two cores.
STAGE_SHARES = {
    "fetch": (0.0, 0.05),
    "unpack": (0.05, 0.05),
    "parse": (0.1, 0.4),
    "index": (0.5, 0.45),
    "embed": (0.95, 0.05),
}


def _either(schema: type[Schema], *fields: str) -> dict[str, Any]:
    """Return what the schema says of a body that is an archive with some fields beside it, or JSON."""
    form = {"archive": {"type": "string", "format": "binary"}, **{field: {"type": "string"} for field in fields}}
    described = schema.model_json_schema(ref_template="#/components/schemas/{model}")
    described.pop("$defs", None)
    return {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": {"type": "object", "properties": form, "required": ["archive"]}},
                "application/json": {"schema": described},
            },
        }
    }


@router.post(
    "/workspaces/{slug:slug}/repositories",
    response=responses(202, RepositoryOut, 403, 413, 415),
    openapi_extra=_either(RepositoryIn, "name"),
)
def add_repository(request: ApiRequest, slug: str) -> Status[Any]:
    """Takes an archive (multipart, `archive`) or the address of a git repository (JSON), and starts reading it in.

    ZIP, tar, tar.gz, tar.bz2 and tar.xz; addresses start with https://. `token` is for the server and is never given
    out. What is left out, and why, is in the tree.
    """
    member = member_or_404(request.auth, slug, role=Role.EDITOR)
    given: dict[str, Any] = {"workspace": member.workspace, "user": member.user}
    archive = _archive(request)
    if archive is not None:
        folder = _folder(member, _field(request, "folder_id"))
        repository = repository_add(**given, name=_field(request, "name"), archive=archive, folder=folder)
    else:
        asked = _body(request, RepositoryIn)
        rules = _rules(asked.rules) if asked.rules else None
        repository = repository_add(
            **given, name=asked.name, url=asked.url, ref=asked.ref, credential=asked.token, rules=rules,
            folder=_folder(member, "" if asked.folder_id is None else str(asked.folder_id)),
        )  # fmt: skip
    return Status(202, repository_payload(repository))


@router.get("/workspaces/{slug:slug}/repositories", response=responses(200, RepositoryPage))
def list_repositories(request: ApiRequest, slug: str, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """The workspace's repositories, newest first."""
    rows = repositories_for(member_or_404(request.auth, slug)).select_related("workspace")
    shown = rows[offset : offset + limit]
    newest = newest_of(list(shown))
    return page_of(rows, limit, offset, lambda row: _payload(row, newest.get(row.pk)))


@router.get("/repositories/{uuid:repository_id}", response=responses(200, RepositoryOut))
def get_repository(request: ApiRequest, repository_id: UUID) -> dict[str, Any]:
    """One repository: the version that is searched, and how far reading in the newest has come."""
    return repository_payload(get_repository_or_404(request.auth, repository_id))


@router.patch("/repositories/{uuid:repository_id}", response=responses(200, RepositoryOut, 403, 409))
def change_repository(request: ApiRequest, repository_id: UUID, asked: RepositoryChangeIn) -> dict[str, Any]:
    """Changes the name, where further versions come from, or what is read.

    Other rules make a new version of the same files; another address or branch counts from the next version on.
    """
    repository = get_repository_or_404(request.auth, repository_id, role=Role.EDITOR)
    changes = {"name": asked.name, "url": asked.url, "ref": asked.ref, "credential": asked.token}
    if any(value is not None for value in changes.values()):
        repository_change(repository, **changes)
    if asked.rules is not None:
        repository_change_rules(repository, _rules(asked.rules), request.auth.user)
    return repository_payload(get_repository_or_404(request.auth, repository_id))


@router.delete("/repositories/{uuid:repository_id}", response=responses(204, None, 403))
def delete_repository(request: ApiRequest, repository_id: UUID) -> Status[None]:
    """Removes the repository with all its versions, and the questions that were put to it alone."""
    repository_delete(get_repository_or_404(request.auth, repository_id, role=Role.EDITOR))
    return Status(204, None)


@router.post(
    "/repositories/{uuid:repository_id}/snapshots",
    response=responses(202, SnapshotOut, 403, 409, 413, 415),
    openapi_extra=_either(SnapshotIn),
)
def add_snapshot(request: ApiRequest, repository_id: UUID) -> Status[Any]:
    """Makes a new version: of another archive (multipart, `archive`), or of what the git server has now (JSON).

    Files that have not changed are not read again. The version before stays in use until the new one is complete.
    """
    repository = get_repository_or_404(request.auth, repository_id, role=Role.EDITOR)
    archive = _archive(request)
    ref = "" if archive else _body(request, SnapshotIn).ref
    snapshot = snapshot_add(repository=repository, user=request.auth.user, archive=archive, ref=ref)
    return Status(202, snapshot_payload(snapshot))


@router.get("/repositories/{uuid:repository_id}/snapshots", response=responses(200, SnapshotPage))
def list_snapshots(request: ApiRequest, repository_id: UUID, limit: Limit = 50, offset: Offset = 0) -> dict[str, Any]:
    """The repository's versions, newest first."""
    rows = get_repository_or_404(request.auth, repository_id).snapshots.order_by("-number")
    return page_of(rows, limit, offset, snapshot_payload)


@router.post("/repositories/{uuid:repository_id}/retry", response=responses(202, RepositoryOut, 403, 409))
def retry_repository(request: ApiRequest, repository_id: UUID) -> Status[Any]:
    """Reads the newest version in again, after it has failed."""
    repository = get_repository_or_404(request.auth, repository_id, role=Role.EDITOR)
    repository_retry(repository)
    return Status(202, repository_payload(repository))


def repository_payload(repository: Repository) -> dict[str, Any]:
    """Return the repository as the interface states it; `workspace` and `snapshot` should be loaded."""
    return _payload(repository, newest_of([repository]).get(repository.pk))


def _payload(repository: Repository, newest: Snapshot | None) -> dict[str, Any]:
    return {
        "id": repository.pk,
        "name": repository.name,
        "workspace": repository.workspace.slug,
        "url": repository.url,
        "ref": repository.ref,
        "has_token": bool(repository.credential),
        "folder_id": repository.folder_id,
        "rules": Rules.of(repository.rules).as_json(),
        "status": newest.status if newest else IngestStatus.QUEUED,
        "snapshot": snapshot_payload(repository.snapshot) if repository.snapshot else None,
        "newest": snapshot_payload(newest) if newest else None,
        "added_at": repository.added_at,
    }


def newest_of(repositories: Sequence[Repository]) -> dict[UUID, Snapshot]:
    """Return the newest snapshot of each repository by its id, in one query."""
    rows = Snapshot.objects.filter(repository__in=repositories).order_by("repository", "-number")
    return {snapshot.repository_id: snapshot for snapshot in rows.distinct("repository")}


def snapshot_payload(snapshot: Snapshot) -> dict[str, Any]:
    """Return the version as the interface states it."""
    failed = snapshot.status == IngestStatus.FAILED
    same = ("number", "label", "origin", "commit", "ref", "message", "committed_at", "status", "stage_done")
    more = ("stage_total", "size_bytes", "tokens", "warnings", "created_at", "ready_at", "vectors_at")
    return {name: getattr(snapshot, name) for name in (*same, *more)} | {
        "stage": snapshot.stage if snapshot.status == IngestStatus.INGESTING and snapshot.stage else None,
        "progress": progress_of(snapshot),
        "browsable": snapshot.symbols_at is not None,
        "files": snapshot.file_count,
        "lines": snapshot.line_count,
        "by_meaning": _by_meaning(snapshot) if snapshot.by_words_alone else None,
        "error": {"code": snapshot.error_code, "message": snapshot.error_message} if failed else None,
    }


def _by_meaning(snapshot: Snapshot) -> dict[str, Any]:
    return {"done": snapshot.stage_done, "total": snapshot.stage_total, "waits_for": snapshot.error_message or None}


def progress_of(snapshot: Snapshot) -> float:
    """Return how much of reading the snapshot in is done, from 0 to 1, over all stages."""
    if snapshot.ready:
        return 1.0
    start, share = STAGE_SHARES.get(snapshot.stage, (0.0, 0.0))
    done = min(1.0, snapshot.stage_done / snapshot.stage_total) if snapshot.stage_total else 0.0
    return round(start + share * done, 3)


def _rules(asked: RulesIn) -> Rules:
    return Rules.of(asked.model_dump(exclude_none=True))


def _archive(request: ApiRequest) -> UploadedFile[Any] | None:
    """Return the uploaded archive, None for a body that is no form; raises UserError for a form without one."""
    if request.content_type != "multipart/form-data":
        return None
    archive = request.FILES.get("archive")
    if archive is None:
        raise UserError("archive: Field required.", code="invalid")
    return archive


def _folder(member: Member, given: str) -> Folder | None:
    """Return the folder with this id, None for ""; raises Http404 for one out of sight."""
    if not given:
        return None
    if not given.isdecimal() or len(given) > FOLDER_ID_DIGITS:
        raise Http404
    return chosen_folders(member, [int(given)])[0]


def _field(request: ApiRequest, name: str) -> str:
    return str(request.POST.get(name, "")).replace("\0", "")


def _body(request: ApiRequest, schema: type[Body]) -> Body:
    """Return what the body states, refused as ninja refuses a body that it reads itself."""
    try:
        return schema.model_validate_json(request.body or b"{}")
    except Unusable as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise HttpError(400, "") from error
        places = [{**item, "loc": ("body", "asked", *item["loc"])} for item in error.errors(include_url=False)]
        raise ValidationError(places) from error
