"""Who sees a document or a question: the people whom `access.py` would let in to it, all at once.

access.py asks what one member sees; here it is asked who sees one thing, by the same rules (`workspaces.sight`).
"""

from __future__ import annotations

from django.utils.translation import gettext as _

from analysis.errors import UserError
from analysis.models import Answer, Document, Question
from workspaces.models import Folder, FolderSight, Member, Role, User
from workspaces.policy import policy_of

# What can be talked about.
Subject = Document | Question | Answer


def members_who_see(subject: Subject) -> list[Member]:
    """Return the people who see it with their user, by address: no service accounts, nobody who was switched off."""
    seen = subject.question if isinstance(subject, Answer) else subject
    folders = _folders_of(seen)
    named = [each for each in folders if each is not None]
    closed = set(Folder.objects.filter(pk__in=named, closed=True).values_list("pk", flat=True))
    sights = set(FolderSight.objects.filter(folder__in=named).values_list("member", "folder"))
    domains = policy_of(seen.workspace_id).sign_in_domains
    return [
        member
        for member in _people_in(seen.workspace_id)
        if (not domains or member.user.email.rpartition("@")[2].lower() in domains)
        and _is_for(seen, member)
        and all(_sees(member, folder, closed, sights) for folder in folders)
    ]


def person_who_sees(subject: Subject, address: str) -> User:
    """Return the person of this address; raises UserError unseen_assignee for one who does not see the subject."""
    for member in members_who_see(subject):
        if member.user.email.lower() == address.strip().removeprefix("@").lower():
            return member.user
    words = _("%(address)s does not see this, and so cannot see to it.")
    raise UserError(words % {"address": address[:200]}, code="unseen_assignee")


def people_who_see(subject: Subject) -> dict[int, Member]:
    """Return `members_who_see` by the id of the person."""
    return {member.user_id: member for member in members_who_see(subject)}


def _people_in(workspace_id: int) -> list[Member]:
    people = Member.objects.filter(workspace_id=workspace_id, user__is_active=True, user__service_of=None)
    return list(people.select_related("user").order_by("user__email"))


def _folders_of(seen: Document | Question) -> set[int | None]:
    """Return the folders that one has to see, None for the top."""
    if isinstance(seen, Document):
        return {seen.folder_id}
    return {
        *seen.folders.values_list("pk", flat=True),
        *seen.documents.values_list("folder", flat=True),
        *seen.repositories.values_list("folder", flat=True),
    }


def _is_for(seen: Document | Question, member: Member) -> bool:
    """Return whether the member may see it for what it is, wherever it lies: not what somebody keeps to themselves."""
    if isinstance(seen, Document) or seen.asker_id == member.user_id:
        return True
    return seen.shared and not (member.guest and seen.across_workspace)


def _sees(member: Member, folder: int | None, closed: set[int], sights: set[tuple[int, int]]) -> bool:
    if not member.guest and Role(member.role).rank >= Role.ADMIN.rank:
        return True
    if (member.pk, folder) in sights:
        return True
    return not member.guest and folder not in closed
