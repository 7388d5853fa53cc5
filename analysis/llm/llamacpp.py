"""The calls of llama.cpp's own server beside the OpenAI ones: exact counts, and a slot's state kept on disk."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from concurrent.futures import wait
from functools import cache
from typing import Any

import httpx
from anyio.from_thread import start_blocking_portal

from analysis.egress import leave
from analysis.errors import AppError, EngineUnavailable
from analysis.llm.catalogue import LLM
from analysis.llm.endpoint import headers, root_url
from analysis.llm.errors import refusal
from analysis.types import Message

TIMEOUT = httpx.Timeout(120, connect=5)
LOOK_SECONDS = 0.1  # how often a reading is asked whether it should stop
AWAY = "The language model does not answer."


def tokenize(llm: LLM, text: str, *, special: bool = False) -> list[int]:
    """Return the text's token ids. special: control words such as <|im_start|> become control tokens."""
    found: list[int] = _post(llm, "tokenize", {"content": text, "parse_special": special})["tokens"]
    return found


def template(llm: LLM, messages: list[Message]) -> str:
    """Return the messages in the model's chat template, as it will read them."""
    body = {"messages": [{"role": message.role, "content": message.content} for message in messages]}
    return str(_post(llm, "apply-template", body)["prompt"])


def prefill(llm: LLM, tokens: list[int], *, slot: int, should_stop: Callable[[], bool] = lambda: False) -> int | None:
    """Have `slot` read `tokens`, re-using what it has read already; return how many it had to read now.

    When `should_stop()` the connection is closed, which ends the reading after the batch at hand; returns None then.
    """
    leave("A text", llm.base_url, self_hosted=llm.self_hosted)
    body = {"prompt": tokens, "n_predict": 0, "id_slot": slot, "cache_prompt": True}
    with start_blocking_portal() as portal:
        request = portal.start_task_soon(_read, llm, body)
        while not request.done():
            if should_stop():
                request.cancel()
                return None
            wait([request], timeout=LOOK_SECONDS)
        try:
            return int(_answer(request.result())["timings"]["prompt_n"])
        except httpx.HTTPError as error:
            raise EngineUnavailable(AWAY) from error


async def _read(llm: LLM, body: dict[str, Any]) -> httpx.Response:
    timeout = httpx.Timeout(600, connect=5)
    async with httpx.AsyncClient(headers=headers(llm.key), timeout=timeout, verify=_trust()) as client:
        return await client.post(root_url(llm.base_url, "completion"), json=body)


@cache
def _trust() -> ssl.SSLContext:
    # Made once: loading the certificates takes longer than many a step.
    return httpx.create_ssl_context()


def save_slot(llm: LLM, slot: int, file_name: str) -> tuple[int, int]:
    """Write the slot's state to `file_name` in the server's slot folder; return its tokens and bytes."""
    told = _post(llm, f"slots/{slot}?action=save", {"filename": file_name})
    return int(told["n_saved"]), int(told["n_written"])


def restore_slot(llm: LLM, slot: int, file_name: str) -> int:
    """Load a saved state into the slot; return its tokens. Raises AppError if the file cannot be used."""
    return int(_post(llm, f"slots/{slot}?action=restore", {"filename": file_name})["n_restored"])


def erase_slot(llm: LLM, slot: int) -> None:
    """Make the slot forget what it has read, which gives its share of the window to the others."""
    _post(llm, f"slots/{slot}?action=erase", {})


def _post(llm: LLM, path: str, body: dict[str, Any]) -> dict[str, Any]:
    leave("A text", llm.base_url, self_hosted=llm.self_hosted)
    try:
        return _answer(httpx.post(root_url(llm.base_url, path), json=body, headers=headers(llm.key), timeout=TIMEOUT))
    except httpx.HTTPError as error:
        raise EngineUnavailable(AWAY) from error


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.status_code != httpx.codes.OK:
        raise refusal(response.status_code, response.headers, response.text)
    found = response.json()
    if not isinstance(found, dict):
        raise AppError("The language model's server answered in a way that cannot be read.")
    return found
