"""An answer in mode *packed*: the files of repositories that it needs whole, and others in outline."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from analysis.answer import material
from analysis.answer.budget import prompt_room
from analysis.answer.pack.fit import without_one
from analysis.answer.plan import Pack, pack_for, packed_words
from analysis.answer.prompt import DocumentText, packed_prompt
from analysis.answer.receipt import coverage
from analysis.errors import UserError
from analysis.llm.tokens import count_prompt
from analysis.models.lease import renew
from analysis.types import Extent, PackedFile, Prompt, ReadingPlan

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written


def write_packed(run: Run, plan: ReadingPlan, history: material.History, question: str = "") -> Written:
    """Write the answer from what was packed, and return what it was written from.

    question: what the LLM is asked, where that is not the question itself.
    """
    from analysis.answer.run import Written, put

    text = run.answer.question.text
    pack = pack_for(run.documents, text, history.turns, run.llm, output_tokens=plan.output_tokens)
    if pack is None:
        raise UserError(gettext("There is no room any more for these repositories to be packed."), code="does_not_fit")
    run.writer.progress("packing", f"Choosing among {len(plan.files):,} files")
    opening = [*material.with_texts(pack.others), *pack.packing.packed(plan.files).shared]
    prompt, files = _that_fits(run, pack, plan, Asked(opening, history, question or text))
    if files != plan.files:
        plan = replace(
            plan,
            files=files,
            why=f"{plan.why} When it was put together there was room for less: {packed_words(files)}.",
        )
        renew(run.rows, run.token, plan=asdict(plan))
    put(run, prompt, opening, lambda done, total: _place(files, done, total))
    receipt = coverage(
        plan, run.documents, prompt.sources, run.writer.usage, not_ready=run.not_ready,
        history_dropped=history.dropped, path=run.answer.question.path,
    )  # fmt: skip
    return Written(plan, prompt.sources, receipt)


@dataclass(frozen=True)
class Asked:
    """What stands before and after the files that are read whole."""

    opening: list[DocumentText]
    history: material.History
    question: str


def _that_fits(run: Run, pack: Pack, plan: ReadingPlan, asked: Asked) -> tuple[Prompt, list[PackedFile]]:
    """Return the prompt and what it holds: as planned, or less where the parts together are more than their sum."""
    files = plan.files
    room = prompt_room(run.llm, plan.output_tokens)
    while True:
        wholes = pack.packing.packed(files).wholes
        prompt = packed_prompt(
            asked.opening, wholes, asked.history.turns, asked.question, max_output_tokens=plan.output_tokens
        )
        excess = count_prompt(prompt.messages, run.llm).tokens - room
        if excess <= 0 or not wholes:
            return prompt, files
        files = without_one(files, excess, pack.packing.outlined)


def _place(files: list[PackedFile], done: int, total: int) -> str:
    whole = sum(file.extent is Extent.WHOLE for file in files)
    share = f", {done / total:.0%}" if total else ""
    return f"Reading {whole:,} file{'' if whole == 1 else 's'} whole and the outline of others{share}"
