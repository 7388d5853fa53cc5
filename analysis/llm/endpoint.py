"""An endpoint's address, its headers, and what it says of itself."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import httpx

from local.home import read_endpoints

ASK_AGAIN_SECONDS = 60.0
RETRY_SECONDS = 3.0


@dataclass(frozen=True)
class EndpointFacts:
    """What a server says of itself. model: what it serves. window_tokens: 0 if unsaid. slots: llama.cpp's, else 0.

    embedded: it is the server that `manage.py up` started, so its slots are ours alone.
    """

    dialect: str = "openai"
    model: str = ""
    window_tokens: int = 0
    slots: int = 0
    embedded: bool = False


def api_url(base_url: str, path: str) -> str:
    """Return the address of an OpenAI-style call: the base as given if it ends in a version, else under /v1."""
    base = base_url.rstrip("/")
    return f"{base}/{path}" if re.search(r"/v\d+$", base) or _is_unversioned(base) else f"{base}/v1/{path}"


def root_url(base_url: str, path: str) -> str:
    """Return the address of a server's own call, beside /v1 and not under it."""
    return f"{re.sub(r'/v[0-9]+$', '', base_url.rstrip('/'))}/{path}"


def headers(key: str) -> dict[str, str]:
    """Return the headers that carry `key`, which is never logged."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def _is_unversioned(base: str) -> bool:
    return urlsplit(base).hostname == "api.deepseek.com"


_known: dict[str, tuple[float, EndpointFacts]] = {}
_lock = Lock()


def endpoint_facts(base_url: str, key: str = "", *, model: str = "") -> EndpointFacts:
    """Return what the server at `base_url` says of itself, asked at most once a minute.

    A server that does not answer keeps what it last said; one that never has is described by `dialect` alone.
    """
    with _lock:
        asked_at, facts = _known.get(base_url, (0.0, None))
        if facts is None or time.monotonic() > asked_at:
            told = _ask(base_url, key, model)
            wait = ASK_AGAIN_SECONDS if told else RETRY_SECONDS
            facts = told or facts or EndpointFacts(embedded=_embedded(base_url), slots=3 if _embedded(base_url) else 0)
            _known[base_url] = (time.monotonic() + wait, facts)
        return facts


def forget_endpoints() -> None:
    """Make the next question go to the servers again."""
    with _lock:
        _known.clear()


def _ask(base_url: str, key: str, model: str) -> EndpointFacts | None:
    with httpx.Client(headers=headers(key), timeout=httpx.Timeout(5, connect=2)) as client:
        models = _json(client, api_url(base_url, "models"))
        if models is None:
            return None
        entry = _entry(models.get("data") or [], model)
        props = _json(client, root_url(base_url, "props")) if entry.get("owned_by") == "llamacpp" else None
    if props is not None:
        window_tokens = int(props.get("default_generation_settings", {}).get("n_ctx", 0))
        slots = int(props.get("total_slots", 0))
        return EndpointFacts("llamacpp", str(entry["id"]), window_tokens, slots, _embedded(base_url))
    dialect = "vllm" if entry.get("owned_by") == "vllm" else "openai"
    return EndpointFacts(dialect, str(entry.get("id", "")), int(entry.get("max_model_len") or 0))


def _entry(models: list[dict[str, Any]], model: str) -> dict[str, Any]:
    named = next((entry for entry in models if entry.get("id") == model), None)
    return named or (models[0] if models else {})


def _json(client: httpx.Client, url: str) -> dict[str, Any] | None:
    try:
        response = client.get(url)
        found = response.json() if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _embedded(base_url: str) -> bool:
    return bool(base_url) and base_url == read_endpoints().get("llm_url")
