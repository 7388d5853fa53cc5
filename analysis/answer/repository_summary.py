"""Summaries of repositories, their folders and files: what is known exactly, and what a language model makes of them.

Entry points, commands, dependencies, licences and imports stand in manifests and in the code: Lectern states them, each
with its lines. What it is, what it does and how it works the LLM writes, heading by heading on one prompt prefix: from
the whole text where that fits and is quick, else from what was packed, else from the passages that match a heading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from django.utils.translation import gettext

from analysis.answer import material, prompt, repository_facts
from analysis.answer.budget import output_reserve
from analysis.answer.pack import Packed
from analysis.answer.pack.importance import by_importance
from analysis.answer.passages import gather
from analysis.answer.plan import Measured, Pack, in_words, measure, pack_for, packed_plan, plan_in
from analysis.answer.prompt import DocumentText
from analysis.answer.receipt import coverage
from analysis.answer.repository_facts import Place
from analysis.answer.stated import Line, Said
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.models import Document, DocumentVersion, Question
from analysis.models.lease import renew
from analysis.types import Hit, Mode, Priority, Prompt, ReadingPlan, Source
from config.env import env

if TYPE_CHECKING:
    from analysis.answer.run import Run, Written

PATIENCE = 4  # a summary may take this many times as long to its first word as an answer
TOPIC_TOKENS = 320
MOST_IMPORTANT = 40  # files that may be read whole for a summary that does not fit
SHORT = "Answer in two to five short sentences, each of which the files bear out. Leave out what they do not say."

Stating = Callable[[Place], list[Line]]


@dataclass(frozen=True)
class Topic:
    """A heading. question: what the LLM answers under it, "" for none. stated: what Lectern lists below that."""

    title: str
    question: str = ""
    stated: Stating | None = None


OVERVIEW = [
    Topic("What it is", "What is this code base, and who is it for?"),
    Topic("What it does", "What are the main things that this code does?"),
    Topic(
        "Main parts", "What are the main parts of this code, and what is each of them for?", repository_facts.modules
    ),
    Topic("How it hangs together", "How do the main parts of this code work together, from the call that starts it?"),
    Topic("Entry points", stated=repository_facts.entry_points),
    Topic("How to run it", stated=repository_facts.commands),
    Topic("Dependencies", stated=repository_facts.dependencies),
    Topic("Licence", stated=repository_facts.licences),
    Topic("Worth knowing", stated=repository_facts.oddities),
]
FOLDER = [
    Topic("What it is for", "What is the code in this folder for?"),
    Topic("What is in it", "What does each file in this folder do?", repository_facts.modules),
    Topic("How it works", "How do the parts of this folder work together?"),
    Topic("How it is used", stated=repository_facts.neighbours),
    Topic("Entry points", stated=repository_facts.entry_points),
    Topic("Worth knowing", stated=repository_facts.oddities),
]
FILE = [
    Topic("What it is for", "What is this file for?"),
    Topic("How it works", "How does the code in this file work?"),
    Topic("What it defines", stated=repository_facts.definitions),
    Topic("How it is used", stated=repository_facts.neighbours),
    Topic("Worth knowing", stated=repository_facts.oddities),
]


def topics_of(place: Place) -> list[Topic]:
    """Return the headings of a summary of the place."""
    if not place.path:
        return OVERVIEW
    return FILE if place.file else FOLDER


def plan_repository_summary(question: Question, documents: list[Document], llm: LLM) -> ReadingPlan:
    """Return how the files would be read for a summary. Raises UserError no_documents."""
    return Reading(place_of(question), documents, llm).plan


def place_of(question: Question) -> Place:
    """Return what the summary is of. Raises UserError no_documents while no snapshot is ready."""
    repository = question.repositories.select_related("snapshot").first()
    if repository is None or repository.snapshot is None:
        raise UserError(
            gettext("There is no snapshot of this repository that has been read in yet."), code="no_documents"
        )
    return Place(repository.snapshot, question.path)


@dataclass(frozen=True)
class Reading:
    """How the LLM reads the files of a place, one prompt for each heading."""

    place: Place
    documents: list[Document]
    llm: LLM
    sources: dict[Source, None] = field(default_factory=dict)  # what has been put before the LLM, in order

    @cached_property
    def measured(self) -> Measured:
        return measure(self.documents, self._longest, [], self.llm, output_tokens=TOPIC_TOKENS)

    @cached_property
    def pack(self) -> Pack | None:
        return pack_for(
            self.documents, self._longest, [], self.llm, output_tokens=output_reserve(self.llm), find=self._important
        )

    @cached_property
    def plan(self) -> ReadingPlan:
        measured = self.measured
        if measured.fits and (measured.already_read or measured.whole_seconds <= PATIENCE * env.patience_seconds):
            return plan_in(
                Mode.WHOLE, measured, f"{measured.subject} {measured.document_tokens:,} tokens, read at once."
            )
        readable = int(PATIENCE * env.patience_seconds * measured.speed.prefill)
        pack = self.pack if measured.packable and self.llm.sweep != "nearest" else None
        if pack is not None and (left := readable - pack.shared_tokens) > 0:
            why = f"{self._size}, more than can be read at once."
            return packed_plan(measured, pack, pack.packing.fitted(left), why, requested=Mode.AUTO)
        why = (
            f"{self._size}, which would take about {in_words(measured.whole_seconds)} to read here, so each heading is "
            "written from the passages that match it best."
        )
        return plan_in(Mode.PASSAGES, measured, why)

    @cached_property
    def opening(self) -> list[DocumentText]:
        """What opens every prompt, with its text; nothing where each heading has passages of its own."""
        if self.plan.mode is Mode.WHOLE:
            return material.with_texts(self.documents)
        return self._packed.shared if self.plan.mode is Mode.PACKED else []

    @cached_property
    def _packed(self) -> Packed:
        if self.pack is None:
            raise ValueError("nothing was packed")
        return self.pack.packing.packed(self.plan.files)

    def prompt(self, topic: Topic) -> Prompt:
        """Return the prompt for a heading; what it holds is remembered in `sources`."""
        asked = f"{topic.question} {SHORT}"
        if self.plan.mode is Mode.WHOLE:
            made = prompt.whole_prompt(self.opening, [], asked, max_output_tokens=TOPIC_TOKENS)
        elif self.plan.mode is Mode.PACKED:
            made = prompt.packed_prompt(self.opening, self._packed.wholes, [], asked, max_output_tokens=TOPIC_TOKENS)
        else:
            found = gather(topic.question, [], self.documents, self.llm)
            made = prompt.passages_prompt(found.documents, [], asked, max_output_tokens=TOPIC_TOKENS)
        self.sources.update(dict.fromkeys(made.sources))
        return made

    @property
    def _size(self) -> str:
        return f"{self.measured.subject} {self.measured.document_tokens:,} tokens"

    @property
    def _longest(self) -> str:
        return max((f"{topic.question} {SHORT}" for topic in topics_of(self.place)), key=len)

    def _important(self) -> Sequence[Hit]:
        """Return the most important files as if they had been searched for: no question names what is wanted."""
        ranks = by_importance(self.place.snapshot)
        versions = [(ranks.get(version.pk, len(ranks)), document, version) for document, version in self._versions()]
        ranked = sorted(versions, key=lambda held: (held[0], held[1].path))[:MOST_IMPORTANT]
        return [
            Hit(str(document.pk), document.name, version.pk, 0, 0, 1, "", 1 / (place + 1))
            for place, (_, document, version) in enumerate(ranked)
        ]

    def _versions(self) -> list[tuple[Document, DocumentVersion]]:
        return [(document, material.version_of(document)) for document in self.documents]


def write_repository_summary(run: Run) -> Written:
    """Write the summary of the question's repository, folder or file, and return what it was written from."""
    from analysis.answer.run import Written

    run.writer.priority = Priority.SWEEP
    reading = Reading(place_of(run.answer.question), run.documents, run.llm)
    renew(run.rows, run.token, plan=asdict(reading.plan), mode=reading.plan.mode)
    said, topics = Said(), topics_of(reading.place)
    for number, topic in enumerate(topics, start=1):
        if run.writer.stopped or run.writer.should_stop():
            break
        _write_topic(run, reading, topic, said, f"{number} of {len(topics)}")
    sources = list(reading.sources)
    receipt = coverage(
        reading.plan, run.documents, sources, run.writer.usage, not_ready=run.not_ready, path=reading.place.path
    )
    return Written(reading.plan, sources, receipt, said.own, said.quoted)


def _write_topic(run: Run, reading: Reading, topic: Topic, said: Said, number: str) -> None:
    """Write what stands under a heading; one under which nothing stands is left out, but for what is missed there."""
    from analysis.answer.run import put

    lines = topic.stated(reading.place) if topic.stated else []
    if not topic.question and not lines:
        return
    run.writer.progress("writing", f"Writing {topic.title.lower()}, {number}")
    run.writer.add_heading(topic.title)
    if topic.question:
        asked = reading.prompt(topic)
        if put(run, asked, reading.opening, _place(topic)).finish_reason == "length":
            run.writer.cut_to_sentence()
        if lines:
            said.say(run.writer, "\n\n")
    said.list(run.writer, lines)


def _place(topic: Topic) -> Callable[[int, int], str]:
    return lambda done, total: f"Reading for {topic.title.lower()}" + (f", {done / total:.0%}" if total else "")
