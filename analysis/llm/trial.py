"""Trying out an endpoint: what it says of itself and a short completion, reported as it comes and kept in its row."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from analysis.errors import LecternError
from analysis.llm.endpoint import Survey, facts_of, survey
from analysis.llm.ledger import metered
from analysis.llm.registry import forget_llms, served_llm
from analysis.models import Endpoint, ServedLLM
from analysis.types import Account, CallPurpose, Message, Prompt, Usage

ANSWER_TOKENS = 64
# Long enough for the smallest unit that a provider caches, short enough for a laptop: some 400 tokens.
FILLER = "\n".join(f"{number}. The parties agree on clause {number} of this schedule." for number in range(1, 31))
QUESTION = f"{FILLER}\n\nCount from one to twenty in words, and write nothing else."
PROMPT = Prompt([Message("user", QUESTION, prefix_chars=len(FILLER))], [], ANSWER_TOKENS)


@dataclass
class Trial:
    """How far a test has come: sentences for people, and what is kept in `Endpoint.test`."""

    steps: list[str] = field(default_factory=list)
    text: str = ""
    found: dict[str, Any] = field(default_factory=dict)


def trial(endpoint: Endpoint, *, user_id: int) -> Iterator[Trial]:
    """Yield the test as it goes on, each time as a whole; the last one is kept and has `found["ok"]`.

    It asks twice for the same short text, so that a cache has something to show. Both calls are in the ledger.
    """
    state = Trial()
    try:
        told = survey(endpoint.base_url, endpoint.key)
        _learn(state, endpoint, told)
        yield state
        row = _row(endpoint, told)
        state.steps.append(f"Asking {row.model} for a few words.")
        yield state
        account = Account(CallPurpose.TEST, user_id=user_id)
        first = yield from _asked(row, account, state)
        _measure(state, row, first)
        yield state
        again = yield from _asked(row, account, state)
        _close(state, again)
    except LecternError as error:
        state.found |= {"ok": False, "message": error.message}
    endpoint.test, endpoint.tested_at = state.found | {"steps": state.steps}, timezone.now()
    # The row may have been changed meanwhile, or be gone.
    Endpoint.objects.filter(pk=endpoint.pk).update(test=endpoint.test, tested_at=endpoint.tested_at)
    forget_llms()
    yield state


def _learn(state: Trial, endpoint: Endpoint, told: Survey) -> None:
    state.found |= facts_of(told)
    endpoint.test = state.found  # a window found now holds for the completion already
    spoken = endpoint.dialect or told.dialect
    state.steps.append(f"The server answers. It is spoken to as {spoken}.")
    state.steps.append(
        f"It lists {len(told.models)} language model{'' if len(told.models) == 1 else 's'}."
        if told.models
        else "It lists no language models."
    )


def _row(endpoint: Endpoint, told: Survey) -> ServedLLM:
    """Return the language model to try: the first one in use, else the first that the server lists, not saved.

    Raises LecternError when there is none.
    """
    row = endpoint.llms.filter(enabled=True).first()
    if row is None and told.models:
        row = ServedLLM(endpoint=endpoint, slug=told.models[0].id[:120], model=told.models[0].id)
    if row is None:
        raise LecternError("The server answers, but lists no language models. Add one by its name, then test again.")
    row.endpoint = endpoint
    return row


def _asked(row: ServedLLM, account: Account, state: Trial) -> Generator[Trial, None, Usage]:
    """Yield the state at each token and return the completion's usage."""
    state.text, usage = "", Usage()
    for token in metered(served_llm(row), PROMPT, account):
        usage = token.usage or usage
        if token.kind in ("text", "reasoning"):
            state.text += token.text
            yield state
    return usage


def _measure(state: Trial, row: ServedLLM, usage: Usage) -> None:
    writing = usage.seconds - usage.seconds_to_first_token
    speed = usage.completion_tokens / writing if writing > 0 else 0.0
    window_tokens = served_llm(row).window_tokens
    state.found |= {
        "model": row.model,
        "window_tokens": window_tokens,
        "usage": usage.prompt_tokens > 0,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "seconds_to_first_token": round(usage.seconds_to_first_token, 3),
        "tokens_per_second": round(speed, 1),
    }
    state.steps += [
        f"The window is {window_tokens:,} tokens.",
        f"First word after {usage.seconds_to_first_token:.2f} s, then {speed:.1f} tokens per second.",
        f"It reports its usage: {usage.prompt_tokens:,} tokens read, {usage.completion_tokens:,} written."
        if usage.prompt_tokens
        else "It does not report its usage: tokens and costs here will be estimates.",
        "Asking once more, to see whether what was read is kept.",
    ]


def _close(state: Trial, again: Usage) -> None:
    cached = again.cached_tokens
    state.found |= {"cached_tokens": cached, "ok": True, "message": "The endpoint works."}
    state.steps.append(
        f"{cached:,} of {again.prompt_tokens:,} tokens came from its cache, first word after "
        f"{again.seconds_to_first_token:.2f} s."
        if cached
        else "It reports no cached tokens for the same question asked again."
    )
