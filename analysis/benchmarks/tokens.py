"""How well a prompt's tokens are known before it is sent: each way of counting against what the server says it read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

from analysis.answer.prompt import DocumentText, whole_prompt
from analysis.benchmarks import Report
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.ledger import metered
from analysis.llm.registry import llm_get
from analysis.llm.tokenizers import tokenizer_of
from analysis.llm.tokens import count_prompt, estimate
from analysis.types import Account, CallPurpose, Prompt, Usage

ENDINGS = {".txt", ".md", ".py"}
QUESTION = "Who are the parties?"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `manage.py benchmark tokens` can be told."""
    parser.add_argument("folder", metavar="DIR", type=Path, help="a folder of text files")
    parser.add_argument("--limit", type=int, default=50, help="how many documents (50)")
    parser.add_argument("--tokens", type=int, default=1000, help="what each is cut to, in tokens (1000)")
    parser.add_argument("--llm", default="", help="id of the language model; the default one if not given")


def run(*, folder: Path, limit: int = 50, tokens: int = 1000, llm: str = "", **_: object) -> Report:
    """Return, for each way of counting, the greatest and the mean error in percent of the server's count."""
    chosen = llm_get(llm)
    errors: dict[str, list[float]] = {}
    for text in _texts(folder, limit, tokens):
        prompt = whole_prompt([DocumentText("0", "benchmark", 0, "", text=text)], [], QUESTION, max_output_tokens=1)
        told = _told(chosen, prompt)
        for way, counted in _counts(chosen, prompt):
            errors.setdefault(way, []).append(100 * abs(counted - told) / told)
    if not errors:
        raise UserError(f"There are no text files in {folder}.")
    rows: list[Sequence[str]] = [
        (way, f"{max(those):.2f} %", f"{sum(those) / len(those):.2f} %") for way, those in errors.items()
    ]
    documents = len(next(iter(errors.values())))
    values = {way: {"greatest": max(those), "mean": sum(those) / len(those)} for way, those in errors.items()}
    note = f"{documents} documents of {tokens} tokens at most, {chosen.id}, against prompt_tokens as the server says."
    return Report(("counted by", "greatest error", "mean error"), rows, [note], {**values, "documents": documents})


def _texts(folder: Path, limit: int, tokens: int) -> Iterator[str]:
    """Yield the beginnings of `limit` files. Cut by characters, four a token: what is counted then is what is sent."""
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    for path in files[:limit]:
        yield path.read_text(errors="replace")[: 4 * tokens]


def _counts(llm: LLM, prompt: Prompt) -> Iterator[tuple[str, int]]:
    """Yield the prompt's count by each way there is here."""
    counted = count_prompt(prompt.messages, llm)
    yield "what plans use" if counted.exact else "what plans use (an estimate)", counted.tokens
    own = tokenizer_of(llm)
    tokens = own.count_prompt(prompt.messages) if own else None
    if tokens is not None:
        yield "its own tokenizer", tokens
    yield "the estimate", sum(estimate(message.content) for message in prompt.messages)


def _told(llm: LLM, prompt: Prompt) -> int:
    usage = Usage()
    for token in metered(llm, prompt, Account(CallPurpose.TEST)):
        usage = token.usage or usage
    if not usage.prompt_tokens:
        raise UserError("The language model's server does not say how many tokens it read.")
    return usage.prompt_tokens
