"""One tree of errors, divided by who can do something about them."""

from __future__ import annotations


class LecternError(Exception):
    """Any error of Lectern's own. `code` is stable and for programs; the message is a sentence for people."""

    code = "error"
    status = 500

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status or self.status


class UserError(LecternError):
    """The person can mend it: shown to them as it stands, never retried."""

    code = "invalid"
    status = 422


class AppError(LecternError):
    """Lectern's own or an engine's fault: logged, and retried when `transient`."""

    code = "internal"
    transient = False


class EngineUnavailable(AppError):
    """An engine (language model, broker, database) did not answer; trying again later may work."""

    code = "engine_unavailable"
    status = 503
    transient = True
