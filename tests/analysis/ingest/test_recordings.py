"""Recordings transcribed over a real socket: cut, heard piece by piece, each once, with the seconds of every word."""

from __future__ import annotations

import io
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile

from analysis.answer.payload import answer_payload
from analysis.errors import LecternError, UserError
from analysis.ingest import recordings, run
from analysis.ingest.accepted import endings, kinds_read
from analysis.ingest.upload import document_upload
from analysis.llm.registry import audio_llm
from analysis.models import Call, DocumentVersion, Transcript
from config.env import env
from tests.analysis.ingest import sounds
from tests.analysis.ingest.test_vision import held
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast
from tests.rows import add_sentence, make_answer

pytestmark = pytest.mark.django_db(transaction=True)

HEARD = {
    "duration": 75,
    "segments": [
        {"start": 0.0, "end": 2.0, "text": " The rent is due."},
        {"start": 60.0, "end": 62.5, "text": " It is paid monthly."},
    ],
}
# Quiet at 75 s: two pieces, of 75 and of 40 seconds.
TWO_PIECES = [(74.5, 0.5), (1, 0.01), (39.5, 0.5)]


@pytest.fixture
def hearing_llm(scripted_llm: ScriptedLLM, settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ScriptedLLM:
    """The configured endpoint, named as the language model that transcribes; it has the call for that."""
    settings.MEDIA_ROOT = tmp_path / "files"
    monkeypatch.setattr(env, "audio_llm", "scripted")
    scripted_llm.pages["POST /v1/audio/transcriptions"] = (200, HEARD)
    return scripted_llm


def put(cast: Cast, path: Path) -> DocumentVersion:
    file = ContentFile(path.read_bytes())
    version = document_upload(workspace=cast.workspace, user=cast.editor, name=path.name, file=file).document.version
    assert version is not None
    return version


def hear(version: DocumentVersion) -> Any:
    return recordings.heard(held(version), Path(version.file.path))


def test_a_recording_becomes_a_document_with_its_times(cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path) -> None:
    version = put(cast, sounds.wav(tmp_path / "call.wav", *TWO_PIECES))
    run.ingest(version.pk, follow_up=False)
    version.refresh_from_db()
    assert (version.status, version.error_message, version.kind) == ("ready", "", "recording")
    text = version.read_text()
    assert text == "\n\n".join(["The rent is due.", "It is paid monthly."] * 2)
    said = [(text[start:end], round(begun), round(over, 1)) for start, end, begun, over in version.metadata["times"]]
    assert said[:2] == [("The rent is due.", 0, 2.0), ("It is paid monthly.", 60, 62.5)]
    # The second piece begins in the quiet around second 75.
    assert said[2][0] == "The rent is due."
    assert said[2][1] == pytest.approx(75, abs=0.6)
    assert version.metadata["transcribed_by"] == "scripted"
    assert version.metadata["length"] == "1:55"
    assert [warning["message"] for warning in version.warnings] == [
        "Transcribed by scripted; check quotes against the recording."
    ]
    assert [(page.number, page.width) for page in version.pages.all()] == [(1, 0.0)]


def test_each_piece_is_sent_once_as_sound_and_is_in_the_ledger(
    cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path
) -> None:
    version = put(cast, sounds.wav(tmp_path / "call.wav", *TWO_PIECES))
    hear(version)
    assert {(upload.path, upload.mime) for upload in hearing_llm.uploads} == {("/v1/audio/transcriptions", "audio/wav")}
    lengths = []
    for upload in hearing_llm.uploads:
        with wave.open(io.BytesIO(upload.data)) as sound:
            lengths.append(round(sound.getnframes() / sound.getframerate()))
    assert sorted(lengths) == [40, 75]
    calls = list(Call.objects.values_list("purpose", "workspace", "user", "document", "llm", "status"))
    call = ("audio", cast.workspace.pk, cast.editor.pk, version.document_id, "scripted", "done")
    assert calls == [call, call]


def test_a_piece_that_was_heard_before_a_death_is_not_paid_for_again(
    cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recordings, "require_audio_llm", lambda: replace(audio_llm(), parallel=1))
    version = put(cast, sounds.wav(tmp_path / "call.wav", *TWO_PIECES))
    keep = recordings._Listening._keep

    def dies(self: Any, number: int, segments: Any) -> None:
        if number == 2:
            raise KeyboardInterrupt
        keep(self, number, segments)

    with monkeypatch.context() as patch:
        patch.setattr(recordings._Listening, "_keep", dies)
        with pytest.raises(KeyboardInterrupt):
            hear(version)
    assert list(Transcript.objects.values_list("number", flat=True)) == [1]
    assert len(hearing_llm.uploads) == 2
    document = hear(version)
    assert len(hearing_llm.uploads) == 3
    assert document.text.count("The rent is due.") == 2


def test_how_far_it_is_counts_minutes(
    cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, int, int]] = []
    monkeypatch.setattr(run.Run, "report", lambda self, *step: seen.append(step))
    monkeypatch.setattr(recordings, "require_audio_llm", lambda: replace(audio_llm(), parallel=1))
    hear(put(cast, sounds.wav(tmp_path / "call.wav", *TWO_PIECES)))
    assert [step for step in seen if step[2]] == [("audio", 0, 2), ("audio", 1, 2), ("audio", 1, 2)]


def test_an_endpoint_without_that_call_hears_by_a_completion(
    cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path
) -> None:
    hearing_llm.pages["POST /v1/audio/transcriptions"] = (404, {"error": {"message": "no such page"}})
    hearing_llm.replies = [Reply(words=["[0.5-2.0] The rent is due.\n", "[2.0-3.0] Monthly."])]
    document = hear(put(cast, sounds.wav(tmp_path / "call.wav", (3, 0.5))))
    assert document.text == "The rent is due.\n\nMonthly."
    assert [row[2:] for row in document.metadata["times"]] == [[0.5, 2.0], [2.0, 3.0]]
    [part] = [part for part in hearing_llm.requests[0]["messages"][0]["content"] if part["type"] == "input_audio"]
    assert part["input_audio"]["format"] == "wav"


def test_a_recording_without_words_says_so(cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No words could be heard in this recording") as error:
        hear(put(cast, sounds.wav(tmp_path / "call.wav", (3, 0))))
    assert error.value.code == "empty_document"
    assert hearing_llm.uploads == []


def test_what_the_endpoint_refuses_fails_the_recording_and_keeps_the_file(
    cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path
) -> None:
    hearing_llm.pages["POST /v1/audio/transcriptions"] = (401, {"error": {"message": "bad key"}})
    version = put(cast, sounds.wav(tmp_path / "call.wav", (3, 0.5)))
    with pytest.raises(LecternError):
        hear(version)
    assert Path(version.file.path).exists()


def test_without_a_setting_a_recording_is_refused_at_the_door(
    cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sounds.wav(tmp_path / "call.wav", (1, 0.5))
    assert kinds_read().endswith("pictures (PNG, JPEG, TIFF, WebP) and recordings (WAV, MP3, M4A, FLAC, OGG)")
    assert ".mp3" in endings()
    for name, message in [
        (
            "",
            "Recordings become documents once a language model that hears is set: name one in LECTERN_AUDIO_LLM, then "
            "upload the file again. Nothing was stored.",
        ),
        ("gone", "LECTERN_AUDIO_LLM names “gone”, which cannot be used here. Nothing was stored."),
    ]:
        monkeypatch.setattr(env, "audio_llm", name)
        with pytest.raises(UserError) as error:
            put(cast, path)
        assert (error.value.code, error.value.status, error.value.message) == ("no_audio_llm", 415, message)
    assert not DocumentVersion.objects.exists()
    assert ".mp3" not in endings()
    assert ".png" in endings()


def test_a_citation_says_when_it_is_spoken(cast: Cast, hearing_llm: ScriptedLLM, tmp_path: Path) -> None:
    version = put(cast, sounds.wav(tmp_path / "call.wav", *TWO_PIECES))
    run.ingest(version.pk, follow_up=False)
    version.refresh_from_db()
    start = version.read_text().index("It is paid monthly.")
    answer = make_answer(cast, version, "Rent is paid monthly.")
    add_sentence(answer, 0, "Rent is paid monthly.", (version, start, start + 19))
    [citation] = answer_payload(answer)["citations"]
    assert (citation["quote"], citation["place"]) == ("It is paid monthly.", "1:00")
    assert (citation["start_seconds"], citation["end_seconds"]) == (60.0, 62.5)
