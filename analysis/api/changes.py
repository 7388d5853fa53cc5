"""What changed between two versions of a repository, in facts and, when asked for, in words."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from ninja import Query, Router, Status

from analysis.answer.ask import changes_ask
from analysis.api.answers import asked_payload
from analysis.api.auth import ApiRequest
from analysis.api.chosen import Path, snapshot_for
from analysis.api.repository_schemas import ChangesIn, ChangesOut, Number
from analysis.api.responses import responses
from analysis.api.schemas import AskedOut
from analysis.errors import UserError
from analysis.models import DocumentVersion, Snapshot
from analysis.repository.changed_symbols import SymbolChange, changed_symbols
from analysis.repository.changes import ChangeKind, FileChange, changed_files, diff_of
from analysis.repository.symbols.finding import under
from workspaces.access import Viewer, get_repository_or_404
from workspaces.models import Role

router = Router(tags=["Source code"])


@router.get("/repositories/{uuid:repository_id}/changes", response=responses(200, ChangesOut, 409), by_alias=True)
def get_changes(
    request: ApiRequest,
    repository_id: UUID,
    from_: Annotated[Number | None, Query(None, alias="from")] = None,
    to: Annotated[Number | None, Query(None)] = None,
    path: Path = "",
) -> dict[str, Any]:
    """Files and symbols that differ between two versions, by default the one before the version in use, and that.

    With `path`, a folder or file: only what is there, with its hunks of lines.
    """
    old, new = compared(request.auth, repository_id, from_, to)
    found = [change for change in changed_files(old, new) if _within(change, path)]
    versions = _versions(found) if path else {}
    return {
        "from": old.number,
        "to": new.number,
        "added": sum(change.added for change in found),
        "removed": sum(change.removed for change in found),
        "files": [_file(change) | {"hunks": _hunks(change, versions) if path else None} for change in found],
        "symbols": [_symbol(change) for change in changed_symbols(found)],
    }


@router.post("/repositories/{uuid:repository_id}/changes", response=responses(202, AskedOut, 403, 409))
def ask_changes(request: ApiRequest, repository_id: UUID, asked: ChangesIn) -> Status[Any]:
    """Has a language model say what changed between two versions and why it matters; follow it as a question."""
    get_repository_or_404(request.auth, repository_id, role=Role.REVIEWER)
    old, new = compared(request.auth, repository_id, asked.from_, asked.to)
    return Status(202, asked_payload(changes_ask(old=old, new=new, user=request.auth.user, llm=asked.llm)))


def compared(viewer: Viewer, repository_id: UUID, older: int | None, newer: int | None) -> tuple[Snapshot, Snapshot]:
    """Return the two versions; raises as `snapshot_for`, and UserError no_older_version (409) where there is none."""
    new = snapshot_for(viewer, repository_id, newer)
    if older is not None:
        return snapshot_for(viewer, repository_id, older), new
    before = (
        new.repository.snapshots.filter(number__lt=new.number, symbols_at__isnull=False).order_by("-number").first()
    )
    if before is None:
        raise UserError("There is no older version to compare with.", code="no_older_version", status=409)
    return before, new


def _within(change: FileChange, path: str) -> bool:
    return any(file is not None and under(file.path, path) for file in (change.old, change.new))


def _file(change: FileChange) -> dict[str, Any]:
    same = {name: getattr(change, name) for name in ("kind", "path", "added", "removed", "similarity")}
    moved_from = change.old.path if change.old and change.kind is ChangeKind.RENAMED else None
    return same | {"old_path": moved_from}


def _versions(changes: list[FileChange]) -> dict[int, DocumentVersion]:
    both = {file.version_id for change in changes for file in (change.old, change.new) if file and file.version_id}
    return DocumentVersion.objects.in_bulk(both)


def _hunks(change: FileChange, versions: dict[int, DocumentVersion]) -> list[dict[str, Any]]:
    old, new = (versions.get(file.version_id or 0) if file else None for file in (change.old, change.new))
    return [asdict(hunk) for hunk in diff_of(old, new).hunks]


def _symbol(change: SymbolChange) -> dict[str, Any]:
    named = {"path": change.file_path, "symbol": change.path}
    same = ("kind", "symbol_kind", "old_signature", "new_signature", "old_line", "new_line")
    return {name: getattr(change, name) for name in same} | named
