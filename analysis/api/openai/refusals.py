"""Refusals in the shape of OpenAI, `{"error": {"message", "type", "param", "code"}}`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import NinjaAPI

from analysis.api.errors import HANDLERS

Handler = Callable[[HttpRequest, Any], JsonResponse]

# Lectern's own names of what OpenAI's clients have names for.
CODES = {"unauthorized": "invalid_api_key", "not_found": "model_not_found", "too_many_requests": "rate_limit_exceeded"}
UNUSABLE = 422  # which is 400 to these clients


def install(api: NinjaAPI) -> None:
    """Make `api` answer every error so."""
    for error, handler in HANDLERS.items():
        api.add_exception_handler(error, _reshaped(handler))


def detail(status: int, code: str, message: str) -> dict[str, Any]:
    """Return what stands under "error"."""
    return {"message": message, "type": _type(status), "param": None, "code": CODES.get(code, code)}


def _reshaped(handler: Handler) -> Handler:
    def reshaped(request: HttpRequest, error: Exception) -> JsonResponse:
        reply = handler(request, error)
        told = json.loads(reply.content)["error"]
        body = {"error": detail(reply.status_code, told["code"], told["message"])}
        status = 400 if reply.status_code == UNUSABLE else reply.status_code
        kept = {name: value for name, value in reply.items() if name in {"Retry-After", "WWW-Authenticate"}}
        return JsonResponse(body, status=status, headers=kept)

    return reshaped


def _type(status: int) -> str:
    if status >= 500:
        return "server_error"
    return {403: "permission_error", 429: "rate_limit_error"}.get(status, "invalid_request_error")
