"""The OpenAI chat API as most endpoints have it, and the places where the others differ."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, ClassVar

import httpx

from analysis.llm.catalogue import LLM
from analysis.llm.errors import Fault, refusal
from analysis.llm.tokens import estimate
from analysis.types import Media, Message, Prompt, Shape, Usage

# Where the endpoints put the words of a model that thinks aloud: Qwen, DeepSeek, GLM, Kimi, SGLang; then vLLM since
# 0.11 (docs.vllm.ai, reasoning outputs), Ollama and OpenRouter.
REASONING_FIELDS = ("reasoning_content", "reasoning")
MEDIA_TOKENS = 2000  # what a picture or a recording may be in tokens, where only room is reckoned with


class Dialect:
    """An endpoint's way of saying things. It has no state: one object serves every completion.

    limit_field: what it calls the longest completion. asks_for_usage: whether it wants stream_options before it tells
    the usage. think_tags: whether its content may hold <think>...</think>, for want of a reasoning parser.
    transcriptions: whether it has the call /audio/transcriptions. codes, over_window: how it refuses. finishes: its
    words for an end that is none, in ours. constrained: what it can hold a completion to: "schema", "object" (some JSON
    object; the prompt has to speak of JSON then) or "none".
    """

    name: ClassVar[str] = "openai"
    limit_field: ClassVar[str] = "max_tokens"
    asks_for_usage: ClassVar[bool] = True
    think_tags: ClassVar[bool] = True
    transcriptions: ClassVar[bool] = True
    constrained: ClassVar[str] = "schema"
    codes: ClassVar[Mapping[str, Fault]] = {
        "insufficient_quota": Fault.CREDIT,
        "context_length_exceeded": Fault.OVER_WINDOW,
        "content_filter": Fault.WITHHELD,
        "content_policy_violation": Fault.WITHHELD,
    }
    over_window: ClassVar[tuple[str, ...]] = ()
    finishes: ClassVar[Mapping[str, str]] = {
        "content_filter": "withheld",
        "abort": "broken",
        "aborted": "broken",
        "error": "broken",
    }

    @asynccontextmanager
    async def prepared(self, llm: LLM, prompt: Prompt, client: httpx.AsyncClient) -> AsyncIterator[Prompt]:
        """Yield the prompt as it is to be sent; what had to be put up for it is taken down again afterwards."""
        yield prompt

    def body(self, llm: LLM, prompt: Prompt, slot: int | None = None) -> dict[str, Any]:
        """Return the JSON of a streaming chat request."""
        body: dict[str, Any] = {
            "model": llm.served_as,
            "messages": [self.message(message, llm) for message in prompt.messages],
            self.limit_field: max_tokens(llm, prompt),
            "stream": True,
            **self.settings(llm),
        }
        if self.asks_for_usage:
            body["stream_options"] = {"include_usage": True}
        if prompt.shape is not None and self.holds_to(llm) != "none":
            body["response_format"] = self.response_format(prompt.shape, llm)
        return body

    def holds_to(self, llm: LLM) -> str:
        """Return what a completion of the LLM can be held to: "schema", "object" or "none"."""
        return llm.constrained or self.constrained

    def response_format(self, shape: Shape, llm: LLM) -> dict[str, Any]:
        """Return the field that holds a completion to the shape's schema, or to some JSON object."""
        if self.holds_to(llm) == "object":
            return {"type": "json_object"}
        return {"type": "json_schema", "json_schema": {"name": shape.name, "strict": True, "schema": shape.schema}}

    def settings(self, llm: LLM) -> dict[str, Any]:
        """Return the fields of the LLM's `body` that the endpoint takes."""
        return llm.body

    def message(self, message: Message, llm: LLM) -> dict[str, Any]:
        """Return one message: plain text as a string, pictures and recordings as parts before it."""
        parts = [*map(self.media, message.media), *self.text_parts(message, llm)]
        plain = len(parts) == 1 and parts[0].keys() == {"type", "text"}
        return {"role": message.role, "content": parts[0]["text"] if plain else parts}

    def text_parts(self, message: Message, llm: LLM) -> list[dict[str, Any]]:
        """Return the message's text in parts."""
        return [{"type": "text", "text": message.content}] if message.content or not message.media else []

    def media(self, media: Media) -> dict[str, Any]:
        """Return a picture as a data URL, a recording as base64 with its format."""
        if media.mime.startswith("image/"):
            return {"type": "image_url", "image_url": {"url": data_url(media)}}
        return {"type": "input_audio", "input_audio": {"data": encoded(media), "format": audio_format(media)}}

    def pieces(self, delta: dict[str, Any]) -> tuple[str, str]:
        """Return (reasoning, text) of a chunk's delta."""
        reasoning = next((delta[name] for name in REASONING_FIELDS if delta.get(name)), "")
        content = delta.get("content") or ""
        if isinstance(content, list):
            content = "".join(str(part.get("text") or "") for part in content)
        return str(reasoning), str(content)

    def usage_in(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """Return the chunk's usage: its own, or the one in its choice."""
        return event.get("usage") or next((c["usage"] for c in event.get("choices") or [] if c.get("usage")), None)

    def usage(self, raw: dict[str, Any], before: Usage) -> Usage:
        """Return `before` with what the endpoint says of the tokens."""
        thought = (raw.get("completion_tokens_details") or {}).get("reasoning_tokens")
        return replace(
            before,
            prompt_tokens=int(raw.get("prompt_tokens") or before.prompt_tokens),
            cached_tokens=self.cached_tokens(raw) or before.cached_tokens,
            completion_tokens=int(raw.get("completion_tokens") or before.completion_tokens),
            reasoning_tokens=int(thought or 0) or before.reasoning_tokens,
        )

    def cached_tokens(self, raw: dict[str, Any]) -> int:
        """Return how many prompt tokens came from the endpoint's cache.

        In the details as OpenAI has it, in the usage itself (Moonshot), or as hits (DeepSeek); gateways pass on any.
        """
        details = raw.get("prompt_tokens_details") or {}
        said = details.get("cached_tokens") or raw.get("cached_tokens") or raw.get("prompt_cache_hit_tokens")
        return int(said or 0)

    def finish(self, reason: str) -> str:
        """Return the reason in our words: as it is, or "length", "withheld" (a content filter) or "broken"."""
        return self.finishes.get(reason, reason)

    def refusal(self, status: int, headers: Mapping[str, str], body: str) -> Exception:
        """Return the error that an HTTP answer other than 200 stands for."""
        return refusal(status, headers, body, codes=self.codes, over_window=self.over_window)


def max_tokens(llm: LLM, prompt: Prompt) -> int:
    """Return how long the completion may be: the answer, and room to think where the LLM thinks and it still fits.

    Prompt and completion share the window, and an endpoint refuses what cannot fit. The answer's room has been
    reckoned with exact counts before; only the room to think is cut to what an estimate leaves.
    """
    wanted = prompt.max_output_tokens + llm.reasoning_tokens
    left = llm.window_tokens - sum(message_tokens(message) for message in prompt.messages)
    return min(max(prompt.max_output_tokens, min(wanted, left)), llm.max_output_tokens)


def message_tokens(message: Message) -> int:
    """Return an upper guess of a message's tokens."""
    return estimate(message.content) + MEDIA_TOKENS * len(message.media)


def encoded(media: Media) -> str:
    """Return the bytes in base64."""
    return base64.b64encode(media.data).decode()


def data_url(media: Media) -> str:
    """Return the bytes as a data URL."""
    return f"data:{media.mime};base64,{encoded(media)}"


def audio_format(media: Media) -> str:
    """Return the recording's format in the API's words: "wav", "mp3", else the MIME type's own."""
    kind = re.sub(r"^x-", "", media.mime.partition("/")[2].partition(";")[0])
    return {"mpeg": "mp3", "wave": "wav", "vnd.wave": "wav", "mp4": "m4a"}.get(kind, kind)
