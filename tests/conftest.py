"""The cast and the engines that every test shares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from analysis.progress import connection
from workspaces.models import Member, Role, User, Workspace


@dataclass(frozen=True)
class Cast:
    """One workspace and four people: three in it, one outside with a workspace of her own."""

    workspace: Workspace
    owner: User
    editor: User
    viewer: User
    outsider: User


@pytest.fixture
def cast(db: None) -> Cast:
    workspace = Workspace.objects.create(slug="firm", name="The Firm")
    people = {role: User.objects.create_user(f"{role}@firm.example", "correct horse battery") for role in Role.values}
    for role, user in people.items():
        Member.objects.create(workspace=workspace, user=user, role=role)
    outsider = User.objects.create_user("outsider@elsewhere.example", "correct horse battery")
    own = Workspace.objects.create(slug="elsewhere", name="Elsewhere")
    Member.objects.create(workspace=own, user=outsider, role=Role.OWNER)
    return Cast(workspace, people["owner"], people["editor"], people["viewer"], outsider)


@pytest.fixture(autouse=True)
def clean_redis() -> Iterator[None]:
    """Leave no stream, lock or queued task to the next test."""
    yield
    connection().flushdb()
