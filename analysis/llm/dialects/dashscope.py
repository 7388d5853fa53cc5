"""Alibaba's Model Studio (DashScope), its OpenAI-compatible mode: Qwen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from analysis.llm.catalogue import LLM
from analysis.llm.dialects.openai import Dialect, data_url
from analysis.llm.errors import Fault
from analysis.types import Media, Message, Usage

# A marked prefix is kept from 1,024 tokens on (model-studio/context-cache); a token is three characters or more.
EXPLICIT_CACHE_CHARACTERS = 3 * 1024


class DashScope(Dialect):
    """As alibabacloud.com/help/en/model-studio has it (context-cache, error-code, qwen-asr; looked at 2026-11-23).

    A prefix is kept for five minutes when a part of the message is marked: 125 % of the price to write, 10 % to read.
    """

    name: ClassVar[str] = "dashscope"
    think_tags: ClassVar[bool] = False
    transcriptions: ClassVar[bool] = False
    constrained: ClassVar[str] = "object"
    codes: ClassVar[Mapping[str, Fault]] = {
        "Arrearage": Fault.CREDIT,
        "insufficient_quota": Fault.BUSY,  # its name for tokens a minute (Throttling.AllocationQuota)
        "limit_requests": Fault.BUSY,
        "Throttling": Fault.BUSY,
        "Throttling.RateQuota": Fault.BUSY,
        "Throttling.AllocationQuota": Fault.BUSY,
        "invalid_api_key": Fault.KEY,
        "InvalidApiKey": Fault.KEY,
        "access_denied": Fault.PERMISSION,
        "AccessDenied": Fault.PERMISSION,
        "model_not_found": Fault.NOT_SERVED,
        "ModelNotFound": Fault.NOT_SERVED,
        "data_inspection_failed": Fault.WITHHELD,
        "DataInspectionFailed": Fault.WITHHELD,
    }
    over_window: ClassVar[tuple[str, ...]] = ("range of input length should be", "input length exceeds")

    def text_parts(self, message: Message, llm: LLM) -> list[dict[str, Any]]:
        """Return the text; under an explicit cache its shared beginning is a part of its own, marked to be kept."""
        cut = message.prefix_chars
        if llm.cache != "explicit" or cut < EXPLICIT_CACHE_CHARACTERS:
            return super().text_parts(message, llm)
        parts: list[dict[str, Any]] = [
            {"type": "text", "text": message.content[:cut], "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": message.content[cut:]},
        ]
        return [part for part in parts if part["text"]]

    def media(self, media: Media) -> dict[str, Any]:
        """Return a recording as a data URL too: base64 alone is refused here."""
        if media.mime.startswith("image/"):
            return super().media(media)
        return {"type": "input_audio", "input_audio": {"data": data_url(media)}}

    def usage(self, raw: dict[str, Any], before: Usage) -> Usage:
        """Return the usage with the tokens that were written to the cache, which cost more than others."""
        details = raw.get("prompt_tokens_details") or {}
        written = int(details.get("cache_creation_input_tokens") or 0)
        return replace(super().usage(raw, before), cache_written_tokens=written)
