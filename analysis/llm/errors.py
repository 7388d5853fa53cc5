"""What can go wrong between Lectern and a language model, each with a sentence for people."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

from django.utils import timezone
from django.utils.translation import gettext

from analysis.errors import AppError, EngineUnavailable, UserError


class Busy(EngineUnavailable):
    """The endpoint is there and takes no more work now. retry_after_seconds: as it asked, 0 if it did not say."""

    def __init__(self, message: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(message, code="llm_busy")
        self.retry_after_seconds = retry_after_seconds


class Silent(EngineUnavailable):
    """The endpoint took the request and then said nothing for as long as it may: asking again would wait as long."""

    code = "llm_silent"


class BrokenStream(AppError):
    """The completion ended before its end, or said something that cannot be read."""

    code = "llm_broken_stream"


REFUSED = "llm_refused"  # the code of a refusal that only the endpoint's own words explain


class Fault(StrEnum):
    """What a refusal means, whatever words and numbers an endpoint has for it."""

    KEY = "llm_key_refused"
    PERMISSION = "llm_no_permission"
    CREDIT = "llm_no_credit"
    NOT_SERVED = "llm_not_served"
    BUSY = "llm_busy"
    AWAY = "engine_unavailable"
    OVER_WINDOW = "does_not_fit"
    WITHHELD = "llm_withheld"


_SENTENCES = {
    Fault.KEY: "The language model's endpoint does not accept the key that is set.",
    Fault.PERMISSION: "The language model's endpoint does not let this key use it.",
    Fault.CREDIT: "The account at the language model's endpoint has no credit left.",
    Fault.NOT_SERVED: "The endpoint does not serve this language model.",
    Fault.WITHHELD: "The language model's provider withheld the answer: its content filter objects to the text.",
}
_STATUSES = {
    401: Fault.KEY,
    402: Fault.CREDIT,
    403: Fault.PERMISSION,
    404: Fault.NOT_SERVED,
    408: Fault.AWAY,
    413: Fault.OVER_WINDOW,
    429: Fault.BUSY,
}
# As the OpenAI API, llama.cpp, vLLM and SGLang word it; a provider's own words stand in its dialect.
OVER_WINDOW = ("exceed_context", "context_length", "context size", "maximum context", "too long", "max_model_len")
_KEY = re.compile(r"\bsk-[\w-]{8,}")
_AGAIN = re.compile(r"again (?:after|in) ([\d.]+) ?s", re.IGNORECASE)


class Told(NamedTuple):
    """What an error's body says. codes: its code and its type, as text."""

    codes: tuple[str, ...]
    message: str


def refusal(
    status: int,
    headers: Mapping[str, str],
    body: str,
    *,
    codes: Mapping[str, Fault] | None = None,
    over_window: tuple[str, ...] = (),
) -> Exception:
    """Return the error that an HTTP answer other than 200 stands for.

    codes: an endpoint's own codes, which go before the status. over_window: its own words for a prompt too long.
    """
    told = _told(body)
    fault = next((codes[code] for code in told.codes if codes and code in codes), None)
    if fault is None and status != 429 and any(words in body.lower() for words in (*OVER_WINDOW, *over_window)):
        fault = Fault.OVER_WINDOW
    fault = fault or _STATUSES.get(status) or (Fault.AWAY if status >= 500 else None)
    if fault is Fault.BUSY:
        return Busy(
            "The language model's endpoint is taking no more requests for now.",
            retry_after_seconds=_retry_after_seconds(headers.get("Retry-After", ""), told.message),
        )
    return error_for(fault, status=status, said=told.message)


def error_for(fault: Fault | None, *, status: int = 0, said: str = "") -> Exception:
    """Return the error of a fault; None is a refusal that only the endpoint's own words explain."""
    if fault is Fault.AWAY:
        number = f" (status {status})" if status else ""
        return EngineUnavailable(
            gettext("The language model's endpoint is not working right now%(number)s.") % {"number": number}
        )
    if fault is Fault.OVER_WINDOW:
        return UserError(gettext("This does not fit the language model's window."), code=fault)
    if fault is None:
        sentence = f"The language model's endpoint refused the request. It said: {said or 'nothing'}"
        return AppError(sentence, code=REFUSED)
    return AppError(_SENTENCES[fault], code=fault)


def parsed(data: bytes) -> dict[str, Any]:
    """Return the JSON object that an endpoint sent. Raises BrokenStream for anything else."""
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BrokenStream(gettext("The language model sent something that cannot be read."))
    return found


def _told(body: str) -> Told:
    """Return what the body says: `error` as an object or as text, vLLM's older flat object, FastAPI's `detail`."""
    try:
        found: Any = json.loads(body)
    except ValueError:
        return Told((), _short(body))
    if not isinstance(found, dict):
        return Told((), _short(body))
    error = found.get("error") or found.get("detail") or found
    if not isinstance(error, dict):
        return Told((), _short(str(error)))
    codes = tuple(str(error[name]) for name in ("code", "type") if error.get(name) is not None)
    return Told(codes, _short(str(error.get("message") or "")))


def _short(text: str) -> str:
    return _KEY.sub("[key]", " ".join(text.split())[:300])


def _retry_after_seconds(value: str, message: str) -> float:
    """Return the seconds to wait: the header holds seconds or a date (RFC 9110, 10.2.3); some say it in words only."""
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - timezone.now()).total_seconds())
    except (ValueError, TypeError):
        asked = _AGAIN.search(message)
        return float(asked[1].rstrip(".")) if asked else 0.0
