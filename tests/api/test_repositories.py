"""Repositories over the HTTP interface: ways in, versions, changing, deleting."""

from __future__ import annotations

import gzip
import io
import tarfile
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse

from analysis.llm import registry
from analysis.llm.catalogue import LLM
from analysis.models import Repository, Snapshot
from tests.analysis.repository.rows import make_rows
from tests.api.conftest import Caller
from tests.conftest import Cast

FILES = {"shop.py": "def sell():\n    pass\n"}


@pytest.fixture(autouse=True)
def own_storage(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def llms(monkeypatch: pytest.MonkeyPatch) -> None:
    """One language model that nobody serves: nothing here waits for its answers."""
    url = "http://127.0.0.1:1/v1"
    reader = LLM(id="reader", name="Reader", family="Test", window_tokens=8000, max_output_tokens=500, base_url=url)
    monkeypatch.setattr(registry, "llms", lambda *_: [reader])


def archive(files: dict[str, str] = FILES, name: str = "shop.tar.gz") -> SimpleUploadedFile:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as packed:
        for path, text in files.items():
            member = tarfile.TarInfo(path)
            member.size = len(text)
            packed.addfile(member, io.BytesIO(text.encode()))
    # Without the time, which gzip writes down: the same files are the same bytes a second later.
    return SimpleUploadedFile(name, gzip.compress(written.getvalue(), mtime=0))


def send(caller: Caller, path: str, **fields: Any) -> HttpResponse:
    return caller.client.post(f"/api/v1{path}", fields, headers=caller.headers)


def test_an_archive_becomes_a_repository_that_waits(editor: Caller, cast: Cast) -> None:
    response = send(editor, "/workspaces/firm/repositories", archive=archive(), name="")
    assert response.status_code == 202
    body = response.json()
    repository = Repository.objects.get()
    assert (body["id"], body["name"], body["workspace"], body["status"]) == (
        str(repository.pk),
        "shop",
        "firm",
        "queued",
    )
    assert (body["snapshot"], body["newest"]["number"], body["newest"]["origin"]) == (None, 1, "archive")
    assert body["rules"] == {"include": [], "exclude": [], "most_bytes": 2**20}
    assert (body["url"], body["has_token"]) == ("", False)


def test_an_address_is_kept_and_its_token_never_given_out(editor: Caller, cast: Cast) -> None:
    asked = {"url": "https://code.example/team/shop.git", "ref": "main", "token": "t0ken-of-the-server", "name": "Shop"}
    response = editor.post("/workspaces/firm/repositories", asked)
    assert response.status_code == 202
    place = f"/repositories/{response.json()['id']}"
    for reply in (
        response,
        editor.get(place),
        editor.get("/workspaces/firm/repositories"),
        editor.get(f"{place}/snapshots"),
    ):
        assert b"t0ken" not in reply.content
    body = editor.get(place).json()
    assert (body["name"], body["url"], body["ref"], body["has_token"]) == (
        "Shop",
        "https://code.example/team/shop.git",
        "main",
        True,
    )
    assert Repository.objects.get().credential == "t0ken-of-the-server"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"url": "ssh://code.example/shop"}, 422, "bad_url"),
        ({"url": "https://me:secret@code.example/shop"}, 422, "bad_url"),
        ({"url": "https://code.example/shop", "ref": "--upload-pack=x"}, 422, "bad_ref"),
        ({"url": "https://code.example/shop", "rules": {"exclude": ["a" * 501]}}, 422, "bad_rules"),
        ({"url": "https://code.example/shop", "password": "x"}, 422, "invalid"),
        ({}, 422, "invalid"),
    ],
)
def test_what_cannot_be_fetched_is_refused(editor: Caller, body: dict[str, Any], status: int, code: str) -> None:
    response = editor.post("/workspaces/firm/repositories", body)
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert "secret" not in response.json()["error"]["message"]
    assert not Repository.objects.exists()


def test_refusals_name_the_field(editor: Caller) -> None:
    response = editor.post("/workspaces/firm/repositories", {"url": "https://code.example/shop", "password": "x"})
    assert response.json()["error"]["message"] == "password: Extra inputs are not permitted."
    response = send(editor, "/workspaces/firm/repositories", name="shop")
    assert (response.status_code, response.json()["error"]["message"]) == (422, "archive: Field required.")
    broken = editor.client.post(
        "/api/v1/workspaces/firm/repositories", "{", content_type="application/json", headers=editor.headers
    )
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "bad_json")


def test_an_upload_that_is_no_archive_is_415_and_a_large_one_413(editor: Caller, settings: Any) -> None:
    response = send(editor, "/workspaces/firm/repositories", archive=SimpleUploadedFile("a.zip", b"no archive"))
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_type")
    settings.UPLOAD_MAX_BYTES = 20
    response = send(editor, "/workspaces/firm/repositories", archive=archive())
    assert (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def test_viewers_read_and_do_not_write(viewer: Caller, cast: Cast) -> None:
    repository = make_rows(cast, FILES).repository
    place = f"/repositories/{repository.pk}"
    assert viewer.get(place).status_code == 200
    for response in (
        send(viewer, "/workspaces/firm/repositories", archive=archive()),
        viewer.patch(place, {"name": "mine"}),
        viewer.post(f"{place}/snapshots", {}),
        viewer.post(f"{place}/retry"),
        viewer.delete(place),
    ):
        assert (response.status_code, response.json()["error"]["code"]) == (403, "forbidden")


def test_a_list_says_of_each_where_it_stands(viewer: Caller, cast: Cast, django_assert_max_num_queries: Any) -> None:
    ready = make_rows(cast, FILES).repository
    for number in range(3):
        waiting = Repository.objects.create(workspace=cast.workspace, name=f"waiting {number}")
        Snapshot.objects.create(
            repository=waiting, origin="git", status="ingesting", stage="index", stage_done=1, stage_total=5
        )
    Snapshot.objects.create(
        repository=ready, number=2, origin="git", status="failed", error_code="not_found", error_message="Gone."
    )
    with django_assert_max_num_queries(9):
        body = viewer.get("/workspaces/firm/repositories").json()
    assert body["count"] == 4
    assert [item["name"] for item in body["items"]] == ["waiting 2", "waiting 1", "waiting 0", "sample"]
    assert (body["items"][0]["status"], body["items"][0]["newest"]["progress"]) == ("ingesting", 0.59)
    last = body["items"][3]
    assert (last["status"], last["snapshot"]["number"], last["snapshot"]["status"]) == ("failed", 1, "ready")
    assert last["newest"]["error"] == {"code": "not_found", "message": "Gone."}
    paged = viewer.get("/workspaces/firm/repositories", limit=1, offset=3).json()
    assert [item["name"] for item in paged["items"]] == ["sample"]


def test_a_version_that_is_searched_by_words_says_how_far_meaning_has_come(viewer: Caller, cast: Cast) -> None:
    snapshot = make_rows(cast, FILES)
    known = viewer.get(f"/repositories/{snapshot.repository_id}").json()["snapshot"]
    assert (known["by_meaning"], known["vectors_at"] is None) == (None, False)
    Snapshot.objects.update(vectors_at=None, stage="embed", stage_done=1200, stage_total=3900)
    body = viewer.get(f"/repositories/{snapshot.repository_id}").json()
    assert body["snapshot"]["by_meaning"] == {"done": 1200, "total": 3900, "waits_for": None}
    assert (body["status"], body["snapshot"]["progress"], body["snapshot"]["stage"]) == ("ready", 1.0, None)
    Snapshot.objects.update(error_message="Away.")
    assert viewer.get(f"/repositories/{snapshot.repository_id}").json()["newest"]["by_meaning"]["waits_for"] == "Away."


def test_a_new_archive_is_a_new_version(editor: Caller, cast: Cast) -> None:
    repository = make_rows(cast, FILES).repository
    response = send(editor, f"/repositories/{repository.pk}/snapshots", archive=archive())
    assert (response.status_code, response.json()["number"], response.json()["status"]) == (202, 2, "queued")
    again = send(editor, f"/repositories/{repository.pk}/snapshots", archive=archive())
    assert (again.status_code, again.json()["error"]["code"]) == (409, "unchanged")
    fetched = editor.post(f"/repositories/{repository.pk}/snapshots", {})
    assert (fetched.status_code, fetched.json()["error"]["code"]) == (422, "invalid")
    listed = editor.get(f"/repositories/{repository.pk}/snapshots").json()
    assert ([item["number"] for item in listed["items"]], listed["count"]) == ([2, 1], 2)


def test_changing_name_source_and_token(editor: Caller, cast: Cast) -> None:
    repository = Repository.objects.create(
        workspace=cast.workspace, name="shop", url="https://code.example/shop", ref="main", credential="old"
    )
    place = f"/repositories/{repository.pk}"
    body = editor.patch(place, {"name": "Store", "ref": "dev"}).json()
    assert (body["name"], body["ref"], body["url"], body["has_token"]) == (
        "Store",
        "dev",
        "https://code.example/shop",
        True,
    )
    assert editor.patch(place, {"token": ""}).json()["has_token"] is False
    assert editor.patch(place, {"url": "file:///etc"}).json()["error"]["code"] == "bad_url"


def test_a_token_does_not_follow_to_another_server(editor: Caller, cast: Cast) -> None:
    repository = Repository.objects.create(
        workspace=cast.workspace, name="shop", url="https://code.example/shop", credential="for code.example"
    )
    place = f"/repositories/{repository.pk}"
    assert editor.patch(place, {"url": "https://code.example/other"}).json()["has_token"] is True
    assert editor.patch(place, {"url": "https://evil.example/shop"}).json()["has_token"] is False
    assert editor.patch(place, {"url": "https://third.example/shop", "token": "new"}).json()["has_token"] is True


def test_other_rules_make_a_version_of_the_same_files(editor: Caller, cast: Cast) -> None:
    made = send(editor, "/workspaces/firm/repositories", archive=archive()).json()
    body = editor.patch(f"/repositories/{made['id']}", {"rules": {"exclude": ["docs/"]}}).json()
    assert (body["rules"]["exclude"], body["newest"]["number"]) == (["docs/"], 2)
    refused = editor.patch(f"/repositories/{made['id']}", {"rules": {"most_bytes": 0}})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_rules")


def test_a_repository_goes_with_all_it_has(editor: Caller, cast: Cast) -> None:
    repository = make_rows(cast, FILES).repository
    assert editor.delete(f"/repositories/{repository.pk}").status_code == 204
    assert editor.get(f"/repositories/{repository.pk}").status_code == 404
    assert not Snapshot.objects.exists()


def test_only_what_has_failed_is_tried_again(editor: Caller, cast: Cast) -> None:
    repository = make_rows(cast, FILES).repository
    response = editor.post(f"/repositories/{repository.pk}/retry")
    assert (response.status_code, response.json()["error"]["code"]) == (409, "not_failed")
    repository.snapshots.update(status="failed")
    assert editor.post(f"/repositories/{repository.pk}/retry").json()["status"] == "queued"


def test_another_workspaces_repositories_cannot_be_asked(editor: Caller, cast: Cast) -> None:
    for body in ({"text": "What?", "repository_ids": [str(uuid.uuid4())]},):
        assert editor.post("/workspaces/firm/questions", body).status_code == 404
        assert editor.post("/workspaces/firm/plan", body).status_code == 404
    assert editor.get("/workspaces/firm/search", q="x", repository_id=uuid.uuid4()).status_code == 404


def test_a_summary_and_what_changed_are_asked_for_and_begin(
    editor: Caller, viewer: Caller, cast: Cast, llms: None
) -> None:
    repository = make_rows(cast, FILES).repository
    place = f"/repositories/{repository.pk}"
    assert viewer.post(f"{place}/summaries", {}).status_code == 403
    begun = editor.post(f"{place}/summaries", {"path": "shop.py"})
    assert begun.status_code == 202
    again = editor.post(f"{place}/summaries", {"path": "shop.py"}).json()
    assert again["answer_id"] == begun.json()["answer_id"]
    summary = editor.get(f"/summaries/{begun.json()['id']}").json()
    assert (summary["purpose"], summary["repository_ids"], summary["path"]) == (
        "summary",
        [str(repository.pk)],
        "shop.py",
    )
    unknown = editor.post(f"{place}/summaries", {"path": "nowhere"})
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (422, "unknown_path")

    alone = editor.post(f"{place}/changes", {})
    assert (alone.status_code, alone.json()["error"]["code"]) == (409, "no_older_version")
    make_rows(cast, {"shop.py": "def sell(item):\n    pass\n"}, repository=repository)
    changes = editor.post(f"{place}/changes", {"from": 1, "to": 2})
    assert changes.status_code == 202
    assert editor.get(f"/questions/{changes.json()['id']}").json()["purpose"] == "changes"
    assert viewer.post(f"{place}/changes", {}).status_code == 403
