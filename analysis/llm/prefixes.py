"""Which prompt beginnings an endpoint has been sent lately, and so may still have in its cache."""

from __future__ import annotations

from django.core.cache import cache

from analysis.llm.catalogue import LLM

# The providers keep a prefix for minutes to hours without promising any; this is the time all of them reach.
KEPT_SECONDS = 300


def recently_sent(llm: LLM, key: str) -> bool:
    """Return whether the endpoint was sent the prefix `key` within the last few minutes."""
    return bool(cache.get(_name(llm, key)))


def note_sent(llm: LLM, key: str) -> None:
    """Remember that the endpoint has just read the prefix `key`."""
    cache.set(_name(llm, key), 1, timeout=KEPT_SECONDS)


def _name(llm: LLM, key: str) -> str:
    return f"prefix:{llm.base_url}:{llm.id}:{key}"
