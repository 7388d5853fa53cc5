"""A workspace's export that a person asks for on its page: written by a worker, fetched by that person, gone in a day.

How it stands is kept in the cache, one export a person and workspace; its archive below `exports/` in the files.
"""

from __future__ import annotations

import shutil
import time
import uuid
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from django.conf import settings
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from analysis.errors import LecternError
from workspaces.access import member_of
from workspaces.export import workspace_export
from workspaces.models import Member, Role, User, Workspace
from workspaces.policy import require

LIFETIME = timedelta(hours=24)
WRITING_AT_MOST = timedelta(hours=3)  # past a task's hard limit
WORDS = {
    "": _("Waiting for a worker"),
    "Documents": _("Writing documents"),
    "Repositories": _("Writing repositories"),
    "Questions": _("Writing questions and answers"),
    "Archive": _("Packing the archive"),
}


@dataclass(frozen=True)
class Export:
    """How a person's export stands. step: a key of `WORDS`. until: how long its archive is there, in ISO 8601."""

    id: str
    workspace_id: int
    user_id: int
    status: str = "writing"  # then ready or failed
    step: str = ""
    documents: int = 0
    repositories: int = 0
    questions: int = 0
    missing: int = 0
    size_bytes: int = 0
    until: str = ""

    @property
    def words(self) -> object:
        return WORDS[self.step]

    @property
    def ready(self) -> bool:
        return self.status == "ready" and self.path.exists()

    @property
    def expires_at(self) -> datetime:
        return datetime.fromisoformat(self.until)

    @property
    def path(self) -> Path:
        return _folder(self.workspace_id) / f"{self.id}.zip"


def export_of(member: Member) -> Export | None:
    """Return the member's export; None if there is none."""
    return _load(member.workspace_id, member.user_id)


def export_ask(member: Member) -> Export:
    """Have a worker write an export for the member; the one before goes. One that is being written goes on."""
    from workspaces.tasks import write_export

    known = export_of(member)
    if known is not None and known.status == "writing":
        return known
    if known is not None:
        known.path.unlink(missing_ok=True)
    export = Export(uuid.uuid4().hex, member.workspace_id, member.user_id)
    _keep(export, WRITING_AT_MOST)
    write_export.delay(member.workspace_id, member.user_id, export.id)
    return export


def export_write(workspace_id: int, user_id: int, export_id: str) -> None:
    """Write the export, if it is still wanted. Can be killed and run again at any point: it begins anew."""
    export = _load(workspace_id, user_id)
    if export is None or export.id != export_id or export.status != "writing":
        return
    try:
        member = may_export(User.objects.get(pk=user_id), Workspace.objects.get(pk=workspace_id))
        _keep(_written(export, member), LIFETIME)
    except Exception as error:
        _keep(replace(export, status="failed"), LIFETIME)
        if not isinstance(error, LecternError | Http404 | PermissionDenied):  # who is not let in any more
            raise


def may_export(user: User, workspace: Workspace) -> Member:
    """Return the person's place when they may take all of the workspace away; raises as `member_of`."""
    member = member_of(user, workspace, role=Role.ADMIN)
    require(member, "export")
    return member


def forget_exports(workspace_id: int) -> None:
    """Delete the archives of a workspace."""
    shutil.rmtree(_folder(workspace_id), ignore_errors=True)


def tidy_exports() -> None:
    """Delete archives whose time is over, and what killed workers have left."""
    oldest = time.time() - LIFETIME.total_seconds()
    for path in _root().glob("*/*"):
        if path.stat().st_mtime < oldest:
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def _written(export: Export, member: Member) -> Export:
    """Write the archive and return how the export stands then."""
    folder = export.path.with_suffix("")
    shutil.rmtree(folder, ignore_errors=True)

    def say(step: str) -> None:
        _keep(replace(export, step=step), WRITING_AT_MOST)

    try:
        done = workspace_export(member.workspace, folder, member=member, say=say)
        say("Archive")
        _pack(folder, export.path, member.workspace.slug)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder.with_name(folder.name + ".partial"), ignore_errors=True)
    until = (timezone.now() + LIFETIME).isoformat()
    size = export.path.stat().st_size
    return replace(export, status="ready", step="", size_bytes=size, until=until, **asdict(done))


def _pack(folder: Path, archive: Path, name: str) -> None:
    """Write the folder's files into the archive, below a folder of that name."""
    draft = archive.with_suffix(".part")
    with ZipFile(draft, "w", ZIP_DEFLATED) as out:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            out.write(path, Path(name) / path.relative_to(folder))
    draft.chmod(0o600)
    draft.rename(archive)


def _root() -> Path:
    return Path(settings.MEDIA_ROOT) / "exports"


def _folder(workspace_id: int) -> Path:
    return _root() / str(workspace_id)


def _key(workspace_id: int, user_id: int) -> str:
    return f"export:{workspace_id}:{user_id}"


def _keep(export: Export, how_long: timedelta) -> None:
    cache.set(_key(export.workspace_id, export.user_id), asdict(export), how_long.total_seconds())


def _load(workspace_id: int, user_id: int) -> Export | None:
    found = cache.get(_key(workspace_id, user_id))
    return Export(**found) if found else None
