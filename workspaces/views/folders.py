"""The folders of a workspace: what there is, one folder's place and name, and who sees it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from analysis.errors import UserError
from analysis.views.forms import chosen_folder
from analysis.views.place import folders_by_path, place_url
from workspaces import folders as recipes
from workspaces.access import enter, get_folder_or_404, members_for, person
from workspaces.models import Folder, Member, Role
from workspaces.sight import require_folder_for


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def folders(request: HttpRequest, slug: str) -> HttpResponse:
    """List the folders that the member sees; on POST make one, and go there."""
    if request.method != "POST":
        return _folders_page(request, enter(request, slug))
    member = enter(request, slug, role=Role.EDITOR)
    parent = chosen_folder(request.POST, member)
    require_folder_for(member, parent)
    try:
        made = recipes.folder_create(
            workspace=member.workspace, name=request.POST.get("name", ""), parent=parent, by=member.user
        )
    except UserError as error:
        return _folders_page(request, member, error)
    return redirect(place_url(slug, made))


def _folders_page(request: HttpRequest, member: Member, error: UserError | None = None) -> HttpResponse:
    context = {"workspace": member.workspace, "member": member, "shelves": folders_by_path(member), "error": error}
    return render(request, "workspaces/folders.html", context, status=error.status if error else 200)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def folder(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Show a folder's name, place and list of people; on POST give it another name, and an admin another place."""
    role = Role.EDITOR if request.method == "POST" else Role.VIEWER
    found, member = _let_in(request, folder_id, role)
    if request.method != "POST":
        return _folder_page(request, found, member)
    try:
        recipes.folder_rename(found, request.POST.get("name", ""))
        if "folder" in request.POST and member.may(Role.ADMIN):
            recipes.folder_move(found, chosen_folder(request.POST, member))
    except UserError as error:
        found.refresh_from_db()
        return _folder_page(request, found, member, error)
    messages.success(request, _("The folder is saved."))
    return redirect("folder", folder_id=found.pk)


@login_required
@require_POST
def folder_people(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Set who sees a folder: everyone in the workspace, or the people who are ticked."""
    found, member = _let_in(request, folder_id, Role.ADMIN)
    ticked = {given for given in request.POST.getlist("member") if given.isdecimal() and len(given) < 19}
    people = [each for each in members_for(member) if str(each.pk) in ticked]
    recipes.folder_restrict(found, restricted=request.POST.get("restricted") == "yes", members=people)
    messages.success(request, _("Who sees the folder is saved and holds from now on."))
    return redirect("folder", folder_id=found.pk)


@login_required
@require_POST
def folder_delete(request: HttpRequest, folder_id: int) -> HttpResponse:
    """Delete an empty folder."""
    found, member = _let_in(request, folder_id, Role.EDITOR)
    try:
        recipes.folder_delete(found)
    except UserError as error:
        return _folder_page(request, found, member, error)
    return redirect(place_url(member.workspace.slug, found.parent))


def _let_in(request: HttpRequest, folder_id: int, role: Role) -> tuple[Folder, Member]:
    found = get_folder_or_404(person(request), folder_id, role=role)
    return found, enter(request, found.workspace.slug)


def _folder_page(request: HttpRequest, found: Folder, member: Member, error: UserError | None = None) -> HttpResponse:
    granted = set(found.grants.values_list("member", flat=True))
    people = list(members_for(member))
    shelves = folders_by_path(member)
    context = {
        "workspace": member.workspace,
        "member": member,
        "folder": found,
        "may_edit": member.may(Role.EDITOR),
        "shelf": next(shelf for shelf in shelves if shelf.folder == found),
        "places": [shelf for shelf in shelves if found not in (*shelf.path, shelf.folder)],
        "listed": [(each, each.pk in granted) for each in people if not each.sees_all and not each.guest],
        "guests": [(each, each.pk in granted) for each in people if each.guest],
        "always": [each for each in people if each.sees_all],
        "error": error,
    }
    return render(request, "workspaces/folder.html", context, status=error.status if error else 200)
