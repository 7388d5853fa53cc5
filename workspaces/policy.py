"""What a workspace allows: where its text may go, what it may cost, how long things are kept, who may do what."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext, gettext_lazy
from django.utils.translation import gettext_lazy as _

from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.language import lowered
from workspaces.models import Member, Policy, Role, User, Workspace

ARCHIVED = _("This workspace is archived: it can be read, searched and exported. An admin or owner can reopen it.")
# What a policy says who may do, in words that complete "Policy says who may ...".
DUTIES = {
    "upload": gettext_lazy("upload"),
    "export": gettext_lazy("download and export"),
    "prompts": gettext_lazy("see prompts"),
}


def policy_of(workspace_id: int) -> Policy:
    """Return the workspace's policy; the one that allows everything where none was set."""
    return Policy.objects.filter(workspace_id=workspace_id).first() or Policy(workspace_id=workspace_id)


def any_self_hosted_only() -> bool:
    """Return whether any workspace keeps its text in the house."""
    return Policy.objects.filter(self_hosted_only=True).exists()


@transaction.atomic
def policy_change(workspace: Workspace, **fields: Any) -> Policy:
    """Set what the fields name, and leave the rest as it is."""
    Workspace.objects.select_for_update(no_key=True).get(pk=workspace.pk)
    policy = policy_of(workspace.pk)
    changed = sorted(name for name, value in fields.items() if getattr(policy, name) != value)
    for name in changed:
        setattr(policy, name, fields[name])
    policy.save()
    if changed:
        record(Action.POLICY_CHANGED, workspace, workspace=workspace, changed=changed)
    return policy


def lets_in(policy: Policy, email: str) -> bool:
    """Return whether the policy lets people with this address in."""
    return not policy.sign_in_domains or email.rpartition("@")[2].lower() in policy.sign_in_domains


def require_of(user: User | None, workspace: Workspace, duty: str) -> None:
    """Return when the person may do what `duty` names; so may Lectern itself, which is nobody."""
    member = Member.objects.select_related("workspace").filter(user=user, workspace=workspace).first() if user else None
    if member is not None:
        require(member, duty)


def require(member: Member, duty: str) -> None:
    """Return when the member may do what `duty` of `DUTIES` names; raises PermissionDenied."""
    role = Role(getattr(policy_of(member.workspace_id), f"{duty}_role"))
    if duty == "upload" and member.workspace.archived_at:
        raise PermissionDenied(ARCHIVED)
    if not member.holds(role):
        raise PermissionDenied(
            gettext("To %(duty)s needs the role of %(role)s in this workspace, as its policy says.")
            % {"duty": DUTIES[duty], "role": lowered(role.label)}
        )
