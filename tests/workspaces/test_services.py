"""Service accounts: what they may, that nobody signs in as one, and what goes with them."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client

from analysis.errors import UserError
from tests.api.conftest import Caller
from tests.conftest import Cast
from workspaces.access import viewer_for
from workspaces.models import ApiToken, AuditEvent, Member, Role, Scope, User
from workspaces.policy import policy_change
from workspaces.recipes import member_set_role
from workspaces.services import service_create, service_delete, service_token


@pytest.fixture
def service(cast: Cast) -> Member:
    return service_create(workspace=cast.workspace, name="Nightly import", role=Role.EDITOR)


def token_of(service: Member, scope: Scope = Scope.WRITE) -> str:
    return service_token(service, name="cron", scope=scope, days=30)[1]


def ask(token: str, path: str) -> int:
    return Client().get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"}).status_code


def test_its_token_opens_its_workspace_as_far_as_its_role(service: Member, cast: Cast) -> None:
    token = token_of(service)
    row = ApiToken.objects.get(user=service.user)
    assert (viewer_for(row).workspace_id, row.scope, row.expires_at is None) == (cast.workspace.pk, "write", False)
    assert [ask(token, "/workspaces/firm/documents"), ask(token, "/workspaces/firm/hooks")] == [200, 403]
    assert ask(token, "/workspaces/elsewhere/documents") == 404


def test_it_is_let_in_whatever_addresses_the_policy_lets_in(service: Member, cast: Cast) -> None:
    policy_change(cast.workspace, sign_in_domains=["firm.example"])
    assert ask(token_of(service), "/workspaces/firm/documents") == 200


def test_nobody_signs_in_as_one_or_mails_it(service: Member) -> None:
    service.user.set_password("correct horse battery")
    service.user.save()
    browser = Client()
    browser.post("/accounts/login/", {"login": service.user.email, "password": "correct horse battery"})
    assert "_auth_user_id" not in browser.session
    browser.post("/accounts/password/reset/", {"email": service.user.email})
    assert mail.outbox == []


def test_it_is_an_editor_at_most(service: Member, cast: Cast) -> None:
    with pytest.raises(UserError, match="editor at most"):
        member_set_role(service, Role.ADMIN)
    with pytest.raises(ValueError, match="editor at most"):
        service_create(workspace=cast.workspace, name="Boss", role=Role.OWNER)


def test_what_it_does_is_its_own_in_the_audit_log(service: Member) -> None:
    caller = Caller(service.user, service.workspace)
    caller.post("/workspaces/firm/repositories", {"url": "https://code.example/shop"})
    added = AuditEvent.objects.get(action="repository.added")
    assert (added.actor, added.via, added.token_id) == (service.user.email, "api", caller.row.pk)


def test_it_goes_with_its_place_or_its_workspace(service: Member, cast: Cast) -> None:
    token = token_of(service)
    service_delete(service)
    assert not User.objects.filter(service_of=cast.workspace).exists()
    assert ask(token, "/workspaces") == 401
    service_create(workspace=cast.workspace, name="Other", role=Role.VIEWER)
    cast.workspace.delete()
    assert not User.objects.exclude(service_of=None).exists()


def test_the_page_makes_them_and_their_tokens(cast: Cast) -> None:
    admin = Client()
    admin.force_login(cast.admin)
    admin.post("/w/firm/services/", {"name": "Nightly import", "role": "reviewer"})
    place = Member.objects.get(user__service_of=cast.workspace)
    assert (place.role, place.user.first_name) == ("reviewer", "Nightly import")
    page = admin.post(
        f"/w/firm/services/{place.pk}/tokens/", {"name": "cron", "scope": "read", "days": "90"}
    ).content.decode()
    token = page.split('id="secret" type="text" readonly value="')[1].split('"')[0]
    assert ask(token, "/workspaces") == 200
    row = ApiToken.objects.get(user=place.user)
    assert admin.post(f"/w/firm/services/tokens/{row.pk}/revoke/").status_code == 302
    assert ask(token, "/workspaces") == 401
    others = ApiToken.issue(user=cast.owner, name="mine")[0]
    assert admin.post(f"/w/firm/services/tokens/{others.pk}/revoke/").status_code == 404
    assert admin.post(f"/w/firm/services/{cast.workspace.members.get(user=cast.viewer).pk}/delete/").status_code == 404
    assert "Nightly import" in admin.get("/w/firm/members/").content.decode()
    admin.post(f"/w/firm/services/{place.pk}/delete/")
    assert not Member.objects.filter(pk=place.pk).exists()
