"""Who acts, and from where: kept for the length of a request or a command, so that recipes need not pass it on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from workspaces.models import User

AGENT_MAX_CHARACTERS = 200


@dataclass(frozen=True)
class Origin:
    """Who acts. via: page, api, command or system. address: of the caller; agent: the program as it names itself.

    token_id: of the API token that acts for the person.
    """

    via: str = "system"
    user_id: int | None = None
    email: str = ""
    address: str = ""
    agent: str = ""
    token_id: int | None = None


_origin: ContextVar[Callable[[], Origin]] = ContextVar("origin", default=Origin)


def origin() -> Origin:
    """Return who acts here; the system itself where nobody does."""
    return _origin.get()()


@contextmanager
def acting(via: str, user: User | None = None, *, token_id: int | None = None) -> Iterator[None]:
    """Let `user` be who acts inside, through the API token if one is named."""
    acts = Origin(via, user.pk, user.email, token_id=token_id) if user else Origin(via)
    token = _origin.set(lambda: acts)
    try:
        yield
    finally:
        _origin.reset(token)


class OriginMiddleware:
    """Has what a request does logged as its person's. Stands behind the middleware that knows who that is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = _origin.set(lambda: _of(request))
        try:
            return self.get_response(request)
        finally:
            _origin.reset(token)


def _of(request: HttpRequest) -> Origin:
    """Return who makes the request. Asked when something is logged: the API knows its callers only in the view."""
    viewer = getattr(request, "auth", None)
    user = getattr(viewer, "user", None) or request.user
    known = user if isinstance(user, User) else None
    return Origin(
        via="api" if viewer else "page",
        user_id=known.pk if known else None,
        email=known.email if known else "",
        address=request.META.get("REMOTE_ADDR", ""),
        agent=request.headers.get("User-Agent", "")[:AGENT_MAX_CHARACTERS],
        token_id=getattr(viewer, "token_id", None),
    )
