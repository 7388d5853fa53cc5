"""An answer in mode *passages*: from the parts that match best, with what is sure of them stated whatever the LLM says.

Passages can show that something is there and never that it is not. So where nothing is found the answer says so of the
passages that were read, in Lectern's own words, and names the sweep, which reads everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from analysis.answer import material
from analysis.answer.cite import says_absent
from analysis.answer.findings import Found, exhaustive, no_sentence_sentence, not_in_passages_sentence
from analysis.answer.passages import Gathered, gather
from analysis.answer.prompt import passages_prompt
from analysis.answer.receipt import coverage
from analysis.answer.sweep.combine import left_out, listed, quoted
from analysis.english import one_or_many
from analysis.types import ReadingPlan, Source, Span

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written

NEAREST = "\n\nThese sentences come nearest to the question:"


def write_passages(run: Run, plan: ReadingPlan, history: material.History) -> Written:
    """Write the answer from the passages that match the question best, and return what it was written from."""
    from analysis.answer.run import Written, put

    question = run.answer.question.text
    count = len(run.documents)
    files = any(document.repository_id for document in run.documents)
    searching = "Searching the document" if count == 1 else f"Searching {count:,} {'files' if files else 'documents'}"
    run.writer.progress("retrieving", searching)
    everywhere = run.answer.question.across_workspace
    found = gather(question, history.turns, run.documents, run.llm, everywhere=everywhere)
    prompt = passages_prompt(found.documents, history.turns, question, max_output_tokens=plan.output_tokens)
    passages = len(prompt.sources)
    quotes: list[tuple[Span, Source]] = []
    if found.probable.absent:
        # A small model asked all the same would make something of whatever it is given.
        own = [run.writer.say(_nothing_found(run, found))]
    else:
        reading = one_or_many("Reading one passage", "Reading %(count)s passages", passages) % {"count": passages}
        put(run, prompt, [], lambda done, total: reading)
        own, quotes = _added(run, found, passages)
    receipt = coverage(
        plan, run.documents, prompt.sources, run.writer.usage, not_ready=run.not_ready,
        history_dropped=history.dropped, path=run.answer.question.path,
    )  # fmt: skip
    return Written(plan, prompt.sources, receipt, own, quotes)


def _nothing_found(run: Run, found: Gathered) -> str:
    if found.probable.every:
        return no_sentence_sentence(run.documents)
    return not_in_passages_sentence(run.documents, found.compared)


def _added(run: Run, found: Gathered, passages: int) -> tuple[list[Span], list[tuple[Span, Source]]]:
    """Add what is probable and was passed over, or else what it means that nothing was found.

    Returns where our own words stand, and where what is quoted does, with its place.
    """
    if run.writer.stopped:
        return [], []
    probable = found.probable.found
    missing = left_out(run.writer.text, probable, material.coded(run.documents))
    # A question for every one of something, or whether there is any, is not answered by the surest alone.
    if missing and (probable[0] in missing or exhaustive(run.answer.question.text)):
        said = run.writer.say(NEAREST)
        run.writer.add(f"\n\n{listed(missing)}")
        return [said], _places(run.writer.text, said.end_char, missing)
    if not probable and says_absent(run.writer.text):
        return [run.writer.say(f"\n\n{not_in_passages_sentence(run.documents, passages)}")], []
    return [], []


def _places(text: str, at: int, items: list[Found]) -> list[tuple[Span, Source]]:
    """Return where each item is quoted in the answer from `at` on, in order, with its source."""
    places = []
    for item in items:
        words = quoted(item)
        start = text.index(words, at)
        at = start + len(words)
        places.append((Span(start, at), item.source))
    return places
