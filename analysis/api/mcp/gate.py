"""Who is let in to /mcp: whoever sends an API token, to this host's own name, from no other site's page."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from asgiref.sync import ThreadSensitiveContext
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from analysis.api.auth import viewer_of
from analysis.api.errors import TooManyRequests, error_body
from analysis.views.sse import checked
from config.uploads import App, Receive, Scope, Send
from workspaces.access import Viewer

VIEWER = "lectern.viewer"  # the scope's key for who asks
NO_TOKEN = "Send an API token that is valid: Authorization: Bearer TOKEN."  # noqa: S105  # words, no token


class Gate:
    """An ASGI application that passes on what may come in, with who asks in its scope.

    Cookies are not looked at, so that no page in somebody's browser can act for them; a page of another site, or of a
    name that was made to lead here, is refused besides.
    """

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it as the HTTP interface does."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if not _own_host(headers.get("host", "")) or not _own_origin(headers):
            return await _refuse(send, 403, "forbidden", "This is not how this server is called.")
        if scope["method"] != "POST":
            return await _refuse(send, 405, "method_not_allowed", "POST does work here.", allow="POST")
        # As Django does for each request: its synchronous work has a thread of its own.
        async with ThreadSensitiveContext():
            try:
                viewer = await checked(_viewer)(headers.get("authorization", ""))
            except TooManyRequests as error:
                retry = {"retry-after": str(error.retry_seconds)}
                return await _refuse(send, error.status, error.code, error.message, **retry)
            if viewer is None:
                return await _refuse(send, 401, "unauthorized", NO_TOKEN, **{"www-authenticate": "Bearer"})
            await self.app({**scope, VIEWER: viewer}, receive, send)


def _viewer(authorization: str) -> Viewer | None:
    scheme, _, token = authorization.partition(" ")
    return viewer_of(token) if scheme.lower() == "bearer" else None


def _own_host(host: str) -> bool:
    domain, _ = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


def _own_origin(headers: dict[str, str]) -> bool:
    """Return whether no page sends it, or a page of ours."""
    origin = headers.get("origin")
    if origin is None:
        return True
    return origin == settings.PUBLIC_URL.rstrip("/") or urlsplit(origin).netloc == headers.get("host")


async def _refuse(send: Send, status: int, code: str, message: str, **headers: str) -> None:
    body = json.dumps(error_body(code, message)).encode()
    told: list[tuple[bytes, bytes]] = [(name.encode(), value.encode()) for name, value in headers.items()]
    told += [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    start: dict[str, Any] = {"type": "http.response.start", "status": status, "headers": told}
    await send(start)
    await send({"type": "http.response.body", "body": body})
