"""Summaries: a document under fixed headings, read whole where that fits, else part by part with notes.

A model that can keep ten headings in mind writes them in one pass. A small one is asked heading by heading on the same
prompt prefix, which is read once. Past the window, or past patience, the document is swept: each part is read for
notes, as a sweep's parts are, and the headings are written from the notes.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from analysis.answer import material, prompt
from analysis.answer.findings.locate import Part
from analysis.answer.plan import Measured, in_words, measure
from analysis.answer.prompt import DocumentText
from analysis.answer.receipt import coverage
from analysis.answer.sweep.plan import Sizes, expected_seconds, plan_sweep, sized
from analysis.answer.sweep.readers import Ask
from analysis.answer.sweep.rows import source_of
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_tokens
from analysis.models import Document, PartStatus, SweepPart
from analysis.models.lease import renew
from analysis.types import CallPurpose, Mode, Priority, Prompt, ReadingPlan, Source
from config.env import env

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written

PATIENCE = 4  # a summary may take this many times as long to its first word as an answer
HEADING_TOKENS = 160
NOTES_TOKENS = 320
# Any change of what a part is asked, or of what is kept of it, is another version: parts are read again.
NOTES_VERSION = 1


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


@dataclass(frozen=True)
class NotesReader:
    """Takes notes of each part under the topics' titles."""

    llm: LLM

    @property
    def identity(self) -> list[str]:
        return ["notes", str(NOTES_VERSION), *(topic.title for topic in TOPICS)]

    def prompt(self, part: Source, place: str) -> Prompt:
        wanted = "\n".join(f"{topic.title}:" for topic in TOPICS)
        question = (
            "Take notes on this part of the document, in its own words, one line for each of these that it says "
            f"something about. Leave out the others.\n{wanted}"
        )
        return prompt.passages_prompt([_passage(part, place)], [], question, max_output_tokens=NOTES_TOKENS)

    def read(self, part: Source, place: str, ask: Ask) -> dict[str, Any]:
        """Return {"notes": {title: [{"text"}]}}; a note that stands in the part has its span in it besides."""
        where = Part(part)
        lines = noted(ask(self.prompt(part, place)).text)
        return {"notes": {title: [_kept(line, where) for line in held] for title, held in lines.items() if held}}


def plan_summary(document: Document, llm: LLM) -> ReadingPlan:
    """Return how the document would be read for a summary: whole, or in mode *sweep*, part by part."""
    return _plan(_measured(document, llm))


def write_summary(run: Run) -> Written:
    """Write the summary of the run's document and return what it was written from."""
    from analysis.answer.run import Written

    run.writer.priority = Priority.SWEEP
    document = run.documents[0]
    plan = _plan(_measured(document, run.llm))
    renew(run.rows, run.token, plan=asdict(plan), mode=plan.mode)
    if plan.mode is Mode.SWEEP:
        return _write_swept(run, plan)
    reading = material.with_text(document)
    _write_whole(run, reading, plan)
    sources = [prompt.whole_source(reading)]
    return Written(plan, sources, coverage(plan, run.documents, sources, run.writer.usage))


def _measured(document: Document, llm: LLM) -> Measured:
    return measure([document], _one_pass_question(), [], llm, output_tokens=_output_tokens(llm))


def _output_tokens(llm: LLM) -> int:
    return HEADING_TOKENS * len(TOPICS) if llm.summary == "one_pass" else HEADING_TOKENS


def _plan(measured: Measured) -> ReadingPlan:
    from analysis.answer.plan import plan_in

    patient = measured.already_read or measured.whole_seconds <= PATIENCE * env.patience_seconds
    if measured.fits and patient:
        return plan_in(Mode.WHOLE, measured, f"{measured.subject} {measured.document_tokens:,} tokens, read at once.")
    sizes = sized(measured, NotesReader(measured.llm))
    return plan_sweep(measured, sizes, requested=Mode.AUTO, why=_swept_words(measured, sizes))


def _swept_words(measured: Measured, sizes: Sizes) -> str:
    size = f"{measured.subject} {measured.document_tokens:,} tokens"
    why = (
        f"{size}, which takes about {in_words(measured.whole_seconds)} to read at once here"
        if measured.fits
        else f"{size}, more than {measured.llm.name} can read at once"
    )
    known = f", {sizes.parts_cached:,} of which are known from before," if sizes.parts_cached else ""
    return (
        f"{why}, so it is read in {sizes.parts:,} parts{known} in about {in_words(expected_seconds(measured, sizes))}."
    )


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


def _write_swept(run: Run, plan: ReadingPlan) -> Written:
    """Have each part read for notes, then write every topic from the notes."""
    from analysis.answer.run import Written
    from analysis.answer.sweep.write import read_all, receipt_of, settle_usage

    begun = time.monotonic()
    parts = read_all(run)
    for topic in _topics(run):
        _write_topic(run, topic, lines_on(topic, parts))
    settle_usage(run, begun)
    sources = [source_of(part) for part in parts if part.status == PartStatus.DONE]
    plan = replace(plan, parts=len(parts))
    return Written(plan, sources, receipt_of(run, plan, parts))


def lines_on(topic: Topic, parts: list[SweepPart]) -> list[str]:
    """Return what was noted under the topic in all parts, in order, each line once."""
    lines = (line["text"] for part in parts for line in part.result.get("notes", {}).get(topic.title, []))
    return list(dict.fromkeys(lines))


def _write_topic(run: Run, topic: Topic, lines: list[str]) -> None:
    """Write one topic from what was noted under it; notes that do not fit at once are condensed until they do."""
    from analysis.answer.run import put

    if not lines:
        run.writer.add("Not stated.")
        return
    while len(batches := list(_batches(lines, run.llm))) > 1:
        condensed = [_condensed(run, topic, batch) for batch in batches]
        if run.writer.stopped:
            return
        # Notes that come out no shorter are not condensed for ever: the first ones that fit stand for the topic.
        shorter = sum(map(len, condensed)) < sum(map(len, lines))
        lines = [line for line in condensed if line] if shorter else batches[0]
    filled = _topic_prompt(run, topic, lines)
    usage = put(run, filled, [], _reading_notes(topic))
    if usage.finish_reason == "length":
        run.writer.cut_to_sentence()


def _condensed(run: Run, topic: Topic, lines: list[str]) -> str:
    """Return the lines in a sentence or two."""
    from analysis.answer.run import put

    pieces: list[str] = []
    account = replace(run.writer.account, purpose=CallPurpose.REDUCE)
    put(run, _topic_prompt(run, topic, lines), [], _reading_notes(topic), on_text=pieces.append, account=account)
    return " ".join("".join(pieces).split())


def _topic_prompt(run: Run, topic: Topic, lines: list[str]) -> Prompt:
    document = material.described(run.documents[0])
    held = Source(document.document_id, document.name, document.version_id, 0, 0, "\n".join(lines))
    part = replace(document, parts=[(held, "notes taken from the document")])
    return prompt.passages_prompt([part], [], f"{topic.question} {SHORT}", max_output_tokens=HEADING_TOKENS)


def _reading_notes(topic: Topic) -> Callable[[int, int], str]:
    return lambda done, total: f"Reading the notes on {topic.title.lower()}"


def _passage(part: Source, place: str) -> DocumentText:
    digest = hashlib.sha256(part.text.encode()).hexdigest()
    return DocumentText(part.document_id, part.document_name, part.version_id, digest, parts=[(part, place)])


def _kept(line: str, where: Part) -> dict[str, Any]:
    """Return the note as it is stored: with its place, counted from the part's start, where it stands in the part."""
    place = where.locate(line, taken=[])
    return {"text": line} | ({"start_char": place.span.start_char, "end_char": place.span.end_char} if place else {})


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
