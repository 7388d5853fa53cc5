"""What is asked of each part, and what is kept of it: findings for a question, notes for a summary."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from analysis.answer import findings, material
from analysis.answer.parts import parts_of
from analysis.answer.prompt import Turn
from analysis.answer.sweep.cut import part_limit
from analysis.errors import AppError
from analysis.llm.catalogue import LLM
from analysis.llm.errors import REFUSED
from analysis.models import Answer, Purpose
from analysis.repository.lines import line_tables
from analysis.types import Finding, Prompt, Source

MOST_HALVINGS = 3
CHARACTERS_A_TOKEN = 2.5  # of code, at least: what is read together is seldom more than the limit of a part
LEAST_CHARACTERS = 400  # of a part that is halved
NO_PART = Source("", "", 0, 0, 0, "")


@dataclass(frozen=True)
class Completion:
    """What an LLM wrote for a part. cut: it was broken off at its longest."""

    text: str
    cut: bool = False


Ask = Callable[[Prompt], Completion]
ReadTogether = tuple[dict[Source, list[Finding]], bool]
Read = tuple[list[Finding], bool]  # what was found, and whether the completion was broken off at its longest


class Reader(Protocol):
    """How each part of one sweep is read."""

    @property
    def llm(self) -> LLM:
        """Return what reads."""

    @property
    def identity(self) -> list[str]:
        """Return whatever changes what is found in the same text."""

    def prompt(self, part: Source, place: str) -> Prompt:
        """Return the first prompt for a part."""

    def read(self, part: Source, place: str, ask: Ask) -> dict[str, Any]:
        """Return what is kept of a part, offsets counted from its start. ask: has a prompt completed."""


@dataclass(frozen=True)
class QuestionReader:
    """Looks for what bears on a question."""

    question: str
    llm: LLM

    @property
    def identity(self) -> list[str]:
        return ["findings", str(findings.MAP_VERSION), " ".join(self.question.split())]

    def prompt(self, part: Source, place: str) -> Prompt:
        return findings.map_prompt(self.question, part, place, self.llm)

    def read(self, part: Source, place: str, ask: Ask) -> dict[str, Any]:
        copied = sorted(self._found(part, place, ask, MOST_HALVINGS), key=lambda finding: finding.start_char)
        # How probable a sentence is was measured on contracts: of code it says nothing.
        found = copied if _is_code(part) else findings.with_nearest(copied, self.question, part, self.llm)
        return {"findings": [kept(finding, part) for finding in found]}

    def read_together(self, parts: Sequence[tuple[Source, str]], ask: Ask) -> list[dict[str, Any]]:
        """Return what is kept of each of several files that are read in one prompt. ask: has it completed.

        Where they hold more than fits one completion, each is read by itself.
        """
        found, cut = self._together_as_object(parts, ask) or self._together_in_lines(parts, ask)
        if cut:
            return [self.read(part, place, ask) for part, place in parts]
        shared = findings.shared_out(found)
        return [{"findings": [kept(finding, part) for finding in shared[part]]} for part, _ in parts]

    def _together_as_object(self, parts: Sequence[tuple[Source, str]], ask: Ask) -> ReadTogether | None:
        completion = _held(findings.map_together_prompt(self.question, parts, self.llm), ask)
        if completion is None:
            return None
        found = {}
        for part, _ in parts:
            held = findings.findings_in_object(completion.text, part, self.question, cut=completion.cut)
            if held is None:
                return None
            found[part] = held
        return found, completion.cut

    def _together_in_lines(self, parts: Sequence[tuple[Source, str]], ask: Ask) -> ReadTogether:
        completion = ask(findings.map_together_prompt(self.question, parts, self.llm, in_lines=True))
        found = {part: findings.findings_in(completion.text, part, self.question) for part, _ in parts}
        return found, completion.cut

    def _found(self, part: Source, place: str, ask: Ask, halvings: int) -> list[Finding]:
        """Return what the part holds; where it is more than fits one completion, what its halves hold."""
        found, cut = self._as_object(part, place, ask) or self._in_lines(part, place, ask)
        # A completion at its longest in which nothing is found is no long list: the model has lost itself.
        if not (cut and found and halvings and len(part.text) > LEAST_CHARACTERS):
            return found
        of_halves = (self._found(half, place, ask, halvings - 1) for half in _halves(part))
        return [*found, *(finding for half in of_halves for finding in half if not _within(finding, found))]

    def _as_object(self, part: Source, place: str, ask: Ask) -> Read | None:
        """Return what is in the part by the object that the LLM is held to; None without one."""
        completion = _held(self.prompt(part, place), ask)
        if completion is None:
            return None
        found = findings.findings_in_object(completion.text, part, self.question, cut=completion.cut)
        return None if found is None else (found, completion.cut)

    def _in_lines(self, part: Source, place: str, ask: Ask) -> Read:
        """Return what is in the part by the lines that the LLM copies."""
        completion = ask(findings.map_prompt(self.question, part, place, self.llm, in_lines=True))
        return findings.findings_in(completion.text, part, self.question), completion.cut


def _is_code(part: Source) -> bool:
    return bool(line_tables([part.version_id]))


def together_characters(reader: Reader) -> int:
    """Return how many characters of small files may be read in one prompt; 0 for a reader that takes each alone."""
    if not isinstance(reader, QuestionReader):
        return 0
    return round(part_limit(reader.llm, reader.prompt(NO_PART, "")) * CHARACTERS_A_TOKEN)


def reader_of(answer: Answer, llm: LLM) -> Reader:
    """Return how the parts of this answer's sweep are read."""
    question = answer.question
    if question.purpose == Purpose.SUMMARY:
        from analysis.answer.summary import NotesReader

        return NotesReader(llm)
    return QuestionReader(asked(question.text, material.history(question.parent, llm).turns), llm)


def asked(text: str, history: Sequence[Turn]) -> str:
    """Return the question as each part is asked it: a follow-up with the question that it leans on."""
    return f"{history[-1].question}\n{text}" if history else text


def key_of(reader: Reader, digest: str) -> str:
    """Return the name of what is found in a text: equal keys, equal results. digest: of the text."""
    return hashlib.sha256(json.dumps([reader.llm.id, *reader.identity, digest]).encode()).hexdigest()


def _held(prompt: Prompt, ask: Ask) -> Completion | None:
    """Return the completion of a prompt that holds the LLM to an object; None if it holds it to none, or is refused.

    An endpoint that cannot hold it may refuse the request, or take it and let the LLM write what it likes.
    """
    if prompt.shape is None:
        return None
    try:
        return ask(prompt)
    except AppError as error:
        if error.code != REFUSED:
            raise
        return None


def _halves(part: Source) -> list[Source]:
    spans = parts_of(part.text, [], limit=len(part.text) // 2 + 1, size=len)
    return [
        replace(part, start_char=part.start_char + start, end_char=part.start_char + end, text=part.text[start:end])
        for start, end in spans
    ]


def _within(finding: Finding, found: Sequence[Finding]) -> bool:
    return any(known.start_char <= finding.start_char and finding.end_char <= known.end_char for known in found)


def kept(finding: Finding, part: Source) -> dict[str, Any]:
    """Return the finding as it is stored."""
    return {
        "start_char": finding.start_char - part.start_char,
        "end_char": finding.end_char - part.start_char,
        "note": finding.note,
        "score": finding.score,
    }
