"""What fits into a language model's window, computed before anything is sent, and checked against what was read."""

from __future__ import annotations

from analysis.errors import AppError, UserError
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import TokenCount, count_prompt
from analysis.types import Prompt, Usage

CALL_SECONDS = 0.3  # what a call takes before the first token is read
SLACK_TOKENS = 32  # a chat template may differ from its count by a few tokens
# Servers that cut a prompt without a word are found out by what they say they have read.
LEAST_READ_EXACT, LEAST_READ_ESTIMATED = 0.95, 0.45


def output_reserve(llm: LLM) -> int:
    """Return how much of the window an answer keeps free for itself."""
    return min(llm.answer_tokens, llm.max_output_tokens)


def prompt_room(llm: LLM, output_tokens: int) -> int:
    """Return how many tokens a prompt may have that leaves room for `output_tokens`."""
    return max(0, llm.window_tokens - output_tokens - llm.reasoning_tokens - SLACK_TOKENS)


def check_fits(prompt: Prompt, llm: LLM) -> TokenCount:
    """Return the prompt's count. Raises UserError does_not_fit."""
    counted = count_prompt(prompt.messages, llm)
    room = llm.window_tokens - prompt.max_output_tokens - llm.reasoning_tokens
    if counted.tokens > room + SLACK_TOKENS:
        raise UserError(
            f"The prompt is {counted.tokens:,} tokens and {llm.name} has room for {room:,}.", code="does_not_fit"
        )
    return counted


def check_all_was_read(counted: TokenCount, usage: Usage) -> None:
    """Raise AppError llm_read_less when the server says that it has read less than it was sent."""
    least = counted.tokens * (LEAST_READ_EXACT if counted.exact else LEAST_READ_ESTIMATED)
    if usage.finish_reason != "stopped" and usage.prompt_tokens and usage.prompt_tokens < least:
        raise AppError(
            f"The language model's server read only {usage.prompt_tokens:,} of about {counted.tokens:,} tokens. "
            "Its window is set smaller than it says.",
            code="llm_read_less",
        )
