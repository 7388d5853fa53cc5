"""Invitations by e-mail, for one address, and of guests into folders."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from analysis.errors import UserError
from tests.workspaces.test_accounts import PASSWORD, sign_in, words
from workspaces import access, inviting
from workspaces.folders import folder_create
from workspaces.models import AuditEvent, Invite, Member, Role, User
from workspaces.policy import policy_change

pytestmark = pytest.mark.django_db
INVITES = "/w/firm/invites/"


@pytest.fixture
def admin(cast) -> Client:
    sign_in(client := Client(), cast.admin.email)
    return client


def invite(admin: Client, **form: object) -> str:
    """Send an invitation, and return the path of the link in its message."""
    reply = admin.post(INVITES, {"role": "reviewer", "days": "7", **form})
    assert reply.status_code == 302, words(reply)
    return re.search(r"http://testserver(/invites/\S+)", mail.outbox[-1].body)[1]


class TestByMail:
    def test_the_message(self, cast, admin):
        link = invite(admin, email="New@Firm.example", note="For the Acme matter.")
        (message,) = mail.outbox
        assert (message.to, message.subject) == (["new@firm.example"], "Invitation to The Firm on Lectern")
        assert "admin@firm.example" in message.body
        assert "For the Acme matter." in message.body
        row = Invite.objects.get()
        assert (row.email, row.role, row.guest) == ("new@firm.example", "reviewer", False)
        page = admin.get(reverse("members", args=["firm"])).content.decode()
        assert "new@firm.example" in page
        assert link not in page

    def test_a_stranger_signs_up_and_has_the_address_confirmed_by_the_link(self, cast, admin, settings):
        settings.SIGNUP_OPEN = False
        link = invite(admin, email="new@firm.example")
        client = Client()
        assert client.get(reverse("account_signup")).status_code == 200  # which says that it is closed
        assert "Create an account" in words(client.get(link))
        form = {"email": "other@firm.example", "password1": PASSWORD, "next": link}
        assert "The invitation is for new@firm.example." in words(client.post(reverse("account_signup"), form))
        assert not User.objects.filter(email="other@firm.example").exists()
        sent = len(mail.outbox)
        assert client.post(reverse("account_signup"), form | {"email": "new@firm.example"})["Location"] == link
        assert len(mail.outbox) == sent  # no message to confirm it
        assert EmailAddress.objects.get(email="new@firm.example").verified
        assert client.post(link)["Location"] == "/w/firm/"
        place = Member.objects.get(workspace=cast.workspace, user__email="new@firm.example")
        assert (place.role, place.guest) == ("reviewer", False)
        assert not Invite.objects.exists()  # it is used up
        assert client.get(link).status_code == 404

    def test_nobody_else_accepts(self, cast, admin):
        link = invite(admin, email="new@firm.example")
        sign_in(client := Client(), cast.outsider.email)
        assert "This invitation is for new@firm.example" in words(client.get(link))
        reply = client.post(link)
        assert reply.status_code == 403
        assert not Member.objects.filter(workspace=cast.workspace, user=cast.outsider).exists()
        assert Invite.objects.exists()

    def test_an_address_that_another_has_confirmed_is_not_ones_own(self, cast):
        EmailAddress.objects.create(user=cast.viewer, email="new@firm.example", verified=True)
        EmailAddress.objects.create(user=cast.outsider, email="new@firm.example", verified=False)
        assert inviting.has_address(cast.viewer, "new@firm.example")
        assert not inviting.has_address(cast.outsider, "new@firm.example")

    def test_a_person_with_an_account_signs_in(self, cast, admin):
        link = invite(admin, email=cast.outsider.email)
        page = words(Client().get(link))
        assert "Sign in" in page
        assert "Create an account" not in page
        sign_in(client := Client(), cast.outsider.email)
        assert client.post(link)["Location"] == "/w/firm/"

    def test_sent_again_the_first_link_is_dead(self, cast, admin):
        first = invite(admin, email="new@firm.example")
        Invite.objects.update(expires_at=timezone.now() + timedelta(hours=1), created_at=timezone.now())
        admin.post(reverse("invite_resend", args=["firm", Invite.objects.get().pk]))
        second = re.search(r"http://testserver(/invites/\S+)", mail.outbox[-1].body)[1]
        assert Client().get(first).status_code == 404
        assert Client().get(second).status_code == 200
        assert Invite.objects.get().expires_at - timezone.now() > timedelta(minutes=59)

    def test_not_twice_nor_to_a_member(self, cast, admin):
        invite(admin, email="new@firm.example")
        for email, code in (("new@firm.example", 409), ("viewer@firm.example", 409), ("no address", 422)):
            assert admin.post(INVITES, {"role": "viewer", "email": email}).status_code == code
        assert len(mail.outbox) == 1

    def test_only_so_many_a_day(self, cast, admin, monkeypatch):
        monkeypatch.setattr("workspaces.invite_mail.SENT_BY_ONE_A_DAY", 2)
        for number in range(2):
            invite(admin, email=f"new{number}@firm.example")
        reply = admin.post(INVITES, {"role": "viewer", "email": "new2@firm.example"})
        assert reply.status_code == 429
        assert (Invite.objects.count(), len(mail.outbox)) == (2, 2)

    def test_a_server_that_refuses_is_quoted_and_nothing_is_left(self, cast, admin, monkeypatch):
        def refuse(*_: object, **__: object) -> None:
            raise OSError("relaying denied")

        monkeypatch.setattr("workspaces.invite_mail.send_mail", refuse)
        reply = admin.post(INVITES, {"role": "viewer", "email": "new@firm.example"})
        assert reply.status_code == 502
        assert "relaying denied" in words(reply)
        assert not Invite.objects.exists()


class TestDomains:
    def test_are_said_at_once(self, cast, admin):
        policy_change(cast.workspace, sign_in_domains=["firm.example"])
        reply = admin.post(INVITES, {"role": "viewer", "email": "x@elsewhere.example"})
        assert reply.status_code == 403
        assert "lets in addresses of firm.example only" in words(reply)
        assert mail.outbox == []

    def test_hold_for_links_too(self, cast):
        row, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.VIEWER)
        policy_change(cast.workspace, sign_in_domains=["firm.example"])
        with pytest.raises(UserError, match="lets in addresses of"):
            inviting.invite_accept(row, cast.outsider)
        assert not Member.objects.filter(workspace=cast.workspace, user=cast.outsider).exists()


class TestGuests:
    def test_see_the_folders_they_were_invited_to(self, cast, admin):
        acme = folder_create(workspace=cast.workspace, name="Acme")
        folder_create(workspace=cast.workspace, name="Other")
        link = invite(admin, email=cast.outsider.email, guest="on", folders=[acme.pk])
        sign_in(client := Client(), cast.outsider.email)
        assert "As a guest you see these folders and nothing else: Acme" in words(client.get(link))
        client.post(link)
        place = access.member_or_404(cast.outsider, "firm")
        assert (place.guest, [folder.name for folder in access.folders_for(place)]) == (True, ["Acme"])
        page = words(admin.get(reverse("members", args=["firm"])))
        assert "Guests They see the folders that were opened to them" in page

    def test_need_a_folder_and_no_power(self, cast):
        acme = folder_create(workspace=cast.workspace, name="Acme")
        given = {"workspace": cast.workspace, "user": cast.owner, "guest": True}
        with pytest.raises(UserError, match="at least one folder"):
            inviting.invite_create(**given, role=Role.VIEWER)
        with pytest.raises(UserError, match="cannot manage"):
            inviting.invite_create(**given, role=Role.ADMIN, folders=[acme])

    def test_of_another_workspace_no_folder_can_be_chosen(self, cast, admin):
        folder_create(workspace=cast.workspace, name="Acme")
        theirs = folder_create(workspace=Member.objects.get(user=cast.outsider).workspace, name="Theirs")
        reply = admin.post(INVITES, {"role": "viewer", "guest": "on", "folders": [theirs.pk]})
        assert reply.status_code == 422
        assert not Invite.objects.exists()

    def test_become_members(self, cast, admin):
        acme = folder_create(workspace=cast.workspace, name="Acme")
        folder_create(workspace=cast.workspace, name="Other")
        row, _ = inviting.invite_create(
            workspace=cast.workspace, user=cast.owner, role=Role.VIEWER, guest=True, folders=[acme]
        )
        member = inviting.invite_accept(row, cast.outsider)
        refused = admin.post(reverse("member_role", args=["firm", member.pk]), {"role": "admin"})
        assert refused.status_code == 422
        admin.post(reverse("member_admit", args=["firm", member.pk]))
        place = access.member_or_404(cast.outsider, "firm")
        assert (place.guest, len(access.folders_for(place))) == (False, 2)
        assert AuditEvent.objects.filter(action="member.admitted").exists()

    def test_become_members_by_a_second_invitation(self, cast):
        acme = folder_create(workspace=cast.workspace, name="Acme")
        as_guest, _ = inviting.invite_create(
            workspace=cast.workspace, user=cast.owner, role=Role.VIEWER, guest=True, folders=[acme]
        )
        inviting.invite_accept(as_guest, cast.outsider)
        full, _ = inviting.invite_create(workspace=cast.workspace, user=cast.owner, role=Role.EDITOR)
        inviting.invite_accept(full, cast.outsider)
        place = access.member_or_404(cast.outsider, "firm")
        assert (place.guest, place.role) == (False, "editor")
        # Whoever is a member stays what they are.
        inviting.invite_accept(as_guest, cast.outsider)
        assert not Member.objects.get(pk=place.pk).guest
