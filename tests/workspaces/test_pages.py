"""The pages of a workspace: settings, members, invites, tokens, and where a page is."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from tests.workspaces.test_accounts import sign_in, words
from workspaces.context import Here, workspaces
from workspaces.models import ApiToken, Invite, Member, Role, User, Workspace, digest

pytestmark = pytest.mark.django_db


@pytest.fixture
def signed_in():
    """Return a function that returns a client on which a person is signed in."""

    def client_of(user: User) -> Client:
        client = Client()
        sign_in(client, user.email)
        return client

    return client_of


class TestHome:
    def test_the_last_visited_else_the_personal(self, cast, signed_in):
        client = signed_in(cast.viewer)
        assert client.get("/")["Location"] == "/w/firm/"
        own = Workspace.objects.create(slug="own", name="Own", personal=True)
        Member.objects.create(workspace=own, user=cast.viewer, role=Role.OWNER)
        assert client.get("/")["Location"] == "/w/own/"
        client.get(reverse("members", args=["firm"]))
        assert client.get("/")["Location"] == "/w/firm/"
        Member.objects.filter(workspace=cast.workspace, user=cast.viewer).delete()
        assert client.get("/")["Location"] == "/w/own/"

    def test_signed_out(self, client):
        assert client.get("/")["Location"] == "/accounts/login/?next=/"


class TestCreateAndRename:
    def test_create(self, cast, signed_in):
        client = signed_in(cast.viewer)
        assert client.get(reverse("workspace_create")).status_code == 200
        assert client.post(reverse("workspace_create"), {"name": "Projekt Öl"})["Location"] == "/w/projekt-ol/"
        assert Workspace.objects.get(slug="projekt-ol").members.get().role == Role.OWNER

    @pytest.mark.parametrize("name", ["", "   ", "x" * 121])
    def test_a_name_is_needed(self, cast, signed_in, name):
        assert signed_in(cast.viewer).post(reverse("workspace_create"), {"name": name}).status_code == 422
        assert Workspace.objects.count() == 2

    def test_rename_keeps_the_address(self, cast, signed_in):
        client = signed_in(cast.owner)
        reply = client.post(reverse("workspace_settings", args=["firm"]), {"name": "<b>New</b>"})
        assert reply["Location"] == "/w/firm/settings/"
        assert Workspace.objects.get(slug="firm").name == "<b>New</b>"
        assert "<b>New</b>" not in client.get(reply["Location"]).content.decode()
        assert client.post(reply["Location"], {"name": ""}).status_code == 422

    def test_an_owner_says_whether_reasoning_is_kept(self, cast, signed_in):
        client = signed_in(cast.owner)
        settings_page = reverse("workspace_settings", args=["firm"])
        assert re.search('name="keep_reasoning"[^>]* checked', client.get(settings_page).content.decode())
        client.post(settings_page, {"name": "The Firm"})
        assert Workspace.objects.get(slug="firm").keep_reasoning is False
        client.post(settings_page, {"name": "The Firm", "keep_reasoning": "on"})
        assert Workspace.objects.get(slug="firm").keep_reasoning is True


class TestWhoMay:
    """Who is below an owner reads the pages and gets 403 for the rest."""

    def writes(self, cast):
        place = Member.objects.get(workspace=cast.workspace, user=cast.viewer)
        invite = Invite.objects.create(workspace=cast.workspace, created_by=cast.owner, token_digest="0" * 64)
        return [
            (reverse("workspace_settings", args=["firm"]), {"name": "Mine"}),
            (reverse("workspace_delete", args=["firm"]), {"name": "The Firm"}),
            (reverse("member_role", args=["firm", place.pk]), {"role": "owner"}),
            (reverse("member_remove", args=["firm", place.pk]), {}),
            (reverse("invite_create", args=["firm"]), {"role": "owner"}),
            (reverse("invite_revoke", args=["firm", invite.pk]), {}),
        ]

    @pytest.mark.parametrize(("who", "code"), [("viewer", 403), ("editor", 403), ("outsider", 404)])
    def test_only_admins_write(self, cast, signed_in, who, code):
        client = signed_in(getattr(cast, who))
        before = list(Member.objects.order_by("pk").values_list())
        assert [client.post(path, data).status_code for path, data in self.writes(cast)] == [code] * 6
        assert list(Member.objects.order_by("pk").values_list()) == before
        assert Invite.objects.count() == 1
        assert Workspace.objects.get(slug="firm").name == "The Firm"

    @pytest.mark.parametrize("who", ["viewer", "editor"])
    def test_members_read(self, cast, signed_in, who):
        client = signed_in(getattr(cast, who))
        page = words(client.get(reverse("members", args=["firm"])))
        assert all(f"{role}@firm.example" in page for role in Role.values)
        assert "Open invitations" not in page
        assert "Remove" not in page
        settings_page = words(client.get(reverse("workspace_settings", args=["firm"])))
        assert f"Your role here: {who}" in settings_page
        assert "Delete workspace" not in settings_page

    def test_an_admin_manages_all_but_owners(self, cast, signed_in):
        client = signed_in(cast.admin)
        path = reverse("members", args=["firm"])
        owner = Member.objects.get(workspace=cast.workspace, user=cast.owner)
        editor = Member.objects.get(workspace=cast.workspace, user=cast.editor)
        page = client.get(path).content.decode()
        assert reverse("member_role", args=["firm", editor.pk]) in page
        assert reverse("member_role", args=["firm", owner.pk]) not in page
        assert '<option value="owner"' not in page
        assert client.post(reverse("member_role", args=["firm", owner.pk]), {"role": "viewer"}).status_code == 403
        assert client.post(reverse("member_remove", args=["firm", owner.pk])).status_code == 403
        assert client.post(reverse("member_role", args=["firm", editor.pk]), {"role": "owner"}).status_code == 422
        assert client.post(reverse("invite_create", args=["firm"]), {"role": "owner"}).status_code == 422
        assert client.post(reverse("workspace_delete", args=["firm"]), {"name": "The Firm"}).status_code == 403
        client.post(reverse("member_role", args=["firm", editor.pk]), {"role": "admin"})
        places = Member.objects.filter(workspace=cast.workspace).order_by("user__email")
        assert list(places.values_list("user__email", "role")) == [
            ("admin@firm.example", "admin"),
            ("editor@firm.example", "admin"),
            ("owner@firm.example", "owner"),
            ("reviewer@firm.example", "reviewer"),
            ("viewer@firm.example", "viewer"),
        ]

    def test_another_workspaces_people_and_invites_are_not_found(self, cast, signed_in):
        client = signed_in(cast.owner)
        elsewhere = Workspace.objects.get(slug="elsewhere")
        theirs = Member.objects.get(workspace=elsewhere)
        invite = Invite.objects.create(workspace=elsewhere, created_by=cast.outsider, token_digest="1" * 64)
        for name, pk in [("member_role", theirs.pk), ("member_remove", theirs.pk), ("invite_revoke", invite.pk)]:
            assert client.post(reverse(name, args=["firm", pk]), {"role": "viewer"}).status_code == 404
        assert Member.objects.get(pk=theirs.pk).role == Role.OWNER
        assert Invite.objects.filter(pk=invite.pk).exists()

    def test_get_changes_nothing(self, cast, signed_in):
        client = signed_in(cast.owner)
        for path, _ in self.writes(cast)[2:]:
            assert client.get(path).status_code == 405
        assert client.get(reverse("workspace_leave", args=["firm"])).status_code == 405

    def test_csrf(self, cast):
        client = Client(enforce_csrf_checks=True)
        client.force_login(cast.owner)
        assert [client.post(path, data).status_code for path, data in self.writes(cast)] == [403] * 6


class TestMembers:
    def place(self, cast, role):
        return Member.objects.get(workspace=cast.workspace, user=getattr(cast, role))

    def test_role_change(self, cast, signed_in):
        client = signed_in(cast.owner)
        place = self.place(cast, "viewer")
        client.post(reverse("member_role", args=["firm", place.pk]), {"role": "editor"})
        assert self.place(cast, "viewer").role == Role.EDITOR
        assert client.post(reverse("member_role", args=["firm", place.pk]), {"role": "king"}).status_code == 422
        assert self.place(cast, "viewer").role == Role.EDITOR

    def test_removal_holds_from_the_next_request_on(self, cast, signed_in):
        theirs = signed_in(cast.editor)
        assert theirs.get(reverse("members", args=["firm"])).status_code == 200
        signed_in(cast.owner).post(reverse("member_remove", args=["firm", self.place(cast, "editor").pk]))
        assert theirs.get(reverse("members", args=["firm"])).status_code == 404

    @pytest.mark.parametrize("change", ["member_role", "member_remove", "workspace_leave"])
    def test_the_last_owner_stays(self, cast, signed_in, change):
        args = ["firm"] if change == "workspace_leave" else ["firm", self.place(cast, "owner").pk]
        reply = signed_in(cast.owner).post(reverse(change, args=args), {"role": "viewer"})
        assert reply.status_code == 409
        assert "A workspace needs an owner. Make someone else an owner first." in words(reply)
        assert self.place(cast, "owner").role == Role.OWNER

    def test_leave(self, cast, signed_in):
        assert signed_in(cast.viewer).post(reverse("workspace_leave", args=["firm"]))["Location"] == "/"
        assert not Member.objects.filter(workspace=cast.workspace, user=cast.viewer).exists()

    def test_the_list_takes_as_many_queries_for_40_as_for_3(self, cast, signed_in):
        client = signed_in(cast.owner)
        Invite.objects.create(workspace=cast.workspace, created_by=cast.owner, token_digest="0" * 64)
        few = self.queries(client)
        for number in range(40):
            user = User.objects.create_user(f"person{number}@firm.example")
            Member.objects.create(workspace=cast.workspace, user=user)
            Invite.objects.create(workspace=cast.workspace, created_by=user, token_digest=str(number))
            extra = Workspace.objects.create(slug=f"extra{number}", name=f"Extra {number}")
            Member.objects.create(workspace=extra, user=cast.owner, role=Role.OWNER)
        assert self.queries(client) == few

    def queries(self, client) -> int:
        path = reverse("members", args=["firm"])
        client.get(path)  # the first visit writes the session
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)


class TestInvites:
    def make(self, client, role="editor") -> tuple[str, str]:
        reply = client.post(reverse("invite_create", args=["firm"]), {"role": role})
        link = re.search(r'value="http://testserver(/invites/([^/]+)/)"', reply.content.decode())
        assert "no-store" in reply["Cache-Control"]
        return link[1], link[2]

    def test_link_is_shown_once_and_kept_as_a_digest(self, cast, signed_in):
        client = signed_in(cast.owner)
        _, token = self.make(client)
        assert Invite.objects.get().token_digest == digest(token)
        assert token not in client.get(reverse("members", args=["firm"])).content.decode()

    def test_link_under_the_public_address(self, cast, signed_in, settings):
        settings.PUBLIC_URL = "https://lectern.firm.example"
        reply = signed_in(cast.owner).post(reverse("invite_create", args=["firm"]), {"role": "viewer"})
        assert 'value="https://lectern.firm.example/invites/' in reply.content.decode()

    def test_joining(self, cast, signed_in):
        link, _ = self.make(signed_in(cast.owner))
        client = signed_in(cast.outsider)
        page = words(client.get(link))
        assert "owner@firm.example invites you into the workspace The Firm as editor" in page
        assert not Member.objects.filter(workspace=cast.workspace, user=cast.outsider).exists()
        assert client.post(link)["Location"] == "/w/firm/"
        assert Member.objects.get(workspace=cast.workspace, user=cast.outsider).role == Role.EDITOR
        assert client.get(link)["Location"] == "/w/firm/"
        assert client.get("/")["Location"] == "/w/firm/"

    def test_a_stranger_signs_up_comes_back_and_joins(self, cast, signed_in, client):
        link, _ = self.make(signed_in(cast.owner), "viewer")
        page = client.get(link)
        signup = re.search(r'href="(/accounts/signup/\?next=[^"]+)"', page.content.decode())[1]
        form = client.get(signup).content.decode()
        back = re.search(r'name="next" value="([^"]+)"', form)[1]
        data = {"email": "fresh@elsewhere.example", "password1": "correct horse battery", "next": back}
        assert client.post(reverse("account_signup"), data)["Location"] == link
        client.post(link)
        fresh = User.objects.get(email="fresh@elsewhere.example")
        assert sorted(fresh.memberships.values_list("role", "workspace__personal")) == [
            ("owner", True),
            ("viewer", False),
        ]

    def test_a_visitor_cannot_join_without_signing_in(self, cast, signed_in, client):
        link, _ = self.make(signed_in(cast.owner))
        assert "Create an account" in words(client.post(link))
        assert cast.workspace.members.count() == 5

    def test_revoked(self, cast, signed_in):
        owner = signed_in(cast.owner)
        link, _ = self.make(owner)
        owner.post(reverse("invite_revoke", args=["firm", Invite.objects.get().pk]))
        reply = signed_in(cast.outsider).post(link)
        assert reply.status_code == 404
        assert "This invitation does not work" in words(reply)
        assert cast.workspace.members.count() == 5

    def test_expired(self, cast, signed_in):
        link, _ = self.make(signed_in(cast.owner))
        Invite.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        assert signed_in(cast.outsider).get(link).status_code == 404
        assert signed_in(cast.outsider).post(link).status_code == 404
        assert cast.workspace.members.count() == 5

    def test_made_up(self, cast, client):
        assert client.get("/invites/made-up/").status_code == 404


class TestTokens:
    def test_shown_once_and_kept_as_a_digest(self, cast, signed_in):
        client = signed_in(cast.editor)
        reply = client.post(
            reverse("api_tokens"), {"name": "nightly", "workspace": cast.workspace.pk, "scope": "read", "days": "30"}
        )
        secret = re.search(r'value="(lectern_[^"]+)"', reply.content.decode())[1]
        token = ApiToken.objects.get()
        assert (token.user, token.workspace, token.name) == (cast.editor, cast.workspace, "nightly")
        assert token.token_digest == digest(secret)
        assert (token.scope, round((token.expires_at - timezone.now()) / timedelta(days=1))) == ("read", 30)
        assert "no-store" in reply["Cache-Control"]
        page = client.get(reverse("api_tokens"))
        assert secret not in page.content.decode()
        assert "nightly The Firm" in words(page)
        assert "never used" in words(page)

    def test_not_for_a_workspace_one_is_not_in(self, cast, signed_in):
        reply = signed_in(cast.outsider).post(
            reverse("api_tokens"), {"name": "x", "workspace": cast.workspace.pk, "scope": "read"}
        )
        assert reply.status_code == 422
        assert not ApiToken.objects.exists()

    def test_revoked_by_its_person_only(self, cast, signed_in):
        token, _ = ApiToken.issue(user=cast.editor, name="script")
        path = reverse("api_token_revoke", args=[token.pk])
        assert signed_in(cast.owner).post(path).status_code == 404
        assert ApiToken.objects.exists()
        assert signed_in(cast.editor).post(path)["Location"] == reverse("api_tokens")
        assert not ApiToken.objects.exists()


class TestHere:
    def request(self, user, **attributes):
        request = RequestFactory().get("/")
        request.user, request.resolver_match = user, None
        for name, value in attributes.items():
            setattr(request, name, value)
        return request

    def test_the_workspace_a_view_has_set(self, cast):
        here = Here(self.request(cast.editor, workspace=cast.workspace))
        assert (here.workspace, here.role, here.may_edit) == (cast.workspace, "editor", True)

    def test_nowhere(self, cast):
        here = Here(self.request(cast.viewer))
        assert (here.workspace, here.member, here.role, here.may_edit) == (None, None, "", False)
        assert [place.workspace for place in here.memberships] == [cast.workspace]

    def test_somebody_elses_workspace_is_not_here(self, cast):
        assert Here(self.request(cast.outsider, workspace=cast.workspace)).workspace is None

    def test_nothing_for_visitors(self):
        from django.contrib.auth.models import AnonymousUser

        assert workspaces(self.request(AnonymousUser())) == {}

    def test_one_query_when_asked_and_none_when_not(self, cast, django_assert_num_queries):
        for number in range(20):
            extra = Workspace.objects.create(slug=f"extra{number}", name=f"Extra {number}")
            Member.objects.create(workspace=extra, user=cast.editor, role=Role.OWNER)
        request = self.request(cast.editor, workspace=cast.workspace)
        switcher = "{% for place in here.memberships %}{{ place.workspace.name }},{% endfor %}"
        template = Template(f"{switcher}{{{{ here.workspace.name }}}} {{{{ here.role }}}} {{{{ here.may_edit }}}}")
        with django_assert_num_queries(0):
            context = Context(workspaces(request))
        with django_assert_num_queries(1):
            assert template.render(context).endswith(",The Firm editor True")


def test_pages_stay_within_the_content_security_policy(cast, signed_in):
    client = signed_in(cast.owner)
    paths = [
        *(reverse(name) for name in ("account_settings", "api_tokens", "account_email", "account_change_password")),
        *(reverse(name) for name in ("usersessions_list", "account_logout", "workspace_create", "mfa_index")),
        *(reverse(name) for name in ("mfa_activate_totp", "mfa_add_webauthn", "mfa_list_webauthn")),
        *(reverse(name, args=["firm"]) for name in ("workspace_settings", "members", "workspace_delete")),
    ]
    open_paths = [reverse(name) for name in ("account_login", "account_signup", "account_reset_password")]
    for page in [*map(client.get, paths), *map(Client().get, open_paths)]:
        assert page.status_code == 200
        assert "script-src 'self'" in page["Content-Security-Policy"]
        html = page.content.decode()
        # Data in a script element of another type than a script's is not run.
        script = r"<script(?![^>]*\b(src=|type=.application/json))"
        assert not re.search(rf"{script}|<style|\sstyle=|\son[a-z]+=|javascript:", html)
