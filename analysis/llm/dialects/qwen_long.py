"""Qwen-Long on Model Studio: documents are put up as files and named in the prompt, up to ten million tokens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import ClassVar

import anyio
import httpx

from analysis.errors import EngineUnavailable
from analysis.llm.catalogue import LLM
from analysis.llm.control_words import quoted
from analysis.llm.dialects.dashscope import DashScope
from analysis.llm.endpoint import api_url
from analysis.llm.errors import parsed
from analysis.types import Message, Prompt, Source

PARSING_SECONDS = 120.0
LOOK_SECONDS = 0.5
TAKE_DOWN_SECONDS = 5.0


class QwenLong(DashScope):
    """As model-studio/long-context-qwen-long and openai-file-interface have it (looked at 2026-11-23).

    Files are kept until they are deleted and are read by whoever has the account's key: ours live as long as the call.
    Their tokens are billed as input of every call that names them, and stand in its prompt_tokens.
    """

    name: ClassVar[str] = "qwen_long"

    @asynccontextmanager
    async def prepared(self, llm: LLM, prompt: Prompt, client: httpx.AsyncClient) -> AsyncIterator[Prompt]:
        """Yield the prompt with each source's words replaced by the name of a file that holds them."""
        sources = [
            source for source in prompt.sources if any(quoted(source.text) in m.content for m in prompt.messages)
        ]
        ids: list[str] = []
        try:
            for number, source in enumerate(sources, start=1):
                ids.append(await self._put_up(llm, client, f"document-{number}.txt", quoted(source.text)))
            for id in ids:
                await self._parsed(llm, client, id)
            yield _naming(prompt, sources, ids)
        finally:
            # Stopping cancels the call; the files must go all the same.
            with anyio.CancelScope(shield=True), anyio.move_on_after(TAKE_DOWN_SECONDS):
                for id in ids:
                    await _take_down(llm, client, id)

    async def _put_up(self, llm: LLM, client: httpx.AsyncClient, name: str, text: str) -> str:
        """Return the id of the file that now holds `text`."""
        response = await client.post(
            api_url(llm.base_url, "files"),
            data={"purpose": "file-extract"},
            files={"file": (name, text.encode(), "text/plain")},
        )
        return str(self._told(response).get("id", ""))

    async def _parsed(self, llm: LLM, client: httpx.AsyncClient, id: str) -> None:
        """Wait until the endpoint has read the file. Raises EngineUnavailable when it cannot or takes too long."""
        for _ in range(round(PARSING_SECONDS / LOOK_SECONDS)):
            status = self._told(await client.get(api_url(llm.base_url, f"files/{id}"))).get("status")
            if status == "processed":
                return
            if status == "error":
                raise EngineUnavailable("The language model's endpoint could not read the document put up for it.")
            await anyio.sleep(LOOK_SECONDS)
        raise EngineUnavailable("The language model's endpoint takes too long to read the document put up for it.")

    def _told(self, response: httpx.Response) -> dict[str, object]:
        if response.status_code != httpx.codes.OK:
            raise self.refusal(response.status_code, response.headers, response.text)
        return parsed(response.content)


async def _take_down(llm: LLM, client: httpx.AsyncClient, id: str) -> None:
    try:
        await client.delete(api_url(llm.base_url, f"files/{id}"))
    except httpx.HTTPError:
        return  # the account keeps it; nothing a reader could do about it


def _naming(prompt: Prompt, sources: list[Source], ids: list[str]) -> Prompt:
    """Return the prompt with the files named in a system message of their own, behind the first one.

    The documents' tags stay where they were, with the file's place in them, so that the model knows which is which.
    """
    if not ids:
        return prompt
    messages = list(prompt.messages)
    for number, source in enumerate(sources, start=1):
        words, note = quoted(source.text), f"[the words of file {number}]"
        at = next(i for i, message in enumerate(messages) if words in message.content)
        messages[at] = replace(messages[at], content=messages[at].content.replace(words, note, 1), prefix_chars=0)
    first = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    named = Message("system", ",".join(f"fileid://{id}" for id in ids))
    return replace(prompt, messages=[*messages[:first], named, *messages[first:]])
