"""The language models that are known: facts from catalogue.toml. Which of them can be used is the registry's."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

BUNDLED = "qwen2.5-coder-0.5b-instruct"


@dataclass(frozen=True)
class LLM:
    """A language model and where it is served.

    cache: how the endpoint re-uses a prompt's beginning: "slots" (ours to save and restore), "automatic", "explicit"
    (marked in the message) or "none". reasoning: none, optional (switched off by `body`) or always. body: fields merged
    into every request. slots: how many llama.cpp slots are ours to manage, 0 elsewhere. model: what the endpoint calls
    it, where that is not the id. parallel: how many parts of a sweep it is sent at once. tokenizer: a Hugging Face
    repository with its tokenizer, "" if none is published. reasoning_tokens: room to think before the answer, of an LLM
    that thinks. cache_write_price_factor: what a token put into an explicit cache costs, in prices of others.
    idle_seconds: how long the endpoint may say nothing. recogniser: it writes down what it hears and takes no orders.
    sweep: "quotes" (it finds what is in a part) or "nearest" (it overlooks much, so near sentences count too).
    constrained: how its endpoint can hold it to a shape, "schema", "object" (to some JSON object) or "none"; "" as the
    dialect has it.
    """

    id: str
    name: str
    family: str
    window_tokens: int
    max_output_tokens: int
    dialect: str = "openai"
    base_url: str = ""
    answer_tokens: int = 4000
    passage_tokens: int = 16000
    part_tokens: int = 24000
    prefill_tokens_per_second: float = 4000.0
    decode_tokens_per_second: float = 50.0
    price_in_usd_per_million: float = 0.0
    price_cached_usd_per_million: float = 0.0
    price_out_usd_per_million: float = 0.0
    cache_write_price_factor: float = 1.0
    self_hosted: bool = False
    cache: str = "automatic"
    reasoning: str = "none"
    reasoning_tokens: int = 0
    summary: str = "one_pass"
    sweep: str = "quotes"
    constrained: str = ""
    vision: bool = False
    audio: bool = False
    recogniser: bool = False
    parallel: int = 4
    idle_seconds: float = 600.0
    model: str = ""
    tokenizer: str = ""
    licence: str = ""
    source: str = ""
    checked_on: date | None = None
    comparison_only: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    slots: int = 0
    key: str = field(default="", repr=False)

    @property
    def served_as(self) -> str:
        """Return what the endpoint calls it."""
        return self.model or self.id

    def saved_usd(self, cached_tokens: int) -> float:
        """Return what the endpoint's cache saved."""
        return round(cached_tokens * (self.price_in_usd_per_million - self.price_cached_usd_per_million) / 1e6, 8)

    @property
    def output_tokens(self) -> int:
        """Return how much of the window an answer needs: its own words, and the thinking before them."""
        return min(self.answer_tokens + self.reasoning_tokens, self.max_output_tokens)

    def cost_usd(
        self, *, prompt_tokens: int, cached_tokens: int, completion_tokens: int, cache_written_tokens: int = 0
    ) -> float:
        """Return what a call costs at the catalogue's prices; 0 for a self-hosted model."""
        fresh = prompt_tokens - cached_tokens - cache_written_tokens
        dollars = (
            fresh * self.price_in_usd_per_million
            + cached_tokens * self.price_cached_usd_per_million
            + cache_written_tokens * self.price_in_usd_per_million * self.cache_write_price_factor
            + completion_tokens * self.price_out_usd_per_million
        )
        return round(dollars / 1e6, 8)


@cache
def catalogue() -> dict[str, LLM]:
    """Return every row of catalogue.toml by id, usable or not."""
    rows = tomllib.loads((Path(__file__).parent / "catalogue.toml").read_text())["llm"]
    return {row["id"]: LLM(**row) for row in rows}
