"""One entry of the audit log."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.db import models, transaction

from workspaces.audit.actions import Action
from workspaces.audit.origin import Origin, origin
from workspaces.models import AuditEvent, User, Workspace

NAME_MAX_CHARACTERS = 255
# Their words are what people ask and are told: an entry outlives them, so it has their number alone.
OPENED_AGAIN_SECONDS = 3600
WITHOUT_WORDS = frozenset({"question", "answer", "comment"})


def record(
    action: Action,
    target: models.Model | None = None,
    *,
    workspace: Workspace | None = None,
    by: User | None = None,
    **details: Any,
) -> None:
    """Add an entry, in the transaction that does what it tells of; it is sealed once that is committed.

    workspace: where, None for the installation. by: who acts, where that is not who makes the request. details:
    strings, whole numbers and truth values, or lists of them, since each has but one form to be hashed in.
    """
    from workspaces.audit.chain import seal
    from workspaces.hooks.outbox import tell_recorded

    acts = origin()
    acts = Origin(acts.via, by.pk, by.email, acts.address, acts.agent, acts.token_id) if by else acts
    kind = target._meta.model_name or "" if target else ""
    entry = AuditEvent.objects.create(
        action=action,
        workspace_id=workspace.pk if workspace else None,
        workspace_name=workspace.name if workspace else "",
        actor_id=acts.user_id,
        actor=acts.email,
        via=acts.via,
        address=acts.address,
        agent=acts.agent,
        token_id=acts.token_id,
        object_type=kind,
        object_id=str(target.pk) if target else "",
        object_name="" if target is None or kind in WITHOUT_WORDS else str(target)[:NAME_MAX_CHARACTERS],
        details=details,
    )
    tell_recorded(entry, target)
    # Robust: what is done is done, and the beat seals what this could not.
    transaction.on_commit(seal, robust=True)


def record_opened(document: models.Model, user_id: int) -> None:
    """Add an entry for a document that a person looks at; going on looking at it within the hour adds none."""
    if cache.add(f"opened:{user_id}:{document.pk}", 1, OPENED_AGAIN_SECONDS):
        record(Action.DOCUMENT_OPENED, document, workspace=document.workspace)  # type: ignore[attr-defined]
