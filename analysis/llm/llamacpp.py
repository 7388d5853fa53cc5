"""The calls of llama.cpp's own server beside the OpenAI ones: exact counts, and a slot's state kept on disk."""

from __future__ import annotations

from typing import Any

import httpx

from analysis.errors import AppError, EngineUnavailable
from analysis.llm.catalogue import LLM
from analysis.llm.endpoint import headers, root_url
from analysis.llm.errors import refusal
from analysis.types import Message

TIMEOUT = httpx.Timeout(120, connect=5)


def tokenize(llm: LLM, text: str, *, special: bool = False) -> list[int]:
    """Return the text's token ids. special: control words such as <|im_start|> become control tokens."""
    found: list[int] = _post(llm, "tokenize", {"content": text, "parse_special": special})["tokens"]
    return found


def template(llm: LLM, messages: list[Message]) -> str:
    """Return the messages in the model's chat template, as it will read them."""
    body = {"messages": [{"role": message.role, "content": message.content} for message in messages]}
    return str(_post(llm, "apply-template", body)["prompt"])


def prefill(llm: LLM, tokens: list[int], *, slot: int) -> int:
    """Have `slot` read `tokens`, re-using what it has read already; return how many it had to read now."""
    body = {"prompt": tokens, "n_predict": 0, "id_slot": slot, "cache_prompt": True}
    return int(_post(llm, "completion", body, timeout=httpx.Timeout(600, connect=5))["timings"]["prompt_n"])


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


def _post(llm: LLM, path: str, body: dict[str, Any], timeout: httpx.Timeout = TIMEOUT) -> dict[str, Any]:
    try:
        response = httpx.post(root_url(llm.base_url, path), json=body, headers=headers(llm.key), timeout=timeout)
    except httpx.HTTPError as error:
        raise EngineUnavailable("The language model does not answer.") from error
    if response.status_code != httpx.codes.OK:
        raise refusal(response.status_code, response.headers, response.text)
    found = response.json()
    if not isinstance(found, dict):
        raise AppError("The language model's server answered in a way that cannot be read.")
    return found
