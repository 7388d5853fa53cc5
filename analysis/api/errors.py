"""Every refusal as `{"error": {"code", "message"}}`, whoever raises it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import kombu.exceptions
import redis
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFilesSent,
)
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from analysis.errors import AppError, LecternError

logger = logging.getLogger(__name__)

NOT_FOUND = "There is nothing here, or you may not see it."
ENGINE_DOWN = "A part of Lectern is not answering just now. Please try again in a moment."
INTERNAL = "Something went wrong on our side. It has been written to the log."


class TooManyRequests(LecternError):
    """The caller's share for this minute is used up. retry_seconds: when the next minute starts."""

    code = "too_many_requests"
    status = 429

    def __init__(self, message: str, *, retry_seconds: int) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


def error_body(code: str, message: str) -> dict[str, Any]:
    """Return the one shape of errors."""
    return {"error": {"code": code, "message": message}}


def refusal(status: int, code: str, message: str, headers: dict[str, str] | None = None) -> JsonResponse:
    """Return the response that says so."""
    return JsonResponse(error_body(code, message), status=status, headers=headers)


def method_not_allowed(request: HttpRequest, allowed: str) -> JsonResponse:
    """Return 405 with the methods that there are."""
    message = f"{request.method} does not work here; {allowed} does."
    return refusal(405, "method_not_allowed", message, {"Allow": allowed})


def _lectern(request: HttpRequest, error: LecternError) -> JsonResponse:
    if isinstance(error, AppError):
        logger.error("%s %s: %s", request.method, request.path, error.message, exc_info=error)
    headers = {"Retry-After": str(error.retry_seconds)} if isinstance(error, TooManyRequests) else None
    return refusal(error.status, error.code, error.message, headers)


def _not_found(request: HttpRequest, error: Http404) -> JsonResponse:
    return refusal(404, "not_found", NOT_FOUND)


def _forbidden(request: HttpRequest, error: PermissionDenied) -> JsonResponse:
    return refusal(403, "forbidden", str(error) or "You may not do this.")


def _unauthorized(request: HttpRequest, error: AuthenticationError) -> JsonResponse:
    message = "Send an API token that is valid: Authorization: Bearer TOKEN."
    return refusal(401, "unauthorized", message, {"WWW-Authenticate": "Bearer"})


def _http(request: HttpRequest, error: HttpError) -> JsonResponse:
    if error.status_code == 400:
        return refusal(422, "bad_json", "The body of the request is not JSON.")
    return refusal(error.status_code, "forbidden" if error.status_code == 403 else "refused", error.message)


def _invalid(request: HttpRequest, error: ValidationError) -> JsonResponse:
    return refusal(422, "invalid", " ".join(_sentence(item) for item in error.errors))


def _sentence(item: dict[str, Any]) -> str:
    source, *place = item["loc"]
    # In a body the first step is our own parameter's name, which the caller has not written.
    place = place[1:] if source == "body" and len(place) > 1 else place
    message = item["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{'.'.join(str(step) for step in place)}: {message}."


def _too_big(request: HttpRequest, error: Exception) -> JsonResponse:
    return refusal(413, "too_large", "The request is larger than is taken here.")


def _too_many_files(request: HttpRequest, error: Exception) -> JsonResponse:
    return refusal(413, "too_many_files", "These are too many files for one request. Send them in several.")


def _bad_upload(request: HttpRequest, error: Exception) -> JsonResponse:
    return refusal(422, "bad_upload", "The upload is damaged or was cut off. Please send it again.")


def _suspicious(request: HttpRequest, error: Exception) -> JsonResponse:
    return refusal(422, "invalid", "The request cannot be read.")


def _engine_down(request: HttpRequest, error: Exception) -> JsonResponse:
    logger.error("%s %s: an engine does not answer", request.method, request.path, exc_info=error)
    return refusal(503, "engine_unavailable", ENGINE_DOWN, {"Retry-After": "5"})


def _internal(request: HttpRequest, error: Exception) -> JsonResponse:
    logger.error("%s %s failed", request.method, request.path, exc_info=error)
    return refusal(500, "internal", INTERNAL)


# ninja takes the handler of the nearest class, so the order here does not matter.
HANDLERS: dict[type[Exception], Callable[[HttpRequest, Any], JsonResponse]] = {
    LecternError: _lectern,
    Http404: _not_found,
    PermissionDenied: _forbidden,
    AuthenticationError: _unauthorized,
    HttpError: _http,
    ValidationError: _invalid,
    RequestDataTooBig: _too_big,
    TooManyFilesSent: _too_many_files,
    MultiPartParserError: _bad_upload,
    UnreadablePostError: _bad_upload,
    SuspiciousOperation: _suspicious,
    OperationalError: _engine_down,
    InterfaceError: _engine_down,
    redis.ConnectionError: _engine_down,
    redis.TimeoutError: _engine_down,
    kombu.exceptions.OperationalError: _engine_down,
    Exception: _internal,
}


def install(api: NinjaAPI) -> None:
    """Make `api` answer every error in the one shape."""
    for error, handler in HANDLERS.items():
        api.add_exception_handler(error, handler)
