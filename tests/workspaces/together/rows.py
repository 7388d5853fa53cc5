"""Members and folders as the tests of working together need them."""

from __future__ import annotations

from tests.conftest import Cast
from workspaces.models import Folder, FolderSight, Member, Role, User


def place_of(cast: Cast, user: User) -> Member:
    """Return the person's place in the firm."""
    return Member.objects.select_related("user", "workspace").get(workspace=cast.workspace, user=user)


def join(cast: Cast, name: str, role: Role = Role.EDITOR, **more: object) -> Member:
    """Return the place of a new member."""
    user = User.objects.create_user(f"{name}@firm.example", "correct horse battery")
    return Member.objects.create(workspace=cast.workspace, user=user, role=role, **more)


def closed_folder(cast: Cast, *let_in: Member) -> Folder:
    """Return a folder that is closed to all but these, owners and admins."""
    folder = Folder.objects.create(workspace=cast.workspace, name="Closed", restricted=True, closed=True)
    FolderSight.objects.bulk_create(FolderSight(folder=folder, member=member) for member in let_in)
    return folder
