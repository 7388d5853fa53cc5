"""The workspaces that people join when they first come in by single sign-on."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import transaction

from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Member, User, Workspace

logger = logging.getLogger(__name__)


@transaction.atomic
def join_workspaces(user: User) -> None:
    """Make the person a member of the workspaces that the settings name. Who is in one already stays what they are."""
    wanted = settings.SIGN_ON.workspaces
    found = Workspace.objects.filter(slug__in=wanted, personal=False, delete_at=None)
    for workspace in found:
        role = wanted[workspace.slug]
        _, joined = Member.objects.get_or_create(workspace=workspace, user=user, defaults={"role": role})
        if joined:
            record(Action.MEMBER_JOINED, user, workspace=workspace, by=user, role=role, by_sign_on=True)
    for slug in set(wanted) - {workspace.slug for workspace in found}:
        logger.warning("Single sign-on is to let people join the workspace %s, which is not there.", slug)
