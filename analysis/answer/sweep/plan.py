"""What a sweep will take: its parts, which of them are known already, its tokens, money and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from analysis.answer.budget import CALL_SECONDS
from analysis.answer.prompt import DocumentText
from analysis.answer.sweep.cut import Piece, cut, part_limit
from analysis.answer.sweep.readers import NO_PART, Reader, key_of, together_characters
from analysis.answer.sweep.rows import known_results, weight
from analysis.llm import slots
from analysis.llm.catalogue import LLM
from analysis.llm.tokens import count_prompt
from analysis.models import Document
from analysis.types import Mode, ReadingPlan

if TYPE_CHECKING:
    from analysis.answer.plan import Measured

WRITTEN_SHARE = 0.2  # of what a part's completion may be: most parts of most documents hold nothing
FOUND_TOKENS = 60  # of findings that a part adds to the last prompt, while there is room
USUAL_SHARE = 0.75  # of the limit that a part is long: its end lies anywhere in its last half


@dataclass(frozen=True)
class Sizes:
    """What a sweep comes to. left: the share of the text that is in parts not known yet. calls: prompts for those.

    calls_cold: prompts for all parts, of which small files of repositories share one.
    """

    parts: int
    parts_cached: int
    calls: int
    calls_cold: int
    left: float
    frame_tokens: int
    part_output_tokens: int


def parallel(llm: LLM) -> int:
    """Return how many parts are read at once: of the bundled model's slots one always stays free for people."""
    return max(1, len(slots.peoples_slots(llm)) - 1) if llm.slots else max(1, llm.parallel)


def pieces_for(documents: Iterable[DocumentText], reader: Reader) -> list[Piece]:
    """Return the parts that the documents are read in."""
    return cut(documents, reader.llm, limit=part_limit(reader.llm, reader.prompt(NO_PART, "")))


def sized(measured: Measured, reader: Reader) -> Sizes:
    """Return what the sweep comes to, to the part."""
    pieces = pieces_for(measured.documents, reader)
    keys = [key_of(reader, piece.digest) for piece in pieces]
    known = known_results(_workspace_id(measured), keys) if pieces else {}
    left = [piece for piece, key in zip(pieces, keys, strict=True) if key not in known]
    characters = sum(piece.end_char - piece.start_char for piece in pieces)
    unread = sum(piece.end_char - piece.start_char for piece in left)
    share = unread / characters if characters else 0.0
    calls = [_calls(measured, held, reader) for held in (left, pieces)]
    return _sizes(measured, reader, _Parts(len(pieces), len(pieces) - len(left), *calls), share)


def roughly_sized(measured: Measured, reader: Reader) -> Sizes:
    """Return about what the sweep would come to, without cutting the documents."""
    limit = part_limit(measured.llm, reader.prompt(NO_PART, ""))
    cuts = -(-measured.document_tokens // max(1, round(limit * USUAL_SHARE)))
    documents = sum(document.home is None for document in measured.documents)
    calls = max(cuts, documents + (documents < len(measured.documents)))
    return _sizes(measured, reader, _Parts(max(calls, len(measured.documents)), 0, calls, calls), 1.0)


class _Parts(NamedTuple):
    """See `Sizes`."""

    parts: int
    cached: int
    calls: int
    calls_cold: int


def _calls(measured: Measured, pieces: Sequence[Piece], reader: Reader) -> int:
    """Return how many prompts the pieces are read in: whole files that follow each other share one as they fit."""
    files = {document.document_id for document in measured.documents if document.home}
    cut_up = Counter(piece.version_id for piece in pieces)
    limit, room, calls = together_characters(reader), 0, 0
    for piece in pieces:
        whole_file = piece.document_id in files and piece.start_char == 0 and cut_up[piece.version_id] == 1
        size = weight(piece.start_char, piece.end_char)
        if whole_file and size <= room:
            room -= size
        else:
            calls += 1
            room = limit - size if whole_file else 0
    return calls


def expected_seconds(measured: Measured, sizes: Sizes) -> float:
    """Return how long the sweep takes to the first word of its answer."""
    calls = sizes.calls
    reading = (measured.document_tokens * sizes.left + calls * sizes.frame_tokens) / measured.speed.prefill
    writing = calls * sizes.part_output_tokens * WRITTEN_SHARE / measured.speed.decode
    together = min(parallel(measured.llm), max(1, calls))
    last = CALL_SECONDS + _last_tokens(measured, sizes) / measured.speed.prefill
    return (reading + writing + calls * CALL_SECONDS) / together + last


def plan_sweep(measured: Measured, sizes: Sizes, *, requested: Mode, why: str) -> ReadingPlan:
    """Return the plan to read every part. cost_usd_cached: with the parts that are known, which are not sent again."""
    llm = measured.llm
    last = _last_tokens(measured, sizes)
    cold = measured.document_tokens + sizes.calls_cold * sizes.frame_tokens + last
    calls = sizes.calls
    warm = round(measured.document_tokens * sizes.left) + calls * sizes.frame_tokens + last
    written = sizes.part_output_tokens
    return ReadingPlan(
        mode=Mode.SWEEP,
        requested=requested,
        why=why,
        llm=llm.id,
        document_ids=[document.document_id for document in measured.documents],
        document_tokens=measured.document_tokens,
        prompt_tokens=cold,
        cached_tokens=cold - warm,
        window_tokens=llm.window_tokens,
        output_tokens=measured.output_tokens,
        expected_seconds=round(expected_seconds(measured, sizes), 1),
        cost_usd_cold=_cost(llm, cold, sizes.calls_cold * written + measured.output_tokens),
        cost_usd_cached=_cost(llm, warm, calls * written + measured.output_tokens),
        exact=measured.exact,
        parts=sizes.parts,
        parts_cached=sizes.parts_cached,
    )


def _sizes(measured: Measured, reader: Reader, parts: _Parts, left: float) -> Sizes:
    frame = reader.prompt(NO_PART, "")
    tokens = count_prompt(frame.messages, measured.llm).tokens
    return Sizes(*parts, left, tokens, frame.max_output_tokens)


def _last_tokens(measured: Measured, sizes: Sizes) -> int:
    """Return about how long the prompt is that puts the findings together."""
    return sizes.frame_tokens + min(measured.llm.part_tokens, sizes.parts * FOUND_TOKENS)


def _cost(llm: LLM, prompt_tokens: int, completion_tokens: int) -> float:
    return llm.cost_usd(prompt_tokens=prompt_tokens, cached_tokens=0, completion_tokens=completion_tokens)


def _workspace_id(measured: Measured) -> int:
    first = measured.documents[0].document_id
    return Document.objects.values_list("workspace_id", flat=True).get(pk=first)
