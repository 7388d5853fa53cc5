"""llama.cpp's server: says how far it has read, and keeps what each slot has read."""

from __future__ import annotations

from typing import Any, ClassVar

from analysis.llm.catalogue import LLM
from analysis.llm.dialects.openai import Dialect
from analysis.types import Prompt


class LlamaCpp(Dialect):
    """As tools/server/README.md of llama.cpp has it; the installed build was asked."""

    name: ClassVar[str] = "llamacpp"
    over_window: ClassVar[tuple[str, ...]] = ("exceeds the available context",)

    def body(self, llm: LLM, prompt: Prompt, slot: int | None = None) -> dict[str, Any]:
        """Return the request with its own fields: a slot's words are re-used, and progress is told."""
        own: dict[str, Any] = {"cache_prompt": True, "return_progress": True}
        if slot is not None:
            own["id_slot"] = slot
        return super().body(llm, prompt, slot) | own
