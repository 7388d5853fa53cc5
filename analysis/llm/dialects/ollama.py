"""Ollama: its window is small unless set, and it drops a prompt's beginning without a word."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import httpx

from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.dialects.openai import Dialect, message_tokens
from analysis.llm.endpoint import root_url
from analysis.llm.errors import parsed
from analysis.llm.tokens import MARGIN
from analysis.types import Prompt

DEFAULT_WINDOW_TOKENS = 4096


class Ollama(Dialect):
    """As docs.ollama.com has it (api, context-length, openai compatibility; looked at 2026-11-23).

    The OpenAI calls take no num_ctx, so the window is asked for before a prompt is sent: a running model states it in
    /api/ps, another one in the parameters of /api/show; else it is the default.
    """

    name: ClassVar[str] = "ollama"

    @asynccontextmanager
    async def prepared(self, llm: LLM, prompt: Prompt, client: httpx.AsyncClient) -> AsyncIterator[Prompt]:
        """Yield the prompt. Raises UserError does_not_fit for one that Ollama would cut."""
        window_tokens = await self._window_tokens(llm, client)
        least = sum(message_tokens(message) for message in prompt.messages) / MARGIN
        if least + prompt.max_output_tokens > window_tokens:
            raise UserError(
                f"Ollama runs {llm.served_as} with a window of {window_tokens:,} tokens, and would cut this off. "
                "Set OLLAMA_CONTEXT_LENGTH, or num_ctx in its Modelfile, and start it again.",
                code="does_not_fit",
            )
        yield prompt

    async def _window_tokens(self, llm: LLM, client: httpx.AsyncClient) -> int:
        running = _told(await client.get(root_url(llm.base_url, "api/ps")))
        shown = _told(await client.post(root_url(llm.base_url, "api/show"), json={"model": llm.served_as}))
        return ollama_window_tokens(running, shown, llm.served_as)


def ollama_window_tokens(running: dict[str, Any], shown: dict[str, Any], model: str) -> int:
    """Return the window that Ollama gives `model`, from what /api/ps and /api/show say ({} where they do not)."""
    names = {model, f"{model}:latest"}
    for entry in running.get("models") or []:
        if entry.get("context_length") and {entry.get("name"), entry.get("model")} & names:
            return int(entry["context_length"])
    setting = re.search(r"^num_ctx\s+(\d+)", str(shown.get("parameters") or ""), re.MULTILINE)
    return int(setting[1]) if setting else DEFAULT_WINDOW_TOKENS


def _told(response: httpx.Response) -> dict[str, Any]:
    return parsed(response.content) if response.status_code == httpx.codes.OK else {}
