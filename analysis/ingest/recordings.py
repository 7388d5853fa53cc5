"""Recordings, transcribed by a language model that hears: decoded in the child process, heard piece by piece."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.errors import LecternError, UserError
from analysis.ingest import sandbox
from analysis.ingest.accepted import require_audio_llm
from analysis.ingest.calls import Stop, account_of, side_by_side
from analysis.ingest.parse import messages
from analysis.ingest.parse.signatures import RECORDING, media_kind
from analysis.ingest.sandbox import Piece
from analysis.ingest.spoken import Said, spoken_document
from analysis.llm.catalogue import LLM
from analysis.models import Transcript
from analysis.types import CallPurpose, ParsedDocument, Warning

if TYPE_CHECKING:
    from analysis.ingest.run import Run

_HEAD_BYTES = 64


def is_recording(path: Path) -> bool:
    """Whether the file is sound, by its first bytes."""
    with path.open("rb") as file:
        return media_kind(file.read(_HEAD_BYTES)) == RECORDING


def heard(run: Run, path: Path) -> ParsedDocument:
    """Return what is said in the recording at `path`; pieces that were heard before are not paid for again.

    Raises UserError no_audio_llm, empty_document and as `sandbox.sound_pieces`, and what the language model's client
    raises: a recording has no second reader.
    """
    llm = require_audio_llm()
    run.report("audio", 0, 0)
    with sandbox.sound_pieces(path, on_progress=lambda *_: run.report("audio", 0, 0)) as pieces:
        said = _Listening(run, llm, pieces).hear()
    if not said:
        raise UserError(messages.NO_SPEECH, code="empty_document")
    document = spoken_document(said, pieces[-1].end_seconds)
    document.metadata["transcribed_by"] = llm.name
    document.warnings.append(Warning("transcribed", messages.heard_by(llm.name)))
    return document


class _Listening:
    """The pieces of one recording, and how far hearing them has come."""

    def __init__(self, run: Run, llm: LLM, pieces: list[Piece]) -> None:
        self.run, self.llm, self.pieces = run, llm, pieces
        kept = Transcript.objects.filter(version=run.version, llm=llm.id)
        self.heard: dict[int, list[tuple[float, float, str]]] = dict(kept.values_list("number", "segments"))
        self.heard |= {piece.number: [] for piece in pieces if piece.wav is None}

    def hear(self) -> list[Said]:
        """Return what is said, in order."""
        self._report()
        jobs = {piece.number: partial(self._hear, piece) for piece in self.pieces if piece.number not in self.heard}
        for number, segments in side_by_side(jobs, parallel=self.llm.parallel, lost=self.run.lost):
            if isinstance(segments, LecternError):
                raise segments
            self._keep(number, segments)
            self._report()
        return [Said(*segment) for number in sorted(self.heard) for segment in self.heard[number]]

    def _hear(self, piece: Piece, should_stop: Stop) -> list[tuple[float, float, str]]:
        """Return the piece's segments with their seconds counted from the recording's beginning."""
        from analysis.llm.media import transcribe

        assert piece.wav is not None  # noqa: S101
        account = account_of(self.run.version.document, CallPurpose.AUDIO)
        found = transcribe(self.llm, piece.wav.read_bytes(), "audio/wav", account, should_stop=should_stop)
        length = piece.end_seconds - piece.start_seconds
        placed = []
        for segment in found:
            start = min(max(0.0, segment.start_seconds), length)
            end = segment.end_seconds if start < segment.end_seconds <= length else length
            placed.append((piece.start_seconds + start, piece.start_seconds + end, segment.text.replace("\0", "")))
        return placed

    def _keep(self, number: int, segments: list[tuple[float, float, str]]) -> None:
        with self.run.writing():
            Transcript.objects.update_or_create(
                version=self.run.version, number=number, llm=self.llm.id, defaults={"segments": segments}
            )
        self.heard[number] = segments

    def _report(self) -> None:
        seconds = sum(p.end_seconds - p.start_seconds for p in self.pieces if p.number in self.heard)
        self.run.report("audio", int(seconds // 60), max(1, -(-int(self.pieces[-1].end_seconds) // 60)))
