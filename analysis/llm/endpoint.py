"""An endpoint's address, its headers, and what it says of itself."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import httpx
from django.utils.translation import gettext

from analysis.errors import EngineUnavailable, UserError
from local.home import read_endpoints

ASK_AGAIN_SECONDS = 60.0
RETRY_SECONDS = 3.0
LONGEST_RETRY_SECONDS = 60.0
TIMEOUT = httpx.Timeout(5, connect=2)
# Providers are known by where they are.
HOSTS = {
    "api.moonshot.ai": "moonshot",
    "api.moonshot.cn": "moonshot",
    "dashscope.aliyuncs.com": "dashscope",
    "dashscope-intl.aliyuncs.com": "dashscope",
    "dashscope-us.aliyuncs.com": "dashscope",
    "api.deepseek.com": "deepseek",
    "api.z.ai": "zai",
    "open.bigmodel.cn": "zai",
}
# Servers are known by whom they name as the owner of what they serve.
OWNERS = {"vllm": "vllm", "sglang": "sglang", "library": "ollama"}


@dataclass(frozen=True)
class Listed:
    """A language model as a server lists it. window_tokens: 0 if unsaid."""

    id: str
    window_tokens: int = 0


@dataclass(frozen=True)
class Survey:
    """What a server says when it is asked: how it speaks and what it serves. slots: llama.cpp's, else 0."""

    dialect: str = "openai"
    models: list[Listed] = field(default_factory=list)
    slots: int = 0


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


@dataclass
class _Known:
    """What is remembered of a server, and when it is to be asked again."""

    facts: EndpointFacts
    ask_at: float
    failures: int = 0
    asking: bool = False


_known: dict[tuple[str, str], _Known] = {}
_lock = threading.Lock()


def endpoint_facts(base_url: str, key: str = "", *, model: str = "") -> EndpointFacts:
    """Return what the server at `base_url` says of itself, asked at most once a minute.

    Only who asks first waits for it; later it is asked beside what goes on, and one that is away less and less often. A
    server that does not answer keeps what it last said; one that never has is described by its address alone.
    """
    with _lock:
        known = _known.get((base_url, model))
        due = known is not None and not known.asking and time.monotonic() > known.ask_at
        if known is not None and due:
            known.asking = True
    if known is None:
        return _ask(base_url, key, model)
    if due:
        threading.Thread(target=_ask, args=(base_url, key, model), daemon=True).start()
    return known.facts


def forget_endpoints() -> None:
    """Make the next question go to the servers again."""
    with _lock:
        _known.clear()


def survey(base_url: str, key: str = "") -> Survey:
    """Return what the server says of itself; without a list of models where it has none.

    Raises EngineUnavailable when nothing answers, UserError when the key is refused or the address is no such server's.
    """
    try:
        with httpx.Client(headers=headers(key), timeout=TIMEOUT) as client:
            response = client.get(api_url(base_url, "models"))
            entries = _entries(response)
            owner = str(entries[0].get("owned_by")) if entries else ""
            props = _json(client, root_url(base_url, "props")) if owner == "llamacpp" else None
            if not owner and HOSTS.get(urlsplit(base_url).hostname or "") is None:
                owner = "library" if _json(client, root_url(base_url, "api/version")) else ""
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise EngineUnavailable(gettext("Nothing answers at this address.")) from error
    if props is not None:
        window_tokens = int(props.get("default_generation_settings", {}).get("n_ctx", 0))
        listed = [Listed(str(entry.get("id")), window_tokens) for entry in entries]
        return Survey("llamacpp", listed, int(props.get("total_slots", 0)))
    dialect = HOSTS.get(urlsplit(base_url).hostname or "") or OWNERS.get(owner, "openai")
    return Survey(dialect, [Listed(str(entry.get("id")), _window_tokens(entry)) for entry in entries])


def facts_of(told: Survey) -> dict[str, Any]:
    """Return a survey as it is kept in an endpoint's row."""
    windows = {listed.id: listed.window_tokens for listed in told.models if listed.window_tokens}
    return {"dialect": told.dialect, "models": [listed.id for listed in told.models], "windows": windows}


def _entries(response: httpx.Response) -> list[dict[str, Any]]:
    """Return the server's list of models. Raises UserError when it takes no such question from us."""
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise UserError(gettext("The endpoint refuses the key."), code="llm_key_refused")
    if response.status_code in {httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}:
        return []  # some servers list nothing
    if response.is_server_error:
        raise EngineUnavailable(
            gettext("The endpoint is not working right now (status %(status)s).") % {"status": response.status_code}
        )
    try:
        found = response.json()
    except ValueError:
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("data") or [], list):
        raise UserError(gettext("What answers at this address is no OpenAI-compatible server."), code="not_an_endpoint")
    return [entry for entry in found.get("data") or [] if isinstance(entry, dict)]


def _window_tokens(entry: dict[str, Any]) -> int:
    """Return the window of a listed model: vLLM and SGLang say max_model_len, Moonshot context_length."""
    return int(entry.get("max_model_len") or entry.get("context_length") or 0)


def _ask(base_url: str, key: str, model: str) -> EndpointFacts:
    """Return what is known of the server once it has been asked, and remember it."""
    told = _told(base_url, key, model)
    with _lock:
        known = _known.get((base_url, model))
        failures = 0 if told else (known.failures if known else 0) + 1
        embedded = _embedded(base_url)
        facts = told or (known.facts if known else EndpointFacts(embedded=embedded, slots=3 if embedded else 0))
        retry_seconds = min(LONGEST_RETRY_SECONDS, RETRY_SECONDS * 2 ** max(0, failures - 1))
        _known[base_url, model] = _Known(
            facts, time.monotonic() + (ASK_AGAIN_SECONDS if told else retry_seconds), failures
        )
    return facts


def _told(base_url: str, key: str, model: str) -> EndpointFacts | None:
    try:
        found = survey(base_url, key)
    except (EngineUnavailable, UserError):
        return None
    named = next((listed for listed in found.models if listed.id == model), None)
    served = named or (found.models[0] if found.models else Listed(""))
    embedded = _embedded(base_url) and found.dialect == "llamacpp"
    return EndpointFacts(found.dialect, served.id, served.window_tokens, found.slots, embedded)


def _json(client: httpx.Client, url: str) -> dict[str, Any] | None:
    try:
        response = client.get(url)
        found = response.json() if response.status_code == httpx.codes.OK else None
    except (httpx.HTTPError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _embedded(base_url: str) -> bool:
    return bool(base_url) and base_url == read_endpoints().get("llm_url")
