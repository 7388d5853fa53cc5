"""A person deletes their account: what goes, what stays, and what has to be settled first."""

from __future__ import annotations

from dataclasses import dataclass, field

from allauth.usersessions.models import UserSession
from django.db import transaction
from django.utils.translation import gettext

from analysis.answer.forget import questions_delete
from analysis.errors import UserError
from analysis.models import Question
from workspaces.audit import record
from workspaces.audit.actions import Action
from workspaces.models import Member, Role, User, Workspace
from workspaces.recipes import member_remove, workspace_delete


@dataclass(frozen=True)
class Leaving:
    """What deleting an account means, workspace by workspace.

    goes: personal ones, and those to be deleted that only the person could bring back. stays: those that go on without
    the person. unsettled: those that would be left without an owner. only_administrator: whether nobody else may
    administer this installation.
    """

    goes: list[Workspace] = field(default_factory=list)
    stays: list[Workspace] = field(default_factory=list)
    unsettled: list[Workspace] = field(default_factory=list)
    only_administrator: bool = False

    @property
    def possible(self) -> bool:
        return not self.unsettled and not self.only_administrator


class Unsettled(UserError):
    """Something has to be handed over before the account can go."""

    code = "unsettled"
    status = 409


def leaving(user: User) -> Leaving:
    """Return what would happen if the person left now."""
    others = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    found = Leaving(only_administrator=user.is_staff and not others.exists())
    places = Member.objects.filter(user=user).select_related("workspace").order_by("workspace__name", "pk")
    for place in places.prefetch_related("workspace__members"):
        company = [member for member in place.workspace.members.all() if member.user_id != user.pk]
        last_owner = place.role == Role.OWNER and all(member.role != Role.OWNER for member in company)
        if (place.workspace.personal and not company) or (last_owner and place.workspace.delete_at):
            found.goes.append(place.workspace)
        elif last_owner:
            found.unsettled.append(place.workspace)
        else:
            found.stays.append(place.workspace)
    return found


@transaction.atomic
def account_delete(user: User) -> None:
    """Delete the person with their personal workspace, sessions, tokens and invites; raises Unsettled.

    Documents, questions and answers in other workspaces lose the name and stay; questions that were kept private go,
    since nobody else may see them. The audit log keeps the address: it
    tells who did what, and nothing in it is changed.
    """
    # Administrators who leave at the same moment take turns, and find each other gone.
    list(User.objects.select_for_update().filter(is_staff=True).order_by("pk"))
    found = leaving(user)
    if not found.possible:
        raise Unsettled(gettext("Something has to be handed over first: see below."))
    for workspace in found.goes:
        workspace_delete(workspace)
    questions_delete(Question.objects.filter(asker=user, shared=False))
    for member in Member.objects.filter(user=user, workspace__in=found.stays).select_related("user", "workspace"):
        member_remove(member)  # which looks for another owner under the workspace's lock
    record(Action.ACCOUNT_DELETED, user, by=user, tokens=user.api_tokens.count())
    for session in UserSession.objects.filter(user=user):
        session.end()
    user.delete()
