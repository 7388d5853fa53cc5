"""Recordings decoded and cut: in quiet places, the same each time, never past a limit."""

from __future__ import annotations

import wave
from pathlib import Path

import pytest

from analysis.errors import UserError
from analysis.ingest import sandbox
from analysis.ingest.parse.sound import cut
from config.env import env
from tests.analysis.ingest import sounds


def pieces_of(path: Path, folder: Path, limit_minutes: int = 600) -> list[tuple[float, float, bool]]:
    return cut(path, folder, limit_minutes, lambda *_: None)


def seconds_in(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        return file.getnframes() / file.getframerate()


def test_a_short_recording_is_one_piece(tmp_path: Path) -> None:
    assert pieces_of(sounds.wav(tmp_path / "a.wav", (2.5, 0.5)), tmp_path) == [(0.0, 2.5, False)]
    assert seconds_in(tmp_path / "1.wav") == 2.5


def test_a_long_one_is_cut_in_the_quiet_between_sentences(tmp_path: Path) -> None:
    """Quiet stretches lie at 30, 75 and 140 s; a piece is 60 to 90 s long, so it is cut at 75 and at 140."""
    speech = [(29.5, 0.5), (1, 0.01), (44, 0.5), (1, 0.01), (64, 0.5), (1, 0.01), (40, 0.5)]
    path = sounds.wav(tmp_path / "a.wav", *speech)
    pieces = pieces_of(path, tmp_path)
    assert [round(start) for start, _, _ in pieces] == [0, 75, 140]
    assert all(abs(end - middle) <= 0.5 for (_, end, _), middle in zip(pieces, (75, 140), strict=False))
    assert [round(end - start, 3) for start, end, _ in pieces] == [
        round(seconds_in(tmp_path / f"{n}.wav"), 3) for n in (1, 2, 3)
    ]
    assert pieces[-1][1] == pytest.approx(180.5)
    assert pieces_of(path, tmp_path) == pieces


def test_silence_is_not_sent_to_be_heard(tmp_path: Path) -> None:
    pieces = pieces_of(sounds.wav(tmp_path / "a.wav", (90, 0), (5, 0.5)), tmp_path)
    assert [silent for _, _, silent in pieces] == [True, False]
    assert not (tmp_path / "1.wav").exists()


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp3", "libmp3lame"), ("a.m4a", "aac"), ("a.flac", "flac"), ("a.ogg", "libopus"), ("a.webm", "libopus")],
)
def test_what_people_record_is_decoded_in_the_child(tmp_path: Path, name: str, codec: str) -> None:
    path = sounds.encoded(tmp_path / name, codec, (3, 0.5))
    with sandbox.sound_pieces(path, on_progress=lambda *_: None) as pieces:
        [piece] = pieces
        assert piece.wav is not None
        assert seconds_in(piece.wav) == pytest.approx(3, abs=0.15)
        folder = piece.wav.parent
    assert not folder.exists()


def test_a_recording_past_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(env, "recording_limit_minutes", 1)
    path = sounds.wav(tmp_path / "a.wav", (61, 0.5))
    with (
        pytest.raises(UserError, match=r"longer than 1 minute\. Cut it") as error,
        sandbox.sound_pieces(path, on_progress=lambda *_: None),
    ):
        pass
    assert error.value.code == "too_long"


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"RIFF\x24\0\0\0WAVEfmt nothing that follows", "damaged"), (b"ID3\x04" + bytes(64), "damaged")],
)
def test_what_is_no_sound_is_damaged(tmp_path: Path, data: bytes, code: str) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(UserError) as error:
        pieces_of(tmp_path / "a.wav", tmp_path)
    assert error.value.code == code


def test_a_playlist_does_not_lead_to_another_file(tmp_path: Path) -> None:
    """FFmpeg would open what a playlist names: it is told what format to expect, and a playlist is none of them."""
    sounds.wav(tmp_path / "secret.wav", (1, 0.5))
    (tmp_path / "a.wav").write_text(f"#EXTM3U\n#EXTINF:1,\n{tmp_path}/secret.wav\n#EXT-X-ENDLIST\n")
    with pytest.raises(UserError) as error:
        pieces_of(tmp_path / "a.wav", tmp_path)
    assert error.value.code == "damaged"
