"""Comments, approvals, sharing and notifications over HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from analysis.models import Document
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import TEXT, make_answer, make_document


@pytest.fixture
def document(cast: Cast) -> Document:
    version = make_document(cast)
    version.characters = len(TEXT)
    version.save()
    return version.document


def test_a_thread_from_its_first_word_to_its_end(
    cast: Cast, document: Document, caller: Callable[..., Caller], editor: Caller, viewer: Caller
) -> None:
    reviewer = caller(cast.reviewer)
    url = f"/documents/{document.pk}/comments"
    said = {"text": "Why @editor@firm.example?", "start_char": 4, "end_char": 8, "assignee": "editor@firm.example"}
    made = reviewer.post(url, said)
    assert made.status_code == 201
    thread = made.json()
    assert (thread["quote"], thread["page_number"], thread["version"]) == (TEXT[4:8], 1, 1)
    assert (thread["mentioned"], thread["assignee"]) == (["editor@firm.example"], "editor@firm.example")
    told = editor.get("/notifications", unread=True).json()
    assert [each["kind"] for each in told["items"]] == ["assigned", "mentioned"]
    assert told["items"][0]["comment_id"] == thread["id"]
    replied = editor.post(f"/comments/{thread['id']}/replies", {"text": "Because."}).json()
    assert [each["author"] for each in replied["replies"]] == ["editor@firm.example"]
    assert editor.patch(f"/comments/{thread['id']}", {"text": "Mine now"}).status_code == 403
    settled = editor.patch(f"/comments/{thread['id']}", {"resolved": True, "assignee": ""}).json()
    assert (settled["resolved_by"], settled["assignee"]) == ("editor@firm.example", None)
    assert editor.post("/notifications/read").status_code == 204
    assert editor.get("/notifications", unread=True).json()["count"] == 0
    assert editor.delete(f"/comments/{thread['id']}").status_code == 403
    assert viewer.post(url, {"text": "?"}).status_code == 403
    assert [each["id"] for each in viewer.get(url).json()] == [thread["id"]]
    assert reviewer.delete(f"/comments/{thread['id']}").status_code == 204
    assert viewer.get(url).json()[0]["text"] == ""


def test_an_answer_is_approved_and_found(
    cast: Cast, document: Document, caller: Callable[..., Caller], owner: Caller, viewer: Caller
) -> None:
    answer = make_answer(cast, document.versions.get(), "It terminates after five years.")
    make_answer(cast, document.versions.get(), "It is free.")
    url = f"/questions/{answer.question_id}"
    approved = caller(cast.reviewer).put(f"{url}/approval", {})
    assert (approved.status_code, approved.json()["approved_by"]) == (200, "reviewer@firm.example")
    assert viewer.get(url).json()["approved_by"] == "reviewer@firm.example"
    found = viewer.get("/workspaces/firm/questions", q="termination", approved=True).json()
    assert [(each["id"], each["approved"], each["shared"]) for each in found["items"]] == [
        (str(answer.question_id), True, True)
    ]
    assert viewer.get("/workspaces/firm/questions", approved=True).json()["count"] == 1
    assert owner.put(f"{url}/sharing", {"shared": False}).json()["error"]["code"] == "taken_up"
    caller(cast.editor).put(f"{url}/approval", {"approved": False})
    assert owner.put(f"{url}/sharing", {"shared": False}).json() == {"id": str(answer.question_id), "shared": False}
    assert viewer.get(url).status_code == 404
