"""vLLM: thinks in `reasoning` (since 0.11) or `reasoning_content`, and caches prefixes without being asked."""

from __future__ import annotations

from typing import ClassVar

from analysis.llm.dialects.openai import Dialect


class VLLM(Dialect):
    """As docs.vllm.ai has it (reasoning outputs; OpenAI-compatible server; looked at 2026-11-23).

    Cached tokens are told by a server started with --enable-prompt-tokens-details, thinking is told apart by one with
    --reasoning-parser; without it the tags stand in the content. Its errors were a flat object before 0.10.
    """

    name: ClassVar[str] = "vllm"
    over_window: ClassVar[tuple[str, ...]] = ("longer than the maximum model length", "input length")
