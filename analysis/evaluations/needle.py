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
from analysis.benchmarks import Report, scratch_workspace
from analysis.evaluations import answered, cited_spans, read_in
from analysis.evaluations.metrics import overlaps
from analysis.llm.catalogue import LLM
from analysis.llm.registry import llm_get
from analysis.llm.tokens import count_tokens
from analysis.models import Answer, AnswerStatus
from analysis.types import Mode, Span
from workspaces.models import Workspace

NEEDLE = "The best thing to do in San Francisco is eat a sandwich and sit in Dolores Park on a sunny day."
QUESTION = "What is the most fun thing to do in San Francisco?"
HALVES = ("sandwich", "dolores park")
COLUMNS = ("mode", "tokens", "depth", "said", "cited", "complete", "first s", "seconds")


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
    parser.add_argument("--llm", default="", help="id of the language model; the default one if not given")


def run(
    folder: Path, *, tokens: list[int], depths: list[float], modes: list[str], llm: str = "", limit: int = 0, **_: Any
) -> Report:
    """Ask for the needle once for each length, depth and mode."""
    chosen = llm_get(llm)
    filler = "\n\n".join(path.read_text(errors="replace") for path in sorted(folder.rglob("*.txt")) if _is_essay(path))
    if not filler:
        raise CommandError(f"There is no text in {folder}.")
    trials = [(stack, Mode(mode)) for stack in haystacks(filler, tokens, depths, chosen) for mode in modes]
    report = Report(COLUMNS)
    with scratch_workspace() as workspace:
        for stack, mode in tqdm(trials[: limit or None], desc="needle", disable=None):
            _add_row(report, workspace, stack, mode, chosen)
    _add_summary(report)
    return report


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


def _add_row(report: Report, workspace: Workspace, stack: Haystack, mode: Mode, llm: LLM) -> None:
    document = read_in(workspace, f"{stack.tokens} at {stack.depth:.0%}.txt", stack.text.encode())
    answer = answered(document, QUESTION, mode=mode, llm=llm.id)
    if answer.status != AnswerStatus.DONE:
        report.notes.append(f"{document.name}, {mode}: {answer.error_message or answer.status}")
    row = (mode.value, stack.tokens, stack.depth, *judged(answer, stack.needle), *_seconds(answer))
    report.rows.append([_shown(value) for value in row])
    report.values.setdefault("trials", []).append(dict(zip(COLUMNS, row, strict=True)) | {"answer": answer.text})


def judged(answer: Answer, needle: Span) -> tuple[bool, bool, bool]:
    """Return whether the needle is said, whether it is cited, and whether the receipt says that all was read."""
    said = all(half in answer.text.lower() for half in HALVES)
    return said, overlaps(cited_spans(answer), needle), bool(answer.coverage.get("complete"))


def _seconds(answer: Answer) -> tuple[float, float]:
    return round(answer.usage.get("seconds_to_first_token", 0.0), 2), round(answer.usage.get("seconds", 0.0), 2)


def _shown(value: Any) -> Any:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else value


def _add_summary(report: Report) -> None:
    trials = report.values.get("trials", [])
    for mode in dict.fromkeys(trial["mode"] for trial in trials):
        of_mode = [trial for trial in trials if trial["mode"] == mode]
        found = {name: sum(trial[name] for trial in of_mode) for name in ("said", "cited")}
        report.values[mode] = {name: count / len(of_mode) for name, count in found.items()}
        report.notes.append(f"{mode}: said {found['said']}, cited {found['cited']} of {len(of_mode)}.")
