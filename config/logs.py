"""Log lines: plain ones for a terminal, JSON for whoever collects them (`LECTERN_LOG=json`).

A line says what was done, by whom (an id), to which row (an id), and how it ended. It never holds a document's words, a
question, a token or a password: JSON lines name an exception by its type and place and leave out what it says, since
that may quote the text it stumbled over; and in every line, plain ones too, what looks like a secret is struck out.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from config import tally

ROOT = Path(__file__).resolve().parents[1]
LONGEST_MESSAGE = 4000  # characters
STRUCK = "…"

request_id: ContextVar[str] = ContextVar("request_id", default="")
task_id: ContextVar[str] = ContextVar("task_id", default="")

# API tokens; what follows "Bearer"; passwords in addresses; the secret parts of our own one-time links.
_SECRETS = re.compile(
    r"lectern_[\w-]{16,}"
    r"|(?<=[Bb]earer )[^\s\"']+"
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"
    r"|(?<=/start/)[^/\s]+"
    r"|(?<=/invites/)[^/\s]+"
    r"|(?<=/confirm-email/)[^/\s]+"
    r"|(?<=/reset/key/)[^/\s]+"
)

Raised = tuple[type[BaseException], BaseException, TracebackType | None]


def logging_settings(*, json_lines: bool) -> dict[str, Any]:
    """Return Django's LOGGING. With JSON lines the web server's own lines are such lines too."""
    loggers: dict[str, Any] = {"httpx": {"level": "WARNING"}, "sentence_transformers": {"level": "WARNING"}}
    if json_lines:
        loggers |= {name: {"handlers": ["console"], "propagate": False} for name in ("uvicorn", "uvicorn.error")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {"()": "config.logs.PlainLines", "format": "%(asctime)s %(levelname)s %(name)s %(message)s"},
            "json": {"()": "config.logs.JsonLines"},
        },
        "handlers": {
            "console": {"class": "logging.StreamHandler", "formatter": "json" if json_lines else "line"},
            "errors": {"class": "config.logs.ErrorTally", "level": "ERROR"},
        },
        "root": {"handlers": ["console", "errors"], "level": "INFO"},
        "loggers": loggers,
    }


def struck_out(text: str) -> str:
    """Return the text without what looks like a secret."""
    return _SECRETS.sub(STRUCK, text)


class PlainLines(logging.Formatter):
    """A line for people, tracebacks in full, secrets struck out."""

    def format(self, record: logging.LogRecord) -> str:
        return struck_out(super().format(record))


class JsonLines(logging.Formatter):
    """A JSON object on one line. `extra={"fields": {...}}` of a log call becomes members of it."""

    def format(self, record: logging.LogRecord) -> str:
        raised = _raised(record)
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record, raised),
            "request_id": request_id.get(),
            "task_id": task_id.get(),
            **getattr(record, "fields", {}),
            "exception": _exception(raised) if raised else None,
        }
        return json.dumps({name: value for name, value in line.items() if value not in ("", None)}, default=str)


class ErrorTally(logging.Handler):
    """Counts errors by where they are logged, for the metrics."""

    def emit(self, record: logging.LogRecord) -> None:
        tally.count("errors", logger=record.name)


def _raised(record: logging.LogRecord) -> Raised | None:
    info = record.exc_info
    return info if isinstance(info, tuple) and info[0] is not None else None


def _message(record: logging.LogRecord, raised: Raised | None) -> str:
    """Return the message on one line, without what an exception says."""
    message = record.getMessage()
    if raised:
        message = message.partition("\n")[0]
        for said in (repr(raised[1]), str(raised[1]).partition("\n")[0]):
            message = message.replace(said, STRUCK) if said else message
    return struck_out(" ".join(message.split()))[:LONGEST_MESSAGE]


def _exception(raised: Raised) -> dict[str, Any]:
    """Return the exception's type, its code if it has one, and where it was raised, innermost call last."""
    kind, error, place = raised
    code = getattr(error, "code", None) or getattr(error, "sqlstate", None)
    found: dict[str, Any] = {"type": f"{kind.__module__}.{kind.__qualname__}"}
    if isinstance(code, str | int):
        found["code"] = code
    found["calls"] = [f"{_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(place)]
    if error.__cause__ is not None:
        cause = type(error.__cause__)
        found["cause"] = f"{cause.__module__}.{cause.__qualname__}"
    return found


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else "/".join(path.parts[-3:])
