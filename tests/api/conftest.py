"""Callers of the HTTP interface, one for each of the cast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from tests.conftest import Cast
from workspaces.models import ApiToken, User, Workspace


class Caller:
    """A person's program: a client that sends that person's token."""

    def __init__(self, user: User, workspace: Workspace | None = None) -> None:
        self.row, self.token = ApiToken.issue(user=user, name="test", workspace=workspace)
        self.headers = {"Authorization": f"Bearer {self.token}"}
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, /, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/v1{path}", query, headers=self.headers)

    def post(self, path: str, body: Any = None) -> HttpResponse:
        return self.client.post(f"/api/v1{path}", body or {}, content_type="application/json", headers=self.headers)

    def patch(self, path: str, body: Any) -> HttpResponse:
        return self.client.patch(f"/api/v1{path}", body, content_type="application/json", headers=self.headers)

    def put(self, path: str, body: Any) -> HttpResponse:
        return self.client.put(f"/api/v1{path}", body, content_type="application/json", headers=self.headers)

    def upload(self, path: str, *files: Any) -> HttpResponse:
        return self.client.post(f"/api/v1{path}", {"file": files}, headers=self.headers)

    def delete(self, path: str) -> HttpResponse:
        return self.client.delete(f"/api/v1{path}", headers=self.headers)


@pytest.fixture
def caller() -> Callable[..., Caller]:
    return Caller


@pytest.fixture
def owner(cast: Cast) -> Caller:
    return Caller(cast.owner)


@pytest.fixture
def editor(cast: Cast) -> Caller:
    return Caller(cast.editor)


@pytest.fixture
def viewer(cast: Cast) -> Caller:
    return Caller(cast.viewer)


@pytest.fixture
def outsider(cast: Cast) -> Caller:
    return Caller(cast.outsider)
