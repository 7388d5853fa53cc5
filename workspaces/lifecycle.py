"""A workspace's later life, each step in one transaction: archive and reopen, delete and restore, hand over."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.errors import UserError
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Member, Role, Workspace
from workspaces.recipes import member_remove, member_set_role, workspace_delete


@transaction.atomic
def workspace_archive(workspace: Workspace) -> None:
    """Let the workspace only be read, searched and exported from now on."""
    if Workspace.objects.filter(pk=workspace.pk, archived_at=None).update(archived_at=timezone.now()):
        record(Action.WORKSPACE_ARCHIVED, workspace, workspace=workspace)


@transaction.atomic
def workspace_reopen(workspace: Workspace) -> None:
    """Let an archived workspace be worked in again."""
    if Workspace.objects.filter(pk=workspace.pk).exclude(archived_at=None).update(archived_at=None):
        record(Action.WORKSPACE_REOPENED, workspace, workspace=workspace)


@transaction.atomic
def workspace_end(workspace: Workspace) -> datetime:
    """Shut everyone out now, and return when the workspace is deleted; until then an owner can restore it.

    People, invitations and tokens stay as they are, and open nothing meanwhile.
    """
    locked = Workspace.objects.select_for_update().get(pk=workspace.pk)
    if locked.delete_at is None:
        locked.delete_at = timezone.now() + timedelta(days=settings.WORKSPACE_GRACE_DAYS)
        locked.save(update_fields=["delete_at"])
        record(Action.WORKSPACE_ENDING, workspace, workspace=workspace, until=locked.delete_at.isoformat())
    return locked.delete_at


@transaction.atomic
def workspace_restore(workspace: Workspace) -> None:
    """Take the deletion back; raises UserError too_late (410)."""
    locked = Workspace.objects.select_for_update().filter(pk=workspace.pk).exclude(members=None).first()
    if locked is None:
        raise UserError(_("This workspace is deleted already."), code="too_late", status=410)
    locked.delete_at = None
    locked.save(update_fields=["delete_at"])
    record(Action.WORKSPACE_RESTORED, workspace, workspace=workspace)


def delete_due() -> None:
    """Delete the workspaces whose time to be restored is over. Can be broken off and run again at any point."""
    due = Workspace.objects.filter(delete_at__lte=timezone.now())
    for workspace_id in due.values_list("pk", flat=True):
        _delete_if_due(workspace_id)


@transaction.atomic
def _delete_if_due(workspace_id: int) -> None:
    """Delete the workspace unless somebody has restored it, or deleted it, while others were seen to."""
    rows = Workspace.objects.select_for_update().filter(pk=workspace_id, delete_at__lte=timezone.now())
    workspace = rows.first()
    if workspace is not None and workspace.members.exists():
        workspace_delete(workspace)


@transaction.atomic
def workspace_hand_over(owner: Member, heir: Member, *, leave: bool) -> None:
    """Make `heir` an owner in the place of `owner`, who leaves, or stays as an admin. Raises UserError cannot_own."""
    if heir.pk == owner.pk or heir.guest or heir.user.service_of_id is not None or not heir.user.is_active:
        raise UserError(_("Only another member, no guest, can take the workspace over."), code="cannot_own")
    member_set_role(heir, Role.OWNER)
    if leave:
        member_remove(owner)
    else:
        member_set_role(owner, Role.ADMIN)
    record(Action.WORKSPACE_HANDED_OVER, owner.workspace, workspace=owner.workspace, to=str(heir.user), left=leave)
