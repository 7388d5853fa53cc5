"""A sentence hidden at several depths of texts of several lengths: is it found, said and cited, in each mode?

After G. Kamradt's needle-in-a-haystack test (LLMTest_NeedleInAHaystack, 2023): same filler, needle and question. Scored
without a judge: `said` means that both halves of the needle stand in the answer, `cited` that a citation overlaps it.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from analysis.answer.parts import opening_end
from analysis.benchmarks import scratch_workspace
from analysis.evaluations import answered, cited_spans, read_in
from analysis.evaluations.metrics import overlaps
from analysis.evaluations.trials import Measure, Outcome, Trial, Unit
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.llm.tokens import count_tokens
from analysis.models import Answer, AnswerStatus
from analysis.types import Mode, Span
from workspaces.models import Workspace

NEEDLE = "The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day."
QUESTION = "What is the most fun thing to do in San Francisco?"
HALVES = ("sandwich", "dolores park")
MEASURES = (
    Measure("said", "said", headline=True),
    Measure("cited", "cited", headline=True),
    Measure("complete", "complete receipt"),
    Measure("first_seconds", "first word", unit=Unit.SECONDS, more_is_better=False),
    Measure("seconds", "whole answer", unit=Unit.SECONDS, headline=True, more_is_better=False),
)


@dataclass(frozen=True)
class Haystack:
    """A text with the needle in it. depth: its place, in [0, 1] of the text."""

    tokens: int
    depth: float
    text: str

    @property
    def needle(self) -> Span:
        start = self.text.index(NEEDLE)
        return Span(start, start + len(NEEDLE))


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `manage.py evaluate needle` can be told."""
    parser.add_argument("--tokens", type=int, nargs="+", default=[2000, 4000, 8000, 16000], help="lengths of the texts")
    parser.add_argument("--depths", type=float, nargs="+", default=[0, 0.25, 0.5, 0.75, 1], help="places of the needle")
    parser.add_argument("--modes", nargs="+", choices=["whole", "passages", "sweep"], default=["passages", "sweep"])


def run(
    folder: Path, *, tokens: list[int], depths: list[float], modes: list[str], llm: str = "", limit: int = 0, **_: Any
) -> Outcome:
    """Ask for the needle once for each length, depth and mode."""
    chosen = llm_get(llm)
    filler = "\n\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*.txt")) if _is_essay(path))
    if not filler:
        raise CommandError(f"There is no text in {folder}.")
    todo = [(stack, Mode(mode)) for stack in haystacks(filler, tokens, depths, chosen) for mode in modes]
    outcome = Outcome(MEASURES, llm=chosen.id)
    with scratch_workspace() as workspace:
        for stack, mode in tqdm(todo[: limit or None], desc="needle", disable=None):
            trial, wrong = _tried(workspace, stack, mode, chosen)
            outcome.trials.append(trial)
            outcome.notes += [wrong] if wrong else []
    return outcome


def haystacks(filler: str, tokens: list[int], depths: list[float], llm: LLM) -> Iterator[Haystack]:
    """Yield the filler cut to each length, with the needle after the sentence that ends nearest before each depth."""
    for length in tokens:
        text = filler[: opening_end(filler, limit=length, size=lambda words: count_tokens(words, llm))]
        for depth in depths:
            at = _sentence_end(text, round(depth * len(text)))
            yield Haystack(length, depth, f"{text[:at]}{' ' if at else ''}{NEEDLE} {text[at:].lstrip(' ')}")


def _is_essay(path: Path) -> bool:
    return path.name.isascii() and path.stem.islower() and "license" not in path.stem


def _sentence_end(text: str, near: int) -> int:
    return max(text.rfind(". ", 0, near), text.rfind(".\n", 0, near)) + 1


def _tried(workspace: Workspace, stack: Haystack, mode: Mode, llm: LLM) -> tuple[Trial, str]:
    """Return the trial, and what went wrong with the answer, "" if nothing."""
    document = read_in(workspace, f"{stack.tokens} at {stack.depth:.0%}.txt", stack.text.encode())
    answer = answered(document, QUESTION, mode=mode, llm=llm.id)
    values = judged(answer, stack.needle) | _seconds(answer)
    trial = Trial(
        key=f"{mode}, {stack.tokens} tokens at {stack.depth}",
        category=f"{mode}, {stack.tokens} tokens",
        values=values,
        question=QUESTION,
        gold=NEEDLE,
        returned=answer.text,
        where=", ".join(f"characters {start} to {end}" for start, end in cited_spans(answer)),
        failed=not (values["said"] and values["cited"]),
    )
    wrong = "" if answer.status == AnswerStatus.DONE else answer.error_message or answer.status
    return trial, f"{document.name}, {mode}: {wrong}" if wrong else ""


def judged(answer: Answer, needle: Span) -> dict[str, float]:
    """Return whether the needle is said, whether it is cited, and whether the receipt says that all was read."""
    said = all(half in answer.text.lower() for half in HALVES)
    cited, complete = overlaps(cited_spans(answer), needle), bool(answer.coverage.get("complete"))
    return {"said": float(said), "cited": float(cited), "complete": float(complete)}


def _seconds(answer: Answer) -> dict[str, float]:
    usage = answer.usage
    return {"first_seconds": usage.get("seconds_to_first_token", 0.0), "seconds": usage.get("seconds", 0.0)}
