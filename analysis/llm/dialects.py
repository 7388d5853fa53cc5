"""How the OpenAI-compatible endpoints differ: in what a request may say, and in where an answer's facts stand."""

from __future__ import annotations

from typing import Any

from analysis.llm.catalogue import LLM
from analysis.types import Message, Prompt

# Where the endpoints put the words of a model that thinks aloud: Qwen, DeepSeek, GLM, Kimi, SGLang; then newer vLLM.
REASONING_FIELDS = ("reasoning_content", "reasoning")
# Model Studio caches a marked prefix from this many tokens on; a token is three characters or more.
EXPLICIT_CACHE_CHARACTERS = 3 * 1024


def request_body(llm: LLM, prompt: Prompt, *, slot: int | None = None) -> dict[str, Any]:
    """Return the JSON of a streaming chat request in the endpoint's dialect."""
    body: dict[str, Any] = {
        "model": llm.id,
        "messages": [_message(message, llm) for message in prompt.messages],
        "max_tokens": min(prompt.max_output_tokens, llm.max_output_tokens),
        "stream": True,
        "stream_options": {"include_usage": True},
        **llm.body,
    }
    if llm.dialect == "llamacpp":
        body |= {"cache_prompt": True, "return_progress": True}
        if slot is not None:
            body["id_slot"] = slot
    return body


def reasoning_of(delta: dict[str, Any]) -> str:
    """Return the piece of thinking in a chunk's delta, "" if there is none."""
    return next((delta[name] for name in REASONING_FIELDS if delta.get(name)), "")


def cached_tokens_of(usage: dict[str, Any]) -> int:
    """Return how many prompt tokens the endpoint took from its cache."""
    details = usage.get("prompt_tokens_details") or {}
    said = details.get("cached_tokens") or usage.get("cached_tokens") or usage.get("prompt_cache_hit_tokens")
    return int(said or 0)


def reasoning_tokens_of(usage: dict[str, Any]) -> int:
    """Return how many completion tokens were thinking."""
    return int((usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0)


def _message(message: Message, llm: LLM) -> dict[str, Any]:
    """Return the message; under an explicit cache its shared beginning is a part of its own, marked to be kept."""
    cut = message.prefix_chars
    if llm.cache != "explicit" or cut < EXPLICIT_CACHE_CHARACTERS:
        return {"role": message.role, "content": message.content}
    parts: list[dict[str, Any]] = [
        {"type": "text", "text": message.content[:cut], "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": message.content[cut:]},
    ]
    return {"role": message.role, "content": [part for part in parts if part["text"]]}
