"""Invitations into a workspace, each step in one transaction. Who may invite is decided before, in access.py.

An invitation is a link that whoever has it can use until it expires; or it is for one address, goes there by e-mail,
and is used up by the person who has that address. A guest's names the folders that they will see.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from analysis.errors import UserError
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.folders import folder_grant, resee
from workspaces.models import INVITE_LIFETIME, Folder, Invite, Member, Role, User, Workspace, digest
from workspaces.policy import lets_in, policy_of
from workspaces.recipes import refuse_to_guests


@transaction.atomic
def invite_create(
    *,
    workspace: Workspace,
    user: User,
    role: Role,
    email: str = "",
    days: int = INVITE_LIFETIME.days,
    guest: bool = False,
    folders: Sequence[Folder] = (),
) -> tuple[Invite, str]:
    """Return a new invite and its token, which is never to be had again. email: "" for whoever has the link.

    Raises UserError: address_refused where the policy would not let the address in, already_here, already_invited,
    guest_role, no_folder.
    """
    email = email.strip().lower()
    if email:
        _refuse_address(workspace, email)
    if guest:
        refuse_to_guests(role)
    if guest and not folders:
        raise UserError(_("Choose at least one folder for a guest: they see nothing else."), code="no_folder")
    token = secrets.token_urlsafe(32)
    invite = Invite.objects.create(
        workspace=workspace,
        role=role,
        email=email,
        guest=guest,
        created_by=user,
        token_digest=digest(token),
        expires_at=timezone.now() + timedelta(days=days),
    )
    invite.folders.set(folders if guest else [])
    told = {name: value for name, value in {"email": email, "guest": guest}.items() if value}
    record(Action.INVITE_CREATED, invite, workspace=workspace, by=user, role=role.value, days=days, **told)
    return invite, token


@transaction.atomic
def invite_renew(invite: Invite) -> str:
    """Return a new token for the invite, which works for as long again; the one before leads nowhere any more."""
    token = secrets.token_urlsafe(32)
    now = timezone.now()
    row = Invite.objects.select_for_update().get(pk=invite.pk)
    row.expires_at, row.created_at = now + (row.expires_at - row.created_at), now
    row.token_digest = digest(token)
    row.save(update_fields=["expires_at", "created_at", "token_digest"])
    record(Action.INVITE_SENT_AGAIN, row, workspace=invite.workspace, email=row.email)
    return token


@transaction.atomic
def invite_revoke(invite: Invite) -> None:
    """Make the invite's link worthless."""
    record(Action.INVITE_REVOKED, invite, workspace=invite.workspace)
    invite.delete()


@transaction.atomic
def invite_accept(invite: Invite, user: User) -> Member:
    """Return the person's place in the invite's workspace. Who is in it already stays what they are, but for guests:
    they see more folders, or become members, as the invite has it.

    A workspace with a second person in it is nobody's personal one any more. Raises UserError: invite_closed when the
    invite was revoked or ran out while the person looked at it, not_yours for one to another address, and
    address_refused.
    """
    # Revoking deletes the row: the lock makes joining and revoking take turns.
    row = Invite.objects.select_for_update().filter(pk=invite.pk, expires_at__gt=timezone.now()).first()
    if row is None or invite.workspace.delete_at is not None:
        raise UserError(_("This invitation was withdrawn, or its time is over."), code="invite_closed", status=410)
    if row.email and not has_address(user, row.email):
        raise UserError(
            _("This invitation is for %(email)s. Sign in with that address.") % {"email": row.email},
            code="not_yours",
            status=403,
        )
    if not lets_in(policy_of(row.workspace_id), user.email):
        raise _refused(invite.workspace, user.email)
    member, joined = Member.objects.get_or_create(
        workspace_id=row.workspace_id, user=user, defaults={"role": row.role, "guest": row.guest}
    )
    if joined:
        record(Action.MEMBER_JOINED, user, workspace=invite.workspace, by=user, role=row.role, guest=row.guest)
        Workspace.objects.filter(pk=row.workspace_id, personal=True).update(personal=False)
    elif member.guest and not row.guest:
        member_admit(member, Role(row.role))
    if member.guest:
        for folder in row.folders.all():
            folder_grant(folder, member)
    if row.email:
        _confirm_address(user, row.email)
        row.delete()
    return member


@transaction.atomic
def member_admit(member: Member, role: Role) -> None:
    """Make a guest a member, who sees every folder that is not closed to them."""
    Member.objects.filter(pk=member.pk).update(guest=False, role=role)
    member.guest, member.role = False, role
    resee(member.workspace_id)
    record(Action.MEMBER_ADMITTED, member.user, workspace=member.workspace, role=role.value)


def has_address(user: User, email: str) -> bool:
    """Return whether the address is one of the person's, and nobody else has confirmed it as theirs."""
    others = EmailAddress.objects.filter(email__iexact=email, verified=True).exclude(user_id=user.pk)
    own = EmailAddress.objects.filter(email__iexact=email, user_id=user.pk)
    return (user.email == email or own.exists()) and not others.exists()


def _confirm_address(user: User, email: str) -> None:
    """Note that the person has the address: the link that they have opened went there and nowhere else."""
    if not EmailAddress.objects.filter(user_id=user.pk, email__iexact=email).update(verified=True):
        EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)


def _refuse_address(workspace: Workspace, email: str) -> None:
    """Raise UserError where inviting the address would come to nothing."""
    if not lets_in(policy_of(workspace.pk), email):
        raise _refused(workspace, email)
    if workspace.members.filter(user__email=email, guest=False).exists():
        raise UserError(_("%(email)s is a member already.") % {"email": email}, code="already_here", status=409)
    if workspace.invites.filter(email=email, expires_at__gt=timezone.now()).exists():
        raise UserError(
            _("%(email)s has an open invitation. Send that one again, or revoke it first.") % {"email": email},
            code="already_invited",
            status=409,
        )


def _refused(workspace: Workspace, email: str) -> UserError:
    domains = ", ".join(policy_of(workspace.pk).sign_in_domains)
    return UserError(
        _("%(name)s lets in addresses of %(domains)s only, and %(email)s is none, as its policy says.")
        % {"name": workspace.name, "domains": domains, "email": email},
        code="address_refused",
        status=403,
    )
