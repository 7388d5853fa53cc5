"""The one-time sign-in link."""

from __future__ import annotations

import time

import pytest
from django.core import signing
from django.urls import reverse

from workspaces.first_login import LinkSpent, make_link_token, take_link_token
from workspaces.models import User, Workspace

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return User.objects.create_user("ana@firm.example")


def open_link(client, token):
    return client.get(reverse("first_login", args=[token]))


def test_link_signs_in_and_leads_home(client, user):
    reply = open_link(client, make_link_token(user))
    assert (reply.status_code, reply["Location"]) == (302, "/")
    assert client.session["_auth_user_id"] == str(user.pk)
    reply = client.get("/")
    assert reply["Location"] == "/w/anas-workspace/"
    assert Workspace.objects.get().personal


def test_link_works_once(client, client_two, user):
    token = make_link_token(user)
    open_link(client, token)
    reply = open_link(client_two, token)
    assert reply.status_code == 410
    assert "has been used already" in reply.content.decode()
    assert "_auth_user_id" not in client_two.session


def test_who_is_signed_in_goes_on(client, user):
    token = make_link_token(user)
    open_link(client, token)
    assert open_link(client, token)["Location"] == "/"


def test_any_sign_in_uses_links_up(client, user):
    token = make_link_token(user)
    client.force_login(user)
    with pytest.raises(LinkSpent, match="used already"):
        take_link_token(token)


def test_a_second_link_after_a_sign_in(client, client_two, user):
    open_link(client, make_link_token(user))
    user.refresh_from_db()
    assert open_link(client_two, make_link_token(user))["Location"] == "/"


def test_link_of_a_person_switched_off(user):
    token = make_link_token(user)
    User.objects.update(is_active=False)
    with pytest.raises(LinkSpent, match="used already"):
        take_link_token(token)


def test_link_is_good_for_a_day(user, monkeypatch):
    token = make_link_token(user)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 24 * 3600 - 5)
    assert take_link_token(token) == user
    monkeypatch.setattr(time, "time", lambda: now + 24 * 3600 + 5)
    with pytest.raises(LinkSpent, match="more than a day old"):
        take_link_token(token)


def test_forged_link(user):
    forged = signing.dumps({"user": user.pk, "since": ""}, salt="elsewhere")
    with pytest.raises(LinkSpent, match="not complete"):
        take_link_token(forged)


def test_link_is_not_kept_by_caches(client, user):
    assert "no-store" in open_link(client, make_link_token(user))["Cache-Control"]


@pytest.fixture
def client_two():
    from django.test import Client

    return Client()
