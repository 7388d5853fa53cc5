"""Who gets in, what they may, and how refusals look."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta

import pytest
import redis
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from analysis.api import api, documents
from analysis.api.auth import _count
from analysis.api.errors import TooManyRequests
from analysis.errors import EngineUnavailable
from analysis.models import Document, Repository
from tests.analysis.repository.rows import make_rows
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import make_answer, make_document
from workspaces.hooks.recipes import hook_create, hook_ping
from workspaces.models import ApiToken, Comment, Folder, Invite, Member, Role, Workspace

NOT_FOUND = {"error": {"code": "not_found", "message": "There is nothing here, or you may not see it."}}


def test_each_sees_the_workspaces_they_are_in_with_their_role(viewer: Caller, outsider: Caller) -> None:
    assert viewer.get("/workspaces").json() == [{"slug": "firm", "name": "The Firm", "role": "viewer"}]
    assert outsider.get("/workspaces").json() == [{"slug": "elsewhere", "name": "Elsewhere", "role": "owner"}]


@pytest.mark.parametrize("header", [None, "Bearer lectern_wrong", "Bearer ", "Basic YTpi", "lectern_x"])
def test_without_a_valid_token_401(cast: Cast, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    for response in (
        Client().get("/api/v1/workspaces", headers=headers),
        Client().post("/api/v1/workspaces/firm/questions", "{}", content_type="application/json", headers=headers),
        Client().get(f"/api/v1/questions/{uuid.uuid4()}/events", headers=headers),
    ):
        assert response.status_code == 401
        assert response["WWW-Authenticate"] == "Bearer"
        assert response.json() == {
            "error": {
                "code": "unauthorized",
                "message": "Send an API token that is valid: Authorization: Bearer TOKEN.",
            }
        }


def test_the_token_of_someone_switched_off_is_no_token(viewer: Caller, cast: Cast) -> None:
    cast.viewer.is_active = False
    cast.viewer.save()
    assert viewer.get("/workspaces").status_code == 401


def test_a_bound_token_sees_its_workspace_only(cast: Cast, caller: Callable[..., Caller]) -> None:
    other = Workspace.objects.create(slug="other", name="Other")
    Member.objects.create(workspace=other, user=cast.owner, role=Role.OWNER)
    version = make_document(cast)
    bound = caller(cast.owner, other)
    assert [workspace["slug"] for workspace in bound.get("/workspaces").json()] == ["other"]
    assert bound.get("/workspaces/firm/documents").status_code == 404
    assert bound.get(f"/documents/{version.document_id}").status_code == 404
    assert caller(cast.owner).get(f"/documents/{version.document_id}").status_code == 200


def operations() -> list[tuple[str, str]]:
    """Every operation of the schema, so that no new one escapes the outsider."""
    paths = api.get_openapi_schema()["paths"]
    return sorted((method, path.removeprefix("/api/v1")) for path, methods in paths.items() for method in methods)


# What names no workspace or row of one; and the streams, which test_events tries.
ELSEWHERE = {
    *(
        ("get", "/workspaces"),
        ("post", "/workspaces"),
        ("get", "/llms"),
        ("get", "/notifications"),
        ("post", "/notifications/read"),
    ),
    *(pair for pair in operations() if pair[1].endswith("/events")),
}


# What an operation must be sent before it is asked who sends it.
BODIES: dict[str, dict[str, object]] = {
    "plan": {"text": "How long?"},
    "questions": {"text": "How long?"},
    "folders": {"name": "Matter"},
    "hooks": {"name": "theirs", "url": "https://erp.example"},
    "move": {"folder_id": None},
    "comments": {"text": "Why?"},
    "replies": {"text": "Because."},
    "people": {"restricted": False, "emails": []},
    "sharing": {"shared": True},
}


@pytest.mark.parametrize(("method", "path"), [pair for pair in operations() if pair not in ELSEWHERE])
def test_the_outsider_finds_nothing(outsider: Caller, cast: Cast, method: str, path: str) -> None:
    version = make_document(cast)
    question = make_answer(cast, version, "An answer.").question
    place = path.format(
        slug="firm",
        document_id=version.document_id,
        repository_id=make_rows(cast, {"shop.py": "def sell():\n    pass\n"}).repository_id,
        question_id=question.pk,
        summary_id=question.pk,
        folder_id=Folder.objects.create(workspace=cast.workspace, name="Deals").pk,
        comment_id=Comment.objects.create(workspace=cast.workspace, question=question, text="Ours.").pk,
        number=1,
        hook_id=(
            hook := hook_create(workspace=cast.workspace, user=cast.admin, name="x", url="https://erp.example")
        ).pk,
        delivery_id=hook_ping(hook).pk,
        member_id=Member.objects.get(workspace=cast.workspace, user=cast.editor).pk,
        invite_id=Invite.objects.create(workspace=cast.workspace, created_by=cast.owner, token_digest="0" * 64).pk,
    )
    if path.endswith("/documents") and method == "post":
        from django.core.files.uploadedfile import SimpleUploadedFile

        response = outsider.upload(place, SimpleUploadedFile("a.txt", b"words"))
    elif method == "post":
        response = outsider.post(place, BODIES.get(path.rpartition("/")[2], {}))
    elif method == "put":
        response = outsider.put(place, BODIES.get(path.rpartition("/")[2], {}))
    elif method == "patch":
        kinds: dict[str, dict[str, object]] = {"members": {"role": "owner"}, "comments": {"text": "theirs"}}
        response = outsider.patch(place, kinds.get(path.split("/")[-2], {"name": "theirs"}))
    elif method == "delete":
        response = outsider.delete(place)
    else:
        response = outsider.get(place, q="term", path="shop.py", name="sell")
    assert (response.status_code, response.json()) == (404, NOT_FOUND)
    assert (Document.objects.count(), Repository.objects.get().name) == (2, "sample")


@pytest.mark.parametrize(
    "path", ["/nothing", "/documents/not-a-uuid", "/workspaces/firm%00/documents", "/documents", "/workspaces/"]
)
def test_a_path_that_is_not_ours_is_404_as_json(viewer: Caller, path: str) -> None:
    response = viewer.get(path)
    assert (response.status_code, response.json()) == (404, NOT_FOUND)


def test_a_method_that_is_not_there_is_405_and_names_those_that_are(viewer: Caller, cast: Cast) -> None:
    response = viewer.delete("/workspaces/firm/documents")
    assert response.status_code == 405
    assert response.json()["error"]["code"] == "method_not_allowed"
    assert sorted(response["Allow"].split(", ")) == ["GET", "POST"]
    answer = make_answer(cast, make_document(cast), "")
    assert viewer.post(f"/questions/{answer.question_id}/events").status_code == 405


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ("{", "bad_json", "The body of the request is not JSON."),
        ("{}", "invalid", "text: Field required."),
        (
            '{"text": "a", "mode": "skim"}',
            "invalid",
            "mode: Input should be 'auto', 'whole', 'packed', 'passages' or 'sweep'.",
        ),
        ('{"text": "a", "document_id": "x"}', "invalid", "document_id: Extra inputs are not permitted."),
        (
            '{"text": "a\\u0000b"}',
            "invalid",
            "text: The text holds characters that are not valid Unicode text.",
        ),
        (
            '{"text": "\\ud800"}',
            "invalid",
            "text: The text holds characters that are not valid Unicode text.",
        ),
    ],
)
def test_a_body_that_cannot_be_used_says_where(editor: Caller, body: str, code: str, message: str) -> None:
    response = editor.client.post(
        "/api/v1/workspaces/firm/questions", body, content_type="application/json", headers=editor.headers
    )
    assert response.status_code == 422
    assert response.json() == {"error": {"code": code, "message": message}}


def test_a_body_past_the_limit_is_413(editor: Caller, settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000
    response = editor.post("/workspaces/firm/questions", {"text": "a" * 2000})
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (RuntimeError("secret detail"), 500, "internal"),
        (OperationalError("server closed the connection: secret detail"), 503, "engine_unavailable"),
        (redis.ConnectionError("secret detail"), 503, "engine_unavailable"),
        (EngineUnavailable("The language model does not answer."), 503, "engine_unavailable"),
    ],
)
def test_our_own_failures_show_no_detail(
    viewer: Caller, cast: Cast, monkeypatch: pytest.MonkeyPatch, raised: Exception, status: int, code: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(documents, "get_document_or_404", fail)
    response = viewer.get(f"/documents/{uuid.uuid4()}")
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert b"secret" not in response.content
    assert b"Traceback" not in response.content


def test_past_the_minutes_share_429_says_when_to_come_back(viewer: Caller, owner: Caller, settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = 2
    # The window may turn between two requests, never between more than two of these.
    statuses = [viewer.get("/workspaces").status_code for _ in range(6)]
    assert statuses.count(200) in (2, 3, 4)
    refused = [viewer.get("/workspaces") for _ in range(6)][-1]
    assert refused.status_code == 429
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert owner.get("/workspaces").status_code == 200


def test_the_count_is_exact_within_a_window(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    monkeypatch.setattr("analysis.api.auth.time.time", lambda: 6010.0)
    for _ in range(3):
        _count("token:1")
    with pytest.raises(TooManyRequests) as refused:
        _count("token:1")
    assert refused.value.retry_seconds == 50
    _count("token:2")


def test_use_of_a_token_is_written_at_most_once_a_minute(viewer: Caller) -> None:
    def last_used() -> object:
        return ApiToken.objects.get(pk=viewer.row.pk).last_used_at

    viewer.get("/workspaces")
    first = last_used()
    assert first is not None
    viewer.get("/workspaces")
    assert last_used() == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    viewer.get("/workspaces")
    assert last_used() > first


def test_a_signed_in_browser_is_let_in_and_writes_need_its_csrf_token(cast: Cast) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.editor)
    version = make_document(cast)
    assert browser.get("/api/v1/workspaces").json()[0]["slug"] == "firm"
    place = f"/api/v1/documents/{version.document_id}"
    refused = browser.delete(place)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    browser.cookies["csrftoken"] = "a" * 32
    assert browser.delete(place, headers={"X-CSRFToken": "a" * 32}).status_code == 204


def test_openapi_names_every_operation_once_and_is_served(viewer: Caller) -> None:
    schema = Client().get("/api/v1/openapi.json").json()
    ids = [operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()]
    assert len(ids) == len(set(ids)) >= 65
    assert schema["openapi"].startswith("3.")
    assert schema["components"]["securitySchemes"]["BearerToken"] == {"type": "http", "scheme": "bearer"}
    ask = schema["paths"]["/api/v1/workspaces/{slug}/questions"]["post"]
    assert set(ask["responses"]) == {"202", "401", "403", "404", "422", "429", "503"}


def test_the_reference_page_lists_every_operation_without_a_script_of_its_own(cast: Cast) -> None:
    page = Client().get("/api/v1/").content.decode()
    for _, path in operations():
        assert f"/api/v1{path}</code>" in page
    assert "<script>" not in page
