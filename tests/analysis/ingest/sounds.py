"""Small real recordings, made where a test needs them."""

from __future__ import annotations

import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

RATE = 16_000


def tones(*stretches: tuple[float, float]) -> np.ndarray:
    """Return int16 samples: for each (seconds, loudness from 0 to 1) a hum of that loudness."""
    parts = []
    for seconds, loudness in stretches:
        at = np.arange(round(seconds * RATE)) / RATE
        parts.append(np.sin(2 * np.pi * 220 * at) * loudness * 20_000)
    return np.concatenate(parts).astype(np.int16)


def wav(path: Path, *stretches: tuple[float, float]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tones(*stretches).tobytes())
    return path


def encoded(path: Path, codec: str, *stretches: tuple[float, float]) -> Path:
    """Write the sound as the format that the ending of `path` says."""
    samples = tones(*stretches)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        stream.layout = "mono"
        resampler = av.AudioResampler(format=stream.format, layout="mono", rate=stream.rate, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
        frame.rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), 0
        for even in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(even))
        container.mux(stream.encode(None))
    return path
