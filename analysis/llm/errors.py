"""What can go wrong between Lectern and a language model, each with a sentence for people."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from django.utils import timezone

from analysis.errors import AppError, EngineUnavailable, UserError

_OVER_WINDOW = ("exceed_context", "context_length", "context size", "maximum context", "too long", "max_model_len")


class Busy(EngineUnavailable):
    """The endpoint is there and takes no more work now. retry_after_seconds: as it asked, 0 if it did not say."""

    def __init__(self, message: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, code="llm_busy")
        self.retry_after_seconds = retry_after_seconds


class BrokenStream(AppError):
    """The completion ended before its end, or said something that cannot be read."""

    code = "llm_broken_stream"


_PLAIN = {
    401: ("llm_key_refused", "The language model's endpoint does not accept the key that is set."),
    402: ("llm_no_credit", "The account at the language model's endpoint has no credit left."),
    403: ("llm_key_refused", "The language model's endpoint does not let this key use it."),
    404: ("llm_not_served", "The endpoint does not serve this language model."),
}


def refusal(status: int, headers: httpx.Headers, body: str) -> Exception:
    """Return the error that an HTTP answer other than 200 stands for."""
    if status in _PLAIN:
        code, sentence = _PLAIN[status]
        return AppError(sentence, code=code)
    if status == 429:
        return Busy(
            "The language model's endpoint is taking no more requests for now.",
            retry_after_seconds=_retry_after_seconds(headers.get("Retry-After", "")),
        )
    if status >= 500:
        return EngineUnavailable(f"The language model's endpoint is not working right now (status {status}).")
    if any(words in body.lower() for words in _OVER_WINDOW):
        return UserError("This does not fit the language model's window.", code="does_not_fit")
    return AppError(f"The language model's endpoint refused the request. It said: {_said(body)}", code="llm_refused")


def _said(body: str) -> str:
    try:
        found: Any = json.loads(body)
        error = found.get("error", found)
        text = error.get("message", "") if isinstance(error, dict) else error
    except (ValueError, AttributeError):
        text = body
    return " ".join(str(text).split())[:300] or "nothing"


def _retry_after_seconds(value: str) -> float:
    """Return the seconds to wait: the header holds either seconds or a date (RFC 9110, 10.2.3)."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (ValueError, TypeError):
        return 0.0
