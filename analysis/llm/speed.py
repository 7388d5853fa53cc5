"""How fast an endpoint reads and writes, learnt from every call."""

from __future__ import annotations

from typing import NamedTuple

from django.core.cache import cache

from analysis.llm.catalogue import LLM
from analysis.types import Usage

LEAST_TOKENS = 64  # shorter prompts measure the network, not the model
WEIGHT = 0.3  # of the newest measurement in the running mean


class Speed(NamedTuple):
    """Tokens per second."""

    prefill: float
    decode: float


def speed_of(llm: LLM) -> Speed:
    """Return what was measured at this endpoint; the catalogue's first guess before the first call."""
    known = measured_speed(llm)
    return Speed(known.prefill or llm.prefill_tokens_per_second, known.decode or llm.decode_tokens_per_second)


class Measured(NamedTuple):
    """Tokens per second as measured here, None before the first call that tells."""

    prefill: float | None
    decode: float | None


def measured_speed(llm: LLM) -> Measured:
    """Return what was measured at this endpoint, and nothing else."""
    known = cache.get_many([_key(llm, "prefill"), _key(llm, "decode")])
    return Measured(known.get(_key(llm, "prefill")), known.get(_key(llm, "decode")))


def learn_speed(llm: LLM, usage: Usage) -> None:
    """Fold a finished call into the running means."""
    fresh = usage.prompt_tokens - usage.cached_tokens
    if fresh >= LEAST_TOKENS and usage.seconds_to_first_token > 0:
        _fold(llm, "prefill", fresh / usage.seconds_to_first_token, fresh)
    writing = usage.seconds - usage.seconds_to_first_token
    if usage.completion_tokens >= LEAST_TOKENS and writing > 0:
        _fold(llm, "decode", usage.completion_tokens / writing, usage.completion_tokens)


def _fold(llm: LLM, name: str, measured: float, tokens: int) -> None:
    # A longer call is better evidence: 64 tokens count for a tenth of the weight, 640 and more for all of it.
    weight = WEIGHT * min(1.0, tokens / (10 * LEAST_TOKENS))
    before = cache.get(_key(llm, name))
    cache.set(_key(llm, name), measured if before is None else before + weight * (measured - before), timeout=None)


def _key(llm: LLM, name: str) -> str:
    return f"speed:{llm.base_url}:{llm.id}:{name}"
