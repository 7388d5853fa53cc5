from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from tests.conftest import Cast
from workspaces.models import ApiToken, Member, User, Workspace


def token(*arguments: str) -> str:
    out = io.StringIO()
    call_command("token", *arguments, stdout=out)
    return out.getvalue()


def workspaces_of(printed: str) -> list[dict[str, str]]:
    headers = {"Authorization": f"Bearer {printed.strip()}"}
    return Client().get("/api/v1/workspaces", headers=headers).json()


@pytest.mark.django_db
def test_a_stranger_gets_an_account_a_workspace_and_a_token_that_works() -> None:
    printed = token("Ada@Firm.example", "--workspace", "deal-room")
    assert printed.startswith("lectern_")
    assert printed.count("\n") == 1
    assert workspaces_of(printed) == [{"slug": "deal-room", "name": "Deal Room", "role": "owner"}]
    assert not User.objects.get(email="ada@firm.example").has_usable_password()


@pytest.mark.django_db
def test_without_a_workspace_the_token_opens_everything_of_the_person() -> None:
    [place] = workspaces_of(token("ada@firm.example"))
    assert (place["name"], place["role"]) == ("ada's workspace", "owner")
    again = workspaces_of(token("ada@firm.example"))
    assert again == [place]
    assert ApiToken.objects.count() == 2


def test_someone_new_joins_an_existing_workspace_as_an_editor(cast: Cast) -> None:
    assert workspaces_of(token("new@firm.example", "--workspace", "firm"))[0]["role"] == "editor"
    assert workspaces_of(token("late@firm.example", "--workspace", "firm", "--role", "viewer"))[0]["role"] == "viewer"


def test_a_members_role_is_never_changed(cast: Cast) -> None:
    token("viewer@firm.example", "--workspace", "firm", "--role", "owner")
    assert Member.objects.get(user=cast.viewer).role == "viewer"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "'nobody' is not an e-mail address."),
        (
            ["a@b.example", "--workspace", "Deal Room"],
            "A workspace's slug is lower-case letters, digits and hyphens; try 'deal-room'.",
        ),
    ],
)
def test_what_cannot_be_is_said_and_leaves_nothing(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match="^" + message.replace("(", r"\(") + "$"):
        token(*arguments)
    assert not User.objects.exists()
    assert not Workspace.objects.exists()
