"""Who is calling: a bearer token, or the browser's session; and how often they may."""

from __future__ import annotations

import time
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth

from analysis.api.errors import TooManyRequests
from analysis.progress import connection
from workspaces.access import Viewer, token_for, viewer_for
from workspaces.models import ApiToken, User

USED_EVERY = timedelta(minutes=1)
WINDOW_SECONDS = 60


class ApiRequest(HttpRequest):
    """A request that has been let in. auth: who asks."""

    auth: Viewer


class BearerToken(HttpBearer):
    """Lets in whoever holds an API token; it may be bound to one workspace."""

    def authenticate(self, request: HttpRequest, token: str) -> Viewer | None:
        """Return who the token stands for, None for no token of ours; raises TooManyRequests."""
        return viewer_of(token)


def viewer_of(token: str) -> Viewer | None:
    """Return who the token stands for, None for no token of ours; raises TooManyRequests."""
    row = token_for(token.strip())
    if row is None:
        return None
    _count(f"token:{row.pk}")
    _note_use(row)
    return viewer_for(row)


class BrowserSession(SessionAuth):
    """Lets in a signed-in browser, with Django's CSRF check on whatever writes."""

    def __call__(self, request: HttpRequest) -> Viewer | None:
        # A caller without a session gets 401 for having no token, not 403 for a CSRF token it has never heard of.
        if "Authorization" in request.headers or self.param_name not in request.COOKIES:
            return None
        viewer: Viewer | None = super().__call__(request)
        return viewer

    def authenticate(self, request: HttpRequest, key: str | None) -> Viewer | None:
        """Return the signed-in person; raises TooManyRequests."""
        if not isinstance(request.user, User):
            return None
        _count(f"user:{request.user.pk}")
        return Viewer(user=request.user)


def _note_use(token: ApiToken) -> None:
    """Write when the token was last used, at most once a minute: a poller must not turn every read into a write."""
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - USED_EVERY:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


def _count(caller: str) -> None:
    """Count one request of this minute; raises TooManyRequests past the limit.

    A fixed window: up to twice the limit can pass around a minute's turn, which is fine for keeping a runaway loop off.
    """
    limit = settings.API_REQUESTS_PER_MINUTE
    if not limit:
        return
    window, elapsed = divmod(int(time.time()), WINDOW_SECONDS)
    pipe = connection().pipeline(transaction=False)
    key = f"lectern:rate:{caller}:{window}"
    pipe.incr(key)
    pipe.expire(key, 2 * WINDOW_SECONDS)
    if pipe.execute()[0] > limit:
        message = f"This is more than {limit} requests in a minute. Please wait."
        raise TooManyRequests(message, retry_seconds=WINDOW_SECONDS - elapsed)
