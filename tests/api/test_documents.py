from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from analysis.api.documents import progress_of
from analysis.models import Document, DocumentVersion
from tests.api.conftest import Caller
from tests.conftest import Cast
from tests.rows import TEXT, make_document

DOCUMENTS = "/workspaces/firm/documents"


def text_file(name: str = "lease.txt", content: bytes = b"The term is five years.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content)


def test_upload_takes_the_file_and_the_editor_can_ask_for_it(editor: Caller, cast: Cast) -> None:
    response = editor.upload(DOCUMENTS, text_file())

    assert response.status_code == 202
    [entry] = response.json()
    document = Document.objects.get(workspace=cast.workspace)
    assert entry == {
        "id": str(document.pk),
        "name": "lease.txt",
        "status": "queued",
        "duplicate": False,
        "error": None,
    }
    assert editor.get(f"/documents/{document.pk}").json() == {
        "id": str(document.pk),
        "name": "lease.txt",
        "workspace": "firm",
        "status": "queued",
        "stage": None,
        "stage_done": 0,
        "stage_total": 0,
        "progress": 0.0,
        "kind": None,
        "repository_id": None,
        "path": None,
        "folder_id": None,
        "size_bytes": 23,
        "pages": 0,
        "characters": 0,
        "tokens": 0,
        "warnings": [],
        "error": None,
        "uploaded_at": document.uploaded_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def test_good_files_are_kept_when_others_are_refused(editor: Caller) -> None:
    response = editor.upload(DOCUMENTS, text_file("a.txt"), text_file("empty.txt", b""), text_file("b.txt", b"Other."))

    assert response.status_code == 202
    first, refused, last = response.json()
    assert refused == {
        "id": None,
        "name": "empty.txt",
        "status": "refused",
        "duplicate": False,
        "error": {"code": "empty_file", "message": "The file is empty."},
    }
    assert list(Document.objects.order_by("name").values_list("name", flat=True)) == ["a.txt", "b.txt"]
    assert first["id"] != last["id"]


def test_when_all_files_are_refused_the_status_is_the_first_ones(editor: Caller, settings) -> None:
    settings.UPLOAD_MAX_BYTES = 2**20
    huge = text_file("huge.txt", b"a" * (2**20 + 1))

    response = editor.upload(DOCUMENTS, huge, text_file("empty.txt", b""))

    assert response.status_code == 413
    assert response.json() == {"error": {"code": "too_large", "message": "The file is larger than 1 MiB."}}
    assert not Document.objects.exists()


def test_a_kind_of_file_that_cannot_be_read_is_415(editor: Caller) -> None:
    response = editor.upload(DOCUMENTS, text_file("song.mp3", b"ID3\x00\x00\x00"))
    assert (response.status_code, response.json()["error"]["code"]) == (415, "unsupported_type")


def test_the_same_bytes_again_give_the_document_that_is_there(editor: Caller) -> None:
    [first] = editor.upload(DOCUMENTS, text_file("a.txt")).json()
    [again] = editor.upload(DOCUMENTS, text_file("b.txt")).json()
    assert again == first | {"duplicate": True}
    assert Document.objects.count() == 1


def test_an_upload_without_a_file_says_so(editor: Caller) -> None:
    response = editor.client.post(f"/api/v1{DOCUMENTS}", {}, headers=editor.headers)
    assert response.status_code == 422
    assert response.json() == {"error": {"code": "invalid", "message": "file: Field required."}}


def test_a_viewer_may_look_but_not_upload_or_delete(viewer: Caller, cast: Cast) -> None:
    version = make_document(cast)
    refused = viewer.upload(DOCUMENTS, text_file())
    assert refused.status_code == 403
    assert refused.json() == {
        "error": {"code": "forbidden", "message": "This needs the role of editor in this workspace."}
    }
    assert viewer.delete(f"/documents/{version.document_id}").status_code == 403
    assert viewer.get(f"/documents/{version.document_id}").status_code == 200


def test_documents_come_newest_first_in_pages(viewer: Caller, cast: Cast) -> None:
    names = [f"{number}.pdf" for number in range(5)]
    for name in names:
        make_document(cast, name)

    page = viewer.get(DOCUMENTS, limit=2, offset=1).json()

    assert page["count"] == 5
    assert [item["name"] for item in page["items"]] == ["3.pdf", "2.pdf"]


def test_a_longer_list_costs_no_more_queries(viewer: Caller, cast: Cast) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert viewer.get(DOCUMENTS).status_code == 200
        return len(captured)

    make_document(cast)
    viewer.get(DOCUMENTS)  # writes last_used_at, once
    few = queries()
    for number in range(5):
        make_document(cast, f"{number}.pdf")
    assert queries() == few


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"offset": -1}, {"limit": "many"}])
def test_a_page_outside_the_bounds_is_refused(viewer: Caller, query: dict) -> None:
    response = viewer.get(DOCUMENTS, **query)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    ("status", "stage", "done", "total", "expected"),
    [
        ("queued", "", 0, 0, 0.0),
        ("ingesting", "parse", 0, 0, 0.0),
        ("ingesting", "parse", 5, 10, 0.2),
        ("ingesting", "embed", 60, 120, 0.7),
        ("ingesting", "embed", 130, 120, 0.95),
        ("ingesting", "index", 0, 1, 0.95),
        ("ready", "index", 1, 1, 1.0),
        ("failed", "parse", 1, 4, 0.1),
    ],
)
def test_progress_runs_from_0_to_1_over_all_stages(
    status: str, stage: str, done: int, total: int, expected: float
) -> None:
    version = DocumentVersion(status=status, stage=stage, stage_done=done, stage_total=total)
    assert progress_of(version) == pytest.approx(expected)


def test_a_failed_document_says_why(viewer: Caller, cast: Cast) -> None:
    version = make_document(cast)
    DocumentVersion.objects.filter(pk=version.pk).update(
        status="failed", error_code="damaged", error_message="This PDF is damaged."
    )
    document = viewer.get(f"/documents/{version.document_id}").json()
    assert (document["status"], document["error"]) == ("failed", {"code": "damaged", "message": "This PDF is damaged."})


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, 0, len(TEXT)),
        ({"start_char": 4, "end_char": 8}, 4, 8),
        ({"start_char": 30}, 30, len(TEXT)),
        ({"end_char": 10**12}, 0, len(TEXT)),
        ({"start_char": 10**12}, len(TEXT), len(TEXT)),
        ({"start_char": 9, "end_char": 3}, 9, 9),
    ],
)
def test_text_is_half_open_and_states_its_offsets(
    viewer: Caller, cast: Cast, query: dict, start: int, end: int
) -> None:
    version = make_document(cast)
    DocumentVersion.objects.filter(pk=version.pk).update(characters=len(TEXT))
    reply = viewer.get(f"/documents/{version.document_id}/text", **query).json()
    assert reply == {"text": TEXT[start:end], "start_char": start, "end_char": end}


def test_text_before_the_document_is_ready_is_409(viewer: Caller, cast: Cast) -> None:
    version = make_document(cast)
    DocumentVersion.objects.filter(pk=version.pk).update(status="ingesting")
    response = viewer.get(f"/documents/{version.document_id}/text")
    assert response.status_code == 409
    assert response.json()["error"]["code"] == "not_ready"


def test_a_negative_offset_is_refused(viewer: Caller, cast: Cast) -> None:
    version = make_document(cast)
    response = viewer.get(f"/documents/{version.document_id}/text", start_char=-1)
    assert response.json()["error"]["message"] == "start_char: Input should be greater than or equal to 0."


def test_deleting_leaves_nothing_to_find(editor: Caller, cast: Cast) -> None:
    version = make_document(cast)
    response = editor.delete(f"/documents/{version.document_id}")
    assert (response.status_code, response.content) == (204, b"")
    assert editor.get(f"/documents/{version.document_id}").status_code == 404


def test_a_page_number_past_the_last_is_404(viewer: Caller, cast: Cast) -> None:
    version = make_document(cast)
    DocumentVersion.objects.filter(pk=version.pk).update(page_count=2)
    for number in (0, 3, 10**20):
        response = viewer.get(f"/documents/{version.document_id}/pages/{number}.webp")
        assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
