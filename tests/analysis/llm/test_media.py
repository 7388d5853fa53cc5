"""Pages read and recordings transcribed: what is sent, what is kept, and what is refused rather than guessed."""

from __future__ import annotations

import io
import threading
import wave
from typing import Any

import pytest

from analysis.errors import AppError
from analysis.llm import client
from analysis.llm.catalogue import LLM
from analysis.llm.client import Stopped
from analysis.llm.errors import Busy
from analysis.llm.media import READ_PAGE, TRANSCRIBE, Segment, read_page, segments_in, transcribe
from analysis.models import Call
from analysis.types import Account, CallPurpose
from tests.analysis.llm.scripted_server import Reply, ScriptedLLM
from tests.conftest import Cast

pytestmark = pytest.mark.django_db
VISION = Account(CallPurpose.VISION)
AUDIO = Account(CallPurpose.AUDIO)
TRANSCRIPTIONS = "POST /v1/audio/transcriptions"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "BACKOFF_SECONDS", 0.001)


def at(server: ScriptedLLM, dialect: str = "vllm", **facts: Any) -> LLM:
    return LLM("its id", "It", "", 32768, 8192, dialect=dialect, base_url=server.url, model="served", **facts)


def recording(seconds: int = 4) -> bytes:
    """Return a silent WAV of that length."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(b"\0\0" * 8000 * seconds)
    return file.getvalue()


def test_a_page_is_read_from_its_picture_and_is_in_the_ledger(scripted_llm: ScriptedLLM, cast: Cast) -> None:
    scripted_llm.replies = [
        Reply(words=["1. Term", "\n\nFive years. \n"], usage={"prompt_tokens": 900, "completion_tokens": 7})
    ]
    account = Account(CallPurpose.VISION, workspace_id=cast.workspace.pk)
    assert read_page(at(scripted_llm, price_in_usd_per_million=2.0), b"\x89PNG", account) == "1. Term\n\nFive years."
    assert scripted_llm.requests[0]["messages"] == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
                {"type": "text", "text": READ_PAGE},
            ],
        }
    ]
    call = Call.objects.get()
    assert (call.purpose, call.workspace, call.prompt_tokens, call.completion_tokens) == (
        "vision",
        cast.workspace,
        900,
        7,
    )
    assert float(call.cost_usd) == pytest.approx(0.0018)


@pytest.mark.parametrize(
    ("words", "text"), [("```text\nTerm\n```", "Term"), ("[no text]", ""), ("```\n\n```", ""), ("a ``` b", "a ``` b")]
)
def test_what_a_page_is_wrapped_in_is_taken_off(scripted_llm: ScriptedLLM, words: str, text: str) -> None:
    scripted_llm.replies = [Reply(words=[words])]
    assert read_page(at(scripted_llm), b"\x89PNG", VISION) == text


def test_a_page_that_was_cut_off_is_not_passed_off_as_whole(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["1. Te"], finish="length")]
    with pytest.raises(AppError) as caught:
        read_page(at(scripted_llm), b"\x89PNG", VISION)
    assert caught.value.code == "llm_cut_off"


def test_reading_a_page_can_be_stopped(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["One", "two"], hold=threading.Event(), after=1)]
    with pytest.raises(Stopped):
        read_page(at(scripted_llm), b"\x89PNG", VISION, should_stop=scripted_llm.holding.is_set)
    assert scripted_llm.disconnected.wait(5)
    assert Call.objects.get().status == "stopped"


def test_the_endpoints_own_call_gives_the_times(scripted_llm: ScriptedLLM) -> None:
    said = [{"start": 0.0, "end": 1.5, "text": " Good morning."}, {"start": 1.5, "end": 3.9, "text": " We begin."}]
    usage = {"type": "tokens", "input_tokens": 100, "output_tokens": 8}
    scripted_llm.pages[TRANSCRIPTIONS] = (200, {"text": "x", "duration": 4.0, "segments": said, "usage": usage})
    assert transcribe(at(scripted_llm), recording(), "audio/wav", AUDIO) == [
        Segment(0.0, 1.5, "Good morning."),
        Segment(1.5, 3.9, "We begin."),
    ]
    sent = scripted_llm.uploads[0]
    assert (sent.path, sent.name, sent.mime, sent.data) == (
        "/v1/audio/transcriptions", "recording.wav", "audio/wav", recording(),
    )  # fmt: skip
    assert (sent.fields["model"], sent.fields["response_format"]) == ("served", "verbose_json")
    call = Call.objects.get()
    assert (call.purpose, call.status, call.prompt_tokens, call.completion_tokens) == ("audio", "done", 100, 8)


def test_a_call_that_tells_no_times_gives_one_segment_as_long_as_the_recording(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.pages[TRANSCRIPTIONS] = (200, {"text": " Good morning. "})
    assert transcribe(at(scripted_llm), recording(4), "audio/wav", AUDIO) == [Segment(0.0, 4.0, "Good morning.")]


@pytest.mark.parametrize("status", [404, 400])
def test_without_such_a_call_a_completion_hears(scripted_llm: ScriptedLLM, status: int) -> None:
    scripted_llm.pages[TRANSCRIPTIONS] = (status, {"error": {"message": "this model does not do that"}})
    scripted_llm.replies = [Reply(words=["[0.0-1.5] Good", " morning.\n[1.5-3.9]", " We begin."])]
    assert transcribe(at(scripted_llm), recording(), "audio/wav", AUDIO) == [
        Segment(0.0, 1.5, "Good morning."),
        Segment(1.5, 3.9, "We begin."),
    ]
    audio, words = scripted_llm.requests[0]["messages"][0]["content"]
    assert (audio["type"], audio["input_audio"]["format"], words["text"]) == ("input_audio", "wav", TRANSCRIBE)
    assert [call.status for call in Call.objects.all()] == ["done"]


def test_model_studio_is_only_asked_for_a_completion(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Good morning."])]
    assert transcribe(at(scripted_llm, "dashscope"), recording(4), "audio/wav", AUDIO) == [
        Segment(0.0, 4.0, "Good morning.")
    ]
    assert scripted_llm.uploads == []


def test_a_recogniser_is_given_no_instructions(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.replies = [Reply(words=["Good morning."])]
    transcribe(at(scripted_llm, "dashscope", recogniser=True), recording(), "audio/wav", AUDIO)
    assert [part["type"] for part in scripted_llm.requests[0]["messages"][0]["content"]] == ["input_audio"]


def test_a_busy_endpoint_is_asked_again_and_then_the_ledger_has_the_failure(scripted_llm: ScriptedLLM) -> None:
    scripted_llm.pages[TRANSCRIPTIONS] = (429, {"error": {"message": "slow down"}})
    with pytest.raises(Busy):
        transcribe(at(scripted_llm), recording(), "audio/wav", AUDIO)
    assert len(scripted_llm.uploads) == client.TRIES
    assert [call.status for call in Call.objects.all()] == ["failed"]


def test_transcribing_can_be_stopped(scripted_llm: ScriptedLLM) -> None:
    with pytest.raises(Stopped):
        transcribe(at(scripted_llm), recording(), "audio/wav", AUDIO, should_stop=lambda: True)
    assert [call.status for call in Call.objects.all()] == ["stopped"]


@pytest.mark.parametrize(
    ("text", "seconds", "found"),
    [
        ("[0-2] Yes.\nIndeed.\n[2 - 3.5] No.", 4.0, [Segment(0, 2, "Yes. Indeed."), Segment(2, 3.5, "No.")]),
        ("```\n[0.0s–2.0s] Yes.\n```", 4.0, [Segment(0, 2, "Yes.")]),
        ("[3.0-9.0] Yes.", 4.0, [Segment(3, 4, "Yes.")]),
        ("[3.0-9.0] Yes.", 0.0, [Segment(3, 9, "Yes.")]),
        ("[0.0-2.0] ...\n[2.0-3.0] Yes.", 4.0, [Segment(2, 3, "Yes.")]),
        ("Yes.\nNo.", 4.0, [Segment(0, 4, "Yes. No.")]),
        ("[no speech]", 4.0, []),
        ("", 4.0, []),
    ],
)
def test_lines_with_times_are_read(text: str, seconds: float, found: list[Segment]) -> None:
    assert segments_in(text, seconds) == found


@pytest.mark.parametrize(
    "text",
    ["[3-2] Yes.", "[3-4] Yes.\n[1-2] No.", "[90-91] Yes.", "Here is the transcript:\n[0-2] Yes."],
    ids=["ends before it begins", "out of order", "after the end", "words without a time"],
)
def test_times_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(AppError, match="times that cannot be right") as caught:
        segments_in(text, 4.0)
    assert caught.value.code == "llm_unreadable"
