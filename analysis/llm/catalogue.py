"""The language models that can be used here: facts from catalogue.toml, joined with the endpoint that is configured."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from analysis.errors import UserError
from analysis.llm.endpoint import EndpointFacts, endpoint_facts
from config.env import env

BUNDLED = "qwen2.5-coder-0.5b-instruct"


@dataclass(frozen=True)
class LLM:
    """A language model and where it is served.

    cache: how the endpoint re-uses a prompt's beginning: "slots" (ours to save and restore), "automatic", "explicit"
    (marked in the message) or "none". reasoning: none, optional (switched off by `body`) or always. body: fields merged
    into every request. slots: how many llama.cpp slots are ours to manage, 0 elsewhere.
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
    self_hosted: bool = False
    cache: str = "automatic"
    reasoning: str = "none"
    summary: str = "one_pass"
    vision: bool = False
    licence: str = ""
    source: str = ""
    checked_on: date | None = None
    comparison_only: bool = False
    body: dict[str, Any] = field(default_factory=dict)
    slots: int = 0
    key: str = field(default="", repr=False)

    def cost_usd(self, *, prompt_tokens: int, cached_tokens: int, completion_tokens: int) -> float:
        """Return what a call costs at the catalogue's prices; 0 for a self-hosted model."""
        fresh = prompt_tokens - cached_tokens
        dollars = (
            fresh * self.price_in_usd_per_million
            + cached_tokens * self.price_cached_usd_per_million
            + completion_tokens * self.price_out_usd_per_million
        )
        return round(dollars / 1e6, 6)


@cache
def catalogue() -> dict[str, LLM]:
    """Return every row of catalogue.toml by id, usable or not."""
    rows = tomllib.loads((Path(__file__).parent / "catalogue.toml").read_text())["llm"]
    return {row["id"]: LLM(**row) for row in rows}


def llms() -> list[LLM]:
    """Return the language models that can be used now, the default first.

    That is what the configured endpoint serves: the bundled model, or LECTERN_LLM_URL / LECTERN_LLM_MODEL.
    """
    if env.llm_url:
        return [_served(endpoint_facts(env.llm_url, env.llm_key, model=env.llm_model))]
    row = catalogue().get(env.llm_model)
    return [replace(row, key=env.llm_key)] if row and row.base_url and env.llm_key else []


def llm_get(id: str = "") -> LLM:
    """Return the usable language model `id`, the default for "".

    Raises UserError unknown_llm when it is not in the list, or when there is none at all.
    """
    usable = llms()
    if not usable:
        raise UserError("No language model is set. Start the bundled one, or set LECTERN_LLM_URL.", code="unknown_llm")
    found = next((llm for llm in usable if id in ("", llm.id)), None)
    if found is None:
        names = ", ".join(llm.id for llm in usable)
        raise UserError(f"There is no language model {id[:120]!r} here. You can use: {names}.", code="unknown_llm")
    return found


def _generic(id: str, facts: EndpointFacts) -> LLM:
    return LLM(
        id=id,
        name=Path(id).name,
        family="",
        window_tokens=facts.window_tokens or env.llm_window_tokens,
        max_output_tokens=8192,
        dialect=facts.dialect,
        self_hosted=True,
        source="as its endpoint states",
    )


def _served(facts: EndpointFacts) -> LLM:
    """Return the catalogue row of what the endpoint serves, its window as the server states it, or a generic row."""
    id = env.llm_model or facts.model or BUNDLED
    row = catalogue().get(id)
    if row is None:
        row = _generic(id, facts)
    window_tokens = min(row.window_tokens, facts.window_tokens) if facts.window_tokens else row.window_tokens
    ours = facts.embedded and row.dialect == "llamacpp"
    return replace(
        row,
        base_url=env.llm_url,
        key=env.llm_key,
        window_tokens=window_tokens,
        answer_tokens=min(row.answer_tokens, window_tokens // 4),
        passage_tokens=min(row.passage_tokens, window_tokens // 2),
        part_tokens=min(row.part_tokens, window_tokens // 2),
        slots=facts.slots if ours else 0,
        cache=row.cache if ours or row.cache != "slots" else "automatic",
    )
