"""`transformers serve`: the usage comes with the last choice, unasked."""

from __future__ import annotations

from typing import Any, ClassVar

from analysis.llm.catalogue import LLM
from analysis.llm.dialects.openai import Dialect

TAKEN = {"temperature", "top_p", "frequency_penalty", "seed", "stop", "generation_config", "chat_template_kwargs"}


class Transformers(Dialect):
    """As transformers 5 has it in cli/serving: an unknown field is refused, an error inside a stream is a string."""

    name: ClassVar[str] = "transformers"
    asks_for_usage: ClassVar[bool] = False
    constrained: ClassVar[str] = "none"

    def settings(self, llm: LLM) -> dict[str, Any]:
        """Return the fields that it does not refuse: other servers' samplers have more."""
        return {name: value for name, value in llm.body.items() if name in TAKEN}
