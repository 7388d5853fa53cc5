"""Moonshot's platform (Kimi): fixed sampling, an automatic cache, and input and output within one window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from analysis.llm.catalogue import LLM
from analysis.llm.dialects.openai import Dialect
from analysis.llm.errors import Fault

FIXED = {"temperature", "top_p", "top_k", "n", "presence_penalty", "frequency_penalty"}


class Moonshot(Dialect):
    """As platform.kimi.ai/docs has it (chat API, errors, pricing; looked at 2026-11-23).

    A temperature other than the model's own is refused, so none is sent, and max_tokens is deprecated. Cached tokens
    stand in `usage.cached_tokens` and in the details; older chunks carry the usage in their choice. No credit is a 429
    there, which waiting would not mend.
    """

    name: ClassVar[str] = "moonshot"
    limit_field: ClassVar[str] = "max_completion_tokens"
    think_tags: ClassVar[bool] = False
    transcriptions: ClassVar[bool] = False
    constrained: ClassVar[str] = "object"
    codes: ClassVar[Mapping[str, Fault]] = {
        "exceeded_current_quota_error": Fault.CREDIT,
        "engine_overloaded_error": Fault.BUSY,
        "rate_limit_reached_error": Fault.BUSY,
        "content_filter": Fault.WITHHELD,
        "invalid_authentication_error": Fault.KEY,
        "incorrect_api_key_error": Fault.KEY,
        "permission_denied_error": Fault.PERMISSION,
        "resource_not_found_error": Fault.NOT_SERVED,
    }
    over_window: ClassVar[tuple[str, ...]] = ("exceeded model token limit", "token length too long")

    def settings(self, llm: LLM) -> dict[str, Any]:
        """Return the fields without the sampling settings, which the platform fixes itself."""
        return {name: value for name, value in llm.body.items() if name not in FIXED}
