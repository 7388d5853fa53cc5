"""The server that e-mail goes out through, as one address names it."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PORTS = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}


@dataclass(frozen=True)
class SmtpServer:
    """Where and how. tls: encrypted from the first byte. starttls: encrypted before anything is told, or not at all."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    tls: bool
    starttls: bool


def smtp_server(url: str) -> SmtpServer:
    """Return what `smtp://`, `smtp+starttls://` or `smtps://` with `user:password@host:port` means.

    User and password may be percent-encoded. Raises ImproperlyConfigured.
    """
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname:
        # Without the address itself: it holds a password, and this ends up in a log.
        raise ImproperlyConfigured(
            "LECTERN_SMTP_URL is to be smtp://, smtp+starttls:// or smtps://, with user:password@host:port after it."
        )
    return SmtpServer(
        host=parts.hostname,
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls=parts.scheme == "smtps",
        starttls=parts.scheme == "smtp+starttls",
    )
