"""What workers do for workspaces: removing those that were deleted."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from analysis import progress
from analysis.ingest.repository import repository_delete
from analysis.ingest.upload import document_delete
from analysis.models import Answer, Document
from workspaces.models import Workspace

# A workspace is made and given its owner in one transaction; this only keeps out of the way of anyone who does not.
ABANDONED_AFTER = timedelta(hours=1)


@shared_task(name="workspaces.tasks.clear_workspace")
def clear_workspace(workspace_id: int) -> None:
    """Remove a workspace without members: documents with their files, then the rest. Can be run again at any point."""
    from workspaces.exporting import forget_exports

    workspace = Workspace.objects.filter(pk=workspace_id, members=None).first()
    if workspace is None:
        return
    for repository in workspace.repositories.all():
        repository_delete(repository)
    for document in Document.objects.filter(workspace=workspace, repository=None).iterator(chunk_size=100):
        document_delete(document)
    for answer_id in Answer.objects.filter(question__workspace=workspace).values_list("pk", flat=True):
        progress.forget(progress.answer_stream(answer_id))
    progress.forget(progress.workspace_stream(workspace.pk))
    forget_exports(workspace.pk)
    workspace.delete()


@shared_task(name="workspaces.tasks.clear_abandoned")
def clear_abandoned() -> None:
    """Remove workspaces whose time is over, or whose last person is gone, and what a worker's death left behind."""
    from workspaces.exporting import tidy_exports
    from workspaces.lifecycle import delete_due

    tidy_exports()
    delete_due()
    old = Workspace.objects.filter(members=None, created_at__lt=timezone.now() - ABANDONED_AFTER)
    for workspace_id in old.values_list("pk", flat=True):
        clear_workspace(workspace_id)


@shared_task(name="workspaces.tasks.seal_audit")
def seal_audit() -> None:
    """Seal the entries of the audit log that a process has left unsealed when it died."""
    from workspaces.audit.chain import seal

    seal()


@shared_task(name="workspaces.tasks.keep_to_policies")
def keep_to_policies() -> None:
    """Delete what workspaces keep no longer."""
    from workspaces.retention import keep_to_policies

    keep_to_policies()


@shared_task(name="workspaces.tasks.mail_at_once")
def mail_at_once() -> None:
    """Mail what has happened to those who want to know at once."""
    from workspaces.together.digest import mail_at_once

    mail_at_once()


@shared_task(name="workspaces.tasks.mail_digests")
def mail_digests() -> None:
    """Mail what has happened in a day to those who want to know once a day."""
    from workspaces.together.digest import mail_digests

    mail_digests()


@shared_task(name="workspaces.tasks.deliver_hook")
def deliver_hook(delivery_id: str) -> None:
    """Tell a web hook one thing, if it has not been told yet."""
    from workspaces.hooks.delivery import deliver

    deliver(delivery_id)


@shared_task(name="workspaces.tasks.send_due_hooks")
def send_due_hooks() -> None:
    """Send to a worker what web hooks are due to be told, after a failure or a worker's death."""
    from workspaces.hooks.delivery import send_due

    send_due()


@shared_task(name="workspaces.tasks.forget_old_deliveries")
def forget_old_deliveries() -> None:
    """Delete what web hooks were told long ago."""
    from workspaces.hooks.delivery import forget_old

    forget_old()


@shared_task(name="workspaces.tasks.write_export")
def write_export(workspace_id: int, user_id: int, export_id: str) -> None:
    """Write the export that a person has asked for."""
    from workspaces.exporting import export_write

    export_write(workspace_id, user_id, export_id)
