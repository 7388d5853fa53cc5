"""How much the web process takes in: no upload may fill the disk, whoever sends it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.humanize.templatetags.humanize import intcomma
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class OversizeCut(FileUploadHandler):
    """Of a file past UPLOAD_MAX_BYTES keeps only enough to show that it is too large; the other files go on."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Return the piece for the next handler, None once the file is past the limit."""
        return raw_data if start <= settings.UPLOAD_MAX_BYTES else None

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""
        return


class BodyTooLarge(Exception):
    """The body has grown past the limit while it was being received."""


class BodyLimit:
    """An ASGI application that refuses a request's body past `max_bytes` with 413, before Django stores it.

    Django writes a body to disk in full before it looks at who sent it, so this stands in front of Django.
    """

    def __init__(self, app: App, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted."""
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        if _declared_bytes(scope) > self.max_bytes:
            return await self._refuse(scope, send)
        try:
            await self.app(scope, self._counted(receive), send)
        except BodyTooLarge:
            await self._refuse(scope, send)

    def _counted(self, receive: Receive) -> Receive:
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                raise BodyTooLarge
            return message

        return counted

    async def _refuse(self, scope: Scope, send: Send) -> None:
        message = gettext("This is more than %(mib)s MiB at once. Send the files in several requests.") % {
            "mib": intcomma(self.max_bytes // 2**20)
        }
        if scope["path"].startswith(("/api/", "/v1/", "/mcp")):
            body, content_type = json.dumps({"error": {"code": "too_large", "message": message}}), b"application/json"
        else:
            body, content_type = message, b"text/plain; charset=utf-8"
        headers = [(b"content-type", content_type), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": body.encode()})


def _declared_bytes(scope: Scope) -> int:
    value = dict(scope["headers"]).get(b"content-length", b"0")
    return int(value) if value.isdigit() else 0
