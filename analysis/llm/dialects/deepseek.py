"""DeepSeek's platform: an automatic cache told as hits and misses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from analysis.llm.dialects.openai import Dialect
from analysis.llm.errors import Fault


class DeepSeek(Dialect):
    """As api-docs.deepseek.com has it (chat completion, error codes, context caching; looked at 2026-11-23).

    402 is no credit, 422 a wrong parameter, 503 an overload. While a request waits its turn the stream holds comments.
    """

    name: ClassVar[str] = "deepseek"
    think_tags: ClassVar[bool] = False
    transcriptions: ClassVar[bool] = False
    constrained: ClassVar[str] = "object"
    finishes: ClassVar[Mapping[str, str]] = {**Dialect.finishes, "insufficient_system_resource": "broken"}
    codes: ClassVar[Mapping[str, Fault]] = {
        "authentication_error": Fault.KEY,
        "insufficient_balance_error": Fault.CREDIT,
    }
