"""SGLang: OpenAI's API over a radix cache."""

from __future__ import annotations

from typing import ClassVar

from analysis.llm.dialects.openai import Dialect


class SGLang(Dialect):
    """As docs.sglang.ai has it (server arguments; separate reasoning; looked at 2026-11-23).

    Cached tokens are told by a server started with --enable-cache-report, thinking is told apart by one with
    --reasoning-parser.
    """

    name: ClassVar[str] = "sglang"
    over_window: ClassVar[tuple[str, ...]] = ("longer than the model's context length", "requested token count exceeds")
