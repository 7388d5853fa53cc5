"""Documents cut into the parts of a sweep, remembered for the next question."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

from django.core.cache import cache

from analysis.answer.budget import prompt_room
from analysis.answer.parts import Size, parts_of
from analysis.answer.prompt import DocumentText
from analysis.errors import UserError
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_prompt, count_tokens
from analysis.models import Heading, VersionText
from analysis.types import Prompt, Span

CUT_VERSION = 1
REMEMBER_SECONDS = 30 * 24 * 3600
LEAST_PART_TOKENS = 64
LONG_CHARACTERS = 400_000  # about 45 parts of 3,000 tokens, and three counts for each
SAMPLES, SAMPLE_CHARACTERS = 8, 10_000
STEP_TOKENS = 256  # limits differ by so much at least: questions of about one length share the same parts


@dataclass(frozen=True)
class Piece:
    """A part to be: a span of a version. digest: of its text."""

    document_id: str
    version_id: int
    start_char: int
    end_char: int
    digest: str


def cut(documents: Iterable[DocumentText], llm: LLM, *, limit: int) -> list[Piece]:
    """Return the documents' parts in order, each at most `limit` tokens. The texts are not needed in `documents`."""
    return [piece for document in documents for piece in _cut(document, llm, limit)]


def part_limit(llm: LLM, frame: Prompt) -> int:
    """Return how many tokens of text a part may have. frame: a part's prompt with an empty part.

    Raises UserError does_not_fit when the frame alone, which holds the question, leaves no room.
    """
    room = prompt_room(llm, frame.max_output_tokens) - count_prompt(frame.messages, llm).tokens
    if room < LEAST_PART_TOKENS:
        raise UserError(f"The question is too long for {llm.name} to be read with any text.", code="does_not_fit")
    return llm.part_tokens if llm.part_tokens <= room else max(LEAST_PART_TOKENS, room - room % STEP_TOKENS)


def _cut(document: DocumentText, llm: LLM, limit: int) -> list[Piece]:
    key = f"parts:{CUT_VERSION}:{document.version_id}:{document.digest}:{llm.id}:{limit}"
    known: list[tuple[int, int, str]] | None = cache.get(key)
    if known is None:
        known = _cut_anew(document.version_id, llm, limit)
        cache.set(key, known, timeout=REMEMBER_SECONDS)
    return [Piece(document.document_id, document.version_id, *each) for each in known]


def _cut_anew(version_id: int, llm: LLM, limit: int) -> list[tuple[int, int, str]]:
    text = VersionText.objects.values_list("text", flat=True).filter(version_id=version_id).first() or ""
    starts = list(Heading.objects.filter(version_id=version_id).values_list("start_char", flat=True))
    spans = parts_of(text, starts, limit=limit, size=_size(text, llm))
    return [(*span, _digest(text, span)) for span in spans]


def _size(text: str, llm: LLM) -> Size:
    """Return what counts the tokens of a piece of `text`: for a long one by its share, which takes no call a piece."""
    if len(text) <= LONG_CHARACTERS:
        return lambda piece: count_tokens(piece, llm)
    samples = [text[start : start + SAMPLE_CHARACTERS] for start in range(0, len(text), len(text) // SAMPLES)]
    densest = max(count_tokens(sample, llm) / len(sample) for sample in samples if sample)
    return lambda piece: math.ceil(len(piece) * densest)


def _digest(text: str, span: Span) -> str:
    return hashlib.sha256(text[span.start_char : span.end_char].encode()).hexdigest()
