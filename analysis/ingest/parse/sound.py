"""Recordings decoded by FFmpeg's libraries (PyAV) and cut in quiet places into pieces that a language model takes."""

from __future__ import annotations

import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from analysis.errors import UserError
from analysis.ingest.parse import messages

Report = Callable[[str, int, int], None]
Samples = NDArray[np.int16]

RATE = 16_000  # samples a second; what speech models are trained on
# A piece ends in the quietest place of this stretch. Hosted endpoints take three minutes and 10 MB; these are 2.9 MB.
SHORTEST_SECONDS = 60
LONGEST_SECONDS = 90
_FRAME_SECONDS = 0.02
_QUIET_FRAMES = 15
# Below this, of 32,768, there is nothing to hear; a model asked to transcribe it makes words up.
_SILENCE = 60
# FFmpeg is told which format to expect: of those that it would guess, some lead to other files or to the network.
_FORMATS = {
    b"RIFF": "wav",
    b"fLaC": "flac",
    b"OggS": "ogg",
    b"\x1aE\xdf\xa3": "matroska",
    b"ID3\x02": "mp3",
    b"ID3\x03": "mp3",
    b"ID3\x04": "mp3",
}
_AAC = frozenset(b"\xf0\xf1\xf8\xf9")


def cut(path: Path, folder: Path, limit_minutes: int, report: Report) -> list[tuple[float, float, bool]]:
    """Write the recording into `folder` as 1.wav, 2.wav, ...; return each piece's seconds and whether it is silent.

    A silent piece has no file. The same file is always cut in the same places. Raises UserError damaged, no_sound,
    too_long.
    """
    cutter = _Cutter(folder)
    minutes = 0
    for samples in _decoded(path):
        cutter.add(samples)
        if cutter.seconds > 60 * limit_minutes:
            raise UserError(messages.too_long(limit_minutes), code="too_long")
        if cutter.seconds // 60 > minutes:
            minutes = int(cutter.seconds // 60)
            report("audio", minutes, 0)
    if not cutter.seconds:
        raise UserError(messages.DAMAGED, code="damaged")
    return cutter.finish()


def _decoded(path: Path) -> Iterator[Samples]:
    """Yield the recording's sound piece by piece; a stretch that is broken is left out."""
    try:
        with av.open(str(path), format=_format(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise UserError(messages.NO_SOUND, code="no_sound")
            yield from _resampled(container, container.streams.audio[0])
    except (av.FFmpegError, ValueError) as error:
        raise UserError(messages.DAMAGED, code="damaged") from error


def _resampled(container: InputContainer, stream: AudioStream) -> Iterator[Samples]:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
    for packet in container.demux(stream):
        try:
            frames = packet.decode()
        except av.InvalidDataError:
            continue
        for frame in frames:
            for even in resampler.resample(frame):
                yield even.to_ndarray()[0]
    for even in resampler.resample(None):
        yield even.to_ndarray()[0]


def _format(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] == b"ftyp":
        return "mov"
    if head[0] == 0xFF:
        return "aac" if head[1] in _AAC else "mp3"
    return _FORMATS.get(head[:4], "wav")


class _Cutter:
    """Takes the sound as it comes and writes a piece whenever there is enough for one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seconds = 0.0
        self._pieces: list[tuple[float, float, bool]] = []
        self._waiting: list[Samples] = []
        self._held = 0

    def add(self, samples: Samples) -> None:
        """Take the next samples."""
        self._waiting.append(samples)
        self._held += len(samples)
        self.seconds += len(samples) / RATE
        while self._held >= LONGEST_SECONDS * RATE:
            sound = np.concatenate(self._waiting)
            at = quietest(sound[: LONGEST_SECONDS * RATE])
            self._write(sound[:at])
            self._waiting, self._held = [sound[at:]], len(sound) - at

    def finish(self) -> list[tuple[float, float, bool]]:
        """Write what is left; return the pieces."""
        if self._held:
            self._write(np.concatenate(self._waiting))
        return self._pieces

    def _write(self, sound: Samples) -> None:
        start = self._pieces[-1][1] if self._pieces else 0.0
        silent = int(np.abs(sound.astype(np.int32)).max()) < _SILENCE
        self._pieces.append((start, start + len(sound) / RATE, silent))
        if silent:
            return
        with wave.open(str(self.folder / f"{len(self._pieces)}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(sound.astype("<i2").tobytes())


def quietest(sound: Samples) -> int:
    """Return the middle of the quietest third of a second after the first SHORTEST_SECONDS, as an index."""
    frame = int(_FRAME_SECONDS * RATE)
    late = sound[SHORTEST_SECONDS * RATE :].astype(np.float32)
    loudness = np.square(late[: len(late) // frame * frame].reshape(-1, frame)).mean(axis=1)
    around = np.convolve(loudness, np.ones(_QUIET_FRAMES), "valid")
    return SHORTEST_SECONDS * RATE + (int(around.argmin()) * 2 + _QUIET_FRAMES) * frame // 2
