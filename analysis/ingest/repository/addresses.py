"""Addresses and names of commits as people give them. Where an address leads is checked when it is fetched."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from analysis.errors import UserError
from analysis.ingest.repository import messages
from config.env import env

URL_MAX_CHARACTERS = 500
_REF = re.compile(r"(?!.*(\.\.|//|@\{|\.lock(/|$)))[A-Za-z0-9_][\w./+@#=-]{0,198}", re.A)


def checked_url(url: str) -> str:
    """Return the address of a git repository, without what means nothing in it. Raises UserError bad_url."""
    url = url.strip().rstrip("/")
    parts = urlsplit(url)
    try:
        known = parts.scheme in {"https", "http"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or len(url) > URL_MAX_CHARACTERS or not url.isprintable() or " " in url or "\\" in url:
        raise UserError(messages.BAD_URL, code="bad_url")
    if parts.username or parts.password:
        raise UserError(messages.NAMED_URL, code="bad_url")
    if parts.scheme == "http" and not env.git_http:
        raise UserError(messages.NO_HTTP, code="bad_url")
    return parts._replace(query="", fragment="").geturl()


def checked_ref(ref: str) -> str:
    """Return the branch, tag or commit, "" for the server's own choice. Raises UserError bad_ref."""
    ref = ref.strip()
    if ref and not _REF.fullmatch(ref):
        raise UserError(messages.BAD_REF, code="bad_ref")
    return ref
