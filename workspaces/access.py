"""Who may see what. Every read by a person goes through here; the workspace is in the query, not checked after it.

What a person may not see does not exist for them (404). What they may see but not do is refused (403).
A request made with an API token that is bound to one workspace sees that workspace only: `Viewer.workspace_id`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, F, Model, OuterRef, Q, QuerySet, When
from django.db.models.functions import Lower
from django.http import Http404, HttpRequest
from django.utils import timezone
from django.utils.translation import gettext

from analysis.egress import let_in
from analysis.models import Answer, Document, Question, Repository
from workspaces.language import lowered
from workspaces.models import (
    ApiToken,
    Comment,
    Folder,
    FolderSight,
    Invite,
    Member,
    Notification,
    Role,
    Scope,
    User,
    Workspace,
    digest,
)
from workspaces.policy import ARCHIVED
from workspaces.sight import folders_in_sight, in_sight, questions_in_sight

Row = TypeVar("Row", bound=Model)
LAST_WORKSPACE = "last_workspace"  # the session's key for the slug that `/` leads to


@dataclass(frozen=True)
class Viewer:
    """Whoever asks: a person, the token that acts for them, and the one workspace it is bound to, if it is.

    ceiling: the role above which the token does not go.
    """

    user: User
    workspace_id: int | None = None
    token_id: int | None = None
    ceiling: Role = Role.OWNER

    @property
    def scope_words(self) -> str:
        """Return what the token was made for, as it completes "to ..."."""
        return "read" if self.ceiling is Role.VIEWER else "read, upload and ask"


def _viewer(who: User | Viewer) -> Viewer:
    return who if isinstance(who, Viewer) else Viewer(user=who)


def person(request: HttpRequest) -> User:
    """Return the signed-in person; raises PermissionDenied where a view forgot to ask for a sign-in."""
    if not isinstance(request.user, User):
        raise PermissionDenied(gettext("Please sign in."))
    return request.user


def staff_or_404(request: HttpRequest) -> User:
    """Return the signed-in administrator; raises Http404 to everyone else, for whom the page does not exist."""
    user = person(request)
    if not user.is_staff:
        raise Http404
    return user


def token_for(bearer: str) -> ApiToken | None:
    """Return the API token row that `bearer` stands for, with its user and workspace; None if there is none.

    Found by the SHA-256 of what was sent: the comparison is an index look-up of a digest, so its time tells nothing of
    the token. A token that has expired is none, nor is that of a person who was switched off, or is no longer in the
    workspace it is bound to.
    """
    row = ApiToken.objects.select_related("user", "workspace").filter(token_digest=digest(bearer)).first()
    if row is None or row.expired or not row.user.is_active:
        return None
    if row.workspace_id is not None and not still_member(row.user_id, row.workspace_id):
        return None
    return row


def viewer_for(token: ApiToken) -> Viewer:
    """Return who asks with `token`, bound to the token's workspace if it has one."""
    return Viewer(token.user, token.workspace_id, token.pk, Scope(token.scope).ceiling)


def invite_for(token: str) -> Invite | None:
    """Return the open invite that `token` stands for, with its workspace and who sent it; None if there is none."""
    return (
        Invite.objects.select_related("workspace", "created_by")
        .filter(token_digest=digest(token), expires_at__gt=timezone.now(), workspace__delete_at=None)
        .first()
    )


def members_for(member: Member) -> QuerySet[Member]:
    """Return everyone in the member's workspace with their user, owners first, then by when they came."""
    rank = Case(*(When(role=role, then=-role.rank) for role in Role))
    return (
        Member.objects.filter(workspace_id=member.workspace_id).select_related("user").order_by(rank, "joined_at", "pk")
    )


def invites_for(member: Member) -> QuerySet[Invite]:
    """Return the open invites into the member's workspace, newest first."""
    return (
        Invite.objects.filter(workspace_id=member.workspace_id, expires_at__gt=timezone.now())
        .select_related("workspace", "created_by")
        .prefetch_related("folders")
        .order_by("-created_at", "-pk")
    )


def still_member(user_id: int, workspace_id: int) -> bool:
    """Return whether the person is (still) in the workspace."""
    return bool(still_members([(user_id, workspace_id)]))


def still_members(places: Collection[tuple[int, int]]) -> dict[tuple[int, int], bool]:
    """Return True for each (user id, workspace id) whose person is (still) in the workspace."""
    users, workspaces = {user_id for user_id, _ in places}, {workspace_id for _, workspace_id in places}
    open_places = Member.objects.filter(user__is_active=True, workspace__delete_at=None)
    rows = open_places.filter(user__in=users, workspace__in=workspaces)
    named = ("user_id", "workspace_id", "user__email", "user__service_of", "workspace__policy__sign_in_domains")
    found = rows.values_list(*named)
    return {(user_id, workspace_id): True for user_id, workspace_id, email, service_of, domains in found
            if (user_id, workspace_id) in places
            and (not domains or service_of == workspace_id or _domain_of(email) in domains)}  # fmt: skip


def memberships_for(who: User | Viewer) -> QuerySet[Member]:
    """Return the person's places, personal workspace first, then by name. Nobody enters what is to be deleted."""
    return _places_of(who).filter(workspace__delete_at=None)


def places_for(user: User) -> QuerySet[Member]:
    """Return the person's places, and those that are to be deleted where they are an owner, who can prevent it."""
    return _places_of(user).filter(Q(workspace__delete_at=None) | Q(role=Role.OWNER))


def ending_for(request: HttpRequest, slug: str) -> Member | None:
    """Return the owner's place in a workspace that is to be deleted; None for an owner of one that is not.

    Raises Http404 to everybody else but members, and PermissionDenied to these, of a workspace that goes on.
    """
    places = places_for(person(request)).filter(workspace__slug=slug).exclude(workspace__delete_at=None)
    ending = places.first()
    if ending is None:
        enter(request, slug, role=Role.OWNER)
    return ending


def _places_of(who: User | Viewer) -> QuerySet[Member]:
    viewer = _viewer(who)
    places = Member.objects.filter(user_id=viewer.user.pk).select_related("workspace", "user")
    if viewer.workspace_id is not None:
        places = places.filter(workspace_id=viewer.workspace_id)
    places = places.filter(_address_is_let_in(viewer.user.email))
    return places.order_by("-workspace__personal", "workspace__name", "pk")


def _address_is_let_in(email: str) -> Q:
    """Return the condition on a place that its workspace's policy lets addresses like this one in."""
    listed = "workspace__policy__sign_in_domains"
    service = Q(user__service_of=F("workspace"))  # which has no address of anybody's
    return service | Q(workspace__policy=None) | Q(**{listed: []}) | Q(**{f"{listed}__contains": [_domain_of(email)]})


def _domain_of(email: str) -> str:
    return email.rpartition("@")[2].lower()


def member_or_404(who: User | Viewer, slug: str, *, role: Role = Role.VIEWER, reading: bool = False) -> Member:
    """Return the person's place in workspace `slug`. reading: whether `role` is needed for nothing but a look.

    Raises Http404 to an outsider, PermissionDenied to a member below `role`, and to all for work in an archive.
    """
    member = memberships_for(who).filter(workspace__slug=slug).first()
    return _allowed(member, role, _viewer(who), reading=reading)


def enter(request: HttpRequest, slug: str, *, role: Role = Role.VIEWER, reading: bool = False) -> Member:
    """Return the person's place in workspace `slug` for a page of it; raises as `member_or_404`.

    The workspace becomes `request.workspace` (the switcher shows it) and the one that `/` leads back to.
    """
    member = member_or_404(person(request), slug, role=role, reading=reading)
    request.workspace = member.workspace  # type: ignore[attr-defined]
    if request.session.get(LAST_WORKSPACE) != slug:
        request.session[LAST_WORKSPACE] = slug
    return member


def member_of(who: User | Viewer, workspace: Workspace, *, role: Role = Role.VIEWER) -> Member:
    """Return the person's place in `workspace`; raises as `member_or_404`."""
    return _allowed(memberships_for(who).filter(workspace=workspace).first(), role, _viewer(who))


def _allowed(member: Member | None, role: Role, viewer: Viewer, *, reading: bool = False) -> Member:
    if member is None:
        raise Http404
    may = member.holds(role)
    member.ceiling = viewer.ceiling
    if may and not member.holds(role):
        raise PermissionDenied(f"This API token may not do that: it was made to {viewer.scope_words}.")
    if not may:
        raise PermissionDenied(
            gettext("This needs the role of %(role)s in this workspace.") % {"role": lowered(role.label)}
        )
    if not (reading or member.may(role)):
        raise PermissionDenied(ARCHIVED)
    let_in(member.workspace_id)
    return member


def roles_given_by(member: Member) -> list[Role]:
    """Return the roles that the member, who manages people, may give: owners are made by owners only."""
    return [role for role in Role if member.holds(role)]


def require_above(member: Member, other: Member) -> None:
    """Return when `member`, who manages people, may change or remove `other`; raises PermissionDenied."""
    if not member.holds(Role(other.role)):
        raise PermissionDenied(gettext("Only an owner can change or remove an owner."))


def folders_for(member: Member) -> QuerySet[Folder]:
    """Return the folders of the member's workspace that they see, by name."""
    return folders_in_sight(member).order_by(Lower("name"), "pk")


def documents_for(member: Member) -> QuerySet[Document]:
    """Return the documents that the member sees, newest first; the files of repositories are not among them."""
    return searched_for(member).filter(repository=None).order_by("-uploaded_at", "-pk")


def searched_for(member: Member) -> QuerySet[Document]:
    """Return all that search and questions across the member's workspace look through, files of repositories too."""
    return Document.objects.filter(in_sight(member), workspace_id=member.workspace_id)


def named_for(member: Member) -> QuerySet[Document] | None:
    """Return the documents that figures of the workspace may name to the member, None for all that there ever were."""
    return None if member.sees_all else searched_for(member)


def repositories_for(member: Member) -> QuerySet[Repository]:
    """Return the repositories that the member sees with their current snapshots, newest first."""
    rows = Repository.objects.filter(in_sight(member), workspace_id=member.workspace_id).select_related("snapshot")
    return rows.order_by("-added_at", "-pk")


def questions_for(member: Member) -> QuerySet[Question]:
    """Return the questions and summaries that the member sees, newest first."""
    rows = Question.objects.filter(questions_in_sight(member), workspace_id=member.workspace_id)
    return rows.order_by("-created_at", "-pk")


def comments_for(member: Member) -> QuerySet[Comment]:
    """Return the comments on what the member sees, newest first."""
    questions = questions_for(member).order_by()
    on = Q(document__in=searched_for(member)) | Q(question__in=questions) | Q(answer__question__in=questions)
    return Comment.objects.filter(on, workspace_id=member.workspace_id).order_by("-created_at", "-pk")


def notifications_for(places: Iterable[Member]) -> QuerySet[Notification]:
    """Return what a person was told of and may still see, newest first. places: theirs, as `memberships_for` has them.

    Asked row by row whether its document or question is in sight: there are few of these, and many of those.
    """
    rows, seen, user_id = Notification.objects.none(), Q(pk__in=()), None
    for place in places:
        user_id = place.user_id
        document = Q(document=None) | Q(Exists(searched_for(place).filter(pk=OuterRef("document"))))
        question = Q(question=None) | Q(Exists(questions_for(place).order_by().filter(pk=OuterRef("question"))))
        seen |= Q(workspace=place.workspace_id) & document & question
    if user_id is not None:
        rows = Notification.objects.filter(seen, user=user_id)
    about = "workspace", "actor", "question", "document", "comment__document", "comment__answer", "comment__parent"
    return rows.select_related(*about).order_by("-created_at", "-pk")


def get_folder_or_404(who: User | Viewer, folder_id: int, *, role: Role = Role.VIEWER) -> Folder:
    """Return the folder with its workspace; raises as `member_or_404`."""
    place = _place(who, Folder.objects.filter(pk=folder_id).values("workspace"))
    return _let_in(who, place, folders_for(place).select_related("workspace").filter(pk=folder_id), role)


def get_document_or_404(who: User | Viewer, document_id: UUID, *, role: Role = Role.VIEWER) -> Document:
    """Return the document with its workspace and current version; raises as `member_or_404`."""
    place = _place(who, Document.objects.filter(pk=document_id).values("workspace"))
    rows = searched_for(place).select_related("workspace", "version")
    return _let_in(who, place, rows.filter(pk=document_id), role)


def get_repository_or_404(who: User | Viewer, repository_id: UUID, *, role: Role = Role.VIEWER) -> Repository:
    """Return the repository with its workspace and current snapshot; raises as `member_or_404`."""
    place = _place(who, Repository.objects.filter(pk=repository_id).values("workspace"))
    rows = repositories_for(place).select_related("workspace", "snapshot")
    return _let_in(who, place, rows.filter(pk=repository_id), role)


def get_question_or_404(who: User | Viewer, question_id: UUID, *, role: Role = Role.VIEWER) -> Question:
    """Return the question with its workspace; raises as `member_or_404`."""
    place = _place(who, Question.objects.filter(pk=question_id).values("workspace"))
    rows = questions_for(place).select_related("workspace", "asker")
    return _let_in(who, place, rows.filter(pk=question_id), role)


def get_answer_or_404(who: User | Viewer, answer_id: UUID, *, role: Role = Role.VIEWER) -> Answer:
    """Return the answer with its question and workspace; raises as `member_or_404`."""
    place = _place(who, Answer.objects.filter(pk=answer_id).values("question__workspace"))
    rows = Answer.objects.filter(pk=answer_id, question__in=questions_for(place).order_by())
    about = "question__workspace", "question__asker", "approved_by"
    return _let_in(who, place, rows.select_related(*about), role)


def get_comment_or_404(who: User | Viewer, comment_id: UUID, *, role: Role = Role.VIEWER) -> Comment:
    """Return the comment with what it is on and its workspace; raises as `member_or_404`."""
    place = _place(who, Comment.objects.filter(pk=comment_id).values("workspace"))
    on = "document__version", "question", "answer__question", "parent", "author", "assignee", "workspace"
    return _let_in(who, place, comments_for(place).select_related(*on).filter(pk=comment_id), role)


def require_no_wider(member: Member, rows: Iterable[Document | Repository], folder: Folder | None) -> None:
    """Return when the member may move the rows into `folder`, None for the top; raises PermissionDenied.

    Only who sees every folder may put what a closed one keeps to where it is seen by others.
    """
    if member.sees_all:
        return
    others = set(FolderSight.objects.filter(folder=folder).values_list("member", flat=True)) if folder else set()
    for closed in Folder.objects.filter(pk__in={row.folder_id for row in rows}, closed=True):
        inside = set(closed.sights.values_list("member", flat=True))
        if folder is None or not folder.closed or others - inside:
            raise PermissionDenied(
                gettext("Only an admin can move something out of “%(closed)s” to where others see it.")
                % {"closed": closed}
            )


# What a stream is of, by name, with what a member sees of it.
SEEN: dict[str, Callable[[Member], QuerySet[Any]]] = {
    "answer": lambda member: Answer.objects.filter(question__in=questions_for(member).order_by()),
    "document": searched_for,
    "repository": repositories_for,
}
Watched = tuple[int, int, str, UUID]


def still_seen(watched: Collection[Watched]) -> dict[Watched, bool]:
    """Return True for each (user id, workspace id, name of `SEEN`, id) that the person (still) sees."""
    let_in = still_members({(user_id, workspace_id) for user_id, workspace_id, _, _ in watched})
    rows = Member.objects.filter(user__in={place[0] for place in let_in}, workspace__in={place[1] for place in let_in})
    members = {(member.user_id, member.workspace_id): member for member in rows}
    asked: dict[tuple[int, int, str], set[UUID]] = defaultdict(set)
    for user_id, workspace_id, kind, row_id in watched:
        if (user_id, workspace_id) in let_in:
            asked[user_id, workspace_id, kind].add(row_id)
    return {
        (user_id, workspace_id, kind, row_id): True
        for (user_id, workspace_id, kind), ids in asked.items()
        for row_id in SEEN[kind](members[user_id, workspace_id]).filter(pk__in=ids).values_list("pk", flat=True)
    }


def sees(who: User | Viewer, get: Callable[..., Model], pk: UUID) -> bool:
    """Return whether `get` (one of the above) still finds the row; a stream asks at every heartbeat."""
    try:
        get(who, pk)
    except Http404:
        return False
    return True


def _place(who: User | Viewer, workspace: QuerySet[Any, Any]) -> Member:
    """Return the person's place in the workspace that the query leads to; raises Http404 where there is none."""
    place = memberships_for(who).order_by().filter(workspace__in=workspace).first()
    if place is None:
        raise Http404
    return place


def _let_in(who: User | Viewer, place: Member, rows: QuerySet[Row], role: Role) -> Row:
    """Return the one row of `rows`, whose workspace is what this request handles from here on."""
    row = rows.first()
    if row is None:
        raise Http404
    _allowed(place, role, _viewer(who))
    return row
