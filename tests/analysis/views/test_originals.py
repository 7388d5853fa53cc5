"""Originals by ranges, and recordings to be played: for members alone."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.core.files.base import ContentFile
from django.test import AsyncClient, Client

from analysis.models import Document, DocumentVersion, Page, VersionText
from tests.conftest import Cast

pytestmark = pytest.mark.django_db(transaction=True)

SOUND = b"RIFF" + bytes(range(96))
WORDS = "The rent is due.\n\nIt is paid monthly."
TIMES = [[0, 16, 0.0, 2.0], [18, 37, 754.0, 760.0]]


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path / "files"


@pytest.fixture
def call(cast: Cast) -> DocumentVersion:
    """A recording that has been heard, thirteen minutes long."""
    document = Document.objects.create(workspace=cast.workspace, name="call.wav", uploaded_by=cast.owner)
    version = DocumentVersion.objects.create(
        document=document,
        file=ContentFile(SOUND, "call.wav"),
        sha256="5" * 64,
        size_bytes=len(SOUND),
        kind="recording",
        status="ready",
        page_count=3,
        characters=len(WORDS),
        metadata={"times": TIMES, "length": "13:00"},
    )
    Document.objects.filter(pk=document.pk).update(version=version)
    VersionText.objects.create(version=version, text=WORDS)
    for number, start, end, source in [(1, 0, 18, "text"), (2, 18, 18, "blank"), (3, 18, 37, "text")]:
        Page.objects.create(version=version, number=number, start_char=start, end_char=end, source=source)
    return version


def fetched(cast: Cast, path: str, person: Any = None, **headers: str) -> tuple[Any, bytes]:
    async def fetch() -> tuple[Any, bytes]:
        client = AsyncClient()
        await client.aforce_login(person or cast.viewer)
        response: Any = await client.get(path, headers=headers)
        streamed = getattr(response, "streaming", False)
        return response, b"".join([piece async for piece in response]) if streamed else response.content

    return async_to_sync(fetch)()


def test_a_recording_is_sent_whole_as_sound(cast: Cast, call: DocumentVersion) -> None:
    response, body = fetched(cast, f"/d/{call.document_id}/recording/")
    assert (response.status_code, body) == (200, SOUND)
    assert response["Content-Type"] == "audio/wav"
    assert (response["Accept-Ranges"], response["Content-Length"]) == ("bytes", "100")
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in response


@pytest.mark.parametrize(
    ("asked", "told", "first", "stop"),
    [
        ("bytes=0-9", "bytes 0-9/100", 0, 10),
        ("bytes=90-", "bytes 90-99/100", 90, 100),
        ("bytes=-10", "bytes 90-99/100", 90, 100),
        ("bytes=-1000", "bytes 0-99/100", 0, 100),
        ("bytes=95-1000", "bytes 95-99/100", 95, 100),
        ("bytes=99-99", "bytes 99-99/100", 99, 100),
    ],
)
@pytest.mark.parametrize("page", ["recording", "original"])
def test_a_range_is_sent_alone(
    cast: Cast, call: DocumentVersion, page: str, asked: str, told: str, first: int, stop: int
) -> None:
    response, body = fetched(cast, f"/d/{call.document_id}/{page}/", Range=asked)
    assert (response.status_code, response["Content-Range"]) == (206, told)
    assert body == SOUND[first:stop]
    assert response["Content-Length"] == str(stop - first)


@pytest.mark.parametrize("asked", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_a_range_past_the_end_is_416(cast: Cast, call: DocumentVersion, asked: str) -> None:
    response, body = fetched(cast, f"/d/{call.document_id}/recording/", Range=asked)
    assert (response.status_code, response["Content-Range"], body) == (416, "bytes */100", b"")


@pytest.mark.parametrize("asked", ["bytes=9-0", "bytes=0-1,5-6", "lines=0-9", "bytes=-", "bytes=a-b"])
def test_what_is_no_range_is_the_whole(cast: Cast, call: DocumentVersion, asked: str) -> None:
    response, body = fetched(cast, f"/d/{call.document_id}/recording/", Range=asked)
    assert (response.status_code, body) == (200, SOUND)


def test_a_range_of_what_has_changed_since_is_the_whole(cast: Cast, call: DocumentVersion) -> None:
    path = f"/d/{call.document_id}/recording/"
    etag = fetched(cast, path)[0]["ETag"]
    assert fetched(cast, path, **{"Range": "bytes=0-9", "If-Range": etag})[0].status_code == 206
    assert fetched(cast, path, **{"Range": "bytes=0-9", "If-Range": '"other"'})[1] == SOUND


def test_the_original_is_saved_and_never_shown(cast: Cast, call: DocumentVersion) -> None:
    response, _ = fetched(cast, f"/d/{call.document_id}/original/")
    assert response["Content-Disposition"] == 'attachment; filename="call.wav"'
    assert response["Content-Type"] == "application/octet-stream"


def test_only_a_recording_is_shown_in_place(cast: Cast, call: DocumentVersion) -> None:
    DocumentVersion.objects.update(kind="html")
    assert fetched(cast, f"/d/{call.document_id}/recording/")[0].status_code == 404


@pytest.mark.parametrize("page", ["recording", "original"])
def test_an_outsider_hears_nothing(cast: Cast, call: DocumentVersion, page: str) -> None:
    assert fetched(cast, f"/d/{call.document_id}/{page}/", cast.outsider, Range="bytes=0-9")[0].status_code == 404


def test_the_page_has_a_player_and_a_time_on_each_paragraph(cast: Cast, call: DocumentVersion) -> None:
    client = Client()
    client.force_login(cast.viewer)
    response = client.get(f"/d/{call.document_id}/")
    html = response.content.decode()
    assert f'<audio controls preload="metadata" src="/d/{call.document_id}/recording/"' in html
    assert (
        f'<div class="spoken" data-from="754.00" data-to="760.00"><a class="clock numbers" '
        f'href="/d/{call.document_id}/recording/#t=754.00" data-seek="754.00" aria-label="Play from 12:34">12:34</a>'
        '<p data-start="18">It is paid monthly.</p></div>'
    ) in html
    assert 'title="Minutes 5 to 10, nothing is said"' in html
    assert "13:00 long" in html
    assert "media-src 'self'" in response["Content-Security-Policy"]


def test_copying_cites_the_time(cast: Cast, call: DocumentVersion) -> None:
    client = Client()
    client.force_login(cast.viewer)
    told = client.get(f"/d/{call.document_id}/span/?start_char=18&end_char=37").json()
    assert told["citation"] == "call.wav, 12:34"
    assert (told["start_seconds"], told["end_seconds"]) == (754.0, 760.0)
