from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import HttpRequest
from django.test import RequestFactory

from config.uploads import BodyLimit

LIMIT = 2**20


async def echo_size(scope: Any, receive: Any, send: Any) -> None:
    """Read the whole body, as Django does first, and answer with its size."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def client() -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=BodyLimit(echo_size, LIMIT))
    return httpx.AsyncClient(transport=transport, base_url="http://lectern")


async def pieces(count: int) -> Any:
    for _ in range(count):
        yield b"a" * 2**16


async def test_a_body_up_to_the_limit_passes_whole() -> None:
    async with client() as http:
        assert (await http.post("/w/firm/documents/", content=b"a" * LIMIT)).text == str(LIMIT)
        assert (await http.post("/w/firm/documents/", content=pieces(16))).text == str(LIMIT)


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_past_the_limit_is_refused_whether_or_not_it_says_so(declared: bool) -> None:
    content = b"a" * (LIMIT + 1) if declared else pieces(17)
    async with client() as http:
        response = await http.post("/api/v1/workspaces/firm/documents", content=content)
    assert response.status_code == 413
    assert response.json() == {
        "error": {
            "code": "too_large",
            "message": "This is more than 1 MiB at once. Send the files in several requests.",
        }
    }


def upload_of(*sizes: int) -> HttpRequest:
    files = [io.BytesIO(b"a" * size) for size in sizes]
    for number, file in enumerate(files):
        file.name = f"{number}.txt"
    return RequestFactory().post("/", {"file": files})


def test_of_an_oversize_file_only_a_little_more_than_the_limit_is_kept(settings) -> None:
    settings.UPLOAD_MAX_BYTES = LIMIT
    huge, small = upload_of(8 * LIMIT, 10).FILES.getlist("file")
    assert isinstance(huge, TemporaryUploadedFile)
    assert LIMIT < huge.size <= LIMIT + 2 * 2**16
    assert small.read() == b"a" * 10


def test_a_file_of_exactly_the_limit_is_kept_whole(settings) -> None:
    settings.UPLOAD_MAX_BYTES = 4 * LIMIT
    [file] = upload_of(4 * LIMIT).FILES.getlist("file")
    assert file.size == 4 * LIMIT
