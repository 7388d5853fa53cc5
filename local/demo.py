"""The first person and their workspace, so that a fresh Lectern opens on something to read."""

from __future__ import annotations

from django.core.files import File
from django.db import transaction

from local.samples import sample_paths

EMAIL = "demo@lectern.local"
NAME = "Demo"


@transaction.atomic
def demo_create() -> str:
    """Return the demo person's sign-in token, "" where there is no such person; made if nobody is here yet.

    Only an empty database gets the demo: what people have deleted does not come back, and a team's own database is
    left alone. The person has no password and signs in by the link that carries the token.
    """
    from workspaces.first_login import make_link_token
    from workspaces.models import User

    if not User.objects.exists():
        _fill()
    user = User.objects.filter(email=EMAIL, is_active=True).first()
    return make_link_token(user) if user else ""


def _fill() -> None:
    """Make the person, the workspace and its documents, through the same doors as anybody else's."""
    from analysis.ingest.upload import document_upload
    from workspaces.models import User
    from workspaces.recipes import workspace_create

    # Somebody must be able to add language models and people; who comes first to an empty house is its administrator.
    user = User.objects.create_superuser(EMAIL, None, first_name="Demo")
    workspace = workspace_create(owner=user, name=NAME)
    for path in sample_paths():
        with path.open("rb") as file:
            document_upload(workspace=workspace, user=user, name=path.name, file=File(file, path.name))
