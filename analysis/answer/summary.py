"""Summaries: a document under fixed headings, read whole where that fits, else part by part with notes.

A model that can keep ten headings in mind writes them in one pass. A small one is asked heading by heading on the same
prompt prefix, which is read once. Past the window, or past patience, each part is read once for notes, and the headings
are written from the notes; what has been noted is kept, so a worker that takes over goes on at the next part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from analysis.answer import material, prompt
from analysis.answer.parts import parts_of
from analysis.answer.plan import Measured, in_words, measure
from analysis.answer.prompt import DocumentText
from analysis.answer.receipt import coverage
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_tokens
from analysis.models import Document, Heading, Page
from analysis.models.lease import renew
from analysis.types import Mode, Prompt, ReadingPlan, Source, Span
from config.env import env

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written

PATIENCE = 4  # a summary may take this many times as long to its first word as an answer
HEADING_TOKENS = 160
NOTES_TOKENS = 320
TURN_TOKENS = 200  # instructions and tags around a part


@dataclass(frozen=True)
class Topic:
    """A heading of a summary, and the question it answers."""

    title: str
    question: str


# One thing a question: a small model asked for two answers one of them, or neither.
TOPICS = [
    Topic("What it is", "What kind of agreement is this, and what is it for?"),
    Topic("Parties", "Who are the parties to this agreement?"),
    Topic("Dates", "What is the date of this agreement?"),
    Topic("Term", "How long does this agreement last?"),
    Topic("Money", "What does this agreement say about payment, fees or prices?"),
    Topic("Obligations", "What must each party do under this agreement?"),
    Topic("Termination", "When can this agreement be terminated?"),
    Topic("Liability", "What does this agreement say about liability or indemnity?"),
    Topic("Governing law", "Which law governs this agreement?"),
    Topic("Unusual points", "What does this agreement forbid or restrict?"),
]
_TITLED = re.compile(
    rf"^[\s\-*•#\d.(\[]*({'|'.join(re.escape(topic.title) for topic in TOPICS)})[\s*)\]]*:[\s*]*(.*)$", re.IGNORECASE
)
_NOTHING = re.compile(r"^\W*(?:none|n/?a|nothing|not (?:stated|specified|mentioned|applicable).*)\W*$", re.IGNORECASE)
SHORT = "Answer in one or two short sentences."


def plan_summary(document: Document, llm: LLM) -> ReadingPlan:
    """Return how the document would be read for a summary: whole, or in mode *sweep*, part by part."""
    return _plan(_measured(document, llm))


def write_summary(run: Run) -> Written:
    """Write the summary of the run's document and return what it was written from."""
    from analysis.answer.run import Written

    document = run.documents[0]
    measured = _measured(document, run.llm)
    plan = _plan(measured)
    reading = material.with_text(document)
    if plan.mode is Mode.WHOLE:
        renew(run.rows, run.token, plan=asdict(plan), mode=plan.mode)
        sources = [prompt.whole_source(reading)]
        _write_whole(run, reading, plan)
    else:
        parts = _parts(document, reading, run.llm)
        plan = replace(plan, parts=len(parts))
        renew(run.rows, run.token, plan=asdict(plan), mode=plan.mode)
        noted = _write_from_parts(run, reading, parts)
        sources = [_source(reading, span) for span in parts[:noted]]
    receipt = coverage(plan, run.documents, sources, run.writer.usage, parts=plan.parts)
    return Written(plan, sources, receipt)


def _measured(document: Document, llm: LLM) -> Measured:
    return measure([document], _one_pass_question(), [], llm, output_tokens=_output_tokens(llm))


def _output_tokens(llm: LLM) -> int:
    return HEADING_TOKENS * len(TOPICS) if llm.summary == "one_pass" else HEADING_TOKENS


def _plan(measured: Measured) -> ReadingPlan:
    from analysis.answer.plan import plan_in

    patient = measured.already_read or measured.whole_seconds <= PATIENCE * env.patience_seconds
    if measured.fits and patient:
        return plan_in(Mode.WHOLE, measured, f"{measured.subject} {measured.document_tokens:,} tokens, read at once.")
    parts = max(2, -(-measured.document_tokens // measured.llm.part_tokens))
    seconds = measured.document_tokens / measured.speed.prefill + parts * NOTES_TOKENS / 2 / measured.speed.decode
    size = f"{measured.subject} {measured.document_tokens:,} tokens"
    why = (
        f"{size}, which takes about {in_words(measured.whole_seconds)} to read at once here"
        if measured.fits
        else f"{size}, more than {measured.llm.name} can read at once"
    )
    plan = plan_in(Mode.SWEEP, measured, f"{why}, so it is read in about {parts} parts, in {in_words(seconds)}.")
    return replace(plan, parts=parts, expected_seconds=round(seconds, 1))


# Whole


def _write_whole(run: Run, reading: DocumentText, plan: ReadingPlan) -> None:
    from analysis.answer.run import pages_place, put

    place = pages_place(run.documents)
    if run.llm.summary == "one_pass":
        question = _one_pass_question()
        put(run, prompt.whole_prompt([reading], [], question, max_output_tokens=plan.output_tokens), [reading], place)
        return
    for topic in _topics(run):
        question = f"{topic.question} {SHORT}"
        asked = prompt.whole_prompt([reading], [], question, max_output_tokens=HEADING_TOKENS)
        if put(run, asked, [reading], place).finish_reason == "length":
            run.writer.cut_to_sentence()


def _one_pass_question() -> str:
    lines = "\n".join(f"## {topic.title}\n({topic.question})" for topic in TOPICS)
    return (
        "Write a summary of this document under exactly these headings, in Markdown. Under each write one to four "
        "short sentences, each of which can be checked against the document; do not repeat the words in brackets. "
        f'Where the document says nothing, write "Not stated."\n\n{lines}'
    )


def _topics(run: Run) -> Iterator[Topic]:
    """Yield the topics with their headings written, until the run is stopped."""
    for number, topic in enumerate(TOPICS, start=1):
        if run.writer.stopped or run.writer.should_stop():
            return
        run.writer.progress("writing", f"Writing {topic.title.lower()}", number, len(TOPICS))
        run.writer.add_heading(topic.title)
        yield topic


# Part by part


def _parts(document: Document, reading: DocumentText, llm: LLM) -> list[Span]:
    starts = list(Heading.objects.filter(version_id=reading.version_id).values_list("start_char", flat=True))
    limit = min(llm.part_tokens, llm.window_tokens - NOTES_TOKENS - TURN_TOKENS)
    return parts_of(reading.text, starts, limit=limit, size=lambda text: count_tokens(text, llm))


def _write_from_parts(run: Run, reading: DocumentText, parts: list[Span]) -> int:
    """Note each part that is not noted yet, then write every topic from the notes; return how many parts were read."""
    notes: list[str] = list(run.answer.notes)
    for number, span in enumerate(parts[len(notes) :], start=len(notes) + 1):
        if run.writer.stopped or run.writer.should_stop():
            break
        written = _note(run, reading, span, number, len(parts))
        if run.writer.stopped:
            break
        notes.append(written)
        renew(run.rows, run.token, notes=notes)
    for topic in _topics(run):
        _write_topic(run, reading, topic, notes)
    return len(notes)


def _note(run: Run, reading: DocumentText, span: Span, number: int, total: int) -> str:
    """Return the notes on one part, shown line by line as progress."""
    from analysis.answer.run import put

    where = f"Part {number} of {total}: {_pages_of(reading, span)}"
    run.writer.progress("part", where, number, total)
    written = ""

    def take(text: str) -> None:
        nonlocal written
        written += text
        if "\n" in text:
            run.writer.progress("part", f"{where}. {written.strip().splitlines()[-1][:200]}", number, total)

    put(run, _notes_prompt(reading, span), [], lambda done, of: where, on_text=take)
    return written.strip()


def _notes_prompt(reading: DocumentText, span: Span) -> Prompt:
    wanted = "\n".join(f"{topic.title}:" for topic in TOPICS)
    question = (
        "Take notes on this part of the document, in its own words, one line for each of these that it says something "
        f"about. Leave out the others.\n{wanted}"
    )
    part = replace(reading, text="", parts=[(_source(reading, span), _pages_of(reading, span))])
    return prompt.passages_prompt([part], [], question, max_output_tokens=NOTES_TOKENS)


def _write_topic(run: Run, reading: DocumentText, topic: Topic, notes: list[str]) -> None:
    """Write one topic from what was noted under it; notes that do not fit at once are condensed first."""
    from analysis.answer.run import put

    lines = list(dict.fromkeys(line for note in notes for line in noted(note)[topic.title]))
    if not lines:
        run.writer.add("Not stated.")
        return
    question = f"{topic.question} {SHORT}"
    for number, batch in enumerate(_batches(lines, run.llm)):
        if number:
            run.writer.add(" ")
        held = Source(reading.document_id, reading.name, reading.version_id, 0, 0, "\n".join(batch))
        part = replace(reading, text="", parts=[(held, "notes taken from the document")])
        filled = prompt.passages_prompt([part], [], question, max_output_tokens=HEADING_TOKENS)
        usage = put(run, filled, [], lambda done, of: f"Reading the notes on {topic.title.lower()}")
        if usage.finish_reason == "length":
            run.writer.cut_to_sentence()


def noted(note: str) -> dict[str, list[str]]:
    """Return what a note says under each topic's title: the rest of that line, and the lines up to the next title."""
    found: dict[str, list[str]] = {topic.title: [] for topic in TOPICS}
    under: list[str] = []
    for line in note.splitlines():
        titled = _TITLED.match(line)
        if titled:
            under = next(lines for title, lines in found.items() if title.lower() == titled[1].lower())
        words = (titled[2] if titled else line).strip(" -*•\t")
        if words and not _NOTHING.match(words):
            under.append(words)
    return found


def _batches(lines: list[str], llm: LLM) -> Iterator[list[str]]:
    """Yield the lines in groups that fit one prompt."""
    room, batch = llm.part_tokens, list[str]()
    for line in lines:
        cost = count_tokens(line, llm) + 1
        if batch and cost > room:
            yield batch
            room, batch = llm.part_tokens, []
        batch.append(line)
        room -= cost
    yield batch


def _source(reading: DocumentText, span: Span) -> Source:
    text = reading.text[span.start_char : span.end_char]
    return Source(reading.document_id, reading.name, reading.version_id, *span, text)


def _pages_of(reading: DocumentText, span: Span) -> str:
    pages = Page.objects.filter(
        version_id=reading.version_id, start_char__lt=span.end_char, end_char__gt=span.start_char
    )
    numbers = list(pages.values_list("number", flat=True))
    if not numbers:
        return "the text"
    return f"pages {numbers[0]} to {numbers[-1]}" if len(numbers) > 1 else f"page {numbers[0]}"
